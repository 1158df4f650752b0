/* See gentle.h. The look is one that an app's requests resemble: a few pages of catalogs through an index, in
 * a session of its own. It is slower than before when the source is short of what the copy takes from it.
 *
 * The limit is a bucket that leaks: whatever came in a burst is paid for by standing still. */
#include "core/copy/gentle.h"
#include "core/base/clock.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LOOK_MS = 500,
	TELL_MS = 5000,
	LIMIT_MS = 20,
	TRIALS = 7,
	AT_ONCE = 8,
	ANSWER_MOST_MS = 2000,
	PAUSE_MOST_MS = 15000
};
#define TOO_SLOW 4.0   /* times the usual */
#define FINE 2.0       /* below it the copy goes on */
#define NEVER_BELOW 10 /* ms: what is faster than this is slow for nobody */

/* Of one among several, for the clock has no more than milliseconds. What does not answer at all is slow; 0
 * when the session is gone, for then there is nothing to be gentle to. */
static double time_look(struct pg *pg)
{
	int64_t began_ms = clock_life_ms(), n;
	for (int i = 0; i < AT_ONCE; i++)
		if (pg_number(pg,
			      "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
			      "WHERE c.oid = 'pg_catalog.pg_class'::regclass",
			      NULL, &n, NULL) < 0)
			return pg_alive(pg) ? ANSWER_MOST_MS : 0;
	return (double)clock_real_ms(clock_life_ms() - began_ms) / AT_ONCE;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

int gentle_open(struct gentle *g, const struct copy_order *order, struct err *err)
{
	double trials[TRIALS];
	*g = (struct gentle){.limit = json_int(order->json, "limit_bytes", 0)};
	g->moved = mmap(NULL, sizeof *g->moved, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (g->moved == MAP_FAILED) {
		g->moved = NULL;
		return err_set(err, ERR_IO, "No memory could be had: %s", strerror(errno));
	}
	g->source = copy_open_source(order, err);
	if (!g->source || pg_limit(g->source, ANSWER_MOST_MS, err) < 0) {
		gentle_close(g);
		return -1;
	}
	for (size_t i = 0; i < TRIALS; i++)
		trials[i] = time_look(g->source);
	qsort(trials, TRIALS, sizeof *trials, by_size);
	g->usual_ms = trials[TRIALS / 2];
	g->paid_until_ms = g->look_at_ms = clock_life_ms();
	return 0;
}

void gentle_close(struct gentle *g)
{
	pg_close(g->source);
	if (g->moved)
		munmap(g->moved, sizeof *g->moved);
	g->source = NULL;
	g->moved = NULL;
}

/* The limit holds and frees many times a second: that it does is told now and then, an answer that is slow or
 * quick again always. */
static void tell(struct gentle *g, bool always)
{
	struct jw w;
	int64_t now_ms = clock_life_ms();
	if (!always && now_ms - g->told_at_ms < TELL_MS)
		return;
	if (!always)
		g->told_at_ms = now_ms;
	order_line(&w, "gentle");
	jw_bool(&w, "still", g->still);
	jw_str(&w, "why",
	       g->why == GENTLE_SLOW    ? "the old side answers slower than before the copy"
	       : g->why == GENTLE_LIMIT ? "more than the limit has come"
					: "");
	jw_num(&w, "usual_ms", g->usual_ms);
	jw_num(&w, "now_ms", g->now_ms);
	jw_int(&w, "bytes", g->bytes);
	jw_int(&w, "still_ms", g->still_ms);
	order_tell(&w);
}

static void turn(struct gentle *g, pid_t group, enum gentle_why why)
{
	int64_t now_ms = clock_life_ms();
	bool still = why != GENTLE_FREE, always = why == GENTLE_SLOW || g->why == GENTLE_SLOW;
	if (g->still != still && kill(-group, still ? SIGSTOP : SIGCONT) < 0)
		return;
	if (g->still)
		g->still_ms += now_ms - g->still_since_ms;
	if (why == GENTLE_SLOW)
		g->pauses++;
	g->still_since_ms = now_ms;
	g->still = still;
	g->why = why;
	tell(g, always);
}

/* ---- the look ---- */

/* What was not used while nothing came is not saved up. */
static void note_bytes(struct gentle *g)
{
	int64_t now_ms = clock_life_ms(), bytes = __atomic_load_n(g->moved, __ATOMIC_RELAXED);
	if (g->limit > 0 && bytes > g->bytes) {
		if (g->paid_until_ms < now_ms - LIMIT_MS)
			g->paid_until_ms = now_ms - LIMIT_MS;
		g->paid_until_ms += (bytes - g->bytes) * 1000 / g->limit;
	}
	g->bytes = bytes;
}

static double at_least(double ms)
{
	return ms > NEVER_BELOW ? ms : NEVER_BELOW;
}

/* A source that is as slow without us is not made faster by waiting: this is what is usual now. */
static void take_for_usual(struct gentle *g)
{
	double most = at_least(g->usual_ms * TOO_SLOW);
	g->usual_ms = g->now_ms < most ? g->now_ms : most;
}

/* Also while the limit holds it: who is free again a moment later would meet a source that hangs. */
static void judge_answers(struct gentle *g, pid_t group)
{
	if (clock_life_ms() < g->look_at_ms)
		return;
	g->now_ms = time_look(g->source);
	g->look_at_ms = clock_life_ms() + LOOK_MS;
	bool slow = g->why == GENTLE_SLOW,
	     long_enough = slow && clock_life_ms() - g->still_since_ms > PAUSE_MOST_MS;
	if (!slow && g->now_ms > at_least(g->usual_ms * TOO_SLOW)) {
		turn(g, group, GENTLE_SLOW);
	} else if (slow && (long_enough || g->now_ms <= at_least(g->usual_ms * FINE))) {
		if (long_enough)
			take_for_usual(g);
		turn(g, group, GENTLE_FREE);
	}
}

static void judge_limit(struct gentle *g, pid_t group)
{
	note_bytes(g);
	bool over = g->limit > 0 && g->paid_until_ms > clock_life_ms();
	if (g->why == GENTLE_FREE && over)
		turn(g, group, GENTLE_LIMIT);
	else if (g->why == GENTLE_LIMIT && !over)
		turn(g, group, GENTLE_FREE);
}

void gentle_look(struct gentle *g, pid_t group)
{
	judge_limit(g, group);
	judge_answers(g, group);
}

int gentle_wait_ms(const struct gentle *g)
{
	int64_t now_ms = clock_life_ms(), left = g->look_at_ms - now_ms;
	if (g->limit > 0 && left > LIMIT_MS)
		left = LIMIT_MS;
	return (int)clock_real_ms(left > LOOK_MS ? LOOK_MS : left < 1 ? 1 : left);
}

void gentle_tell_end(struct gentle *g)
{
	if (g->still_ms > 0)
		order_log(
		    "for the old side's sake the copy stood still for %lld s in all, %lld times because "
		    "its answers were slow",
		    (long long)g->still_ms / 1000, (long long)g->pauses);
}
