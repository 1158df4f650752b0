/* The token works, may change things, and will not run out tonight. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <string.h>

static enum verdict heroku_token_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_token_check = {
    .name = "heroku-token",
    .help = "the Heroku token works, may change things and will last the night",
    .bite = "a token of single sign-on dies after 8 hours, in the middle of the night",
    .secrets = secrets,
    .run = heroku_token_run,
};

enum { FEW_LEFT = 500 };

static void judge_scope(struct evidence *ev, const char *scope)
{
	bool all = text_find(scope, "global") != NULL;
	bool enough = all || (text_find(scope, "write-protected") && text_find(scope, "read-protected"));
	if (!*scope)
		evidence_add(ev, VERDICT_WARN, "scope", "unsaid",
			     "Heroku does not say what this token may do; maintenance and scale will show.");
	else if (enough)
		evidence_add(ev, VERDICT_PASS, "scope", scope,
			     "It may read config vars and change the app (%s).", scope);
	else
		evidence_add(
		    ev, VERDICT_FAIL, "scope", scope,
		    "It may only do \"%s\"; make one with `heroku authorizations:create --scope global`.",
		    scope);
}

static enum verdict heroku_token_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_account account;
	struct heroku_app app;
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_account(heroku, &account, err);
	if (rc < 0 && err->kind == ERR_AUTH) {
		evidence_add(ev, VERDICT_FAIL, "token", "refused", "%s", err->text);
		*err = (struct err){0};
		heroku_close(heroku);
		return VERDICT_FAIL;
	}
	if (rc == 0) {
		evidence_add(ev, VERDICT_PASS, "token", account.email, "It is the token of %s.",
			     account.email);
		judge_scope(ev, account.scope);
		if (account.federated)
			evidence_add(ev, VERDICT_WARN, "lasts", "sso",
				     "%s logs in by single sign-on, where a login's token lives 8 hours; use "
				     "`heroku authorizations:create`.",
				     account.email);
		rc = heroku_app_get(heroku, &app, err);
	}
	if (rc == 0)
		evidence_add(ev, VERDICT_PASS, "app", heroku_app(heroku), "It sees %s.", heroku_app(heroku));
	int left = heroku_remaining(heroku);
	if (rc == 0 && left >= 0 && left < FEW_LEFT)
		evidence_add(
		    ev, VERDICT_WARN, "limit", "few",
		    "Only %d requests are left of this account's limit: another program uses them up.", left);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
