/* Kamal on this machine: its files' folder and its version. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include "core/base/program.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KAMAL_MS = 10000, KAMAL_BYTES = 256 << 10 };

bool kamal_applies(struct job *job, struct evidence *ev)
{
	const struct json *kamal = json_get(job_config(job), "kamal");
	if (json_bool(kamal, "read", false))
		return true;
	const char *why = json_str(kamal, "why", "");
	if (!json_bool(kamal, "used", true))
		evidence_add(ev, VERDICT_PASS, "kamal", "unused",
			     "does not apply: no kamal: in nightferry.yml");
	else
		evidence_add(ev, VERDICT_WARN, "kamal", "unread", "not looked at: %s",
			     *why ? why : "no file of Kamal's was read");
	return false;
}

const char *kamal_folder(const struct job *job)
{
	return job_config_str(job, "kamal.folder", ".");
}

/* The next number of a version; the rest of its part, such as a "rc1", is passed over. */
static unsigned long next_part(const char **at)
{
	char *end = (char *)(uintptr_t)*at;
	unsigned long number = 0;
	if (isdigit((unsigned char)**at))
		number = strtoul(*at, &end, 10);
	*at = end + strcspn(end, ".");
	*at += **at == '.';
	return number;
}

int kamal_version_order(const char *a, const char *b)
{
	a += *a == 'v';
	b += *b == 'v';
	while (*a || *b) {
		unsigned long x = next_part(&a), y = next_part(&b);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* "    kamal (2.7.0)" among the specs of Gemfile.lock. */
static bool from_lock(const char *folder, char *out, size_t size)
{
	char line[400];
	char *path = xasprintf("%s/Gemfile.lock", folder);
	FILE *file = fopen(path, "re");
	bool found = false;
	free(path);
	while (file && !found && fgets(line, sizeof line, file))
		if (text_starts(line, "    kamal (")) {
			text_clean(out, size, line + 11, strcspn(line + 11, ")\n"));
			found = isdigit((unsigned char)*out);
		}
	if (file)
		fclose(file);
	return found;
}

int kamal_version_here(struct job *job, char *out, size_t size, struct err *err)
{
	const char *argv[8] = {NULL};
	size_t n = 0;
	struct buf said = {0};
	if (from_lock(kamal_folder(job), out, size))
		return 0;
	for (const struct json *w = json_first(json_path(job_config(job), "kamal.command")); w && n < 6;
	     w = json_next(w))
		argv[n++] = json_text(w) ? json_text(w) : "";
	if (!n)
		argv[n++] = "kamal";
	argv[n] = "version";
	const struct program kamal = {.argv = argv,
				      .folder = kamal_folder(job),
				      .timeout_real_ms = KAMAL_MS,
				      .output_max = KAMAL_BYTES};
	int status = program_run(&kamal, &said, err);
	const char *text = buf_text(&said);
	size_t len = strspn(text, "0123456789.");
	text_clean(out, size, text, len);
	bool told = status == 0 && len && (!text[len] || isspace((unsigned char)text[len]));
	buf_done(&said);
	if (status > 0 || (status == 0 && !told))
		return err_set(err, ERR_WORLD, "`%s version` told no version", argv[0]);
	return status < 0 ? -1 : 0;
}
