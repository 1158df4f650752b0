/* stop-one-offs: ends what runs beside the formation, `heroku run` and Scheduler above all. The page stops
 * none of them, and each may write until its last moment. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/scale.h"
#include <stdlib.h>

static int stop_one_offs_plan(struct job *job, struct plan *plan, struct err *err);
static int stop_one_offs_run(struct job *job, struct err *err);
static enum done stop_one_offs_probe(struct job *job, struct err *err);
static enum verdict stop_one_offs_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"one-off-stopped", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step stop_one_offs_step = {
    .name = "stop-one-offs",
    .help = "ends one-off and Scheduler dynos; the formation stays as it is",
    .gate = GATE_NONE, /* the plan asks where there is something to end */
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = stop_one_offs_plan,
    .run = stop_one_offs_run,
    .undo = NULL, /* a program that was ended half-way is not taken up again by starting it anew */
    .probe = stop_one_offs_probe,
    .prove = stop_one_offs_prove,
};

static int look(struct job *job, struct scale_world *world, struct err *err)
{
	*world = (struct scale_world){.heroku = heroku_open(job, HEROKU_PATIENT, err)};
	if (world->heroku && scale_look(world, err) == 0)
		return 0;
	scale_close(world);
	return -1;
}

static int stop_one_offs_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct scale_world now;
	if (look(job, &now, err) < 0)
		return -1;
	size_t n = scale_one_offs(&now);
	text_copy(plan->target, sizeof plan->target, heroku_app(now.heroku));
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "ENDS ONE-OFFS");
	text_copyf(plan->from, sizeof plan->from, "%zu dyno%s beside the formation", n, n == 1 ? "" : "s");
	text_copy(plan->to, sizeof plan->to, "none");
	text_copy(plan->then, sizeof plan->then,
		  "What they were doing is cut off after 30 seconds at the latest; Scheduler starts its next "
		  "job when its "
		  "time comes.");
	text_copy(plan->back, sizeof plan->back,
		  "none: a program that was cut off does not go on; its command is recorded, so start it "
		  "again by hand");
	for (size_t i = 0; i < now.n_dynos; i++) {
		const struct heroku_dyno *dyno = &now.dynos[i];
		if (!scale_one_off(&now, dyno))
			continue;
		plan_does(plan, "POST /apps/%s/dynos/%s/actions/stop (%s)", heroku_app(now.heroku),
			  dyno->name, dyno->command);
		evidence_add(&plan->seen, VERDICT_WARN, dyno->name, dyno->name, "%s runs: %.150s", dyno->name,
			     dyno->command);
	}
	plan->nothing_to_do = n == 0;
	plan->gate = n ? GATE_YES : GATE_NONE;
	plan->estimate_ms = 15000;
	scale_close(&now);
	return 0;
}

static int stop_one_offs_run(struct job *job, struct err *err)
{
	struct scale_world now;
	if (look(job, &now, err) < 0)
		return -1;
	int rc = scale_wait_gone(job, &now, (struct scale_goal){.stop_one_offs = true, .only_one_offs = true},
				 err);
	scale_close(&now);
	return rc;
}

static enum done stop_one_offs_probe(struct job *job, struct err *err)
{
	struct scale_world now;
	if (look(job, &now, err) < 0)
		return DONE_UNCLEAR;
	size_t n = scale_one_offs(&now);
	scale_close(&now);
	return n ? DONE_NOT_DONE : DONE_DONE;
}

static enum verdict stop_one_offs_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct scale_goal goal = {.stop_one_offs = true, .only_one_offs = true};
	struct scale_world now;
	char left[200];
	if (look(job, &now, err) < 0)
		return VERDICT_UNKNOWN;
	scale_left_words(&now, goal, left, sizeof left);
	if (scale_left(&now, goal))
		evidence_add(ev, VERDICT_FAIL, "one-offs", left, "Still there: %s.", left);
	else
		evidence_add(ev, VERDICT_PASS, "one-offs", "none",
			     "No dyno runs beside the formation of %zu.", now.n_dynos);
	scale_close(&now);
	return evidence_verdict(ev);
}
