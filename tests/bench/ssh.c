/* What the line's connection carries, for make bench.
 *
 *   ssh up CTL MB      writes MB megabytes into `cat >/dev/null` on the host, over the line at CTL; prints
 * seconds
 *
 * By hand the same words could be measured on one's own host. */
#include "core/base/clock.h"
#include "core/job_inner.h"
#include "core/links/ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct job *job_of(const char *ctl)
{
	struct jw w = {0};
	struct job *job = xcalloc(1, sizeof *job);
	job->fd = job->spool_fd = -1;
	job->role = job->verb = "";
	jw_open(&w);
	jw_str(&w, "name", "bench");
	jw_obj(&w, "config");
	jw_obj(&w, "host");
	jw_str(&w, "address", "127.0.0.1");
	jw_end(&w);
	jw_end(&w);
	jw_obj(&w, "lines");
	jw_str(&w, "ssh", ctl);
	const char *text = jw_finish(&w);
	job->hello = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	return job;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct err err = {0};
	struct ssh_reply reply = {0};
	size_t size = strtoul(argv[2], NULL, 10) << 20;
	char *data = xmalloc(size);
	memset(data, 'x', size);
	struct job *job = job_of(argv[1]);
	struct ssh *ssh = ssh_open(job, SSH_SILENT, &err);
	int64_t began_ms = clock_life_ms();
	int rc = ssh ? ssh_exec(ssh,
				&(struct ssh_call){.command = "cat >/dev/null",
						   .say = "upload",
						   .input = data,
						   .input_len = size,
						   .timeout_ms = 600000},
				&reply, &err)
		     : -1;
	if (rc == 0 && reply.status == 0)
		printf("%.3f\n", (double)(clock_life_ms() - began_ms) / 1000);
	else
		fprintf(stderr, "%s\n", err.text);
	ssh_reply_done(&reply);
	ssh_close(ssh);
	job_free(job);
	free(data);
	return rc == 0 && reply.status == 0 ? 0 : 1;
}
