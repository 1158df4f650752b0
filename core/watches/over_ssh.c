#include "core/watches/over_ssh.h"
#include "core/base/clock.h"

enum { WORST_MS = 30000 };

void over_ssh(struct job *job, int64_t interval_ms, over_ssh_serve *serve, void *ctx)
{
	int64_t pause_ms = interval_ms;
	for (bool stop = false; !stop;) {
		struct err seen = {0};
		int64_t began_ms = clock_life_ms();
		struct ssh *ssh = ssh_open(job, SSH_SILENT, &seen);
		if (ssh)
			serve(ctx, ssh, &seen);
		ssh_close(ssh);
		if (job_stopping(job))
			break;
		/* A line that held for a while has earned a quick new one. */
		if (clock_life_ms() - began_ms > WORST_MS)
			pause_ms = interval_ms;
		else
			pause_ms = pause_ms * 2 > WORST_MS ? WORST_MS : pause_ms * 2;
		job_beat(job, pause_ms, false,
			 seen.kind ? seen.text
				   : "The connection to the host was lost; it is being made again.");
		stop = job_wait(job, pause_ms);
	}
}
