/* See the header. Lines of the workers: core/copy/stream_tell.c, core/copy/delta_verb.c, core/copy/gentle.c.
 */
#include "core/steps/warm_follow.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

int64_t warm_param(struct job *job, const char *name, int64_t otherwise)
{
	const struct json *given = json_get(job_params(job), name);
	return json_text(given) ? units_parse_int(json_text(given), otherwise) : json_value(given, otherwise);
}

bool warm_flag(struct job *job, const char *name)
{
	const struct json *given = json_get(job_params(job), name);
	return json_is_bool(given) ? json_true(given) : text_equal(json_text(given), "true");
}

const char **warm_skip(struct job *job)
{
	return json_texts(json_path(job_config(job), "copy.skip_data"));
}

void warm_add_skip(struct job *job, struct jw *w)
{
	const char **skip = warm_skip(job);
	jw_arr(w, "skip");
	for (size_t i = 0; skip[i]; i++)
		jw_str(w, NULL, skip[i]);
	jw_end(w);
	free(skip);
}

int64_t warm_window_ms(struct job *job)
{
	const struct json *page = job_fact(job, "maintenance", "");
	return json_bool(page, "set", false) ? json_int(page, "at_ms", 0) : 0;
}

/* ---- telling ---- */

/* "+112 -3": rows that came or were written anew, and rows that went. Short, for the column is. */
static void table_words(const struct json *line, const char *state, char *text, size_t size)
{
	char changed[UNITS_MAX], removed[UNITS_MAX];
	int64_t moved = json_int(line, "changed", -1);
	units_count(changed, moved > 0 ? moved : 0);
	units_count(removed, json_int(line, "removed", 0));
	if (text_equal(state, "equal"))
		text_copy(text, size, "no change");
	else if (text_equal(state, "waiting"))
		text_copyf(text, size, "+%s waiting", changed);
	else if (text_equal(state, "replaced"))
		text_copyf(text, size, "all anew: %s", json_str(line, "why", ""));
	else if (moved >= 0)
		text_copyf(text, size, "+%s -%s", changed, removed);
}

static void tell_table(struct warm_follow *f, const struct json *line)
{
	char text[80] = "";
	const char *state = json_str(line, "state", "");
	int64_t rows = json_int(line, "rows", -1), moved = json_int(line, "changed", -1);
	bool delta = json_get(line, "changed") != NULL, waits = text_equal(state, "waiting");
	if (delta)
		table_words(line, state, text, sizeof text);
	struct jw w;
	jw_event(&w, "transfer.table");
	jw_str(&w, "table", json_str(line, "table", ""));
	jw_int(&w, "rows", waits && delta ? 0 : rows);
	jw_int(&w, "rows_total", delta ? rows : json_int(line, "rows_guess", -1));
	jw_int(&w, "bytes", json_int(line, "bytes", -1));
	jw_str(&w, "state", !delta || waits ? state : moved < 0 ? "copying" : "done");
	jw_str(&w, "text", text);
	job_event(f->job, &w);
}

/* Bytes a second, of both sides together, as fast as it has been: where it waits for a lock it does not read.
 */
static double reading_rate(struct warm_follow *f, const struct copy_total *total, int64_t ms)
{
	double rate = ms > 0 ? (double)total->bytes * 1000 / (double)ms : 0;
	if (rate > f->reading_rate)
		f->reading_rate = rate;
	return f->reading_rate;
}

/* Of a proof that was measured, by its size; else it reads what the delta reads once more. Where its time
 * comes from is said with it, short, for the line is. */
static int64_t foretell_proof(const struct warm_follow *f, const struct copy_total *total, double rate,
			      char *from, size_t size)
{
	char speed[UNITS_MAX];
	text_copy(from, size, "");
	if (f->proof_ms >= 0 && f->proof_bytes > 0) {
		if (*f->proof_from)
			text_copyf(from, size, " (%s)", f->proof_from);
		return (int64_t)((double)f->proof_ms * (double)total->bytes_total / 2 /
				 (double)f->proof_bytes);
	}
	if (rate <= 0)
		return -1;
	text_copyf(from, size, " (at %s)", units_rate(speed, rate));
	return (int64_t)((double)total->bytes_total * 1000 / rate);
}

static void add_window(struct warm_follow *f, char *text, size_t size, const struct copy_total *total,
		       int64_t ms)
{
	char so_far[UNITS_MAX], then[UNITS_MAX], from[60];
	if (!f->window_ms)
		return;
	int64_t now_ms = clock_wall_ms() - f->window_ms,
		proof_ms = foretell_proof(f, total, reading_rate(f, total, ms), from, sizeof from);
	units_duration(so_far, now_ms);
	if (total->eta_ms < 0 || proof_ms < 0)
		text_copyf(text, size, "window so far %s; ", so_far);
	else
		text_copyf(text, size, "window so far %s, projected %s%s; ", so_far,
			   units_duration(then, now_ms + total->eta_ms + proof_ms), from);
}

static int64_t left_of(int64_t done, int64_t total, int64_t ms)
{
	return done > 0 && total >= done ? (int64_t)((double)ms * (double)(total - done) / (double)done) : -1;
}

static void tell_delta(struct warm_follow *f, const struct json *line)
{
	struct copy_total total = {.stage = f->stage, COPY_UNKNOWN};
	char text[160] = "", changed[UNITS_MAX], removed[UNITS_MAX];
	total.tables = json_int(line, "tables", -1);
	total.tables_total = json_int(line, "tables_total", -1);
	total.bytes = json_int(line, "read_bytes", -1);
	total.bytes_total = json_int(line, "size_bytes", -1);
	total.rate = copy_rate(&f->rate, total.bytes);
	total.eta_ms = left_of(total.bytes, total.bytes_total, json_int(line, "ms", 0));
	if (text_equal(f->stage, "warm-copy"))
		text_copy(text, sizeof text, "what is here already is brought up to date: ");
	/* The window first: it is what a narrow screen must not cut. */
	add_window(f, text, sizeof text, &total, json_int(line, "ms", 0));
	size_t at = strlen(text);
	text_copyf(text + at, sizeof text - at, "rows +%s -%s",
		   units_count(changed, json_int(line, "changed", 0)),
		   units_count(removed, json_int(line, "removed", 0)));
	total.text = text;
	copy_tell(f->job, &total);
	job_progress(f->job, total.tables, total.tables_total, "items", text);
}

static void tell_stream(struct warm_follow *f, const struct json *line)
{
	struct copy_total total = {.stage = f->stage, COPY_UNKNOWN};
	char text[160] = "", held[UNITS_MAX];
	total.tables = json_int(line, "tables", -1);
	total.tables_total = json_int(line, "tables_total", -1);
	total.indexes = json_int(line, "indexes", -1);
	total.indexes_total = json_int(line, "indexes_total", -1);
	total.keys = json_int(line, "keys", -1);
	total.keys_total = json_int(line, "keys_total", -1);
	total.rows = json_int(line, "rows", -1);
	total.bytes = json_int(line, "bytes", -1);
	total.bytes_total = json_int(line, "size_bytes", -1);
	total.rate = copy_rate(&f->rate, total.bytes);
	total.eta_ms =
	    left_of(json_int(line, "work", -1), json_int(line, "work_total", -1), json_int(line, "ms", 0));
	if (f->held_ms > 0)
		text_copyf(text, sizeof text, "the app is live; OLD is free again, its vacuum waited %s",
			   units_duration(held, f->held_ms));
	else
		text_copyf(text, sizeof text, "the app is live; OLD's vacuum held back for %s%s%s",
			   units_duration(held, json_int(line, "ms", 0)), *f->note ? "; held: " : "",
			   f->note);
	total.text = text;
	copy_tell(f->job, &total);
	job_progress(f->job, total.tables, total.tables_total, "items", text);
}

static void hear(void *ctx, const struct json *line)
{
	struct warm_follow *f = ctx;
	const char *kind = json_str(line, "kind", "");
	if (text_equal(kind, "table"))
		tell_table(f, line);
	else if (text_equal(kind, "total") && json_get(line, "read_bytes"))
		tell_delta(f, line);
	else if (text_equal(kind, "total"))
		tell_stream(f, line);
	else if (text_equal(kind, "gentle"))
		text_copy(f->note, sizeof f->note,
			  json_bool(line, "still", false) ? json_str(line, "why", "") : "");
	else if (text_equal(kind, "released"))
		f->held_ms = json_int(line, "ms", 0);
	else if (text_equal(kind, "left_out"))
		job_log(f->job, "NEW", "left out: %s (%s)", json_str(line, "what", ""),
			json_str(line, "why", ""));
	else if (text_equal(kind, "boundary") && *json_str(line, "held_by", ""))
		job_log(f->job, "OLD",
			"the boundary lies %s transactions back, because of %s: the delta gets larger by "
			"what they wrote",
			json_str(line, "open", "?"), json_str(line, "held_by", ""));
}

int warm_follow(struct copy_worker *worker, struct warm_follow *f, struct err *err)
{
	struct copy_ears ears = {.hear = hear, .ctx = f};
	struct err own = {0}, stopped = {0};
	int rc = -1;
	if (copy_worker_follow(worker, &ears, &rc, &own) < 0) {
		if (own.kind != ERR_CANCELLED)
			return err_set(err, own.kind, "%s", own.text);
		if (copy_worker_stop(worker, &stopped) < 0)
			return err_set(err, ERR_CANCELLED, "stopped here, but the %s may still run on %s: %s",
				       f->stage, copy_worker_place(worker), stopped.text);
		return err_set(err, ERR_CANCELLED,
			       "the %s was stopped; OLD is as it was. Run it again when you like, it goes on "
			       "with what is whole",
			       f->stage);
	}
	return rc == 0 && worker->result ? 0 : copy_worker_failed(worker, rc, err);
}
