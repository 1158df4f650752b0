#include "core/watches/over_ssh.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

enum { WORST_MS = 30000 };

void over_ssh(struct job *job, int64_t interval_ms, over_ssh_serve *serve, void *ctx)
{
	int64_t pause_ms = interval_ms;
	for (bool stop = false; !stop;) {
		struct err seen = {0};
		const struct json *other = json_get(job_params(job), "host");
		struct ssh *ssh =
		    other ? ssh_open_host(job, other, SSH_SILENT, &seen) : ssh_open(job, SSH_SILENT, &seen);
		bool met = ssh != NULL;
		if (met)
			serve(ctx, ssh, &seen);
		ssh_close(ssh);
		if (job_stopping(job))
			break;
		/* A host that was there has earned a quick new line; one that does not answer is asked less
		 * and less. */
		pause_ms = met ? interval_ms : pause_ms * 2 > WORST_MS ? WORST_MS : pause_ms * 2;
		job_beat(job, pause_ms, false,
			 seen.kind ? seen.text
				   : "The connection to the host was lost; it is being made again.");
		stop = job_wait(job, pause_ms);
	}
}

/* Its clock is read at the beginning of the answer; half of the way there is the best guess for "when". */
int64_t over_ssh_skew_of(const struct ssh_reply *reply)
{
	int64_t host_ms = strtoll(buf_text(&reply->out), NULL, 10);
	int64_t way_ms = reply->answered_ms > reply->asked_ms ? reply->answered_ms - reply->asked_ms : 0;
	int64_t skew_ms = host_ms - (reply->answered_ms - way_ms / 2);
	const char *scaled = getenv("NIGHTFERRY_CLOCK");
	/* A host is never on the scaled clock of a demo. */
	if ((scaled && *scaled) || (skew_ms < way_ms / 2 && skew_ms > -way_ms / 2))
		return 0;
	return skew_ms;
}

int over_ssh_skew(struct ssh *ssh, int64_t *skew_ms, struct err *err)
{
	struct ssh_reply reply;
	int rc =
	    ssh_exec(ssh, &(struct ssh_call){.command = "date +%s%3N", .timeout_ms = 15000}, &reply, err);
	if (rc == 0)
		*skew_ms = over_ssh_skew_of(&reply);
	ssh_reply_done(&reply);
	return rc;
}

void over_ssh_suffix(const struct job *job, char *out, size_t size)
{
	const char *name = json_str(json_get(job_params(job), "host"), "name", "");
	const char *dot = strrchr(name, '.');
	/* "203.0.113.8" is known by its end, "web2.acme.com" by its beginning. */
	if (!*name)
		text_copy(out, size, "");
	else if (strspn(name, "0123456789.") == strlen(name) && dot)
		text_copyf(out, size, "@%s", dot);
	else
		text_copyf(out, size, "@%.*s", (int)strcspn(name, "."), name);
}
