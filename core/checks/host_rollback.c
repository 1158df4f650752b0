/* host-rollback: kamal rollback starts an older container; one that was pruned is gone. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <inttypes.h>

static enum verdict host_rollback_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_rollback_check = {
    .name = "host-rollback",
    .help = "an older container of each role is still there to go back to",
    .bite = "a bad release on the first evening, and the container before it was pruned an hour ago",
    .run = host_rollback_run,
};

/* The newest one that is not what runs. */
static const struct kamal_container *older_of(const struct kamal_look *look, const char *role)
{
	const struct kamal_container *now = NULL;
	for (size_t i = 0; i < look->n; i++) {
		const struct kamal_container *c = &look->list[i];
		if (!c->ours || c->replaced || !text_equal(c->role, role))
			continue;
		if (now && !text_equal(c->version, now->version))
			return c;
		now = now ? now : c;
	}
	return NULL;
}

static enum verdict host_rollback_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names;
	struct kamal_look look;
	char age[UNITS_MAX];
	if (docker_names(job, &names, err) < 0 || kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	int64_t retain = json_int(json_get(job_config(job), "kamal"), "retain_containers", 5);
	for (size_t i = 0; i < names.n_roles; i++) {
		const char *role = names.roles[i];
		const struct kamal_container *older = older_of(&look, role);
		if (older)
			evidence_add(ev, VERDICT_PASS, role, older->version,
				     "%s can go back to %.12s, which is %s since %s", role, older->version,
				     older->status,
				     older->finished_ms ? units_age(age, clock_wall_ms() - older->finished_ms)
							: "its making");
		else
			evidence_add(
			    ev, VERDICT_WARN, role, "none",
			    "there is no older container of %s to go back to; Kamal keeps %" PRId64
			    " stopped ones for all roles and destinations together (retain_containers)",
			    role, retain);
	}
	kamal_look_done(&look);
	return evidence_verdict(ev);
}
