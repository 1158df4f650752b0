/* kamal-secrets: every secret that Kamal's file names is in .kamal/secrets. A missing one surfaces in the
 * middle of a boot. */
#include "core/links/kamal_secrets.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <string.h>

static enum verdict kamal_secrets_run(struct job *job, struct evidence *ev, struct err *err);

const struct check kamal_secrets_check = {
    .name = "kamal-secrets",
    .help = "every secret named in Kamal's file stands in .kamal/secrets",
    .bite = "Secret 'X' not found: in the middle of the boot, with the running container already renamed",
    .run = kamal_secrets_run,
};

static void tell_sum(const struct kamal_secrets *have, size_t needed, size_t missing, struct evidence *ev)
{
	if (!have->n_files)
		evidence_add(
		    ev, needed ? VERDICT_FAIL : VERDICT_PASS, "files", "none",
		    needed ? "%zu secrets are needed, and there is no .kamal/secrets for this destination"
			   : "no secret is needed (%zu)",
		    needed);
	else
		evidence_add(ev, VERDICT_PASS, "files", "", "%zu of %zu secrets stand in %s%s%s",
			     needed - missing, needed, have->files[0], have->n_files > 1 ? " and " : "",
			     have->files[1]);
}

static enum verdict kamal_secrets_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct kamal_secrets have;
	struct evidence missing = {0};
	const struct json *names = json_path(job_config(job), "kamal.secrets");
	if (!kamal_applies(job, ev))
		return evidence_verdict(ev);
	if (kamal_secrets_load(&have, kamal_folder(job),
			       job_config_str(job, "kamal.secrets_path", ".kamal/secrets"),
			       job_config_str(job, "kamal.destination", ""), err) < 0)
		return VERDICT_UNKNOWN;
	for (const struct json *n = json_first(names); n; n = json_next(n)) {
		const char *name = json_text(n) ? json_text(n) : "";
		const struct kamal_secret *secret = kamal_secrets_find(&have, name);
		if (!secret)
			evidence_add(&missing, VERDICT_FAIL, name, "missing",
				     "%s is named in Kamal's file and stands in no secrets file: a boot "
				     "would stop half-way",
				     name);
		else if (secret->empty)
			evidence_add(&missing, VERDICT_WARN, name, "empty",
				     "%s stands in the secrets file with nothing behind it", name);
	}
	size_t gone = 0;
	for (size_t i = 0; i < missing.n; i++)
		gone += missing.lines[i].verdict == VERDICT_FAIL;
	tell_sum(&have, json_count(names), gone, ev);
	for (size_t i = 0; i < missing.n; i++)
		evidence_add(ev, missing.lines[i].verdict, missing.lines[i].name, missing.lines[i].fact, "%s",
			     missing.lines[i].text);
	evidence_done(&missing);
	kamal_secrets_done(&have);
	return evidence_verdict(ev);
}
