/* What in the app's own repository only works on Heroku: DYNO, a fixed PORT, and a runtime that nobody has
 * pinned. */
#include "core/base/program.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum verdict repository_run(struct job *job, struct evidence *ev, struct err *err);

const struct check repository_check = {
    .name = "repository",
    .help = "the app's repository does not ask for DYNO, and pins its runtimes",
    .bite = "a worker that looks for DYNO takes itself for a web process and binds a port",
    .run = repository_run,
};

enum { GIT_REAL_MS = 15000, OUTPUT_MAX = 1 << 20, SHOWN = 5 };

/* Files that git knows, so that neither node_modules nor a log is searched. */
static int search(const char *folder, const char *pattern, struct buf *out, struct err *err)
{
	const char *const argv[] = {"git",
				    "-c",
				    "core.fsmonitor=false",
				    "--no-pager",
				    "grep",
				    "-nIE",
				    "-m",
				    "3",
				    "--color=never",
				    "-e",
				    pattern,
				    "--",
				    ".",
				    ":(exclude)*.md",
				    ":(exclude)*.lock",
				    NULL};
	const struct program git = {
	    .argv = argv, .folder = folder, .timeout_real_ms = GIT_REAL_MS, .output_max = OUTPUT_MAX};
	return program_run(&git, out, err);
}

static void judge_use(const char *folder, const char *name, const char *pattern, const char *what,
		      struct evidence *ev)
{
	struct buf out = {0};
	struct err err = {0};
	int status = search(folder, pattern, &out, &err);
	size_t lines = 0;
	if (status > 1 || status < 0)
		evidence_add(ev, VERDICT_WARN, name, "unseen",
			     "the repository could not be searched for %s: %.150s", name,
			     err.kind ? err.text : "git knows nothing in this folder");
	for (const char *line = buf_text(&out); status == 0 && *line;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		/* File and line only: what stands there may be a secret. */
		char place[160];
		size_t file = strcspn(line, ":"), number = line[file] ? strcspn(line + file + 1, ":") : 0;
		text_clean(place, sizeof place, line, file + 1 + number);
		if (lines++ < SHOWN)
			evidence_add(ev, VERDICT_WARN, name, place, "%s %s", place, what);
	}
	if (lines > SHOWN)
		evidence_add(ev, VERDICT_WARN, name, "", "and %zu places more", lines - SHOWN);
	if (status == 1)
		evidence_add(ev, VERDICT_PASS, name, "none", "No file of the repository asks for %s.", name);
	buf_done(&out);
}

static bool has_file(const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	bool there = access(path, R_OK) == 0;
	free(path);
	return there;
}

/* Each language that is there, and the files one of which pins it. */
static void judge_pins(const char *folder, struct evidence *ev)
{
	static const struct {
		const char *sign, *language, *pins[5];
	} table[] = {
	    {"Gemfile", "Ruby", {".ruby-version", ".tool-versions", "mise.toml", NULL}},
	    {"package.json", "Node", {".node-version", ".nvmrc", ".tool-versions", "mise.toml", NULL}},
	    {"requirements.txt",
	     "Python",
	     {".python-version", "runtime.txt", ".tool-versions", "mise.toml", NULL}},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const char *pin = NULL;
		if (!has_file(folder, table[i].sign))
			continue;
		for (size_t k = 0; table[i].pins[k] && !pin; k++)
			pin = has_file(folder, table[i].pins[k]) ? table[i].pins[k] : NULL;
		if (pin)
			evidence_add(ev, VERDICT_PASS, table[i].language, pin, "%s is pinned by %s.",
				     table[i].language, pin);
		else
			evidence_add(
			    ev, VERDICT_WARN, table[i].language, "loose",
			    "%s is pinned by no file: Heroku and the new image may differ. Write %s.",
			    table[i].language, table[i].pins[0]);
	}
}

static enum verdict repository_run(struct job *job, struct evidence *ev, struct err *err)
{
	const char *folder = kamal_folder(job);
	(void)err;
	if (!has_file(folder, ".git")) {
		evidence_add(ev, VERDICT_PASS, "repository", "none",
			     "does not apply: the folder of nightferry.yml is no git repository");
		return evidence_verdict(ev);
	}
	judge_use(folder, "DYNO",
		  "(ENV(\\[|\\.fetch\\()|process\\.env\\.|process\\.env\\[|os\\.environ(\\[|\\.get\\()|"
		  "getenv\\()[\"']?DYNO\\b",
		  "asks for DYNO, which only Heroku sets: set it or ask for something else", ev);
	judge_use(folder, "PORT", "(PORT=[0-9]+|EXPOSE +5000)\\b",
		  "fixes a port: on the new side the proxy says where the app listens", ev);
	judge_pins(folder, ev);
	return evidence_verdict(ev);
}
