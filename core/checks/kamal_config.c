/* kamal-config: Kamal's files are Ruby templates first; where there is Ruby in them, a plain reader may be
 * wrong. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum verdict kamal_config_run(struct job *job, struct evidence *ev, struct err *err);

const struct check kamal_config_check = {
    .name = "kamal-config",
    .help = "whether Kamal's files say what they seem to say, without Ruby in them",
    .bite =
	"<%= %> in deploy.yml is run by Kamal: host, service or database are other ones than the file shows",
    .run = kamal_config_run,
};

/* Kamal runs the template before YAML is read, so a # in front of it does not help; <%% and <%# run nothing.
 */
static const char *first_ruby(const char *line)
{
	const char *at = strstr(line, "<%");
	while (at && (at[2] == '%' || at[2] == '#'))
		at = strstr(at + 2, "<%");
	return at;
}

static void look_at_file(const char *folder, const char *name, bool asked, struct evidence *ev)
{
	char line[4096], place[120] = "";
	int number = 0, places = 0;
	char *path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	free(path);
	if (!file) {
		evidence_add(ev, VERDICT_UNKNOWN, "file", name, "%s cannot be read: %s", name,
			     strerror(errno));
		return;
	}
	while (fgets(line, sizeof line, file)) {
		number++;
		if (first_ruby(line) && places++ < 6)
			text_copyf(place + strlen(place), sizeof place - strlen(place), "%s%d",
				   *place ? ", " : "", number);
	}
	fclose(file);
	if (!places)
		evidence_add(ev, VERDICT_PASS, "file", name, "%s has no Ruby in it", name);
	else if (asked)
		evidence_add(ev, VERDICT_PASS, "file", place,
			     "%s has Ruby in line %s; Kamal itself said what it is", name, place);
	else
		evidence_add(
		    ev, VERDICT_WARN, "file", place,
		    "%s has Ruby in line %s, which Kamal runs and nightferry does not: what stands there is "
		    "not known here; write the value, or check `kamal config`",
		    name, place);
}

static enum verdict kamal_config_run(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *kamal = json_get(job_config(job), "kamal");
	const struct json *files = json_get(kamal, "files");
	(void)err;
	if (!json_count(files)) {
		const char *why = json_str(kamal, "why", "");
		bool broken = json_bool(kamal, "used", false) && *why;
		evidence_add(ev, broken ? VERDICT_WARN : VERDICT_PASS, "file", why, "%s%s",
			     broken ? "Kamal's file was not read: "
				    : "does not apply: the night uses no file of Kamal's",
			     broken ? why : "");
	}
	for (const struct json *f = json_first(files); f; f = json_next(f))
		look_at_file(kamal_folder(job), json_text(f) ? json_text(f) : "",
			     json_bool(kamal, "ruby", false), ev);
	return evidence_verdict(ev);
}
