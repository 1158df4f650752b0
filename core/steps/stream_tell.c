/* What the worker tells, as the transfer's events; and when nothing moves, why. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/stream.h"
#include <string.h>

enum { STALLED_MS = 30000 };

/* The count of the source is better than the planner's guess. */
static int64_t rows_of(const struct stream_copy *s, const char *label, int64_t guess)
{
	const struct pg_table *t = s->has_source ? pg_tables_find(&s->source.tables, label) : NULL;
	return t && t->rows >= 0 ? t->rows : guess;
}

static void hear_table(struct stream_copy *s, const struct json *line)
{
	const char *state = json_str(line, "state", ""), *label = json_str(line, "table", "");
	int64_t rows = json_int(line, "rows", -1), left = json_int(line, "indexes", 0);
	bool done = text_equal(state, "done");
	struct jw w;
	jw_event(&w, "transfer.table");
	jw_str(&w, "table", label);
	jw_int(&w, "rows", rows);
	jw_int(&w, "rows_total", done ? rows : rows_of(s, label, json_int(line, "rows_guess", -1)));
	jw_int(&w, "bytes", json_int(line, "bytes", -1));
	jw_str(&w, "state", text_equal(state, "copied") ? "waiting" : state);
	if (text_equal(state, "index") || text_equal(state, "copied"))
		jw_strf(&w, "text", left ? "rows are there; %lld indexes to go" : "rows are there",
			(long long)left);
	else
		jw_str(&w, "text", "");
	job_event(s->job, &w);
}

static void take_pulse(struct stream_copy *s, const struct json *line)
{
	int64_t now_ms = clock_life_ms(),
		sum = s->bytes + s->work + json_int(line, "indexes", 0) + json_int(line, "keys", 0);
	if (sum != s->last_sum || !s->moved_at_ms) {
		s->last_sum = sum;
		s->moved_at_ms = now_ms;
		*s->why = 0;
	}
}

/* From the work that is done and the time it took: indexes count as the bytes they weigh. */
static int64_t eta_of(const struct stream_copy *s, int64_t ms)
{
	if (s->work_total <= 0 || s->work <= 0 || ms < 2000)
		return -1;
	return (int64_t)((double)ms * (double)(s->work_total - s->work) / (double)s->work);
}

static void hear_total(struct stream_copy *s, const struct json *line)
{
	struct copy_total t = {.stage = "stream", COPY_UNKNOWN};
	char text[160];
	const char *phase = json_str(line, "phase", "");
	s->bytes = json_int(line, "bytes", 0);
	s->work = json_int(line, "work", 0);
	s->work_total = json_int(line, "work_total", -1);
	take_pulse(s, line);
	t.bytes = s->bytes;
	t.rows = json_int(line, "rows", -1);
	t.rows_total = s->has_source ? pg_tables_rows(&s->source.tables) : -1;
	t.tables = json_int(line, "tables", -1);
	t.tables_total = json_int(line, "tables_total", -1);
	t.indexes = json_int(line, "indexes", -1);
	t.indexes_total = json_int(line, "indexes_total", -1);
	t.keys = json_int(line, "keys", -1);
	t.keys_total = json_int(line, "keys_total", -1);
	t.rate = copy_rate(&s->rate, s->bytes);
	t.eta_ms = eta_of(s, json_int(line, "ms", 0));
	t.stalled_ms = *s->why ? clock_life_ms() - s->moved_at_ms : 0;
	t.stalled_why = s->why;
	text_copyf(text, sizeof text, "%s%lld lanes on %s",
		   text_equal(phase, "definitions") ? "definitions, "
		   : text_equal(phase, "rest")      ? "triggers, views and what is left, "
						    : "",
		   (long long)json_int(line, "lanes", 0), copy_worker_place(&s->worker));
	t.text = text;
	copy_tell(s->job, &t);
	text_copyf(text, sizeof text, "%lld/%lld tables, %lld/%lld indexes, %lld/%lld keys",
		   (long long)t.tables, (long long)t.tables_total, (long long)t.indexes,
		   (long long)t.indexes_total, (long long)t.keys, (long long)t.keys_total);
	job_progress(s->job, s->work, s->work_total, "items", text);
}

void stream_hear(void *ctx, const struct json *line)
{
	struct stream_copy *s = ctx;
	const char *kind = json_str(line, "kind", "");
	if (text_equal(kind, "table"))
		hear_table(s, line);
	else if (text_equal(kind, "total"))
		hear_total(s, line);
	else if (text_equal(kind, "left_out"))
		job_log(s->job, "NEW", "left out: %s (%s)", json_str(line, "what", ""),
			json_str(line, "why", ""));
}

/* In words a tired person can act on. */
static void read_why(struct stream_copy *s)
{
	static const char sql[] =
	    "SELECT a.wait_event_type, a.wait_event, b.pid, b.application_name, b.state FROM "
	    "pg_stat_activity a "
	    "LEFT JOIN LATERAL (SELECT * FROM pg_stat_activity x WHERE x.pid = ANY (pg_blocking_pids(a.pid)) "
	    "LIMIT 1) b ON true WHERE a.application_name = 'nightferry copy' AND a.datname = "
	    "current_database() "
	    "AND a.state = 'active' ORDER BY b.pid IS NULL, a.wait_event_type LIMIT 1";
	char raw[200];
	if (!s->pg || !pg_alive(s->pg)) {
		pg_close(s->pg);
		s->pg = pg_open_new(s->job, PG_LOOK, NULL);
	}
	struct pg_result *r = s->pg ? pg_query(s->pg, sql, NULL, NULL) : NULL;
	if (!s->pg)
		text_copy(raw, sizeof raw, "NEW does not answer");
	else if (!r || !pg_rows(r))
		text_copy(raw, sizeof raw,
			  "no session of the copy works in NEW: OLD or the line to it stands still");
	else if (!pg_null(r, 0, 2))
		text_copyf(raw, sizeof raw, "it waits for a lock held by session %s (%s, %s)",
			   pg_get(r, 0, 2), pg_get(r, 0, 3), pg_get(r, 0, 4));
	else if (text_equal(pg_get(r, 0, 0), "Client"))
		text_copy(raw, sizeof raw, "NEW waits for rows: OLD or the line to it is slow");
	else
		text_copyf(raw, sizeof raw, "NEW waits for %s %s", pg_get(r, 0, 0), pg_get(r, 0, 1));
	text_clean(s->why, sizeof s->why, raw, strlen(raw));
	pg_result_free(r);
}

void stream_idle(void *ctx)
{
	struct stream_copy *s = ctx;
	/* Real time: PostgreSQL's pace is no matter of our clock. */
	if (s->moved_at_ms && clock_real_ms(clock_life_ms() - s->moved_at_ms) > STALLED_MS && !*s->why)
		read_why(s);
}

void stream_result_text(const struct json *result, char *out, size_t size)
{
	char rows[UNITS_MAX];
	int64_t left = json_int(result, "left_out", 0);
	text_copyf(out, size, "%lld tables, %s rows, %lld indexes, %lld keys%s",
		   (long long)json_int(result, "tables", 0), units_count(rows, json_int(result, "rows", 0)),
		   (long long)json_int(result, "indexes", 0), (long long)json_int(result, "keys", 0),
		   left ? "; some things were left out, see the log" : "");
}
