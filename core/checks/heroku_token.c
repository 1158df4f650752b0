/* The token works, may change things, and will not run out tonight. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <string.h>

static enum verdict heroku_token_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_token_check = {
    .name = "heroku-token",
    .help = "the Heroku token works, may change things and will last the night",
    .bite = "a login's token ends after a year, one of single sign-on after 8 hours: in the middle of the "
	    "night",
    .secrets = secrets,
    .run = heroku_token_run,
};

enum { FEW_LEFT = 500 };
#define ANOTHER "make one that lasts with `heroku authorizations:create` and set HEROKU_API_KEY"

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

/* When it ends, by the account's own list of tokens. */
static void judge_life(struct evidence *ev, const struct heroku_token *token, bool sso)
{
	char at[UNITS_MAX], left[UNITS_MAX];
	int64_t left_ms = token->ends_ms - clock_wall_ms();
	if (!token->known) {
		evidence_add(
		    ev, VERDICT_WARN, "lasts", sso ? "sso" : "unsaid",
		    "When it ends is not known: Heroku does not tell this token%s. Look with `heroku "
		    "authorizations`, or " ANOTHER ".",
		    sso ? ", and a login by single sign-on lasts 8 hours" : "");
		return;
	}
	if (!token->ends_ms) {
		evidence_add(ev, VERDICT_PASS, "lasts", "for good", "It lasts until somebody revokes it.");
		return;
	}
	units_iso(at, token->ends_ms);
	if (left_ms < HEROKU_NIGHT_MS)
		evidence_add(ev, VERDICT_FAIL, "lasts", at,
			     "It ends on %s, in %s, and will not last the night: " ANOTHER
			     ", then begin again.",
			     at, units_age(left, left_ms));
	else if (left_ms < HEROKU_AFTER_MS)
		evidence_add(
		    ev, VERDICT_WARN, "lasts", at,
		    "It ends on %s, in %s: it lasts the night, and not a way back two days later; " ANOTHER
		    ".",
		    at, units_age(left, left_ms));
	else
		evidence_add(ev, VERDICT_PASS, "lasts", at, "It ends on %s, in %s.", at,
			     units_age(left, left_ms));
}

static enum verdict heroku_token_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct heroku_account account;
	struct heroku_token token;
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
		rc = heroku_token(heroku, &token, err);
	}
	if (rc == 0) {
		judge_life(ev, &token, account.federated);
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
