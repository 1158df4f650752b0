/* The old side's log, as it comes. */
#include "core/links/heroku_logs.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int heroku_logs_run(struct job *job, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct watch heroku_logs_watch = {
    .name = "heroku-logs",
    .help = "follows the app's log on Heroku",
    .secrets = secrets,
    .run = heroku_logs_run,
};

enum { BEAT_MS = 5000, BATCH_BYTES = 64 * 1024, FIRST_LINES = 100 };

struct batch {
	struct job *job;
	struct jw w;
	size_t n; /* lines in the batch */
	int64_t beat_at_ms, since_ms;
	uint64_t lines, errors; /* since since_ms */
	char trouble[400];
};

static void flush(struct batch *batch)
{
	if (!batch->n)
		return;
	jw_end(&batch->w);
	job_event(batch->job, &batch->w);
	batch->n = 0;
}

static const char *router_level(const char *text)
{
	struct heroku_router_line line;
	if (!heroku_router_parse(text, &line))
		return "";
	/* The maintenance page is a 503 that was asked for. */
	return line.status >= 500 && !text_equal(line.code, "H80") ? "error" : "";
}

static const char *level_of(const struct heroku_log_line *line)
{
	static const char *const bad[] = {"FATAL",    "ERROR",      "Traceback (most recent",
					  "Error R1", "to crashed", "panic: "};
	if (text_equal(line->process, "router"))
		return router_level(line->text);
	/* Over its memory, and running on. */
	if (strstr(line->text, "Error R14") || strstr(line->text, "WARN"))
		return "warn";
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (strstr(line->text, bad[i]))
			return "error";
	return "";
}

static bool on_line(void *ctx, const struct heroku_log_line *line)
{
	struct batch *batch = ctx;
	bool platform = text_equal(line->source, "heroku"), router = text_equal(line->process, "router");
	const char *level = level_of(line);
	if (!batch->n) {
		jw_event(&batch->w, "log.lines");
		jw_arr(&batch->w, "lines");
	}
	jw_obj(&batch->w, NULL);
	jw_int(&batch->w, "at_ms", line->at_us / 1000);
	jw_str(&batch->w, "side", "OLD");
	jw_str(&batch->w, "source", platform && !router ? "heroku" : line->process);
	jw_str(&batch->w, "level", level);
	if (platform && !router)
		jw_strf(&batch->w, "text", "%s: %s", line->process, line->text);
	else
		jw_str(&batch->w, "text", line->text);
	jw_end(&batch->w);
	batch->n++;
	batch->lines++;
	batch->errors += text_equal(level, "error");
	if (batch->w.buf.len > BATCH_BYTES)
		flush(batch);
	return true;
}

static bool on_tick(void *ctx)
{
	struct batch *batch = ctx;
	int64_t now = clock_life_ms();
	flush(batch);
	if (now - batch->beat_at_ms < BEAT_MS)
		return true;
	char text[120];
	double minutes = (double)(now - batch->since_ms) / 60000;
	text_copyf(text, sizeof text, "%.0f lines a minute, %llu errors",
		   minutes > 0 ? (double)batch->lines / minutes : 0, (unsigned long long)batch->errors);
	job_beat(batch->job, BEAT_MS, !*batch->trouble, *batch->trouble ? batch->trouble : text);
	batch->beat_at_ms = now;
	if (minutes > 1) {
		batch->since_ms = now;
		batch->lines = batch->errors = 0;
	}
	return true;
}

static void on_trouble(void *ctx, const char *sentence)
{
	struct batch *batch = ctx;
	text_copy(batch->trouble, sizeof batch->trouble, sentence ? sentence : "");
	batch->beat_at_ms = 0;
	on_tick(batch);
}

static int heroku_logs_run(struct job *job, struct err *err)
{
	struct batch batch = {.job = job, .since_ms = clock_life_ms()};
	struct heroku_log_ears ears = {
	    .line = on_line, .tick = on_tick, .trouble = on_trouble, .ctx = &batch};
	int rc = heroku_log_stream(job, FIRST_LINES, &ears, err);
	flush(&batch);
	return rc;
}
