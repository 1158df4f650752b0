#include "panels/dns_card.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/plan_card.h"

#include <stdio.h>

void dns_card_draw(const struct scene *scene, struct canvas *canvas, const char *server)
{
	const struct dns_state *dns = &scene->state->dns;
	char text[400], ago[48], clock[UNITS_MAX];
	int row = 0;

	for (size_t i = 0; i < dns->n; i++) {
		const struct dns_cell *cell = &dns->cells[i];

		if (!text_equal(cell->server, server))
			continue;
		if (row == 0) {
			canvas_putf(canvas, 0, row, ROLE_TITLE, "%s   %s   %s", cell->label, cell->server,
				    cell->auth ? "speaks with authority" : "a cache");
			row = 2;
		}
		canvas_putf(canvas, 0, row, ROLE_TEXT, "%s   %s", cell->name, cell->state);
		canvas_sides(canvas, 0, row++, canvas->size.cols);
		snprintf(text, sizeof(text), "%s", cell->value[0] ? cell->value : "no value");
		row = card_text(canvas, row, " says", ROLE_TEXT, text);
		snprintf(text, sizeof(text), "%lld s, gone from this cache at %s", (long long)cell->ttl_s,
			 cell->expires_ms > 0 ? units_clock(clock, cell->expires_ms) : "-");
		row = card_text(canvas, row, " TTL", ROLE_MUTED, text);
		if (cell->why[0])
			row = card_text(canvas, row, " why", ROLE_WARN, cell->why);
		snprintf(text, sizeof(text), "%s, it took %.0f ms",
			 age_ago(ago, sizeof(ago), cell->at_ms, scene->now_ms), cell->rtt_ms);
		row = card_text(canvas, row, " seen", ROLE_MUTED, text) + 1;
	}
	for (size_t i = 0; i < dns->n_names; i++)
		canvas_putf(canvas, 0, row++, ROLE_MUTED, "planned: %s  %s → %s  TTL %lld",
			    dns->names[i].name, dns->names[i].old, dns->names[i].new_value,
			    (long long)dns->names[i].ttl_s);
	if (row == 0)
		age_nothing(canvas, 0, "No server is selected.");
}
