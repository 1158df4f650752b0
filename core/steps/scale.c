/* Stops every dyno, or brings back what ran before. Quantities are absolute: "+1" sent twice would be two. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/scale.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int scale_plan(struct job *job, struct plan *plan, struct err *err);
static int scale_run(struct job *job, struct err *err);
static int scale_undo(struct job *job, struct err *err);
static enum done scale_probe(struct job *job, struct err *err);
static enum verdict scale_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"all", "any", "", "how many dynos of every type; only 0 makes sense before a copy"},
    {"to", "text", "", "recorded: what ran before the freeze"},
    {"one_offs", "text", "stop", "stop: end running one-off and Scheduler dynos too; leave: do not"},
    {0},
};
static const char *const makes[] = {"formation", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step scale_step = {
    .name = "scale",
    .help = "stops every dyno of the app, or brings back what ran before",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = scale_plan,
    .run = scale_run,
    .undo = scale_undo,
    .probe = scale_probe,
    .prove = scale_prove,
};

static int read_goal(struct job *job, struct scale_goal *goal, struct err *err)
{
	const struct json *p = job_params(job), *all = json_get(p, "all");
	const char *text = json_text(all), *one_offs = json_str(p, "one_offs", "stop");
	bool given = json_is_number(all) || (text && *text);
	*goal = (struct scale_goal){.recorded = text_equal(json_str(p, "to", ""), "recorded"),
				    .stop_one_offs = text_equal(one_offs, "stop")};
	if (text && (*text == '+' || *text == '-'))
		return err_set(err, ERR_CONFIG,
			       "scale: all is \"%s\", which is relative, and sent twice it would count "
			       "twice; write a plain "
			       "number",
			       text);
	for (const char *c = text ? text : ""; *c; c++)
		if (!isdigit((unsigned char)*c))
			return err_set(err, ERR_CONFIG, "scale: all is \"%s\", which is no number; write 0",
				       text);
	goal->all = text ? (int)strtol(text, NULL, 10) : (int)json_value(all, 0);
	if (given == goal->recorded || goal->all < 0 || goal->all > 100)
		return err_set(
		    err, ERR_CONFIG,
		    "scale: say either `all: 0` or `to: recorded`, and not both; mend the playbook");
	return 0;
}

static int open_world(struct job *job, struct scale_world *world, struct err *err)
{
	*world = (struct scale_world){.heroku = heroku_open(job, HEROKU_PATIENT, err)};
	if (!world->heroku)
		return -1;
	if (scale_look(world, err) == 0)
		return 0;
	scale_close(world);
	return -1;
}

static void plan_types(struct plan *plan, const struct scale_world *now, const struct scale_world *want,
		       struct scale_goal goal)
{
	for (size_t i = 0; i < want->n_formation; i++) {
		const struct heroku_process *to = &want->formation[i], *from = scale_find(now, to->type);
		if (from && from->quantity == to->quantity && text_equal(from->size, to->size))
			continue;
		plan_does(plan, "PATCH /apps/%s/formation %s %d → %d %s", heroku_app(now->heroku), to->type,
			  from ? from->quantity : 0, to->quantity, to->size);
	}
	for (size_t i = 0; i < now->n_dynos && !goal.recorded && goal.stop_one_offs; i++)
		if (scale_one_off(now, &now->dynos[i]))
			plan_does(plan, "POST /apps/%s/dynos/%s/actions/stop (%s)", heroku_app(now->heroku),
				  now->dynos[i].name, now->dynos[i].command);
}

static void plan_words(struct plan *plan, const struct scale_world *now, const struct scale_world *want,
		       struct scale_goal goal)
{
	text_copy(plan->target, sizeof plan->target, heroku_app(now->heroku));
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, goal.recorded ? "STARTS HEROKU'S DYNOS" : "STOPS ALL DYNOS");
	scale_words(now, plan->from, sizeof plan->from);
	scale_words(want, plan->to, sizeof plan->to);
	text_copy(plan->then, sizeof plan->then,
		  goal.recorded ? "The app runs on Heroku again and may write to the OLD database."
				: "Web, workers and one-offs end; what they were doing is cut off after 30 "
				  "seconds at the latest.");
	text_copy(
	    plan->back, sizeof plan->back,
	    goal.recorded
		? "scale all to 0 again, about half a minute"
		: "the quantities and sizes are recorded before; scale to: recorded, about half a minute");
	plan->estimate_ms = goal.recorded ? 20000 : 15000;
}

static int scale_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct scale_goal goal;
	struct scale_world now, want = {0};
	if (read_goal(job, &goal, err) < 0 || open_world(job, &now, err) < 0)
		return -1;
	if (scale_want(job, &now, goal, &want) < 0) {
		plan_refuse(plan,
			    "No formation was recorded tonight, so nobody knows what ran before; scale by "
			    "hand with `heroku ps:scale "
			    "web=2 -a %s` and mark this step as done by hand.",
			    heroku_app(now.heroku));
		text_copy(plan->target, sizeof plan->target, heroku_app(now.heroku));
		scale_close(&now);
		return 0;
	}
	plan_words(plan, &now, &want, goal);
	plan_types(plan, &now, &want, goal);
	bool same = scale_same(&now, &want);
	size_t left = scale_left(&now, goal);
	plan->nothing_to_do = same && (goal.recorded || left == 0);
	if (!goal.recorded)
		evidence_add(&plan->seen, VERDICT_PASS, "dynos", "",
			     "%zu dyno%s will end, of them %zu one-off.", left, left == 1 ? "" : "s",
			     scale_one_offs(&now));
	for (size_t i = 0; i < now.n_dynos; i++)
		if (text_equal(now.dynos[i].type, "release"))
			evidence_add(&plan->seen, VERDICT_WARN, "release", now.dynos[i].name,
				     "A release command is running (%s); let it end first.",
				     now.dynos[i].name);
	if (goal.recorded && json_bool(job_fact(job, "fence", ""), "up", false))
		evidence_add(
		    &plan->seen, VERDICT_WARN, "fence", "up",
		    "OLD is still fenced off: the dynos could only read. Take fence-writers back first.");
	jw_open(&plan->data);
	jw_str(&plan->data, "from", plan->from);
	scale_close(&want);
	scale_close(&now);
	return 0;
}

/* The only way back: kept from the first look that saw dynos wanted, never overwritten by zeros. */
static int record_formation(struct job *job, const struct scale_world *now, struct err *err)
{
	const struct json *old = job_fact(job, "formation", "");
	struct jw w;
	jw_fact(&w, "formation", "");
	for (size_t i = 0; i < now->n_formation; i++) {
		const struct heroku_process *p = &now->formation[i];
		const struct json *before = json_get(old, p->type);
		int kept = (int)json_int(before, "quantity", 0);
		bool keep = p->quantity == 0 && kept > 0;
		jw_obj(&w, p->type);
		jw_int(&w, "quantity", keep ? kept : p->quantity);
		jw_str(&w, "size", keep ? json_str(before, "size", p->size) : p->size);
		jw_end(&w);
	}
	return job_record(job, &w, err);
}

/* Only what differs: a type that stays as it is has no reason to be in the request. */
static int send_changes(const struct scale_world *now, const struct scale_world *want, struct err *err)
{
	struct heroku_process *changed = xcalloc(want->n_formation + 1, sizeof *changed);
	size_t n = 0;
	for (size_t i = 0; i < want->n_formation; i++) {
		const struct heroku_process *to = &want->formation[i], *from = scale_find(now, to->type);
		bool sized = from && text_equal(from->size, to->size);
		if (sized && from->quantity == to->quantity)
			continue;
		changed[n] = *to;
		if (sized)
			changed[n].size[0] = '\0';
		n++;
	}
	int rc = heroku_formation_set(now->heroku, changed, n, err);
	free(changed);
	return rc;
}

static int apply(struct job *job, struct scale_world *now, const struct scale_world *want,
		 struct scale_goal goal, struct err *err)
{
	if (!scale_same(now, want)) {
		struct err lost = {0};
		int rc = 0;
		if (!goal.recorded)
			rc = record_formation(job, now, err);
		else {
			struct jw w;
			jw_fact(&w, "formation-restore", "");
			jw_int(&w, "at_ms", clock_wall_ms());
			rc = job_record(job, &w, err);
		}
		if (rc < 0)
			return -1;
		if (send_changes(now, want, &lost) < 0) {
			bool unclear = heroku_lost(now->heroku);
			if (!unclear || scale_look(now, err) < 0 || !scale_same(now, want))
				return err_set(err, lost.kind, "%s", lost.text);
		}
	}
	return goal.recorded ? scale_wait_up(job, now, want, err) : scale_wait_gone(job, now, goal, err);
}

static int scale_run(struct job *job, struct err *err)
{
	struct scale_goal goal;
	struct scale_world now, want = {0};
	char from[200];
	if (read_goal(job, &goal, err) < 0 || open_world(job, &now, err) < 0)
		return -1;
	int rc = scale_want(job, &now, goal, &want);
	if (rc < 0)
		err_set(err, ERR_WORLD,
			"no formation was recorded tonight, so nobody knows what ran before; scale by hand "
			"with `heroku "
			"ps:scale`");
	scale_words(&now, from, sizeof from);
	const char *planned = json_str(job_plan(job), "from", from);
	if (rc == 0 && !scale_same(&now, &want) && !text_equal(planned, from))
		rc = err_set(err, ERR_WORLD,
			     "the plan saw %s and now it is %s; nothing was changed, look at the new plan "
			     "and run again",
			     planned, from);
	if (rc == 0)
		rc = apply(job, &now, &want, goal, err);
	scale_close(&want);
	scale_close(&now);
	return rc;
}

static int scale_undo(struct job *job, struct err *err)
{
	struct scale_goal goal;
	struct scale_world now, want = {0};
	if (read_goal(job, &goal, err) < 0 || open_world(job, &now, err) < 0)
		return -1;
	goal.all = 0;
	goal.recorded = !goal.recorded;
	int rc = scale_want(job, &now, goal, &want);
	if (rc < 0)
		err_set(err, ERR_WORLD,
			"no formation was recorded tonight, so there is nothing to bring back");
	else
		rc = apply(job, &now, &want, goal, err);
	scale_close(&want);
	scale_close(&now);
	return rc;
}

static enum done scale_probe(struct job *job, struct err *err)
{
	struct scale_goal goal;
	struct scale_world now, want = {0};
	if (read_goal(job, &goal, err) < 0 || open_world(job, &now, err) < 0)
		return DONE_UNCLEAR;
	enum done done = DONE_UNCLEAR;
	if (scale_want(job, &now, goal, &want) < 0)
		err_set(err, ERR_WORLD, "no formation was recorded tonight");
	else if (!scale_same(&now, &want))
		done = DONE_NOT_DONE;
	else if (goal.recorded || scale_left(&now, goal) == 0)
		done = DONE_DONE;
	else
		err_set(err, ERR_WORLD,
			"the formation is at 0, and %zu dynos are still there; run the step again to see "
			"them out",
			scale_left(&now, goal));
	scale_close(&want);
	scale_close(&now);
	return done;
}

static enum verdict scale_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct scale_goal goal;
	struct scale_world now, want = {0};
	char words[200], left[200];
	if (read_goal(job, &goal, err) < 0 || open_world(job, &now, err) < 0)
		return VERDICT_UNKNOWN;
	int rc = scale_want(job, &now, goal, &want);
	scale_words(&now, words, sizeof words);
	if (rc < 0)
		evidence_add(ev, VERDICT_UNKNOWN, "formation", words,
			     "No formation was recorded tonight; Heroku says %s.", words);
	else
		evidence_add(ev, scale_same(&now, &want) ? VERDICT_PASS : VERDICT_FAIL, "formation", words,
			     "The formation is %s.", words);
	if (rc == 0 && goal.recorded)
		scale_prove_up(&now, &want, ev);
	else if (rc == 0 && scale_left(&now, goal) == 0)
		evidence_add(ev, VERDICT_PASS, "dynos", "none", "No dyno of any type is left.");
	else if (rc == 0) {
		scale_left_words(&now, goal, left, sizeof left);
		evidence_add(ev, VERDICT_FAIL, "dynos", left, "Still there: %s.", left);
	}
	scale_close(&want);
	scale_close(&now);
	return evidence_verdict(ev);
}
