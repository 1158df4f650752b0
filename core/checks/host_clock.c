/* host-clock: the new host's clock against ours. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/ssh.h"
#include "core/links/target.h"
#include <stdlib.h>

static enum verdict host_clock_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_clock_check = {
    .name = "host-clock",
    .help = "the new host's clock against this machine's",
    .bite = "a clock that is off makes sessions expire, certificates invalid, and the order of tonight's log "
	    "wrong",
    .run = host_clock_run,
};

enum { WARN_MS = 2000, FAIL_MS = 30000, TRIES = 3 };

/* The shortest of three ways there and back gives the best guess of "at the same time". */
static int measure(struct ssh *ssh, int64_t *skew_ms, int64_t *doubt_ms, struct err *err)
{
	*doubt_ms = INT64_MAX;
	for (int i = 0; i < TRIES; i++) {
		struct ssh_reply reply;
		int rc = ssh_exec(ssh, &(struct ssh_call){.command = "date +%s%3N"}, &reply, err);
		int64_t there_ms = strtoll(buf_text(&reply.out), NULL, 10),
			way_ms = reply.answered_ms - reply.asked_ms;
		if (rc == 0 && there_ms <= 0)
			rc = err_set(err, ERR_WORLD, "date on %s told no time", ssh_name(ssh));
		if (rc == 0 && way_ms < *doubt_ms) {
			*doubt_ms = way_ms;
			*skew_ms = there_ms - (reply.answered_ms - way_ms / 2);
		}
		ssh_reply_done(&reply);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static enum verdict host_clock_run(struct job *job, struct evidence *ev, struct err *err)
{
	int64_t skew_ms = 0, doubt_ms = 0;
	/* A night on a clock of its own has nothing to compare with. */
	if (getenv("NIGHTFERRY_CLOCK") && *getenv("NIGHTFERRY_CLOCK")) {
		evidence_add(ev, VERDICT_PASS, "clock", "scaled",
			     "this night runs on a clock of its own, so clocks are not compared");
		return VERDICT_PASS;
	}
	if (target_no_host(job))
		return target_skip(ev, target_no_host(job));
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return VERDICT_UNKNOWN;
	int rc = measure(ssh, &skew_ms, &doubt_ms, err);
	ssh_close(ssh);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	int64_t off_ms = llabs(skew_ms) > doubt_ms / 2 ? llabs(skew_ms) - doubt_ms / 2 : 0;
	const char *way = skew_ms > 0 ? "ahead of" : "behind";
	if (off_ms < WARN_MS)
		evidence_add(ev, VERDICT_PASS, "clock", "right", "the host's clock is right to %lld ms",
			     (long long)(llabs(skew_ms) + doubt_ms / 2));
	else
		evidence_add(ev, off_ms < FAIL_MS ? VERDICT_WARN : VERDICT_FAIL, "clock", way,
			     "the host's clock is %lld s %s this machine's: look at timedatectl on both",
			     (long long)(off_ms / 1000), way);
	return evidence_verdict(ev);
}
