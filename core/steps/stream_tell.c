/* What the worker tells, as the transfer's events. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/stream.h"
#include <string.h>

/* The count of the source is better than the planner's guess. */
static int64_t rows_of(const struct stream_copy *s, const char *label, int64_t guess)
{
	const struct pg_table *t = s->has_source ? pg_tables_find(&s->source.tables, label) : NULL;
	return t && t->rows >= 0 ? t->rows : guess;
}

static void say_table(const struct json *line, char *out, size_t size)
{
	const char *state = json_str(line, "state", ""), *index = json_str(line, "index", "");
	long long left = json_int(line, "indexes", 0);
	*out = 0;
	if (*index)
		text_copyf(out, size, left > 1 ? "%s, %lld more" : "%s", index, left - 1);
	else if (text_equal(state, "index") || text_equal(state, "copied"))
		text_copyf(out, size, left ? "rows are there; %lld indexes to go" : "rows are there", left);
}

static void hear_table(struct stream_copy *s, const struct json *line)
{
	const char *state = json_str(line, "state", ""), *label = json_str(line, "table", "");
	int64_t rows = json_int(line, "rows", -1), ms = json_int(line, "ms", -1),
		bytes = json_int(line, "bytes", -1),
		total = rows_of(s, label, json_int(line, "rows_guess", -1));
	bool done = text_equal(state, "done"), moves = text_equal(state, "copying") && ms > 0;
	char text[80];
	struct jw w;
	say_table(line, text, sizeof text);
	jw_event(&w, "transfer.table");
	jw_str(&w, "table", label);
	jw_int(&w, "rows", rows);
	jw_int(&w, "rows_total", done ? rows : total);
	jw_int(&w, "bytes", bytes);
	jw_num(&w, "rate", moves ? (double)bytes * 1000 / (double)ms : -1);
	jw_int(&w, "eta_ms",
	       moves && rows > 0 && total >= rows
		   ? (int64_t)((double)(total - rows) * (double)ms / (double)rows)
		   : -1);
	jw_str(&w, "state", text_equal(state, "copied") ? "waiting" : state);
	jw_str(&w, "text", text);
	job_event(s->job, &w);
}

void stream_tell(struct stream_copy *s)
{
	int64_t now_ms = clock_life_ms();
	s->told_at_ms = now_ms;
	s->total.stalled_ms = *s->why ? now_ms - s->moved_at_ms : 0;
	s->total.stalled_why = s->why;
	copy_tell(s->job, &s->total);
}

/* "3 lanes on root@203.0.113.9" */
static void say_phase(struct stream_copy *s, const char *phase, int64_t lanes)
{
	static const struct {
		const char *phase, *text;
	} phases[] = {
	    {"definitions", "definitions first, "},
	    {"objects", "large objects, "},
	    {"rest", "triggers, views and what is left, "},
	};
	char with[40] = "";
	const char *text = "";
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		if (text_equal(phase, phases[i].phase))
			text = phases[i].text;
	if (lanes > 0)
		text_copyf(with, sizeof with, "%lld lanes ", (long long)lanes);
	text_copyf(s->total_text, sizeof s->total_text, "%s%son %s", text, with,
		   copy_worker_place(&s->worker));
}

static void hear_total(struct stream_copy *s, const struct json *line)
{
	struct copy_total *t = &s->total;
	char text[160];
	s->bytes = json_int(line, "bytes", 0);
	s->work = json_int(line, "work", 0);
	s->work_total = json_int(line, "work_total", -1);
	stream_pulse_take(s, s->bytes + s->work + json_int(line, "indexes", 0) + json_int(line, "keys", 0));
	*t = (struct copy_total){.stage = "stream", .text = s->total_text, COPY_UNKNOWN};
	t->bytes = s->bytes;
	t->rows = json_int(line, "rows", -1);
	t->rows_total = s->has_source ? pg_tables_rows(&s->source.tables) : -1;
	t->tables = json_int(line, "tables", -1);
	t->tables_total = json_int(line, "tables_total", -1);
	t->indexes = json_int(line, "indexes", -1);
	t->indexes_total = json_int(line, "indexes_total", -1);
	t->keys = json_int(line, "keys", -1);
	t->keys_total = json_int(line, "keys_total", -1);
	t->rate = t->tables < t->tables_total || t->tables_total <= 0 ? copy_rate(&s->rate, s->bytes) : -1;
	t->eta_ms = json_int(line, "eta_ms", -1);
	t->eta_about = json_bool(line, "eta_about", false);
	text_copy(s->eta_why, sizeof s->eta_why, json_str(line, "eta_why", ""));
	t->eta_why = s->eta_why;
	say_phase(s, json_str(line, "phase", ""), json_int(line, "lanes", 0));
	stream_tell(s);
	text_copyf(text, sizeof text, "%lld/%lld tables, %lld/%lld indexes, %lld/%lld keys",
		   (long long)t->tables, (long long)t->tables_total, (long long)t->indexes,
		   (long long)t->indexes_total, (long long)t->keys, (long long)t->keys_total);
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

void stream_result_text(const struct json *result, char *out, size_t size)
{
	char rows[UNITS_MAX];
	int64_t left = json_int(result, "left_out", 0);
	text_copyf(out, size, "%lld tables, %s rows, %lld indexes, %lld keys%s",
		   (long long)json_int(result, "tables", 0), units_count(rows, json_int(result, "rows", 0)),
		   (long long)json_int(result, "indexes", 0), (long long)json_int(result, "keys", 0),
		   left ? "; some things were left out, see the log" : "");
}
