/* kamal-destination: a kamal without its -d boots a second app beside the first. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>

static enum verdict kamal_destination_run(struct job *job, struct evidence *ev, struct err *err);

const struct check kamal_destination_check = {
    .name = "kamal-destination",
    .help = "nightferry and everybody's kamal mean the same destination",
    .bite = "kamal deploy without -d boots a second web beside the first, registered for every host name",
    .run = kamal_destination_run,
};

/* "deploy.production.yml" beside "deploy.yml", as "production, staging"; how many. */
static size_t find_overlays(struct job *job, char *out, size_t size)
{
	const char *config = job_config_str(job, "kamal.config", "config/deploy.yml");
	size_t stem = strlen(config), n = 0;
	glob_t found;
	if (stem > 4 && strcmp(config + stem - 4, ".yml") == 0)
		stem -= 4;
	char *pattern = xasprintf("%s%s%.*s.*.yml", *config == '/' ? "" : kamal_folder(job),
				  *config == '/' ? "" : "/", (int)stem, config);
	*out = 0;
	if (glob(pattern, 0, NULL, &found) == 0) {
		size_t prefix = strlen(pattern) - strlen("*.yml");
		for (size_t i = 0; i < found.gl_pathc; i++, n++) {
			const char *name = found.gl_pathv[i] + prefix;
			char clean[64];
			text_clean(clean, sizeof clean, name, strlen(name) - strlen(".yml"));
			text_copyf(out + strlen(out), size - strlen(out), "%s%s", n ? ", " : "", clean);
		}
		globfree(&found);
	}
	free(pattern);
	return n;
}

static enum verdict kamal_destination_run(struct job *job, struct evidence *ev, struct err *err)
{
	char overlays[120];
	const char *destination = job_config_str(job, "kamal.destination", "");
	const struct json *kamal = json_get(job_config(job), "kamal");
	bool required = json_bool(kamal, "require_destination", false);
	(void)err;
	if (!kamal_applies(job, ev))
		return evidence_verdict(ev);
	size_t n = find_overlays(job, overlays, sizeof overlays);
	if (!*destination && required)
		evidence_add(ev, VERDICT_FAIL, "destination", "required",
			     "Kamal refuses to do anything without a destination (require_destination), and "
			     "nightferry.yml names none: write kamal: {destination: ...}%s%s",
			     n ? ", one of " : "", overlays);
	else if (!*destination && n)
		evidence_add(ev, VERDICT_WARN, "destination", overlays,
			     "nightferry.yml names no destination, but there are files for %s: write "
			     "kamal: {destination: ...} if the app runs as one of them",
			     overlays);
	else if (!*destination)
		evidence_add(ev, VERDICT_PASS, "destination", "none", "there is one app and no destination");
	else if (!required)
		evidence_add(ev, VERDICT_WARN, "destination", destination,
			     "the app runs as %s, and a kamal without -d %s would boot a second one: write "
			     "require_destination: true into %s",
			     destination, destination,
			     job_config_str(job, "kamal.config", "config/deploy.yml"));
	else
		evidence_add(ev, VERDICT_PASS, "destination", destination,
			     "the app runs as %s, and Kamal does nothing without -d", destination);
	return evidence_verdict(ev);
}
