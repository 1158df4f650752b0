/* What all the answers together mean: see dns_matrix.h. Pure: no network, no clock. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/dns_matrix.h"
#include <stdio.h>

bool dns_matrix_begun(const struct dns_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_names; i++)
		if (matrix->names[i].first_new_ms > 0)
			return true;
	return false;
}

bool dns_matrix_everywhere(const struct dns_matrix *matrix)
{
	for (size_t i = 0; i < matrix->n_names; i++)
		if (!matrix->names[i].all_new_ms ||
		    (dns_matrix_has_six(matrix, i) && !matrix->six->names[i].all_new_ms))
			return false;
	return true;
}

static int64_t dies_ms(const struct dns_want *want)
{
	return want->all_new_ms + (want->full_ttl_s > 0 ? want->full_ttl_s * 1000 : 0);
}

int64_t dns_matrix_old_die_ms(const struct dns_matrix *matrix)
{
	int64_t die_ms = 0;
	if (!dns_matrix_everywhere(matrix))
		return 0;
	for (size_t i = 0; i < matrix->n_names; i++) {
		if (dies_ms(&matrix->names[i]) > die_ms)
			die_ms = dies_ms(&matrix->names[i]);
		if (dns_matrix_has_six(matrix, i) && dies_ms(&matrix->six->names[i]) > die_ms)
			die_ms = dies_ms(&matrix->six->names[i]);
	}
	return die_ms;
}

int64_t dns_matrix_safe_from_ms(const struct dns_matrix *matrix)
{
	int64_t safe_ms = 0;
	for (size_t i = 0; i < matrix->n_names; i++) {
		if (!matrix->flip[i].safe_from_ms)
			return 0;
		if (matrix->flip[i].safe_from_ms > safe_ms)
			safe_ms = matrix->flip[i].safe_from_ms;
		if (dns_matrix_has_six(matrix, i) && matrix->six->flip[i].safe_from_ms > safe_ms)
			safe_ms = matrix->six->flip[i].safe_from_ms;
	}
	return safe_ms;
}

/* Neither OLD nor NEW, and no plain sign that all is well. */
static bool is_other(enum dns_state state)
{
	return state != DNS_CELL_OLD && state != DNS_CELL_NEW && state != DNS_CELL_COLD &&
	       state != DNS_CELL_ALIVE;
}

static void name_other(struct dns_counts *out, const struct dns_server *server, enum dns_state state)
{
	char item[96], sofar[160];
	snprintf(item, sizeof item, "%.60s %s", server->label, dns_state_name(state));
	if (text_find(out->others, item))
		return;
	text_copy(sofar, sizeof sofar, out->others);
	text_copyf(out->others, sizeof out->others, "%s%s%s", sofar, *sofar ? ", " : "", item);
}

static void count_wait(struct dns_counts *out, const struct dns_seen *seen)
{
	if (!dns_state_waits(seen->state))
		return;
	out->waits++;
	if (seen->expires_ms > out->dies_ms)
		out->dies_ms = seen->expires_ms;
}

void dns_matrix_count(const struct dns_matrix *m, struct dns_counts *out)
{
	*out = (struct dns_counts){0};
	for (size_t i = 0; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			size_t before = out->waits;
			if (!seen->state)
				continue;
			out->cells++;
			out->old_n += seen->state == DNS_CELL_OLD;
			out->new_n += seen->state == DNS_CELL_NEW;
			out->silent += seen->state == DNS_CELL_SILENT;
			out->lagging += seen->state == DNS_CELL_LAGGING;
			count_wait(out, seen);
			if (is_other(seen->state))
				name_other(out, &m->servers.list[i], seen->state);
			if (out->waits > before || !dns_matrix_has_six(m, name))
				continue;
			count_wait(out, &m->six->seen[i][name]);
			out->six_waits += out->waits - before;
		}
}

/* Of the zone's own servers: the first that keeps the change from being everywhere. */
static void say_zone(const struct dns_matrix *m, char *text, size_t size)
{
	size_t left = 0, told = 0;
	char first[200] = "";
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			enum dns_state state = m->seen[i][name].state;
			bool six =
			    dns_matrix_has_six(m, name) && dns_state_waits(m->six->seen[i][name].state);
			told += state != DNS_CELL_SILENT && state != DNS_CELL_REFUSED;
			if (state == DNS_CELL_SILENT || state == DNS_CELL_REFUSED ||
			    (state == DNS_CELL_NEW && !six))
				continue;
			if (!left++)
				text_copyf(
				    first, sizeof first, "%.60s is %s for %s%.90s", m->servers.list[i].label,
				    dns_state_name(state == DNS_CELL_NEW ? m->six->seen[i][name].state
									 : state),
				    state == DNS_CELL_NEW ? "the IPv6 address of " : "", m->names[name].name);
		}
	if (told)
		text_copyf(text, size, "%zu answers of the zone's own name servers are not NEW yet: %s", left,
			   first);
	else
		text_copy(text, size,
			  "none of the zone's own name servers answers, so nobody knows what it says now");
}

bool dns_matrix_over(const struct dns_matrix *m, int64_t now_ms, char *text, size_t size)
{
	struct dns_counts counts;
	char clock[UNITS_MAX];
	int64_t die_ms = dns_matrix_old_die_ms(m);
	dns_matrix_count(m, &counts);
	if (!dns_matrix_everywhere(m)) {
		say_zone(m, text, size);
		return false;
	}
	int64_t last_ms = counts.dies_ms > die_ms ? counts.dies_ms : die_ms;
	text_copyf(text, size, "%zu old answer%s left%s, last dies %s", counts.waits,
		   counts.waits == 1 ? "" : "s", counts.six_waits ? ", some by IPv6" : "",
		   units_clock(clock, last_ms));
	return !counts.waits || now_ms > last_ms + DNS_PAST_MS;
}
