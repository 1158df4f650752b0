/* health-path: kamal-proxy answers its own health path with 200 also while it shows the maintenance page. */
#include "core/base/text.h"
#include "core/job.h"

static enum verdict health_path_run(struct job *job, struct evidence *ev, struct err *err);

const struct check health_path_check = {
    .name = "health-path",
    .help = "the smoke tests ask for more than the path that is always well",
    .bite = "kamal app maintenance: /up says 200 while every visitor gets 503",
    .run = health_path_run,
};

static enum verdict health_path_run(struct job *job, struct evidence *ev, struct err *err)
{
	const char *health = job_config_str(job, "kamal.proxy.healthcheck_path", "/up");
	size_t others = 0, n = 0;
	(void)err;
	for (const struct json *s = json_first(json_get(job_config(job), "smoke")); s; s = json_next(s), n++)
		others += !text_equal(json_str(s, "get", json_str(s, "post", "")), health);
	if (!others)
		evidence_add(ev, VERDICT_WARN, "smoke", health,
			     "the smoke tests ask for %s only, which kamal-proxy answers with 200 even while "
			     "it shows the "
			     "maintenance page: add a path that a visitor takes",
			     health);
	else
		evidence_add(ev, VERDICT_PASS, "smoke", health,
			     "%zu of %zu smoke tests ask for something else than %s", others, n, health);
	return evidence_verdict(ev);
}
