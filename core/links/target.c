/* The kind of the new side, by the configuration: see target.h. */
#include "core/links/target.h"

#include <string.h>

enum { IDLE_MS = 10000 };

const char *target_no_host(const struct job *job)
{
	return *job_config_str(job, "host.address", "") ? NULL : "not known: no host: in nightferry.yml";
}

const char *target_no_kamal(const struct job *job)
{
	if (target_no_host(job))
		return target_no_host(job);
	/* A night that an earlier build opened has no such field, and Kamal. */
	return json_bool(json_get(job_config(job), "kamal"), "used", true)
		   ? NULL
		   : "not known: no kamal: in nightferry.yml";
}

void target_idle(struct job *job, const char *why)
{
	do
		job_beat(job, IDLE_MS, true, why);
	while (!job_wait(job, IDLE_MS));
}

enum verdict target_skip(struct evidence *ev, const char *why)
{
	evidence_add(ev, VERDICT_PASS, "target", "", "Does not apply; %s.", why);
	return VERDICT_PASS;
}
