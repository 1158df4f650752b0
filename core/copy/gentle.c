/* See gentle.h. The look is one that an app's requests resemble: a few pages of catalogs through an index, in
 * a session of its own. It is slower than before when the source is short of what the copy takes from it. */
#include "core/copy/gentle.h"
#include "core/base/clock.h"
#include <signal.h>
#include <stdlib.h>

enum { LOOK_MS = 500, TRIALS = 7, AT_ONCE = 8, PAUSE_MOST_MS = 15000 };
#define TOO_SLOW 4.0   /* times the usual */
#define FINE 2.0       /* below it the copy goes on */
#define NEVER_BELOW 10 /* ms: what is faster than this is slow for nobody */

/* Of one among several, for the clock has no more than milliseconds. -1 when the source does not answer: then
 * there is nothing to be gentle to. */
static double time_look(struct pg *pg)
{
	int64_t began_ms = clock_life_ms(), n;
	for (int i = 0; i < AT_ONCE; i++)
		if (pg_number(pg,
			      "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
			      "WHERE c.oid = "
			      "'pg_catalog.pg_class'::regclass",
			      NULL, &n, NULL) < 0)
			return -1;
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
	*g = (struct gentle){.limit = json_int(order->json, "limit_bytes", 0),
			     .looked_at_ms = clock_life_ms()};
	g->source = copy_open_source(order, err);
	g->target = g->source ? copy_open_target(order, err) : NULL;
	if (!g->target) {
		gentle_close(g);
		return -1;
	}
	for (size_t i = 0; i < TRIALS; i++)
		trials[i] = time_look(g->source);
	qsort(trials, TRIALS, sizeof *trials, by_size);
	g->usual_ms = trials[TRIALS / 2];
	return 0;
}

void gentle_close(struct gentle *g)
{
	pg_close(g->source);
	pg_close(g->target);
	g->source = g->target = NULL;
}

static void tell(const struct gentle *g, const char *why)
{
	struct jw w;
	order_line(&w, "gentle");
	jw_bool(&w, "still", g->still);
	jw_str(&w, "why", why);
	jw_num(&w, "usual_ms", g->usual_ms);
	jw_num(&w, "now_ms", g->now_ms);
	jw_int(&w, "still_ms", g->still_ms);
	order_tell(&w);
}

static void hold(struct gentle *g, pid_t group, bool still, const char *why)
{
	int64_t now_ms = clock_life_ms();
	if (g->still == still || kill(-group, still ? SIGSTOP : SIGCONT) < 0)
		return;
	if (still)
		g->still_since_ms = now_ms, g->pauses++;
	else
		g->still_ms += now_ms - g->still_since_ms;
	g->still = still;
	tell(g, why);
}

/* What the running COPYs have written since the last look, as PostgreSQL 14 and later tell; -1 unknown. */
static int64_t moved(struct gentle *g)
{
	int64_t now, was = g->bytes;
	if (!g->limit || pg_major(g->target) < 14 ||
	    pg_number(g->target,
		      "SELECT coalesce(sum(bytes_processed), 0) FROM pg_stat_progress_copy WHERE datname = "
		      "current_database() AND command = 'COPY FROM'",
		      NULL, &now, NULL) < 0)
		return -1;
	g->bytes = now;
	return now > was ? now - was : 0;
}

void gentle_look(struct gentle *g, pid_t group)
{
	int64_t now_ms = clock_life_ms(), bytes = g->still ? 0 : moved(g);
	double slow = g->usual_ms * TOO_SLOW > NEVER_BELOW ? g->usual_ms * TOO_SLOW : NEVER_BELOW,
	       fine = g->usual_ms * FINE > NEVER_BELOW ? g->usual_ms * FINE : NEVER_BELOW;
	g->now_ms = time_look(g->source);
	/* A source that is slow without us is not made faster by waiting for ever. */
	bool long_enough = g->still && now_ms - g->still_since_ms > PAUSE_MOST_MS;
	if (g->still && now_ms >= g->resume_at_ms && (g->now_ms <= fine || long_enough))
		hold(g, group, false, "");
	else if (!g->still && g->now_ms > slow)
		hold(g, group, true, "the old side answers slower than before the copy");
	else if (!g->still && g->limit && bytes > g->limit * LOOK_MS / 1000) {
		g->resume_at_ms = now_ms + bytes * 1000 / g->limit - (now_ms - g->looked_at_ms);
		hold(g, group, true, "more than the limit has come");
	}
	g->looked_at_ms = now_ms;
}

int gentle_wait_ms(const struct gentle *g)
{
	int64_t left = g->still && g->resume_at_ms ? g->resume_at_ms - clock_life_ms() : LOOK_MS;
	return (int)clock_real_ms(left > LOOK_MS || left < 1 ? LOOK_MS : left);
}

void gentle_tell_end(struct gentle *g)
{
	if (g->pauses)
		order_log("the copy was held %lld times, %lld s in all, for the old side's sake",
			  (long long)g->pauses, (long long)g->still_ms / 1000);
}
