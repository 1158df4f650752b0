/* Nothing is being released, and the newest release is a good one to come back to. */
#include "core/base/program.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/kamal_look.h"
#include <stdlib.h>
#include <string.h>

static enum verdict heroku_releases_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_releases_check = {
    .name = "heroku-releases",
    .help = "no release is under way on Heroku",
    .bite = "a release phase migrates the database while it is being copied",
    .secrets = secrets,
    .run = heroku_releases_run,
};

enum { NEWEST = 5, DEPLOYS = 30, GIT_MS = 10000, GIT_BYTES = 4096 };

static void judge(struct evidence *ev, const struct heroku_release *release, bool newest)
{
	char fact[64];
	text_copyf(fact, sizeof fact, "v%lld %s", (long long)release->version, release->status);
	if (text_equal(release->status, "pending"))
		evidence_add(ev, VERDICT_FAIL, "release", fact,
			     "v%lld (%s by %s) is being released; wait for its end, and freeze deploys.",
			     (long long)release->version, release->description, release->by);
	else if (newest && text_equal(release->status, "failed"))
		evidence_add(ev, VERDICT_WARN, "release", fact,
			     "v%lld (%s) failed; an older release is running, so look what is missing.",
			     (long long)release->version, release->description);
	else if (newest)
		evidence_add(ev, VERDICT_PASS, "release", fact, "v%lld (%s) is the newest and %s.",
			     (long long)release->version, release->description,
			     *release->status ? release->status : "done");
}

/* "Deploy 4f2c91a": the commit, of seven digits or more. */
static bool deployed(const struct heroku_release *release, char *out, size_t size)
{
	if (!text_starts(release->description, "Deploy ") || text_equal(release->status, "failed"))
		return false;
	const char *sha = release->description + strlen("Deploy ");
	size_t len = strspn(sha, "0123456789abcdef");
	return len >= 7 && len <= 40 && !sha[len] && text_copy(out, size, sha);
}

/* Another commit on the new side than on the old one is a second change in the same night. Where git or
 * Heroku names none, nothing is said: how a container was built, for one, does not show. */
static void judge_commit(struct job *job, const struct heroku_release *list, size_t n, struct evidence *ev)
{
	static const char *const head[] = {"git", "rev-parse", "--verify", "HEAD", NULL};
	const struct program git = {
	    .argv = head, .folder = kamal_folder(job), .timeout_real_ms = GIT_MS, .output_max = GIT_BYTES};
	char there[48] = "", here[48];
	struct buf out = {0};
	struct err ignored = {0};
	int64_t version = 0;
	for (size_t i = 0; i < n && !version; i++)
		version = deployed(&list[i], there, sizeof there) ? list[i].version : 0;
	int rc = version ? program_run(&git, &out, &ignored) : -1;
	text_clean(here, sizeof here, buf_text(&out), strcspn(buf_text(&out), "\n"));
	buf_done(&out);
	if (rc != 0 || strlen(here) != 40)
		return;
	if (text_starts(here, there))
		evidence_add(ev, VERDICT_PASS, "commit", there, "Heroku runs %.12s, which is what lies here.",
			     there);
	else
		evidence_add(ev, VERDICT_WARN, "commit", there,
			     "Heroku runs %.12s (v%lld), and here lies %.12s: what breaks tonight may be the "
			     "code and not the move; deploy it to Heroku before the night, or check out what "
			     "runs there.",
			     there, (long long)version, here);
}

static enum verdict heroku_releases_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_release *list;
	struct heroku_dyno *dynos;
	size_t n, n_dynos;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_releases(heroku, DEPLOYS, &list, &n, err);
	for (size_t i = 0; rc == 0 && i < n && i < NEWEST; i++)
		judge(ev, &list[i], i == 0);
	if (rc == 0 && n == 0)
		evidence_add(ev, VERDICT_WARN, "release", "none",
			     "The app was never released, so nothing can be running on Heroku.");
	if (rc == 0)
		judge_commit(job, list, n, ev);
	if (rc == 0)
		free(list);
	if (rc == 0 && (rc = heroku_dynos(heroku, &dynos, &n_dynos, err)) == 0) {
		for (size_t i = 0; i < n_dynos; i++)
			if (text_equal(dynos[i].type, "release"))
				evidence_add(ev, VERDICT_FAIL, "release-phase", dynos[i].name,
					     "%s is running (%s); wait for its end.", dynos[i].name,
					     dynos[i].command);
		free(dynos);
	}
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
