/* host-disk: room on the new host for the dump twice and the database once. */
#include "core/base/units.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/target.h"

static enum verdict host_disk_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_disk_check = {
    .name = "host-disk",
    .help = "room on the new host for the dump and the database",
    .bite = "a full disk in the middle of a restore leaves a database that looks whole until somebody counts",
    .run = host_disk_run,
};

enum { LEAST_BYTES_GB = 5 };

/* The old database as it was last measured; a dump is about a third of it, and there are two copies. */
static int64_t needed_bytes(struct job *job)
{
	int64_t source = json_int(job_fact(job, "source", ""), "size_bytes", 0);
	if (!source)
		source = json_int(job_fact(job, "backup", ""), "source_bytes", 0);
	return source > 0 ? source + source / 5 + source / 3 * 2 : 0;
}

static void judge(struct evidence *ev, const char *name, const char *what, const struct docker_disk *disk,
		  int64_t need)
{
	char have[UNITS_MAX], total[UNITS_MAX], want[UNITS_MAX];
	bool full = need ? disk->free_bytes < need : disk->free_bytes < (int64_t)1000000000;
	bool tight = need ? disk->free_bytes < need + need / 2
			  : disk->free_bytes < (int64_t)LEAST_BYTES_GB * 1000000000;
	units_size(have, disk->free_bytes);
	units_size(total, disk->total_bytes);
	enum verdict verdict = full ? VERDICT_FAIL : tight ? VERDICT_WARN : VERDICT_PASS;
	const char *value = full ? "full" : tight ? "tight" : "room";
	if (need)
		evidence_add(ev, verdict, name, value, "%s free of %s for %s; the night needs about %s", have,
			     total, what, units_size(want, need));
	else
		evidence_add(ev, verdict, name, value,
			     "%s free of %s for %s; how much the night needs is known after record-source",
			     have, total, what);
}

static enum verdict host_disk_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_disk home, docker;
	if (target_no_host(job))
		return target_skip(ev, target_no_host(job));
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return VERDICT_UNKNOWN;
	int rc = docker_disk(ssh, "\"$HOME\"", &home, err);
	if (rc == 0)
		rc = docker_disk(ssh, "\"$(docker info -f '{{.DockerRootDir}}')\"", &docker, err);
	ssh_close(ssh);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	judge(ev, "docker", "docker and the database", &docker, needed_bytes(job));
	if (!text_equal(home.device, docker.device))
		judge(ev, "home", "the dump in the login's home", &home, needed_bytes(job) / 4);
	return evidence_verdict(ev);
}
