/* The old side's log, as it comes. */
#include "core/links/heroku_logs.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/watches/log_batch.h"
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

enum { BEAT_MS = 5000, FIRST_LINES = 100 };

struct tail_told {
	struct job *job;
	struct log_batch batch;
	struct log_meter meter;
	int64_t beat_at_ms, since_ms;
	uint64_t lines, errors; /* since since_ms */
	char trouble[400];
};

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
	struct tail_told *told = ctx;
	bool platform = text_equal(line->source, "heroku"), router = text_equal(line->process, "router");
	const char *level = level_of(line);
	struct log_from from = {.side = "OLD", .source = platform && !router ? "heroku" : line->process};
	char text[2500];
	told->lines++;
	told->errors += text_equal(level, "error");
	log_batch_left(&told->batch, (struct log_from){"OLD", "all"}, &told->meter, line->at_us / 1000,
		       false);
	if (!log_meter_take(&told->meter, level))
		return true;
	if (platform && !router)
		text_copyf(text, sizeof text, "%s: %s", line->process, line->text);
	log_batch_add(&told->batch, from, line->at_us / 1000, level, platform && !router ? text : line->text);
	return true;
}

static bool on_tick(void *ctx)
{
	struct tail_told *told = ctx;
	int64_t now = clock_life_ms();
	log_batch_left(&told->batch, (struct log_from){"OLD", "all"}, &told->meter, clock_wall_ms(), false);
	log_batch_flush(&told->batch);
	if (now - told->beat_at_ms < BEAT_MS)
		return true;
	char text[120];
	double minutes = (double)(now - told->since_ms) / 60000;
	text_copyf(text, sizeof text, "%.0f lines a minute, %llu errors",
		   minutes > 0 ? (double)told->lines / minutes : 0, (unsigned long long)told->errors);
	job_beat(told->job, BEAT_MS, !*told->trouble, *told->trouble ? told->trouble : text);
	told->beat_at_ms = now;
	if (minutes > 1) {
		told->since_ms = now;
		told->lines = told->errors = 0;
	}
	return true;
}

static void on_trouble(void *ctx, const char *sentence)
{
	struct tail_told *told = ctx;
	text_copy(told->trouble, sizeof told->trouble, sentence ? sentence : "");
	told->beat_at_ms = 0;
	on_tick(told);
}

static int heroku_logs_run(struct job *job, struct err *err)
{
	struct tail_told told = {.job = job, .batch.job = job, .since_ms = clock_life_ms()};
	struct heroku_log_ears ears = {.line = on_line, .tick = on_tick, .trouble = on_trouble, .ctx = &told};
	int rc = heroku_log_stream(job, FIRST_LINES, &ears, err);
	log_batch_flush(&told.batch);
	return rc;
}
