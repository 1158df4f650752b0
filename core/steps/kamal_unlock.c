/* kamal-unlock: deploys may go on. Gives back the lock that this night took, and no other. */
#include "core/base/text.h"
#include "core/steps/deploy_lock.h"
#include <string.h>

static int kamal_unlock_plan(struct job *job, struct plan *plan, struct err *err);
static int kamal_unlock_run(struct job *job, struct err *err);
static int kamal_unlock_undo(struct job *job, struct err *err);
static enum done kamal_unlock_probe(struct job *job, struct err *err);
static enum verdict kamal_unlock_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"kamal-lock", NULL};

const struct step kamal_unlock_step = {
    .name = "kamal-unlock",
    .help = "gives back Kamal's deploy lock, if it is this night's",
    .gate = GATE_NONE,
    .alone = true,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .plan = kamal_unlock_plan,
    .run = kamal_unlock_run,
    .undo = kamal_unlock_undo,
    .probe = kamal_unlock_probe,
    .prove = kamal_unlock_prove,
};

static void fill_plan(const struct deploy_lock *lock, struct plan *plan)
{
	char says[320];
	deploy_lock_say(lock, says, sizeof says);
	text_copyf(plan->target, sizeof plan->target, "%s on %s", lock->names.service, ssh_host(lock->ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "UNLOCKS DEPLOYS");
	text_copyf(plan->from, sizeof plan->from, "%.190s", says);
	text_copy(plan->to, sizeof plan->to, "this night holds no lock");
	text_copy(plan->then, sizeof plan->then, "kamal deploy works again, for everybody");
	text_copy(plan->back, sizeof plan->back, "kamal-lock takes it again");
	plan->estimate_ms = 1000;
	plan->nothing_to_do = !deploy_lock_is_ours(lock);
	if (!plan->nothing_to_do)
		plan_does(plan, "rm ~/%s/details; rmdir ~/%s (only with this night's key in it)",
			  lock->seen.folder, lock->seen.folder);
	else if (lock->seen.held)
		evidence_add(&plan->seen, VERDICT_WARN, "lock", "not ours",
			     "%s. It is not this night's and stays", says);
}

static int kamal_unlock_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct deploy_lock lock;
	int rc = deploy_lock_open(job, &lock, err);
	if (rc == 0)
		fill_plan(&lock, plan);
	deploy_lock_close(&lock);
	return rc;
}

static int kamal_unlock_run(struct job *job, struct err *err)
{
	return deploy_lock_do(job, deploy_lock_release, err);
}

static int kamal_unlock_undo(struct job *job, struct err *err)
{
	return deploy_lock_do(job, deploy_lock_take, err);
}

static enum done kamal_unlock_probe(struct job *job, struct err *err)
{
	struct deploy_lock lock;
	enum done done = DONE_UNCLEAR;
	if (deploy_lock_open(job, &lock, err) == 0)
		done = deploy_lock_is_ours(&lock) ? DONE_NOT_DONE : DONE_DONE;
	deploy_lock_close(&lock);
	return done;
}

static enum verdict kamal_unlock_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct deploy_lock lock;
	char says[320];
	int rc = deploy_lock_open(job, &lock, err);
	if (rc == 0) {
		deploy_lock_say(&lock, says, sizeof says);
		if (deploy_lock_is_ours(&lock))
			evidence_add(ev, VERDICT_FAIL, "lock", "ours", "%s", says);
		else
			evidence_add(ev, lock.seen.held ? VERDICT_WARN : VERDICT_PASS, "lock",
				     lock.seen.held ? "held" : "free", "%s", says);
	}
	deploy_lock_close(&lock);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
