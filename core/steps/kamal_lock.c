/* kamal-lock: for this night nobody deploys. Kamal's own deploy lock, taken once and held to the end; whoever
 * types `kamal deploy` meanwhile, on any machine, is told which night holds it. */
#include "core/base/text.h"
#include "core/steps/deploy_lock.h"
#include <string.h>

static int kamal_lock_plan(struct job *job, struct plan *plan, struct err *err);
static int kamal_lock_run(struct job *job, struct err *err);
static int kamal_lock_undo(struct job *job, struct err *err);
static enum done kamal_lock_probe(struct job *job, struct err *err);
static enum verdict kamal_lock_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"kamal-lock", NULL};

const struct step kamal_lock_step = {
    .name = "kamal-lock",
    .help = "takes Kamal's deploy lock, so that nobody deploys while the night lasts",
    .gate = GATE_NONE,
    .alone = true, /* a lock that was lost is given up and taken again, whatever came after it */
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .plan = kamal_lock_plan,
    .run = kamal_lock_run,
    .undo = kamal_lock_undo,
    .probe = kamal_lock_probe,
    .prove = kamal_lock_prove,
};

static void fill_plan(const struct deploy_lock *lock, struct plan *plan)
{
	char says[320];
	const char *host = ssh_host(lock->ssh);
	deploy_lock_say(lock, says, sizeof says);
	text_copyf(plan->target, sizeof plan->target, "%s on %s", lock->names.service, host);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "LOCKS DEPLOYS");
	text_copyf(plan->from, sizeof plan->from, "%.190s", says);
	text_copy(plan->to, sizeof plan->to, "this night holds Kamal's deploy lock");
	plan_does(plan, "mkdir ~/%s on %s, and who, when and why in it", lock->seen.folder, host);
	text_copy(plan->then, sizeof plan->then,
		  "every kamal deploy stops before it does anything, and names this night");
	text_copy(plan->back, sizeof plan->back, "kamal-unlock, or kamal lock release");
	plan->estimate_ms = 1000;
	plan->nothing_to_do = deploy_lock_is_ours(lock);
	if (plan->nothing_to_do || !lock->seen.held)
		return;
	/* An empty folder says itself what to do; a lock of another night may be of one that was never
	 * closed. */
	if (lock->seen.empty)
		plan_refuse(plan, "%s", says);
	else if (*lock->seen.key)
		plan_refuse(plan, "%.200s. If that night is over: kamal lock release. If not: end it first",
			    says);
	else
		plan_refuse(plan,
			    "%.200s. Let it end and run this again; if nobody deploys: kamal lock release",
			    says);
}

static int kamal_lock_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct deploy_lock lock;
	int rc = deploy_lock_open(job, &lock, err);
	if (rc == 0)
		fill_plan(&lock, plan);
	deploy_lock_close(&lock);
	return rc;
}

static int kamal_lock_run(struct job *job, struct err *err)
{
	return deploy_lock_do(job, deploy_lock_take, err);
}

static int kamal_lock_undo(struct job *job, struct err *err)
{
	return deploy_lock_do(job, deploy_lock_release, err);
}

static enum done kamal_lock_probe(struct job *job, struct err *err)
{
	struct deploy_lock lock;
	enum done done = DONE_UNCLEAR;
	if (deploy_lock_open(job, &lock, err) == 0)
		done = deploy_lock_is_ours(&lock) ? DONE_DONE : DONE_NOT_DONE;
	deploy_lock_close(&lock);
	return done;
}

static enum verdict kamal_lock_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct deploy_lock lock;
	char says[320];
	int rc = deploy_lock_open(job, &lock, err);
	if (rc == 0) {
		deploy_lock_say(&lock, says, sizeof says);
		if (deploy_lock_is_ours(&lock))
			evidence_add(ev, VERDICT_PASS, "lock", lock.key,
				     "Kamal's deploy lock on %s is this night's", ssh_host(lock.ssh));
		else
			evidence_add(ev, VERDICT_FAIL, "lock", "not ours", "%s", says);
	}
	deploy_lock_close(&lock);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
