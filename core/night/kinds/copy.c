/* Folds of the copy and its proof: see copy.h. Lists are sorted by table, so that every way of being told
 * ends alike. */
#include "core/night/kinds/fold.h"

static void fold_transfer_total(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct transfer_state *t = &state->transfer;
	FOLD_TEXT(t->stage, b, "stage");
	FOLD_TEXT(t->text, b, "text");
	t->at_ms = event->at_ms;
	t->bytes = json_int(b, "bytes", -1);
	t->bytes_total = json_int(b, "bytes_total", -1);
	t->rows = json_int(b, "rows", -1);
	t->rows_total = json_int(b, "rows_total", -1);
	t->tables = json_int(b, "tables", -1);
	t->tables_total = json_int(b, "tables_total", -1);
	t->indexes = json_int(b, "indexes", -1);
	t->indexes_total = json_int(b, "indexes_total", -1);
	t->keys = json_int(b, "keys", -1);
	t->keys_total = json_int(b, "keys_total", -1);
	t->rate = json_num(b, "rate", -1);
	t->eta_ms = json_int(b, "eta_ms", -1);
	t->eta_about = json_bool(b, "eta_about", false);
	FOLD_TEXT(t->eta_why, b, "eta_why");
	t->stalled_ms = json_int(b, "stalled_ms", 0);
	FOLD_TEXT(t->stalled_why, b, "stalled_why");
}

static struct transfer_table *transfer_table_of(struct transfer_state *t, const char *table)
{
	bool found;
	size_t i = text_place(t->list, t->n, sizeof *t->list, table, &found);
	if (found)
		return &t->list[i];
	FOLD_PUSH(t->list, t->n);
	memmove(&t->list[i + 1], &t->list[i], (t->n - 1 - i) * sizeof *t->list);
	memset(&t->list[i], 0, sizeof *t->list);
	text_copy(t->list[i].table, sizeof t->list[i].table, table);
	return &t->list[i];
}

static void fold_transfer_table(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	char name[96];
	FOLD_TEXT(name, b, "table");
	struct transfer_table *table = transfer_table_of(&state->transfer, name);
	table->rows = json_int(b, "rows", -1);
	table->rows_total = json_int(b, "rows_total", -1);
	table->bytes = json_int(b, "bytes", -1);
	table->rate = json_num(b, "rate", -1);
	table->eta_ms = json_int(b, "eta_ms", -1);
	FOLD_TEXT(table->state, b, "state");
	FOLD_TEXT(table->text, b, "text");
}

static void fold_transfer_ended(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct transfer_state *t = &state->transfer;
	struct transfer_ended *e = NULL;
	for (size_t i = 0; i < t->n_ended && !e; i++)
		if (text_equal(t->ended[i].stage, json_str(b, "stage", "")))
			e = &t->ended[i];
	if (!e && t->n_ended == sizeof t->ended / sizeof *t->ended)
		return;
	if (!e)
		e = &t->ended[t->n_ended++];
	FOLD_TEXT(e->stage, b, "stage");
	FOLD_TEXT(e->text, b, "text");
	e->ok = json_bool(b, "ok", false);
	e->bytes = json_int(b, "bytes", -1);
	e->ms = json_int(b, "ms", -1);
	e->at_ms = event->at_ms;
}

static struct rows_table *rows_table_of(struct rows_state *r, const char *full)
{
	char table[96];
	text_copy(table, sizeof table, full);
	bool found;
	size_t i = text_place(r->tables, r->n, sizeof *r->tables, table, &found);
	if (found)
		return &r->tables[i];
	FOLD_PUSH(r->tables, r->n);
	memmove(&r->tables[i + 1], &r->tables[i], (r->n - 1 - i) * sizeof *r->tables);
	memset(&r->tables[i], 0, sizeof *r->tables);
	text_copy(r->tables[i].table, sizeof r->tables[i].table, table);
	r->tables[i].old_rows = r->tables[i].new_rows = -2;
	r->tables[i].grown_to = -1;
	return &r->tables[i];
}

static void rows_table_drop(struct rows_state *r, struct rows_table *table)
{
	size_t i = (size_t)(table - r->tables);
	memmove(&r->tables[i], &r->tables[i + 1], (r->n - 1 - i) * sizeof *r->tables);
	r->n--;
}

/* The new app was started after the comparison: from then on NEW may grow, and the proof stays what it was.
 */
static bool new_side_lives(const struct state *state)
{
	for (size_t i = 0; i < state->steps.n; i++)
		if (text_equal(state->steps.steps[i].kind, "app-boot") && state->rows.compared_at_ms &&
		    state->steps.steps[i].started_at_ms >= state->rows.compared_at_ms)
			return true;
	return false;
}

/* A guess, of a table that was proved, about what may have been written before it was counted: it says less.
 */
static bool says_less(const struct rows_table *t, const struct json *b, bool old)
{
	return !json_bool(b, "exact", true) && t->verdict &&
	       json_int(b, "written_after_ms", 0) < (old ? t->old_at_ms : t->new_at_ms);
}

static void fold_rows_side(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct rows_table *t = rows_table_of(&state->rows, json_str(b, "table", ""));
	int64_t rows = json_int(b, "rows", -2);
	if (!text_equal(json_str(b, "side", ""), "OLD") && t->verdict && new_side_lives(state)) {
		t->grown_to = rows;
		return;
	}
	bool old = text_equal(json_str(b, "side", ""), "OLD");
	if (says_less(t, b, old)) {
		if (old)
			t->last_write_ms = json_int(b, "last_write_ms", t->last_write_ms);
		return;
	}
	int64_t *count = old ? &t->old_rows : &t->new_rows;
	char *hash = old ? t->old_hash : t->new_hash;
	const char *told = json_str(b, "hash", "");
	/* A verdict and a hash speak of the count they were given for: another one takes them away. A look
	 * that only counts, and finds the same, leaves them. */
	if (*count != rows || (*told && *hash && !text_equal(told, hash))) {
		t->verdict = 0;
		t->cause[0] = hash[0] = '\0';
	}
	if (*told)
		text_copy(hash, sizeof t->old_hash, told);
	*count = rows;
	*(old ? &t->old_at_ms : &t->new_at_ms) = event->at_ms;
	if (old)
		t->last_write_ms = json_int(b, "last_write_ms", t->last_write_ms);
	/* Gone where it was, and never on the other side: what a wipe took away is no table of this night. */
	if (rows == -1 && t->old_rows < 0 && t->new_rows < 0)
		rows_table_drop(&state->rows, t);
}

static void fold_rows_progress(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	size_t side = text_equal(json_str(b, "side", ""), "OLD") ? 0 : 1;
	state->rows.progress[side].tables = json_int(b, "tables", 0);
	state->rows.progress[side].tables_total = json_int(b, "tables_total", 0);
	state->rows.progress[side].rows = json_int(b, "rows", 0);
	state->rows.progress[side].bytes = json_int(b, "bytes", 0);
	state->rows.progress[side].bytes_total = json_int(b, "bytes_total", 0);
	state->rows.progress[side].at_ms = event->at_ms;
}

static void fold_rows_verdict(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct rows_table *t = rows_table_of(&state->rows, json_str(b, "table", ""));
	t->verdict = fold_verdict(json_str(b, "verdict", ""));
	FOLD_TEXT(t->cause, b, "cause");
	t->skipped = json_bool(b, "skipped", false);
}

static void fold_rows_compared(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct rows_state *r = &state->rows;
	r->compared_at_ms = event->at_ms;
	r->compared = (int)json_int(b, "tables", 0);
	r->equal = (int)json_int(b, "equal", 0);
	r->differ = (int)json_int(b, "differ", 0);
	r->missing = (int)json_int(b, "missing", 0);
	r->skipped = (int)json_int(b, "skipped", 0);
	r->waived = (int)json_int(b, "waived", 0);
	r->old_rows = json_int(b, "old_rows", 0);
	r->new_rows = json_int(b, "new_rows", 0);
	r->content = json_bool(b, "content", false);
}

static struct rows_bisected *bisected_of(struct rows_state *r, const char *full)
{
	char table[96];
	text_copy(table, sizeof table, full);
	bool found;
	size_t i = text_place(r->bisected, r->n_bisected, sizeof *r->bisected, table, &found);
	if (found)
		return &r->bisected[i];
	FOLD_PUSH(r->bisected, r->n_bisected);
	memmove(&r->bisected[i + 1], &r->bisected[i], (r->n_bisected - 1 - i) * sizeof *r->bisected);
	memset(&r->bisected[i], 0, sizeof *r->bisected);
	text_copy(r->bisected[i].table, sizeof r->bisected[i].table, table);
	return &r->bisected[i];
}

const struct rows_bisected *rows_bisected_get(const struct rows_state *rows, const char *table)
{
	bool found;
	size_t i = text_place(rows->bisected, rows->n_bisected, sizeof *rows->bisected, table, &found);
	return found ? &rows->bisected[i] : NULL;
}

static void fold_rows_bisected(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct rows_bisected *x = bisected_of(&state->rows, json_str(b, "table", ""));
	x->at_ms = event->at_ms;
	FOLD_TEXT(x->state, b, "state");
	FOLD_TEXT(x->text, b, "text");
	FOLD_TEXT(x->key, b, "key");
	x->more = json_bool(b, "more", false);
	x->n = 0;
	for (const struct json *r = json_first(json_get(b, "rows")); r && x->n < 20; r = json_next(r)) {
		struct rows_found *row = &x->rows[x->n++];
		FOLD_TEXT(row->key, r, "key");
		FOLD_TEXT(row->columns, r, "columns");
		const char *how = json_str(r, "how", "");
		row->how = text_equal(how, "OLD") ? 'O' : text_equal(how, "NEW") ? 'N' : 'D';
	}
}

const struct kind transfer_total_kind = {
    .name = "transfer.total", .keep = KEEP_SAMPLE, .key = "", .since = 1, .fold = fold_transfer_total};
const struct kind transfer_table_kind = {
    .name = "transfer.table", .keep = KEEP_SAMPLE, .key = "table", .since = 1, .fold = fold_transfer_table};
const struct kind transfer_ended_kind = {
    .name = "transfer.ended", .keep = KEEP_CHANGE, .key = "stage", .since = 1, .fold = fold_transfer_ended};
const struct kind rows_side_kind = {
    .name = "rows.side", .keep = KEEP_CHANGE, .key = "side,table", .since = 1, .fold = fold_rows_side};
const struct kind rows_progress_kind = {
    .name = "rows.progress", .keep = KEEP_SAMPLE, .key = "side", .since = 1, .fold = fold_rows_progress};
const struct kind rows_verdict_kind = {
    .name = "rows.verdict", .keep = KEEP_CHANGE, .key = "table", .since = 1, .fold = fold_rows_verdict};
const struct kind rows_bisected_kind = {
    .name = "rows.bisected", .keep = KEEP_CHANGE, .key = "table", .since = 1, .fold = fold_rows_bisected};
const struct kind rows_compared_kind = {
    .name = "rows.compared", .keep = KEEP_RECORD, .since = 1, .fold = fold_rows_compared};
