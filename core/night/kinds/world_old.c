/* Folds of the old side: see world_old.h. */
#include "core/night/kinds/fold.h"

static int formation_before(const struct state *state, const char *type)
{
	for (size_t i = 0; i < state->facts.n; i++) {
		if (!text_equal(state->facts.facts[i].name, "formation"))
			continue;
		const char *data = state->facts.facts[i].data;
		struct json *j = data ? json_parse(data, strlen(data), NULL) : NULL;
		int before = (int)json_int(json_get(j, type), "quantity", -1);
		json_free(j);
		return before;
	}
	return -1;
}

static void fold_dynos_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct dynos_state *d = &state->dynos;
	bool maintenance = json_bool(b, "maintenance", false);
	if (!d->seen || maintenance != d->maintenance)
		d->maintenance_at_ms = event->at_ms;
	if (maintenance && !state->freeze_at_ms)
		state->freeze_at_ms = event->at_ms;
	d->seen = true;
	d->maintenance = maintenance;
	d->at_ms = event->at_ms;
	FOLD_TEXT(d->release, b, "release");
	FOLD_TEXT(d->release_status, b, "release_status");
	FOLD_TEXT(d->warning, b, "warning");
	free(d->dynos);
	free(d->formation);
	d->dynos = NULL;
	d->formation = NULL;
	d->n = d->n_formation = 0;
	for (const struct json *x = json_first(json_get(b, "dynos")); x; x = json_next(x)) {
		struct dyno_seen *dyno = FOLD_PUSH(d->dynos, d->n);
		FOLD_TEXT(dyno->name, x, "name");
		FOLD_TEXT(dyno->type, x, "type");
		FOLD_TEXT(dyno->state, x, "state");
		FOLD_TEXT(dyno->size, x, "size");
		FOLD_TEXT(dyno->command, x, "command");
		dyno->since_ms = json_int(x, "since_ms", 0);
	}
	for (const struct json *x = json_first(json_get(b, "formation")); x; x = json_next(x)) {
		struct formation_seen *f = FOLD_PUSH(d->formation, d->n_formation);
		FOLD_TEXT(f->type, x, "type");
		FOLD_TEXT(f->size, x, "size");
		f->want = (int)json_int(x, "want", 0);
		f->before = formation_before(state, f->type);
	}
	if (d->n)
		d->empty_at_ms = 0;
	else if (!d->empty_at_ms)
		d->empty_at_ms = event->at_ms;
	downtime_old_seen(state, event->at_ms);
	const struct json *db = json_get(b, "database");
	FOLD_TEXT(d->plan, db, "plan");
	FOLD_TEXT(d->version, db, "version");
	d->size_bytes = json_int(db, "size_bytes", -1);
	d->connections = (int)json_int(db, "connections", -1);
	d->connection_limit = (int)json_int(db, "limit", -1);
}

static void fold_heroku_seen(struct state *state, const struct event *event)
{
	struct dynos_state *d = &state->dynos;
	free(d->rows);
	d->rows = NULL;
	d->n_rows = 0;
	for (const struct json *x = json_first(json_get(event->body, "rows")); x; x = json_next(x)) {
		struct heroku_row *row = FOLD_PUSH(d->rows, d->n_rows);
		FOLD_TEXT(row->group, x, "group");
		FOLD_TEXT(row->name, x, "name");
		FOLD_TEXT(row->text, x, "text");
		FOLD_TEXT(row->level, x, "level");
	}
}

static void fold_heroku_budget(struct state *state, const struct event *event)
{
	state->dynos.remaining = (int)json_int(event->body, "remaining", -1);
}

static void fold_router_seen(struct state *state, const struct event *event)
{
	struct dynos_state *d = &state->dynos;
	d->router_at_ms = event->at_ms;
	d->router_per_s = json_num(event->body, "per_s", 0);
	d->n_codes = 0;
	for (const struct json *x = json_first(json_get(event->body, "codes")); x; x = json_next(x)) {
		if (d->n_codes == sizeof d->codes / sizeof *d->codes)
			break;
		struct router_code *code = &d->codes[d->n_codes++];
		FOLD_TEXT(code->code, x, "code");
		code->n = (int)json_int(x, "n", 0);
	}
}

static void fold_writers_seen(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct writers_state *w = &state->writers;
	w->seen = true;
	w->at_ms = event->at_ms;
	free(w->writers);
	w->writers = NULL;
	w->n = 0;
	for (const struct json *x = json_first(json_get(b, "writers")); x; x = json_next(x)) {
		struct writer_seen *writer = FOLD_PUSH(w->writers, w->n);
		writer->pid = (int)json_int(x, "pid", 0);
		writer->start_ms = json_int(x, "start_ms", 0);
		FOLD_TEXT(writer->who, x, "who");
		FOLD_TEXT(writer->from, x, "from");
		FOLD_TEXT(writer->table, x, "table");
		FOLD_TEXT(writer->state, x, "state");
		FOLD_TEXT(writer->query, x, "query");
		writer->rows = json_int(x, "rows", 0);
		writer->writes = json_bool(x, "writes", writer->rows != 0);
		writer->since_ms = json_int(x, "since_ms", 0);
	}
	w->last_write_at_ms = json_int(b, "last_write_at_ms", 0);
	FOLD_TEXT(w->last_write_table, b, "last_write_table");
	FOLD_TEXT(w->last_write_by, b, "last_write_by");
}

static void fold_writers_quiet(struct state *state, const struct event *event)
{
	state->writers.quiet_since_ms = json_int(event->body, "quiet_since_ms", 0);
	state->writers.quiet_need_ms = json_int(event->body, "need_ms", 0);
}

const struct kind dynos_seen_kind = {
    .name = "dynos.seen", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_dynos_seen};
const struct kind writers_seen_kind = {
    .name = "writers.seen", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_writers_seen};
const struct kind writers_quiet_kind = {
    .name = "writers.quiet", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_writers_quiet};
const struct kind heroku_seen_kind = {
    .name = "heroku.seen", .keep = KEEP_CHANGE, .key = "", .since = 1, .fold = fold_heroku_seen};
const struct kind heroku_budget_kind = {
    .name = "heroku.budget", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_heroku_budget};
const struct kind router_seen_kind = {
    .name = "router.seen", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_router_seen};
