#include "panels/dns_card.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/dns_words.h"
#include "panels/plan_card.h"

#include <stdio.h>

/* "Cloudflare   1.1.1.1   a cache", and which of its machines spoke last. */
static int draw_who(const struct scene *scene, struct canvas *canvas, const struct dns_cell *cell)
{
	const struct dns_state *dns = &scene->state->dns;
	const char *site = "";

	canvas_putf(canvas, 0, 0, ROLE_TITLE, "%s   %s   %s", cell->label, cell->server,
		    cell->auth                            ? "speaks with authority"
		    : text_starts(cell->server, "https:") ? "a cache, asked by HTTPS"
							  : "a cache");
	for (size_t i = 0; i < dns->n; i++)
		if (text_equal(dns->cells[i].server, cell->server) && dns->cells[i].site[0])
			site = dns->cells[i].site;
	if (!site[0])
		return 2;
	canvas_putf(canvas, 0, 1, ROLE_MUTED, "it calls itself %s", site);
	return 3;
}

static int draw_six(const struct scene *scene, struct canvas *canvas, int row, const struct dns_cell *cell)
{
	char text[400], clock[UNITS_MAX];
	bool waits = dns_word_waits(cell->six.state) && scene->state->flip_at_ms > 0;

	if (!cell->six.state[0])
		return row;
	snprintf(text, sizeof(text), "%s  %s%s%s%s%s", cell->six.state, cell->six.value,
		 cell->six.expires_ms > 0 && !cell->auth ? ", gone from this cache at " : "",
		 cell->six.expires_ms > 0 && !cell->auth ? units_clock(clock, cell->six.expires_ms) : "",
		 cell->six.why[0] ? ", " : "", cell->six.why);
	return card_text(canvas, row, " IPv6", waits ? ROLE_WARN : ROLE_MUTED, text);
}

void dns_card_draw(const struct scene *scene, struct canvas *canvas, const char *server)
{
	const struct dns_state *dns = &scene->state->dns;
	char text[400], ago[48], clock[UNITS_MAX];
	int row = 0;

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[i];

		if (!text_equal(cell->server, server))
			continue;
		if (row == 0)
			row = draw_who(scene, canvas, cell);
		canvas_putf(canvas, 0, row, ROLE_TEXT, "%s   %s", cell->name, cell->state);
		canvas_sides(canvas, 0, row++, canvas->size.cols);
		snprintf(text, sizeof(text), "%s", cell->value[0] ? cell->value : "no value");
		row = card_text(canvas, row, " says", ROLE_TEXT, text);
		if (cell->auth && cell->ttl_s >= 0)
			snprintf(text, sizeof(text), "%lld s, for every cache that asks",
				 (long long)cell->ttl_s);
		else if (cell->ttl_s >= 0 || cell->expires_ms > 0)
			snprintf(text, sizeof(text), "%lld s, gone from this cache at %s",
				 (long long)cell->ttl_s,
				 cell->expires_ms > 0 ? units_clock(clock, cell->expires_ms) : "-");
		if (cell->ttl_s >= 0 || (cell->expires_ms > 0 && !cell->auth))
			row = card_text(canvas, row, " TTL", ROLE_MUTED, text);
		row = draw_six(scene, canvas, row, cell);
		if (cell->why[0])
			row = card_text(canvas, row, " why", ROLE_WARN, cell->why);
		age_ago(ago, sizeof(ago), cell->at_ms, scene->now_ms);
		if (cell->rtt_ms >= 0)
			snprintf(text, sizeof(text), "%s, it took %.0f ms", ago, cell->rtt_ms);
		else
			snprintf(text, sizeof(text), "%s, and no answer came", ago);
		row = card_text(canvas, row, " seen", ROLE_MUTED, text) + 1;
	}
	for (size_t i = 0; i < dns->n_names; i++)
		canvas_putf(canvas, 0, row++, ROLE_MUTED, "planned: %s  %s → %s  TTL %lld",
			    dns->names[i].name, dns->names[i].old, dns->names[i].new_value,
			    (long long)dns->names[i].ttl_s);
	if (row == 0)
		age_nothing(canvas, 0, "No server is selected.");
}
