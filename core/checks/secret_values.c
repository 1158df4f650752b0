/* secret-values: which of Heroku's values Kamal cannot carry, told from their characters before any container
 * has them. What a container then really has is env-parity's. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/env_set.h"
#include "core/links/env_value.h"
#include "core/links/heroku.h"
#include "core/links/kamal_look.h"
#include "core/links/kamal_secrets.h"
#include <string.h>

static enum verdict secret_values_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check secret_values_check = {
    .name = "secret-values",
    .help = "which config vars would not arrive whole through .kamal/secrets",
    .bite = "no quoting brings a backslash or a line break through Kamal's env file",
    .secrets = secrets,
    .run = secret_values_run,
};

/* What depends on how the line is written and what does not. */
#define ALWAYS (ENV_DOUBLED | ENV_CONTROL)
#define IN_ONE_STYLE \
	(ENV_GONE | ENV_EXPANDED | ENV_CUT | ENV_ONE_LINE | ENV_TRIMMED | ENV_EATEN | ENV_UNQUOTED)

static void judge(const char *name, const char *value, const struct kamal_secret *line, struct evidence *ev)
{
	char why[160], fact[40];
	/* How a value stands in single quotes is all that Kamal's own part of the way does. */
	unsigned always = env_predict(value, ENV_SINGLE) & ALWAYS;
	unsigned here =
	    line && line->style != ENV_SINGLE ? env_predict(value, line->style) & IN_ONE_STYLE : 0;
	if (line && line->style == ENV_COMMAND)
		here &= ENV_GONE | ENV_EXPANDED | ENV_TRIMMED;
	text_copyf(fact, sizeof fact, "%x %x", always, here);
	env_say(always ? always : here, why, sizeof why);
	if (always)
		evidence_add(ev, VERDICT_WARN, name, fact, "%s would arrive with %s: %s", name, why,
			     env_mend(value, always));
	else if (here)
		evidence_add(ev, VERDICT_WARN, name, fact,
			     "%s may arrive damaged as its line is written (%s): %s", name, why,
			     env_mend(value, here));
}

/* The env names of all roles, each once, with the line of .kamal/secrets that it takes its value from. */
static void look_at_roles(struct job *job, const struct env_set *vars, const struct kamal_secrets *have,
			  size_t *looked, struct evidence *ev)
{
	struct env_set seen = {0};
	for (const struct json *role = json_first(json_path(job_config(job), "kamal.role")); role;
	     role = json_next(role))
		for (const struct json *s = json_first(json_path(role, "env.secret")); s; s = json_next(s)) {
			const char *name = json_str(s, "name", ""), *value = env_set_get(vars, name);
			if (!value || env_set_get(&seen, name))
				continue;
			env_set_add(&seen, name, strlen(name), "", 0);
			judge(name, value, kamal_secrets_find(have, json_str(s, "secret", name)), ev);
		}
	*looked = seen.n;
	env_set_done(&seen);
}

static int read_vars(struct job *job, struct env_set *vars, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct json *json = NULL;
	int rc = heroku ? heroku_vars(heroku, &json, err) : -1;
	if (rc == 0)
		rc = env_set_heroku(vars, json, err);
	json_free(json);
	heroku_close(heroku);
	return rc;
}

static enum verdict secret_values_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct kamal_secrets have = {0};
	struct env_set vars = {0};
	size_t looked;
	if (!kamal_applies(job, ev))
		return evidence_verdict(ev);
	int rc = read_vars(job, &vars, err);
	if (rc == 0)
		rc = kamal_secrets_load(&have, kamal_folder(job),
					job_config_str(job, "kamal.secrets_path", ".kamal/secrets"),
					job_config_str(job, "kamal.destination", ""), err);
	if (rc == 0) {
		look_at_roles(job, &vars, &have, &looked, ev);
		evidence_add(ev, VERDICT_PASS, "values", "",
			     "%zu of Heroku's values go through .kamal/secrets", looked);
	}
	kamal_secrets_done(&have);
	env_set_done(&vars);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
