/* git-version: what runs on the new host is what lies here, or somebody deploys other code in the night. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/kamal_look.h"
#include "core/base/program.h"
#include <string.h>

static enum verdict git_version_run(struct job *job, struct evidence *ev, struct err *err);

const struct check git_version_check = {
    .name = "git-version",
    .help = "the version that runs on the new host is the commit that lies here, unchanged",
    .bite = "kamal deploy at night boots the commit of this folder, not the one that was tried all week",
    .run = git_version_run,
};

enum { GIT_MS = 10000, GIT_BYTES = 4 << 20 };

struct tree {
	char head[48];
	size_t changed;
};

static int git_says(const struct job *job, const char *const *argv, struct buf *out, struct err *err)
{
	const struct program git = {
	    .argv = argv, .folder = kamal_folder(job), .timeout_real_ms = GIT_MS, .output_max = GIT_BYTES};
	return program_run(&git, out, err);
}

/* False, with a line, where git has nothing to tell. */
static bool ask_git(struct job *job, struct tree *tree, struct evidence *ev)
{
	/* What a repository sets up to run is not started for a look. */
	static const char *const head[] = {"git", "rev-parse", "--verify", "HEAD", NULL};
	static const char *const status[] = {
	    "git",    "-c",          "core.fsmonitor=false", "--no-optional-locks",
	    "status", "--porcelain", "--untracked-files=no", NULL};
	struct buf out = {0};
	struct err err = {0};
	int rc = git_says(job, head, &out, &err);
	text_clean(tree->head, sizeof tree->head, buf_text(&out), strcspn(buf_text(&out), "\n"));
	buf_reset(&out);
	bool told = rc == 0 && strlen(tree->head) == 40;
	if (told && git_says(job, status, &out, &err) != 0)
		told = false;
	for (const char *at = buf_text(&out); told && *at; at += strcspn(at, "\n"), at += *at == '\n')
		tree->changed++;
	buf_done(&out);
	if (!told && err.kind)
		evidence_add(ev, VERDICT_WARN, "git", "unknown", "not compared: %.160s", err.text);
	else if (!told)
		evidence_add(ev, VERDICT_WARN, "git", "none",
			     "not compared: git knows no commit in the folder of nightferry.yml");
	return told;
}

static void judge_version(const struct kamal_container *c, const struct tree *tree, struct evidence *ev)
{
	bool commit = strlen(c->version) >= 40 && strspn(c->version, "0123456789abcdef") >= 40;
	if (strstr(c->version, "_uncommitted_"))
		evidence_add(
		    ev, VERDICT_WARN, c->role, c->version,
		    "%s runs %.12s with changes that were never committed: nobody can boot it again from git",
		    c->role, c->version);
	else if (!commit)
		evidence_add(ev, VERDICT_PASS, c->role, c->version,
			     "%s runs the version %.40s, which is no commit", c->role, c->version);
	else if (!text_equal(c->version, tree->head))
		evidence_add(ev, VERDICT_WARN, c->role, c->version,
			     "%s runs %.12s, and here lies %.12s: a deploy tonight would boot other code; "
			     "check out what "
			     "runs, or deploy and try it before the night",
			     c->role, c->version, tree->head);
	else
		evidence_add(ev, VERDICT_PASS, c->role, c->version, "%s runs %.12s, which is what lies here",
			     c->role, c->version);
}

static enum verdict git_version_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct tree tree = {0};
	struct kamal_look look;
	if (!kamal_applies(job, ev) || !ask_git(job, &tree, ev))
		return evidence_verdict(ev);
	if (kamal_look(job, &look, err) < 0)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < look.n; i++)
		if (look.list[i].ours && !look.list[i].replaced && look.list[i].running)
			judge_version(&look.list[i], &tree, ev);
	char changed[24];
	text_copyf(changed, sizeof changed, "%zu", tree.changed);
	if (tree.changed)
		evidence_add(ev, VERDICT_WARN, "tree", changed,
			     "%zu file%s changed here since the last commit: Kamal would build them into a "
			     "version of its own",
			     tree.changed, tree.changed == 1 ? " is" : "s are");
	else
		evidence_add(ev, VERDICT_PASS, "tree", "clean",
			     "nothing here is changed since the last commit");
	kamal_look_done(&look);
	return evidence_verdict(ev);
}
