/* env-parity: Heroku's config vars against what is inside the new containers, without anybody seeing a value.
 */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/env_container.h"
#include "core/links/heroku.h"
#include "core/links/pg_sides.h"

static enum verdict env_parity_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", "DIGEST_KEY", NULL};

const struct check env_parity_check = {
    .name = "env-parity",
    .help =
	"every config var of Heroku is inside the new containers, unchanged, and none leads back to Heroku",
    .bite = "a salt whose backslashes were doubled on the way: half the requests fail, the other half cannot "
	    "be read again",
    .secrets = secrets,
    .run = env_parity_run,
};

static int read_old(struct job *job, struct env_set *old, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct json *vars = NULL;
	int rc = heroku ? heroku_vars(heroku, &vars, err) : -1;
	if (rc == 0)
		rc = env_set_heroku(old, vars, err);
	json_free(vars);
	heroku_close(heroku);
	return rc;
}

static void tell_roles(const struct docker_names *names, const struct env_role *roles, size_t n,
		       struct evidence *ev)
{
	for (size_t i = 0; i < names->n_roles; i++) {
		bool found = false;
		for (size_t k = 0; k < n; k++)
			found = found || text_equal(roles[k].role, names->roles[i]);
		if (!found)
			evidence_add(
			    ev, VERDICT_UNKNOWN, names->roles[i], "none",
			    "there is no container of the role %s to look into: run kamal deploy once, "
			    "days before the night",
			    names->roles[i]);
	}
}

static enum verdict env_parity_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names;
	struct env_set old = {0};
	struct env_role roles[ENV_ROLES];
	struct pg_where fills;
	size_t n = 0;
	if (docker_names(job, &names, err) < 0 || read_old(job, &old, err) < 0) {
		env_set_done(&old);
		return VERDICT_UNKNOWN;
	}
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	int rc = ssh ? env_containers(ssh, &names, roles, &n, err) : -1;
	ssh_close(ssh);
	if (rc == 0) {
		struct env_sides sides = {.old = &old,
					  .roles = roles,
					  .n_roles = n,
					  .accept = json_path(job_config(job), "env.accept"),
					  .database = ""};
		if (pg_where_target(job, &fills, NULL) == 0)
			sides.database = fills.database;
		env_parity(job, &sides, ev);
		tell_roles(&names, roles, n, ev);
		env_containers_done(roles, n);
	}
	env_set_done(&old);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
