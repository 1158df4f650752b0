/* Folds of DNS and traffic: see traffic.h. */
#include "core/night/kinds/fold.h"

static void fold_dns_cell(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct dns_state *d = &state->dns;
	struct dns_cell *cell = NULL;
	for (size_t i = 0; i < d->n && !cell; i++)
		if (text_equal(d->cells[i].server, json_str(b, "server", "")) &&
		    text_equal(d->cells[i].name, json_str(b, "name", "")))
			cell = &d->cells[i];
	if (!cell)
		cell = FOLD_PUSH(d->cells, d->n);
	FOLD_TEXT(cell->server, b, "server");
	FOLD_TEXT(cell->label, b, "label");
	FOLD_TEXT(cell->name, b, "name");
	FOLD_TEXT(cell->state, b, "state");
	FOLD_TEXT(cell->value, b, "value");
	FOLD_TEXT(cell->why, b, "why");
	cell->auth = json_bool(b, "auth", false);
	cell->ttl_s = json_int(b, "ttl_s", -1);
	cell->expires_ms = json_int(b, "expires_ms", 0);
	cell->rtt_ms = json_num(b, "rtt_ms", -1);
	cell->at_ms = event->at_ms;
	FOLD_TEXT(cell->site, b, "site");
	b = json_get(b, "six");
	FOLD_TEXT(cell->six.state, b, "state");
	FOLD_TEXT(cell->six.value, b, "value");
	FOLD_TEXT(cell->six.why, b, "why");
	cell->six.ttl_s = json_int(b, "ttl_s", -1);
	cell->six.expires_ms = json_int(b, "expires_ms", 0);
}

/* Nothing rehearses how caches forget. The longest TTL is the most it can take; caches are somewhere in it
 * when the names move, so the last of them is seen to follow at about three quarters of it. */
static void estimate_propagation(struct state *state)
{
	int64_t ttl_s = 0;
	for (size_t i = 0; i < state->dns.n_names; i++)
		if (state->dns.names[i].ttl_s > ttl_s && state->dns.names[i].ttl_s <= 86400)
			ttl_s = state->dns.names[i].ttl_s;
	for (size_t i = 0; ttl_s > 0 && i < state->steps.n; i++) {
		struct step_seen *step = &state->steps.steps[i];
		if (text_equal(step->kind, "wait-propagation") && step->state == STEP_WAITING)
			step->estimate_ms = ttl_s * 750;
	}
}

static void fold_dns_plan(struct state *state, const struct event *event)
{
	struct dns_state *d = &state->dns;
	free(d->names);
	d->names = NULL;
	d->n_names = 0;
	for (const struct json *x = json_first(json_get(event->body, "names")); x; x = json_next(x)) {
		struct dns_name *name = FOLD_PUSH(d->names, d->n_names);
		FOLD_TEXT(name->name, x, "name");
		FOLD_TEXT(name->old, x, "old");
		FOLD_TEXT(name->new_value, x, "new");
		name->ttl_s = json_int(x, "ttl_s", -1);
	}
	estimate_propagation(state);
	d->safe_from_ms = json_int(event->body, "safe_from_ms", 0);
	d->old_die_ms = json_int(event->body, "old_die_ms", 0);
}

static void read_side(struct side_traffic *side, const struct json *x)
{
	side->rpm = (int)json_int(x, "rpm", -1);
	side->ok = (int)json_int(x, "ok", 0);
	side->e4 = (int)json_int(x, "e4", 0);
	side->e5 = (int)json_int(x, "e5", 0);
	side->p50_ms = json_num(x, "p50_ms", -1);
	side->p95_ms = json_num(x, "p95_ms", -1);
}

static void fold_traffic_seen(struct state *state, const struct event *event)
{
	struct traffic_state *t = &state->traffic;
	t->at_ms = event->at_ms;
	read_side(&t->old_side, json_get(event->body, "old"));
	read_side(&t->new_side, json_get(event->body, "new"));
	t->share_new = json_num(event->body, "share_new", -1);
	t->last_old_ms = json_int(event->body, "last_old_ms", 0);
}

static void fold_traffic_first(struct state *state, const struct event *event)
{
	if (!state->public_at_ms)
		state->public_at_ms = event->at_ms;
	downtime_new_answered(state, event->at_ms);
}

static void fold_smoke_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct traffic_state *t = &state->traffic;
	struct smoke_cell *cell = NULL;
	for (size_t i = 0; i < t->n_smoke && !cell; i++)
		if (text_equal(t->smoke[i].path, json_str(b, "path", "")) &&
		    text_equal(t->smoke[i].side, json_str(b, "side", "")))
			cell = &t->smoke[i];
	if (!cell)
		cell = FOLD_PUSH(t->smoke, t->n_smoke);
	FOLD_TEXT(cell->path, b, "path");
	FOLD_TEXT(cell->side, b, "side");
	FOLD_TEXT(cell->text, b, "text");
	cell->status = (int)json_int(b, "status", 0);
	cell->want = (int)json_int(b, "want", 0);
	cell->verdict = fold_verdict(json_str(b, "verdict", ""));
	cell->ms = json_int(b, "ms", -1);
	cell->at_ms = event->at_ms;
}

static void fold_quiet_seen(struct state *state, const struct event *event)
{
	state->traffic.quiet_since_ms = json_int(event->body, "since_ms", 0);
	state->traffic.quiet_need_ms = json_int(event->body, "need_ms", 0);
	FOLD_TEXT(state->traffic.quiet_why, event->body, "why");
}

static void fold_newrows_seen(struct state *state, const struct event *event)
{
	struct traffic_state *t = &state->traffic;
	t->new_rows = json_int(event->body, "rows", 0);
	t->new_rows_at_ms = event->at_ms;
	t->new_updated = json_int(event->body, "updated", -1);
	t->new_deleted = json_int(event->body, "deleted", -1);
	t->new_jobs = json_int(event->body, "jobs", -1);
	t->new_encrypted = json_int(event->body, "encrypted", -1);
	FOLD_TEXT(t->new_encrypted_where, event->body, "encrypted_where");
	t->old_certificate_ms = json_int(event->body, "old_certificate_ms", t->old_certificate_ms);
	/* Jobs of the new app write before any visitor does. */
	if (t->new_rows > 0 && !state->new_write_at_ms)
		state->new_write_at_ms = event->at_ms;
	free(t->new_tables);
	t->new_tables = NULL;
	t->n_new_tables = 0;
	for (const struct json *x = json_first(json_get(event->body, "tables")); x; x = json_next(x)) {
		FOLD_PUSH(t->new_tables, t->n_new_tables);
		FOLD_TEXT(t->new_tables[t->n_new_tables - 1].table, x, "table");
		t->new_tables[t->n_new_tables - 1].rows = json_int(x, "rows", 0);
	}
}

const struct kind dns_cell_kind = {
    .name = "dns.cell", .keep = KEEP_CHANGE, .key = "server,name", .since = 1, .fold = fold_dns_cell};
const struct kind dns_plan_kind = {
    .name = "dns.plan", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_dns_plan};
const struct kind traffic_seen_kind = {
    .name = "traffic.seen", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_traffic_seen};
const struct kind traffic_first_kind = {
    .name = "traffic.first", .keep = KEEP_RECORD, .since = 1, .fold = fold_traffic_first};
const struct kind smoke_seen_kind = {
    .name = "smoke.seen", .keep = KEEP_CHANGE, .key = "path,side", .since = 1, .fold = fold_smoke_seen};
const struct kind quiet_seen_kind = {
    .name = "quiet.seen", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_quiet_seen};
const struct kind newrows_seen_kind = {
    .name = "newrows.seen", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_newrows_seen};
