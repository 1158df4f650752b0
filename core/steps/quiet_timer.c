/* quiet-timer: minutes on the new side without a new kind of error. It starts again at a failed look at the
 * public path, and at the first request of each kind that ends in 5xx; the same kind again is counted, and
 * told in the proof, with both sides' rates beside each other: kamal-proxy's log against Heroku's router log.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku_logs.h"
#include "core/links/proxy_log.h"
#include "core/links/target.h"
#include "core/links/dns_host.h"
#include "core/steps/quiet_tally.h"
#include "core/steps/smoke_look.h"
#include <stdlib.h>
#include <string.h>

static int quiet_timer_plan(struct job *job, struct plan *plan, struct err *err);
static int quiet_timer_run(struct job *job, struct err *err);
static enum done quiet_timer_probe(struct job *job, struct err *err);
static enum verdict quiet_timer_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"for", "duration", "10m", "how long without a new error"},
    {"look", "text", "public", "public, or address while only some answers lead to the new side"},
    {0},
};
static const char *const makes[] = {"quiet", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step quiet_timer_step = {
    .name = "quiet-timer",
    .help = "waits until the new side has served for a while without new errors",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = quiet_timer_plan,
    .run = quiet_timer_run,
    .probe = quiet_timer_probe,
    .prove = quiet_timer_prove,
};

enum { LOOK_MS = 5000, TURN_MS = 500, EAR_MS = 100, TELL_MS = 1000 };

struct quiet {
	struct job *job;
	int64_t need_ms, since_ms; /* wall */
	struct tally tally;
	int64_t looked_ms, told_ms;
	bool looked_last; /* after the whole time, as the last thing */
	bool old_open;    /* Heroku's router log is heard */
	char why[240];
	struct dns_addresses host;
	struct proxy_tail *tail;
	bool log_open, log_ever, by_address;
	char log_why[200];
};

static int64_t need_ms(struct job *job)
{
	const char *text = json_str(job_params(job), "for", NULL);
	int64_t ms = text ? units_parse_duration_ms(text) : json_int(job_params(job), "for", 600) * 1000;
	return ms > 0 ? ms : 600000;
}

/* During a ramp most caches lead to the old side, which says nothing about the new one. */
static int read_look(struct job *job, bool *by_address, struct err *err)
{
	const char *look = json_str(job_params(job), "look", "public");
	*by_address = text_equal(look, "address");
	if (*by_address || text_equal(look, "public"))
		return 0;
	return err_set(err, ERR_CONFIG,
		       "quiet-timer: look is \"%s\", but it can only be public or address; mend the playbook",
		       look);
}

static int quiet_timer_plan(struct job *job, struct plan *plan, struct err *err)
{
	char need[UNITS_MAX];
	bool by_address;
	if (read_look(job, &by_address, err) < 0)
		return -1;
	units_duration(need, need_ms(job));
	text_copy(plan->target, sizeof plan->target, job_config_str(job, "host.address", "the new host"));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "WAITS");
	text_copyf(plan->to, sizeof plan->to, "%s without a new error", need);
	plan_does(plan, "look at the %s every 5 s, read kamal-proxy's log for answers of 500 and above",
		  by_address ? "new side by its address" : "public path");
	plan_does(plan, "start again at each new kind of error");
	text_copy(plan->back, sizeof plan->back, "not needed: it only looks");
	plan->estimate_ms = need_ms(job);
	return 0;
}

static void start_again(struct quiet *q, const char *why)
{
	char clock[UNITS_MAX];
	q->since_ms = clock_wall_ms();
	tally_begin(&q->tally);
	q->looked_last = false;
	text_copyf(q->why, sizeof q->why, "again from %s: %s", units_clock(clock, q->since_ms), why);
	job_log(q->job, "NEW", "quiet-timer: %s", q->why);
}

static void on_request(void *ctx, const struct proxy_request *request)
{
	struct quiet *q = ctx;
	char signature[240];
	/* Our own looks are judged where they are made. */
	if (request->ours)
		return;
	tally_request(&q->tally.new_side, request->status, request->ms);
	if (request->status < 500)
		return;
	proxy_signature(request, signature, sizeof signature);
	if (tally_kind(&q->tally, signature))
		start_again(q, signature);
}

/* Answers from the old side, of caches that have not followed, say nothing about the new one. */
static bool at_new(const struct quiet *q, const struct smoke_result *result)
{
	char address[64];
	text_copy(address, sizeof address, result->at[0] == '[' ? result->at + 1 : result->at);
	char *end = result->at[0] == '[' ? strchr(address, ']') : strrchr(address, ':');
	if (end)
		*end = '\0';
	return dns_addresses_has(&q->host, address);
}

/* False when the path could not be looked at, with the reason in q->why. */
static void look_public(struct quiet *q)
{
	struct smoke_look *look = xcalloc(1, sizeof *look);
	struct err unseen = {0};
	size_t seen = 0;
	*look = (struct smoke_look){.job = q->job,
				    .side = q->by_address ? SMOKE_NEW : SMOKE_PUBLIC,
				    .gets_only = true,
				    .first_only = true};
	smoke_ask(look, &unseen);
	for (size_t i = 0; i < look->n; i++) {
		const struct smoke_result *r = &look->results[i];
		char text[240];
		if (!q->by_address && !at_new(q, r))
			continue;
		seen++;
		if (r->verdict != VERDICT_FAIL)
			continue;
		text_copyf(text, sizeof text, "%s %s: %s", r->method, r->path, r->text);
		start_again(q, text);
	}
	if (!seen && !job_cancelled(q->job))
		start_again(q,
			    unseen.kind ? unseen.text : "the public path does not lead to the new host yet");
	free(look);
}

static void tell(const struct quiet *q)
{
	int64_t quiet_ms = clock_wall_ms() - q->since_ms;
	char text[320], clock[UNITS_MAX], so_far[UNITS_MAX];
	struct jw w;
	jw_event(&w, "quiet.seen");
	jw_int(&w, "since_ms", q->since_ms);
	jw_int(&w, "need_ms", q->need_ms);
	jw_str(&w, "why", q->why);
	job_event(q->job, &w);
	text_copyf(text, sizeof text, "%s quiet, done at %s%s%s", units_duration(so_far, quiet_ms),
		   units_clock(clock, q->since_ms + q->need_ms), *q->why ? "; " : "", q->why);
	job_progress(q->job, quiet_ms / 1000, q->need_ms / 1000, "s", text);
}

static int record_end(struct quiet *q, struct err *err)
{
	struct jw w;
	jw_fact(&w, "quiet", "");
	jw_int(&w, "since_ms", q->since_ms);
	jw_int(&w, "until_ms", clock_wall_ms());
	jw_int(&w, "need_ms", q->need_ms);
	jw_int(&w, "requests", q->tally.new_side.requests);
	jw_int(&w, "errors", q->tally.new_side.errors);
	tally_write(&q->tally.new_side, "new", &w);
	if (q->old_open)
		tally_write(&q->tally.old_side, "old", &w);
	jw_bool(&w, "log", q->log_open);
	jw_str(&w, "log_why", q->log_why);
	jw_arr(&w, "kinds");
	for (size_t i = 0; i < q->tally.n_kinds; i++)
		jw_strf(&w, NULL, "%s, %lld times", q->tally.kinds[i].text, (long long)q->tally.kinds[i].n);
	jw_end(&w);
	return job_record(q->job, &w, err);
}

static void pump(struct quiet *q, int ms)
{
	struct err unseen = {0};
	q->log_open = q->tail && proxy_tail_pump(q->tail, ms, &unseen);
	if (!q->tail)
		err_set(&unseen, ERR_CONFIG, "%s", target_no_kamal(q->job));
	q->log_ever = q->log_ever || q->log_open;
	text_copy(q->log_why, sizeof q->log_why, unseen.text);
	/* With a log, pumping is the wait. */
	if (!q->log_open)
		job_wait(q->job, ms);
}

static bool over(struct quiet *q)
{
	char text[120];
	if (clock_wall_ms() - q->since_ms < q->need_ms)
		return false;
	/* A time shorter than the pause between looks would else end without one. */
	if (!q->looked_last) {
		q->looked_last = true;
		look_public(q);
		return false;
	}
	const struct tally_side *side = &q->tally.new_side;
	if (!tally_noisy(side->requests, side->errors))
		return true;
	text_copyf(text, sizeof text, "%lld of %lld requests ended in 500 and above", (long long)side->errors,
		   (long long)side->requests);
	start_again(q, text);
	return false;
}

/* One turn of the timer; false when it is over, or shall stop. */
static bool turn(struct quiet *q, int ms)
{
	if (!q->looked_ms || clock_life_ms() - q->looked_ms >= LOOK_MS) {
		q->looked_ms = clock_life_ms();
		look_public(q);
	}
	if (over(q))
		return false;
	pump(q, ms);
	if (clock_life_ms() - q->told_ms >= TELL_MS) {
		q->told_ms = clock_life_ms();
		tell(q);
	}
	return !job_stopping(q->job);
}

/* ---- the old side's log, whose stream is the wait while it runs ---- */

static bool on_old(void *ctx, const struct heroku_log_line *line)
{
	struct quiet *q = ctx;
	struct heroku_router_line router;
	/* What was before the timer began is none of its business. */
	if (!text_equal(line->process, "router") || line->at_us / 1000 < q->since_ms ||
	    !heroku_router_parse(line->text, &router))
		return true;
	double ms = router.service_ms < 0
			? -1
			: (double)router.service_ms + (router.connect_ms > 0 ? router.connect_ms : 0);
	tally_request(&q->tally.old_side, router.status, ms);
	return true;
}

static bool on_tick(void *ctx)
{
	return turn(ctx, EAR_MS);
}

static void on_trouble(void *ctx, const char *sentence)
{
	struct quiet *q = ctx;
	q->old_open = !sentence;
}

static int wait_quiet(struct quiet *q, struct err *err)
{
	struct err unseen = {0};
	const struct heroku_log_ears ears = {
	    .line = on_old, .tick = on_tick, .trouble = on_trouble, .ctx = q};
	q->since_ms = clock_wall_ms();
	/* Without a token the new side is watched alone. */
	if (!job_secret(q->job, "HEROKU_API_KEY") || heroku_log_stream(q->job, 1, &ears, &unseen) < 0)
		while (turn(q, TURN_MS))
			;
	if (job_stopping(q->job))
		return err_set(err, ERR_CANCELLED,
			       "quiet-timer was stopped%s%s; nothing had to be taken back",
			       *q->why ? "; " : "", q->why);
	return record_end(q, err);
}

static int quiet_timer_run(struct job *job, struct err *err)
{
	struct quiet *q = xcalloc(1, sizeof *q);
	q->job = job;
	q->need_ms = need_ms(job);
	int rc = read_look(job, &q->by_address, err);
	if (rc == 0)
		rc = dns_new_host(job, &q->host, err);
	if (rc == 0) {
		if (!target_no_kamal(job))
			q->tail = proxy_tail_open(job, clock_wall_ms(), on_request, q);
		rc = wait_quiet(q, err);
		proxy_tail_close(q->tail);
	}
	free(q);
	return rc;
}

static enum done quiet_timer_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "quiet", "") ? DONE_DONE : DONE_NOT_DONE;
}

static void see_fact(struct job *job, const struct json *fact, struct evidence *ev)
{
	char quiet[UNITS_MAX], need[UNITS_MAX];
	int64_t ms = json_int(fact, "until_ms", 0) - json_int(fact, "since_ms", 0);
	bool enough = ms >= need_ms(job);
	evidence_add(ev, enough ? VERDICT_PASS : VERDICT_FAIL, "quiet", enough ? "long enough" : "too short",
		     "%s without a new error, %s needed.", units_duration(quiet, ms),
		     units_duration(need, need_ms(job)));
	if (json_bool(fact, "log", false))
		evidence_add(
		    ev,
		    tally_noisy(json_int(fact, "requests", 0), json_int(fact, "errors", 0)) ? VERDICT_FAIL
											    : VERDICT_PASS,
		    "log", "", "kamal-proxy told of %lld requests, %lld of them 500 and above.",
		    (long long)json_int(fact, "requests", 0), (long long)json_int(fact, "errors", 0));
	else
		evidence_add(ev, VERDICT_WARN, "log", "unseen",
			     "kamal-proxy's log was not seen at the end: %s",
			     json_str(fact, "log_why", "no reason known"));
	if (json_bool(fact, "log", false))
		tally_see(json_get(fact, "old"), json_get(fact, "new"), ev);
	for (const struct json *x = json_first(json_get(fact, "kinds")); x; x = json_next(x))
		evidence_add(ev, VERDICT_WARN, "errors", json_text(x), "%s.", json_text(x));
}

static enum verdict quiet_timer_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *fact = job_fact(job, "quiet", "");
	struct smoke_look *look = xcalloc(1, sizeof *look);
	bool by_address = false;
	*look = (struct smoke_look){.job = job, .side = SMOKE_PUBLIC, .gets_only = true, .first_only = true};
	if (read_look(job, &by_address, err) == 0 && by_address)
		look->side = SMOKE_NEW;
	if (fact)
		see_fact(job, fact, ev);
	else
		evidence_add(ev, VERDICT_FAIL, "quiet", "never", "The timer has not run to its end.");
	if (!err->kind && smoke_ask(look, err) == 0)
		smoke_evidence(look, ev);
	free(look);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
