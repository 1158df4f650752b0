/* The old side's log, as it comes. */
#include "core/links/heroku_logs.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
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

enum { BEAT_MS = 5000, FIRST_LINES = 100, SLOT_MS = 5000, ROUTER_SLOTS = 12, ROUTER_CODES = 8 };

/* What the router said in one stretch of time. */
struct router_slot {
	int64_t slot; /* life time / SLOT_MS */
	int requests;
	struct {
		char code[8];
		int n;
	} codes[ROUTER_CODES];
};

struct tail_told {
	struct job *job;
	struct log_batch batch;
	struct log_meter meter;
	int64_t beat_at_ms, since_ms;
	uint64_t lines, errors; /* since since_ms */
	struct router_slot router[ROUTER_SLOTS];
	int64_t opened_ms; /* of the log, for the router's first minute */
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

static struct router_slot *slot_now(struct tail_told *told)
{
	int64_t at = clock_life_ms() / SLOT_MS;
	struct router_slot *slot = &told->router[at % ROUTER_SLOTS];
	if (slot->slot != at)
		*slot = (struct router_slot){.slot = at};
	return slot;
}

/* Lines from the buffer, of before the log was opened, are no traffic of now. */
static void count_request(struct tail_told *told, const struct heroku_log_line *log)
{
	struct heroku_router_line line;
	if (!heroku_router_parse(log->text, &line) ||
	    clock_wall_ms() - log->at_us / 1000 > ROUTER_SLOTS * SLOT_MS)
		return;
	struct router_slot *slot = slot_now(told);
	slot->requests++;
	for (size_t i = 0; *line.code && i < ROUTER_CODES; i++) {
		if (*slot->codes[i].code && !text_equal(slot->codes[i].code, line.code))
			continue;
		text_copy(slot->codes[i].code, sizeof slot->codes[i].code, line.code);
		slot->codes[i].n++;
		return;
	}
}

static void add_codes(struct router_slot *sum, const struct router_slot *slot)
{
	sum->requests += slot->requests;
	for (size_t i = 0; i < ROUTER_CODES && *slot->codes[i].code; i++)
		for (size_t k = 0; k < ROUTER_CODES; k++) {
			if (*sum->codes[k].code && !text_equal(sum->codes[k].code, slot->codes[i].code))
				continue;
			text_copy(sum->codes[k].code, sizeof sum->codes[k].code, slot->codes[i].code);
			sum->codes[k].n += slot->codes[i].n;
			break;
		}
}

/* Requests a second and error codes of the last minute, or of as much of it as the log is open. */
static void tell_router(struct tail_told *told)
{
	struct router_slot sum = {0};
	int64_t now = clock_life_ms(), open_ms = now - told->opened_ms;
	if (open_ms < SLOT_MS)
		return;
	for (size_t i = 0; i < ROUTER_SLOTS; i++)
		if (told->router[i].slot > now / SLOT_MS - ROUTER_SLOTS)
			add_codes(&sum, &told->router[i]);
	double seconds = (double)(open_ms < ROUTER_SLOTS * SLOT_MS ? open_ms : ROUTER_SLOTS * SLOT_MS) / 1000;
	struct jw w;
	jw_event(&w, "router.seen");
	jw_num(&w, "per_s", (double)(int64_t)((double)sum.requests / seconds * 10) / 10);
	jw_arr(&w, "codes");
	for (size_t i = 0; i < ROUTER_CODES && *sum.codes[i].code; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "code", sum.codes[i].code);
		jw_int(&w, "n", sum.codes[i].n);
		jw_end(&w);
	}
	jw_end(&w);
	job_event(told->job, &w);
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
	if (router)
		count_request(told, line);
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
	if (!*told->trouble)
		tell_router(told);
	if (minutes > 1) {
		told->since_ms = now;
		told->lines = told->errors = 0;
	}
	return true;
}

static void on_gap(void *ctx, int64_t from_us, int64_t to_us)
{
	struct tail_told *told = ctx;
	char from[UNITS_MAX], to[UNITS_MAX], text[200];
	text_copyf(
	    text, sizeof text,
	    "nightferry: lines between %s and %s may be missing: while the log was not open more came than "
	    "Heroku keeps",
	    units_clock(from, from_us / 1000), units_clock(to, to_us / 1000));
	log_batch_add(&told->batch, (struct log_from){"OLD", "heroku"}, to_us / 1000, "warn", text);
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
	struct tail_told told = {
	    .job = job, .batch.job = job, .since_ms = clock_life_ms(), .opened_ms = clock_life_ms()};
	struct heroku_log_ears ears = {
	    .line = on_line, .tick = on_tick, .trouble = on_trouble, .gap = on_gap, .ctx = &told};
	int rc = heroku_log_stream(job, FIRST_LINES, &ears, err);
	log_batch_flush(&told.batch);
	return rc;
}
