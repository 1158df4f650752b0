/* host-restart: what a restart of docker or of the host brings back by itself, workers among it. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"

static enum verdict host_restart_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_restart_check = {
    .name = "host-restart",
    .help =
	"what comes back by itself when docker or the host restarts, and whether the host wants a restart",
    .bite = "a restart in the middle of the copy brings back the workers that the night had stopped, and "
	    "they write",
    .run = host_restart_run,
};

static void judge(const struct kamal_container *c, struct evidence *ev)
{
	if (text_equal(c->restart, "always"))
		evidence_add(ev, VERDICT_WARN, c->role, "always",
			     "%s has the restart policy always: also when the night has stopped it, a "
			     "restart of docker "
			     "brings it back; Kamal's own is unless-stopped",
			     c->name);
	else if (text_equal(c->restart, "unless-stopped"))
		evidence_add(ev, c->replaced && c->running ? VERDICT_WARN : VERDICT_PASS, c->role, c->restart,
			     c->replaced && c->running
				 ? "%s is left over from a boot that broke off, and every restart brings it "
				   "back: kamal app "
				   "stale_containers --stop"
				 : "%s comes back after a restart, unless it was stopped",
			     c->name);
	else if (c->running)
		evidence_add(ev, VERDICT_WARN, c->role, c->restart,
			     "%s has the restart policy %s: it stays down after a restart of the host",
			     c->name, *c->restart ? c->restart : "no");
}

static enum verdict host_restart_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct kamal_look look;
	if (kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	/* A stopped one matters only when it would come back all the same. */
	for (size_t i = 0; i < look.n; i++)
		if (look.list[i].ours && (look.list[i].running || text_equal(look.list[i].restart, "always")))
			judge(&look.list[i], ev);
	if (look.wants_reboot)
		evidence_add(ev, VERDICT_WARN, "reboot", "wanted",
			     "the host's updates ask for a restart (/var/run/reboot-required): do it before "
			     "the night, or see "
			     "that nothing does it by itself");
	else
		evidence_add(ev, VERDICT_PASS, "reboot", "none", "the host asks for no restart");
	kamal_look_done(&look);
	return evidence_verdict(ev);
}
