/* Every check, once, before anything is changed. Each looks for itself; this step only counts. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <string.h>

static int preflight_plan(struct job *job, struct plan *plan, struct err *err);
static int preflight_run(struct job *job, struct err *err);
static enum done preflight_probe(struct job *job, struct err *err);
static enum verdict preflight_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"checks", "any", "all", "all, or a list of names"},
    {0},
};
static const char *const makes[] = {"preflight", NULL};
/* Of all checks: they run in this process. */
static const char *const secrets[] = {"HEROKU_API_KEY",    "NEW_DATABASE_URL",     "NEW_REDIS_URL",
				      "DIGEST_KEY",        "CLOUDFLARE_API_TOKEN", "CF_API_TOKEN",
				      "CF_DNS_API_TOKEN",  "AWS_ACCESS_KEY_ID",    "AWS_SECRET_ACCESS_KEY",
				      "AWS_SESSION_TOKEN", "HCLOUD_TOKEN",         NULL};

const struct step preflight_step = {
    .name = "preflight",
    .help = "runs the checks and stops the night at the first doubt",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = preflight_plan,
    .run = preflight_run,
    .undo = NULL,
    .probe = preflight_probe,
    .prove = preflight_prove,
};

enum { FRESH_MS = 30000 };

static bool in_list(const struct json *list, const char *name)
{
	for (const struct json *item = json_first(list); item; item = json_next(item))
		if (text_equal(json_text(item), name))
			return true;
	return false;
}

static bool is_wanted(struct job *job, const struct check *check)
{
	const struct json *list = json_get(job_params(job), "checks");
	return !json_is_array(list) || in_list(list, check->name);
}

static size_t count_wanted(struct job *job)
{
	size_t n = 0;
	for (size_t i = 0; check_table[i]; i++)
		n += is_wanted(job, check_table[i]);
	return n;
}

/* A name that no check has would pass silently for ever. */
static int names_known(struct job *job, struct err *err)
{
	const struct json *list = json_get(job_params(job), "checks");
	for (const struct json *item = json_is_array(list) ? json_first(list) : NULL; item;
	     item = json_next(item)) {
		bool known = false;
		for (size_t i = 0; check_table[i] && !known; i++)
			known = text_equal(check_table[i]->name, json_text(item));
		if (!known)
			return err_set(
			    err, ERR_CONFIG,
			    "preflight: there is no check called \"%s\"; `nightferry check` lists them",
			    json_text(item) ? json_text(item) : "");
	}
	return 0;
}

static int preflight_plan(struct job *job, struct plan *plan, struct err *err)
{
	if (names_known(job, err) < 0)
		return -1;
	size_t n = count_wanted(job);
	text_copy(plan->target, sizeof plan->target, job_config_str(job, "heroku.app", "the app"));
	text_copy(plan->verb, sizeof plan->verb, "LOOKS");
	text_copyf(plan->to, sizeof plan->to, "%zu checks, none of them FAIL or UNKNOWN", n);
	plan_does(plan, "run %zu checks, one after the other; they change nothing", n);
	text_copy(plan->then, sizeof plan->then, "Nothing changes.");
	plan->estimate_ms = (int64_t)n * 1000;
	return 0;
}

/* The worst line of the worst verdict is what has to be mended. */
static const char *fix_of(const struct evidence *ev, enum verdict verdict, const struct err *err)
{
	if (err->kind)
		return err->text;
	for (size_t i = 0; i < ev->n && verdict != VERDICT_PASS; i++)
		if (ev->lines[i].verdict == verdict)
			return ev->lines[i].text;
	return "";
}

static void tell_check(struct job *job, const struct check *check, const struct evidence *ev,
		       enum verdict verdict, const struct err *err)
{
	struct jw w;
	jw_event(&w, "check.seen");
	jw_str(&w, "check", check->name);
	jw_str(&w, "verdict", verdict_name(verdict));
	jw_arr(&w, "lines");
	for (size_t i = 0; i < ev->n; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "verdict", verdict_name(ev->lines[i].verdict));
		jw_str(&w, "name", ev->lines[i].name);
		jw_str(&w, "text", ev->lines[i].text);
		jw_str(&w, "fact", ev->lines[i].fact);
		jw_end(&w);
	}
	jw_end(&w);
	jw_str(&w, "fix", fix_of(ev, verdict, err));
	jw_str(&w, "bite", check->bite);
	job_event(job, &w);
}

/* A waiver of a check is tied to this: the fact of its worst line. */
static const char *fact_of(const struct evidence *ev, enum verdict verdict)
{
	for (size_t i = 0; i < ev->n; i++)
		if (ev->lines[i].verdict == verdict)
			return ev->lines[i].fact;
	return ev->n ? ev->lines[0].fact : "";
}

/* One check with nothing of another's left in its hands. `sum` gets a line unless it passed. */
static enum verdict run_one(struct job *job, const struct check *check, struct evidence *sum)
{
	struct err err = {0};
	struct evidence ev = {0};
	enum verdict verdict = check->run(job, &ev, &err);
	if (err.kind)
		verdict = VERDICT_UNKNOWN;
	tell_check(job, check, &ev, verdict, &err);
	if (sum && verdict != VERDICT_PASS) {
		const char *fix = fix_of(&ev, verdict, &err);
		evidence_add(sum, verdict, check->name, fact_of(&ev, verdict), "%s",
			     *fix ? fix : "It gave no reason.");
	}
	evidence_done(&ev);
	return verdict;
}

/* -1: cancelled. `passed` counts. */
static int run_all(struct job *job, struct evidence *sum, size_t *passed, struct err *err)
{
	size_t n = count_wanted(job), done = 0;
	*passed = 0;
	for (size_t i = 0; check_table[i]; i++) {
		if (!is_wanted(job, check_table[i]))
			continue;
		if (job_stopping(job))
			return err_set(err, ERR_CANCELLED,
				       "stopped after %zu of %zu checks; nothing was changed", done, n);
		job_progress(job, (int64_t)done, (int64_t)n, "items", check_table[i]->name);
		*passed += run_one(job, check_table[i], sum) == VERDICT_PASS;
		done++;
	}
	char text[80];
	text_copyf(text, sizeof text, "%zu of %zu passed", *passed, n);
	job_progress(job, (int64_t)n, (int64_t)n, "items", text);
	return 0;
}

static int preflight_run(struct job *job, struct err *err)
{
	struct evidence sum = {0};
	struct jw w;
	size_t passed;
	if (names_known(job, err) < 0)
		return -1;
	int rc = run_all(job, &sum, &passed, err);
	if (rc == 0) {
		jw_fact(&w, "preflight", "");
		jw_int(&w, "at_ms", clock_wall_ms());
		jw_int(&w, "passed", (int64_t)passed);
		jw_arr(&w, "others");
		for (size_t i = 0; i < sum.n; i++) {
			jw_obj(&w, NULL);
			jw_str(&w, "name", sum.lines[i].name);
			jw_str(&w, "verdict", verdict_name(sum.lines[i].verdict));
			jw_str(&w, "text", sum.lines[i].text);
			jw_str(&w, "fact", sum.lines[i].fact);
			jw_end(&w);
		}
		rc = job_record(job, &w, err);
	}
	evidence_done(&sum);
	return rc;
}

/* Looking never leaves anything half done. */
static enum done preflight_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "preflight", "") ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict preflight_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *fact = job_fact(job, "preflight", "");
	int64_t age_ms = clock_wall_ms() - json_int(fact, "at_ms", 0);
	size_t passed;
	if (fact && age_ms >= 0 && age_ms < FRESH_MS) {
		passed = (size_t)json_int(fact, "passed", 0);
		for (const struct json *o = json_first(json_get(fact, "others")); o; o = json_next(o))
			evidence_add(ev, verdict_of(json_str(o, "verdict", "")), json_str(o, "name", ""),
				     json_str(o, "fact", ""), "%s", json_str(o, "text", ""));
	} else if (run_all(job, ev, &passed, err) < 0) {
		return VERDICT_UNKNOWN;
	}
	if (passed)
		evidence_add(ev, VERDICT_PASS, "passed", "", "%zu check%s passed.", passed,
			     passed == 1 ? "" : "s");
	return evidence_verdict(ev);
}
