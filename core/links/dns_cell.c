/* The state machine of a cell: see dns_cell.h. */
#include "core/links/dns_cell.h"
#include "core/base/text.h"
#include "core/links/dns.h"
#include <string.h>

/* TTLs are whole seconds, so two looks at one answer may differ by one. */
enum { ROUNDING_MS = 1500, LEARNED_SLACK_MS = 2500, CONSTANT_MS = 3000 };

const char *dns_state_name(enum dns_state state)
{
	static const char *const names[] = {"NONE",  "OLD",       "NEW",     "MIXED",  "NEG",
					    "OTHER", "FAIL",      "REFUSED", "SILENT", "FLOOR",
					    "STALE", "RELEARNED", "LAGGING", "COLD",   "ALIVE"};
	return (size_t)state < sizeof names / sizeof *names ? names[state] : "NONE";
}

bool dns_state_waits(enum dns_state state)
{
	return state == DNS_CELL_OLD || state == DNS_CELL_MIXED || state == DNS_CELL_RELEARNED ||
	       state == DNS_CELL_LAGGING;
}

bool dns_addresses_has(const struct dns_addresses *set, const char *address)
{
	for (size_t i = 0; i < set->n; i++)
		if (text_equal(set->list[i], address))
			return true;
	return false;
}

void dns_addresses_add(struct dns_addresses *set, const char *address)
{
	if (set->n < DNS_ADDRESSES_MAX && !dns_addresses_has(set, address))
		text_copy(set->list[set->n++], sizeof set->list[0], address);
}

bool dns_addresses_any(const struct dns_addresses *set, bool six)
{
	for (size_t i = 0; i < set->n; i++)
		if ((strchr(set->list[i], ':') != NULL) == six)
			return true;
	return false;
}

static bool is_address(const struct dns_record *record)
{
	return !record->authority && (record->type == DNS_A || record->type == DNS_AAAA);
}

/* -1 old, 1 new, 0 neither; by the CNAME where there is one, else by addresses, because some providers
 * flatten. */
static int side_of(const struct dns_want *want, const struct dns_query *query)
{
	const char *target = dns_value(query, DNS_CNAME);
	if (target && *want->new_target && dns_same(target, want->new_target))
		return 1;
	if (target && *want->old_target && dns_same(target, want->old_target))
		return -1;
	size_t n = 0, n_new = 0, n_old = 0;
	for (size_t i = 0; i < query->n; i++) {
		if (!is_address(&query->records[i]))
			continue;
		n++;
		n_new += dns_addresses_has(&want->new_set, query->records[i].value);
		n_old += dns_addresses_has(&want->old_set, query->records[i].value);
	}
	if (n && n_new == n)
		return 1;
	return n_old ? -1 : 0;
}

enum dns_state dns_cell_plain(const struct dns_want *want, const struct dns_query *query, bool authoritative)
{
	if (query->end != DNS_ANSWERED)
		return DNS_CELL_SILENT;
	if (query->rcode == DNS_REFUSED)
		return DNS_CELL_REFUSED;
	if (query->rcode != DNS_NOERROR && query->rcode != DNS_NXDOMAIN)
		return DNS_CELL_FAIL;
	if (authoritative && !query->aa)
		return DNS_CELL_OTHER;
	int side = side_of(want, query);
	if (side)
		return side > 0 ? DNS_CELL_NEW : DNS_CELL_OLD;
	for (size_t i = 0; i < query->n; i++)
		if (is_address(&query->records[i]) || dns_value(query, DNS_CNAME))
			return DNS_CELL_OTHER;
	/* Asked only for what it holds: a "no" that it holds comes with the zone's SOA, like any other. */
	if (!authoritative && !query->recurse && query->rcode == DNS_NOERROR && query->negative_s < 0)
		return DNS_CELL_COLD;
	return query->type == DNS_AAAA && query->rcode == DNS_NOERROR ? DNS_CELL_NONE : DNS_CELL_NEG;
}

static void set_value(const struct dns_query *query, struct dns_seen *out)
{
	const char *target = dns_value(query, DNS_CNAME);
	out->value[0] = '\0';
	if (target) {
		text_copy(out->value, sizeof out->value, target);
		return;
	}
	for (size_t i = 0; i < query->n; i++)
		if (is_address(&query->records[i])) {
			char sofar[120];
			text_copy(sofar, sizeof sofar, out->value);
			text_copyf(out->value, sizeof out->value, "%s%s%s", sofar, *sofar ? " " : "",
				   query->records[i].value);
		}
}

static void judge_new(struct dns_memory *memory, struct dns_seen *out)
{
	memory->new_ms = out->at_ms;
	memory->again = false;
	if (out->at_ms + ROUNDING_MS >= memory->deadline_ms)
		return;
	out->state = DNS_CELL_MIXED;
	out->expires_ms = memory->deadline_ms;
	text_copy(out->why, sizeof out->why,
		  "says NEW, but said OLD with a longer life: several caches behind one address");
}

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* After the change only; before it an old answer is simply the right one. */
static void judge_old_late(const struct dns_want *want, struct dns_memory *memory, struct dns_seen *out)
{
	int64_t full = want->full_ttl_s, dies_ms = out->at_ms + out->ttl_s * 1000;
	bool known = memory->old_ms > 0, past = known && out->at_ms > memory->deadline_ms + ROUNDING_MS;
	bool constant =
	    known && out->ttl_s == memory->old_ttl_s && out->at_ms - memory->old_ms >= CONSTANT_MS;
	/* The same answer growing old is judged as it was when it was young. */
	bool same =
	    known && out->ttl_s != memory->old_ttl_s && distance(dies_ms, memory->entry_ms) <= ROUNDING_MS;
	bool longer = full >= 0 && out->ttl_s > full + 1;
	bool learned_late = full >= 0 && !longer && !same &&
			    out->at_ms - (full - out->ttl_s) * 1000 > want->first_new_ms + LEARNED_SLACK_MS;
	if (constant && memory->again) {
		out->state = DNS_CELL_STALE;
		text_copyf(out->why, sizeof out->why,
			   "serves an answer that has run out: its TTL stays at %lld", (long long)out->ttl_s);
	} else if (same && memory->entry != DNS_CELL_NONE) {
		out->state = memory->entry;
		text_copy(out->why, sizeof out->why,
			  memory->entry == DNS_CELL_FLOOR
			      ? "keeps the old answer longer than its TTL"
			      : "was told the old answer again after the change, by a server that lags");
	} else if (longer) {
		out->state = DNS_CELL_FLOOR;
		text_copyf(out->why, sizeof out->why, "keeps the old answer longer than its TTL of %lld s",
			   (long long)full);
	} else if (learned_late) {
		out->state = DNS_CELL_RELEARNED;
		text_copy(out->why, sizeof out->why,
			  "was told the old answer again after the change, by a server that lags");
	} else if (memory->new_ms > 0) {
		out->state = DNS_CELL_MIXED;
		text_copy(out->why, sizeof out->why, "said NEW before: several caches behind one address");
	}
	memory->entry_ms = dies_ms;
	memory->entry =
	    out->state == DNS_CELL_FLOOR || out->state == DNS_CELL_RELEARNED ? out->state : DNS_CELL_NONE;
	memory->again = memory->again || past || learned_late || longer;
	/* A constant TTL promises nothing. */
	if (dies_ms > memory->deadline_ms && out->state != DNS_CELL_STALE)
		memory->deadline_ms = dies_ms;
	out->expires_ms = out->state == DNS_CELL_MIXED   ? memory->deadline_ms
			  : out->state == DNS_CELL_STALE ? 0
							 : dies_ms;
}

static void judge_old(const struct dns_want *want, struct dns_memory *memory, struct dns_seen *out)
{
	if (want->first_new_ms > 0) {
		judge_old_late(want, memory, out);
	} else {
		*memory = (struct dns_memory){.deadline_ms = out->at_ms + out->ttl_s * 1000};
		memory->entry_ms = memory->deadline_ms;
		out->expires_ms = memory->deadline_ms;
	}
	memory->old_ms = out->at_ms;
	memory->old_ttl_s = out->ttl_s;
}

static void judge_authoritative(const struct dns_want *want, const struct dns_query *query,
				struct dns_seen *out)
{
	out->expires_ms = 0;
	if (out->state == DNS_CELL_OLD && want->first_new_ms > 0) {
		out->state = DNS_CELL_LAGGING;
		text_copy(out->why, sizeof out->why,
			  "still answers OLD while another server of the zone answers NEW");
	} else if (query->end == DNS_ANSWERED && query->rcode == DNS_NOERROR && !query->aa) {
		text_copy(out->why, sizeof out->why, "does not speak with authority for this zone");
	}
}

void dns_cell_judge(const struct dns_want *want, struct dns_memory *memory, const struct dns_query *query,
		    bool authoritative, struct dns_seen *out)
{
	*out = (struct dns_seen){.state = dns_cell_plain(want, query, authoritative),
				 .ttl_s = dns_ttl(query),
				 .at_ms = query->at_ms,
				 .rtt_ms = query->end == DNS_ANSWERED ? query->rtt_ms : -1};
	set_value(query, out);
	text_copy(out->why, sizeof out->why, query->why);
	if (query->tcp && !*out->why)
		text_copy(out->why, sizeof out->why, "answered by TCP");
	if (out->state == DNS_CELL_COLD) {
		out->ttl_s = -1;
		text_copy(out->why, sizeof out->why,
			  "holds no answer: who asks it now is told what the zone says");
	}
	if (out->ttl_s >= 0)
		out->expires_ms = out->at_ms + out->ttl_s * 1000;
	if (out->state == DNS_CELL_NEG) {
		out->ttl_s = query->negative_s;
		out->expires_ms = out->ttl_s >= 0 ? out->at_ms + out->ttl_s * 1000 : 0;
		text_copyf(out->why, sizeof out->why,
			   query->rcode == DNS_NXDOMAIN ? "there is no such name"
							: "the name has no address");
	}
	if (authoritative)
		judge_authoritative(want, query, out);
	else if (out->state == DNS_CELL_NEW)
		judge_new(memory, out);
	else if (out->state == DNS_CELL_OLD)
		judge_old(want, memory, out);
}
