/* lock: Kamal's deploy lock, once more. Where a night has taken it, every typed gate of the new side looks
 * whether it is still this night's; before that, that nobody else works on the host. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/kamal_lock.h"
#include "core/links/target.h"

static enum verdict lock_run(struct job *job, struct evidence *ev, struct err *err);

const struct check lock_check = {
    .name = "lock",
    .help = "Kamal's deploy lock: this night's, or nobody's",
    .bite =
	"a deploy in the middle of the night starts an app on a database that is being filled; a lock that "
	"a crash left empty stops every deploy and is seen by no command of Kamal's",
    .run = lock_run,
};

static void judge(const struct kamal_lock *lock, const char *key, const char *host, struct evidence *ev)
{
	char says[320], since[UNITS_MAX];
	kamal_lock_say(lock, host, says, sizeof says);
	if (key && lock->held && text_equal(lock->key, key))
		evidence_add(ev, VERDICT_PASS, "lock", key,
			     "Kamal's deploy lock on %s is this night's since %s", host,
			     units_clock_hm(since, lock->since_ms));
	else if (lock->held)
		evidence_add(ev, VERDICT_FAIL, "lock", lock->empty ? "empty" : lock->by, "%s", says);
	else if (key)
		evidence_add(
		    ev, VERDICT_FAIL, "lock", "gone",
		    "Kamal's deploy lock on %s was this night's and is gone: somebody may deploy now. "
		    "Look for a deploy, then U and R on the step that took it take it again",
		    host);
	else
		evidence_add(ev, VERDICT_PASS, "lock", "free", "%s", says);
}

static enum verdict lock_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names;
	struct kamal_lock lock;
	if (target_no_kamal(job))
		return target_skip(ev, target_no_kamal(job));
	if (docker_names(job, &names, err) < 0)
		return VERDICT_UNKNOWN;
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return VERDICT_UNKNOWN;
	int rc = kamal_lock_look(ssh, &names, &lock, err);
	if (rc == 0)
		judge(&lock, kamal_lock_ours(job), ssh_host(ssh), ev);
	ssh_close(ssh);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
