/* ssh: the one connection to the new host, held for the whole night and lent to every watch, check and step,
 * and to every connection to the new database. */
#include "core/job.h"
#include "core/links/docker_pg.h"

static int ssh_run_line(struct job *job, struct err *err);

static const char *const secrets[] = {NULL};

const struct line ssh_line = {
    .name = "ssh",
    .help = "the connection to the new host, lent to all, and the tunnel to its database",
    .secrets = secrets,
    .run = ssh_run_line,
};

static int ssh_run_line(struct job *job, struct err *err)
{
	const char *ctl = job_line(job, "ssh");
	if (!ctl)
		return err_set(
		    err, ERR_CONFIG,
		    "nobody says which host is the new one: write host: {address: ...} into nightferry.yml");
	return docker_lend(job, ctl, err);
}
