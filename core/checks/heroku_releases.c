/* Nothing is being released, and the newest release is a good one to come back to. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>

static enum verdict heroku_releases_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_releases_check = {
    .name = "heroku-releases",
    .help = "no release is under way on Heroku",
    .bite = "a release phase migrates the database while it is being copied",
    .secrets = secrets,
    .run = heroku_releases_run,
};

enum { NEWEST = 5 };

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

static enum verdict heroku_releases_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_release *list;
	struct heroku_dyno *dynos;
	size_t n, n_dynos;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_releases(heroku, NEWEST, &list, &n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		judge(ev, &list[i], i == 0);
	if (rc == 0 && n == 0)
		evidence_add(ev, VERDICT_WARN, "release", "none",
			     "The app was never released, so nothing can be running on Heroku.");
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
