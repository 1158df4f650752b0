#include "panels/host_card.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "panels/age.h"
#include "panels/brief.h"
#include "panels/plan_card.h"

#include <stdio.h>
#include <string.h>

enum { CARD_LINES = 12, SCAN_MAX = 20000 };

enum role host_health(const struct container_seen *c, char *out, size_t size)
{
	bool said = c->health[0] && !text_equal(c->health, "none");

	if (c->looping) {
		text_copy(out, size, "crash loop");
		return ROLE_BAD;
	}
	if (!text_equal(c->status, "running")) {
		if (text_equal(c->status, "exited") && (c->exit_code || c->oom))
			snprintf(out, size, "exited %d%s", c->exit_code, c->oom ? " OOM" : "");
		else
			text_copy(out, size, c->status[0] ? c->status : "-");
		return c->oom ? ROLE_BAD : ROLE_WARN;
	}
	/* Two of a role: both take jobs, and the older one runs the older code. */
	if (c->stale) {
		text_copy(out, size, c->replaced ? "replaced, runs" : "stale, runs");
		return ROLE_WARN;
	}
	if (c->open[0]) {
		snprintf(out, size, "OPEN %s", strrchr(c->open, ':') ? strrchr(c->open, ':') : c->open);
		return ROLE_BAD;
	}
	text_copy(out, size, said ? c->health : c->status);
	return text_equal(c->health, "unhealthy") ? ROLE_BAD : ROLE_OK;
}

static enum role route_role(const struct route_seen *route)
{
	return text_equal(route->state, "running") ? ROLE_MUTED : ROLE_WARN;
}

/* The container behind the target, as far as one is known. */
static void route_target(const struct route_seen *route, char *out, size_t size)
{
	char name[128];

	if (route->container[0])
		text_copy(out, size, brief_ids(name, sizeof(name), route->container));
	else
		snprintf(out, size, "%s",
			 route->target[0] ? brief_ids(name, sizeof(name), route->target) : "nothing");
}

static int draw_host_routes(struct canvas *canvas, int row, int end, const struct host_state *host,
			    bool *first)
{
	char text[500], target[128];

	for (size_t i = 0; i < host->n_routes && row < end; i++) {
		const struct route_seen *route = &host->routes[i];

		route_target(route, target, sizeof(target));
		snprintf(text, sizeof(text), "%s → %s  %s%s%s", route->hosts[0] ? route->hosts : "any name",
			 target, route->state, text_equal(route->state, "stopped") ? " (503)" : "",
			 route->tls ? "  TLS" : "");
		canvas_put(canvas, 0, row, ROLE_MUTED, *first ? "proxy" : "");
		canvas_field(canvas, 7, row++, canvas->size.cols - 7, false, route_role(route), text);
		*first = false;
	}
	return row;
}

int host_routes(const struct scene *scene, struct canvas *canvas, int row, int end)
{
	const struct host_state *host = &scene->state->host;
	char text[400], since[UNITS_MAX];
	bool first = true;

	for (size_t h = 0; host_at(scene->state, h); h++)
		row = draw_host_routes(canvas, row, end, host_at(scene->state, h), &first);
	if (row >= end)
		return row;
	if (scene->state->no_kamal)
		return row;
	canvas_put(canvas, 0, row, ROLE_MUTED, "lock");
	if (host->lock_held)
		snprintf(text, sizeof(text), "held by %s%s%s%s%s", host->lock_by[0] ? host->lock_by : "-",
			 host->lock_since_ms > 0 ? " since " : "",
			 host->lock_since_ms > 0 ? units_clock(since, host->lock_since_ms) : "",
			 host->lock_why[0] ? ": " : "", host->lock_why);
	else
		snprintf(text, sizeof(text), "free: a deploy could start");
	canvas_field(canvas, 7, row++, canvas->size.cols - 7, false, ROLE_MUTED, text);
	return row;
}

static const char *container_note(const struct container_seen *c)
{
	if (c->looping)
		return "It ends and is started, again and again. Its last lines below, and its exit status, "
		       "say why.";
	if (c->oom)
		return "The kernel ended it because its memory was used up.";
	if (c->replaced)
		return "A boot that was broken off renamed it and left it. While it runs, it takes requests "
		       "or jobs with its own "
		       "code: kamal app stale_containers --stop, once the new one is healthy.";
	if (c->stale)
		return "More than one container of this role is there; this one is not the newest.";
	if (c->open[0])
		return "Its port is open to the world, and docker goes past the host's firewall: write "
		       "port: \"127.0.0.1:5432:5432\" and boot the accessory again.";
	return "";
}

static int card_state(const struct scene *scene, struct canvas *canvas, int row,
		      const struct container_seen *c)
{
	char text[200], clock[UNITS_MAX], age[UNITS_MAX];
	enum role role = host_health(c, text, sizeof(text));
	size_t len = strlen(text);

	snprintf(text + len, sizeof(text) - len, "%s%s, %d restarts%s", c->looping || c->stale ? ", " : "",
		 c->looping || c->stale ? c->status : "", c->restarts, c->open[0] ? ", open on " : "");
	if (c->open[0])
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", c->open);
	row = card_text(canvas, row, "STATE", role, text);
	if (text_equal(c->status, "running") || c->finished_ms <= 0)
		snprintf(text, sizeof(text), "started %s",
			 c->started_ms > 0 ? units_clock(clock, c->started_ms) : "-");
	else
		snprintf(text, sizeof(text), "ended %s, %s ago, with status %d",
			 units_clock(clock, c->finished_ms), units_age(age, scene->now_ms - c->finished_ms),
			 c->exit_code);
	return card_text(canvas, row, "SINCE", ROLE_TEXT, text);
}

static int card_routes(struct canvas *canvas, int row, const struct host_state *host,
		       const struct container_seen *c)
{
	char text[400];

	for (size_t i = 0; i < host->n_routes; i++) {
		const struct route_seen *route = &host->routes[i];

		if (!text_equal(route->container, c->name))
			continue;
		snprintf(text, sizeof(text), "%s  %s%s, health path %s",
			 route->hosts[0] ? route->hosts : "any name", route->state, route->tls ? ", TLS" : "",
			 route->path[0] ? route->path : "not known");
		row = card_text(canvas, row, "PROXY", route_role(route), text);
	}
	return row;
}

/* Its newest lines, as far as they are still held. */
static void card_lines(const struct scene *scene, struct canvas *canvas, int row,
		       const struct container_seen *c)
{
	const struct log_ring *ring = &scene->state->logs.lines;
	size_t at[CARD_LINES], n = 0, most = SCAN_MAX;
	char clock[UNITS_MAX];

	for (size_t i = ring->n; i > 0 && n < CARD_LINES && most > 0; i--, most--) {
		const struct log_line *line = log_at(ring, i - 1);

		if (c->log[0] && text_equal(line->side, "NEW") && text_equal(line->source, c->log))
			at[n++] = i - 1;
	}
	canvas_putf(canvas, 0, row++, ROLE_MUTED, "%s", n ? "its last lines" : "no line of it is held here");
	while (n > 0) {
		const struct log_line *line = log_at(ring, at[--n]);

		canvas_put(canvas, 0, row, ROLE_MUTED, units_clock(clock, line->at_ms));
		canvas_field(canvas, 9, row++, canvas->size.cols - 9, false,
			     text_equal(line->level, "error") ? ROLE_BAD : ROLE_TEXT, line->text);
	}
}

static void card_host(struct canvas *canvas, const struct host_state *host)
{
	char text[200], a[UNITS_MAX], b[UNITS_MAX];
	int row = 2;

	canvas_put(canvas, 0, 0, ROLE_TITLE, host->name[0] ? host->name : host->address);
	snprintf(text, sizeof(text), "%.2f on %d cores", host->load, host->cores);
	row = card_text(canvas, row, "LOAD", ROLE_TEXT, text);
	snprintf(text, sizeof(text), "%s of %s", units_size(a, host->mem_used),
		 units_size(b, host->mem_total));
	row = card_text(canvas, row, "MEM", ROLE_TEXT, text);
	for (size_t i = 0; i < host->n_disks; i++) {
		const struct host_disk *disk = &host->disks[i];

		snprintf(text, sizeof(text), "%s free of %s on %s", units_size(a, disk->free),
			 units_size(b, disk->total), disk->path);
		row = card_text(canvas, row, i == 0 ? "DISK" : "",
				disk->free < disk->total / 10 ? ROLE_BAD : ROLE_TEXT, text);
	}
	snprintf(text, sizeof(text), "%+.1f s against ours", (double)host->skew_ms / 1000);
	card_text(canvas, row, "CLOCK", ROLE_TEXT, host->skew_ms ? text : "as ours");
}

void host_card_draw(const struct scene *scene, struct canvas *canvas, struct host_row at)
{
	const struct container_seen *c = at.container;
	char text[200];
	int row = 2;

	if (!c) {
		card_host(canvas, at.host);
		return;
	}
	canvas_put(canvas, 0, 0, ROLE_TITLE, c->name);
	snprintf(text, sizeof(text), "%s%s%s", c->role[0] ? c->role : "-", at.host->name[0] ? " on " : "",
		 at.host->name);
	row = card_text(canvas, row, "ROLE", ROLE_TEXT, text);
	row = card_text(canvas, row, "VERS", ROLE_TEXT, c->version[0] ? c->version : "-");
	if (c->image[0])
		row = card_text(canvas, row, "IMAGE", ROLE_MUTED, c->image);
	row = card_state(scene, canvas, row, c);
	if (container_note(c)[0])
		row = card_text(canvas, row, "NOTE", ROLE_WARN, container_note(c));
	if (text_equal(c->role, "db") && at.host->pg_version[0])
		row = card_text(canvas, row, "PG", ROLE_MUTED, at.host->pg_version);
	row = card_routes(canvas, row, at.host, c);
	card_lines(scene, canvas, row + 1, c);
}
