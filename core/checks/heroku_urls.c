/* The addresses among the config vars: the copy reads the database itself, and nobody reads from a follower
 * that stays behind. Values are looked at and never told. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <string.h>

static enum verdict heroku_urls_run(struct job *job, struct evidence *ev, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct check heroku_urls_check = {
    .name = "heroku-urls",
    .help = "DATABASE_URL names the database itself, and no config var names a follower or another database",
    .bite = "an app that reads from a follower goes on reading old rows on Heroku after the move",
    .secrets = secrets,
    .run = heroku_urls_run,
};

/* "host:port/db" of a PostgreSQL URL, without login and options; "" for anything else. */
static void place_of(const char *url, char *out, size_t size)
{
	*out = '\0';
	if (!text_starts(url, "postgres://") && !text_starts(url, "postgresql://"))
		return;
	const char *start = strstr(url, "://") + 3, *at = start;
	for (const char *p = start; *p && *p != '/' && *p != '?'; p++)
		if (*p == '@')
			at = p + 1;
	text_copyf(out, size, "%.*s", (int)strcspn(at, "?"), at);
}

static void judge_var(const char *name, const char *value, const char *own, struct evidence *ev, size_t *same)
{
	char place[300];
	place_of(value, place, sizeof place);
	if (!*place)
		return;
	if (text_find(name, "CONNECTION_POOL_URL"))
		evidence_add(ev, VERDICT_WARN, "pool", name,
			     "The app may connect through a pool (%s), which stays on Heroku; nothing is "
			     "dumped through it.",
			     name);
	else if (text_equal(place, own))
		(*same)++;
	else
		evidence_add(ev, VERDICT_WARN, "other", name,
			     "%s names another database than DATABASE_URL: a follower, or one that nobody "
			     "copies. On the new side "
			     "let it name the new database for the first week, or copy that one as well.",
			     name);
}

/* The buildpack pgbouncer puts a pool into each dyno and is set by such names. */
static void judge_pgbouncer(const struct json *vars, struct evidence *ev)
{
	for (const struct json *var = json_first(vars); var; var = json_next(var)) {
		const char *name = json_key(var);
		if (!name || !text_starts(name, "PGBOUNCER_"))
			continue;
		evidence_add(
		    ev, VERDICT_WARN, "pgbouncer", name,
		    "%s is set: in the dynos the app connects through a pgbouncer of its own. On the "
		    "new side there is none: let max_connections be enough for all of the app's, or "
		    "run one there.",
		    name);
		return;
	}
}

static enum verdict heroku_urls_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_BRISK, err);
	struct json *vars = NULL;
	char own[300], url[2048];
	size_t same = 0;
	struct err refused = {0};
	if (!heroku)
		return VERDICT_UNKNOWN;
	int rc = heroku_vars(heroku, &vars, err);
	if (rc == 0 && heroku_pick_url(vars, heroku_app(heroku), url, sizeof url, &refused) < 0)
		evidence_add(ev, VERDICT_FAIL, "database-url", "refused", "%.240s", refused.text);
	explicit_bzero(url, sizeof url);
	place_of(json_str(vars, "DATABASE_URL", ""), own, sizeof own);
	for (const struct json *var = json_first(vars); var; var = json_next(var))
		if (json_key(var) && json_text(var))
			judge_var(json_key(var), json_text(var), own, ev, &same);
	judge_pgbouncer(vars, ev);
	if (rc == 0 && !refused.kind)
		evidence_add(ev, VERDICT_PASS, "database-url", "own",
			     "DATABASE_URL names the database itself; %zu config var%s it.", same,
			     same == 1 ? " names" : "s name");
	json_free(vars);
	heroku_close(heroku);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
