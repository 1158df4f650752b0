/* config-set: one config var of the Heroku app. Each change makes a release, and a release restarts every
 * dyno. Values are never told: they are compared in memory, and the way back reads the old one from the
 * release before. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/env_digest.h"
#include "core/links/heroku.h"
#include <stdlib.h>
#include <string.h>

static int config_set_plan(struct job *job, struct plan *plan, struct err *err);
static int config_set_run(struct job *job, struct err *err);
static int config_set_undo(struct job *job, struct err *err);
static enum done config_set_probe(struct job *job, struct err *err);
static enum verdict config_set_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"name", "text", NULL, "the config var, for example READ_ONLY"},
    {"value", "text", "",
     "its value, or env:NAME for a secret that `secrets:` names; empty: it is taken away"},
    {"secrets", "any", "", "names of variables that the value may come from"},
    {0},
};
static const char *const makes[] = {"config-set", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "DIGEST_KEY", NULL};

const struct step config_set_step = {
    .name = "config-set",
    .help = "sets one config var on Heroku, or takes it away",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = config_set_plan,
    .run = config_set_run,
    .undo = config_set_undo,
    .probe = config_set_probe,
    .prove = config_set_prove,
};

struct change {
	struct heroku *heroku;
	struct json *vars;
	const char *name, *want; /* want NULL: to be taken away */
	const char *now;         /* NULL: not set */
};

static int read_goal(struct job *job, struct change *c, struct err *err)
{
	const char *value = json_str(job_params(job), "value", "");
	c->name = json_str(job_params(job), "name", "");
	c->want = *value ? value : NULL;
	if (!*c->name ||
	    c->name[strspn(c->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")])
		return err_set(err, ERR_CONFIG,
			       "config-set: name is no name of a config var; mend the playbook");
	if (!text_starts(value, "env:"))
		return 0;
	c->want = job_secret(job, value + 4);
	return c->want ? 0
		       : err_set(err, ERR_CONFIG,
				 "config-set: %s is not set where nightferry was started, or `secrets: [%s]` "
				 "is missing in "
				 "the step's `with:`",
				 value + 4, value + 4);
}

static void change_close(struct change *c)
{
	json_free(c->vars);
	heroku_close(c->heroku);
	c->vars = NULL;
	c->heroku = NULL;
}

static int look(struct change *c, struct err *err)
{
	json_free(c->vars);
	c->vars = NULL;
	if (heroku_vars(c->heroku, &c->vars, err) < 0)
		return -1;
	if (!json_is_object(c->vars))
		return err_set(err, ERR_NET, "heroku's answer holds no config vars; try again");
	c->now = json_str(c->vars, c->name, NULL);
	return 0;
}

static int change_open(struct job *job, struct change *c, struct err *err)
{
	*c = (struct change){0};
	if (read_goal(job, c, err) < 0)
		return -1;
	c->heroku = heroku_open(job, HEROKU_PATIENT, err);
	if (c->heroku && look(c, err) == 0)
		return 0;
	change_close(c);
	return -1;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void say_value(const char *value, char *out, size_t size)
{
	if (value)
		text_copyf(out, size, "a value of %zu characters", strlen(value));
	else
		text_copy(out, size, "not set");
}

static int64_t newest_release(struct change *c, struct heroku_release *out, struct err *err)
{
	struct heroku_release *list;
	size_t n;
	if (heroku_releases(c->heroku, 1, &list, &n, err) < 0)
		return -1;
	*out = n ? list[0] : (struct heroku_release){0};
	free(list);
	return out->version;
}

static int config_set_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct change c;
	struct heroku_release release;
	struct heroku_dyno *dynos = NULL;
	size_t n;
	if (change_open(job, &c, err) < 0)
		return -1;
	if (newest_release(&c, &release, err) < 0 || heroku_dynos(c.heroku, &dynos, &n, err) < 0) {
		change_close(&c);
		return -1;
	}
	char was[64], is[64];
	say_value(c.now, was, sizeof was);
	say_value(c.want, is, sizeof is);
	text_copy(plan->target, sizeof plan->target, heroku_app(c.heroku));
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, "RESTARTS ALL DYNOS");
	text_copyf(plan->from, sizeof plan->from, "%s: %s", c.name, was);
	text_copyf(plan->to, sizeof plan->to, "%s: %s", c.name, is);
	plan_does(plan, "PATCH /apps/%s/config-vars {\"%s\": %s}", heroku_app(c.heroku), c.name,
		  c.want ? "(not shown)" : "null");
	if (n)
		text_copyf(plan->then, sizeof plan->then,
			   "It makes release v%lld, and Heroku restarts all %zu dynos at once: requests in "
			   "flight are cut "
			   "off.",
			   (long long)release.version + 1, n);
	else
		text_copyf(
		    plan->then, sizeof plan->then,
		    "It makes release v%lld; no dyno runs, so none restarts. A release command would run.",
		    (long long)release.version + 1);
	text_copyf(plan->back, sizeof plan->back,
		   "the value of v%lld is set again: one more release, and the dynos restart once more",
		   (long long)release.version);
	plan->nothing_to_do = same(c.now, c.want);
	plan->estimate_ms = n ? 30000 : 3000;
	if (text_equal(release.status, "pending"))
		plan_refuse(plan, "v%lld is being released just now; wait for its end, then run this step.",
			    (long long)release.version);
	evidence_add(&plan->seen, n ? VERDICT_WARN : VERDICT_PASS, "dynos", "", "%zu dynos will restart.", n);
	free(dynos);
	change_close(&c);
	return 0;
}

static int send(struct change *c, const char *value, struct err *err)
{
	struct err own = {0};
	if (heroku_var_set(c->heroku, c->name, value, &own) == 0)
		return 0;
	/* Asked once. What was lost shows in the vars. */
	if (heroku_lost(c->heroku) && look(c, err) == 0 && same(c->now, value))
		return 0;
	return err_set(err, own.kind, "%s", own.text);
}

static int config_set_run(struct job *job, struct err *err)
{
	struct change c;
	struct heroku_release release;
	char before[ENV_DIGEST_MAX] = "", after[ENV_DIGEST_MAX] = "";
	if (change_open(job, &c, err) < 0)
		return -1;
	int rc = 0;
	if (!same(c.now, c.want)) {
		env_digest(job, c.name, c.now ? c.now : "", before);
		env_digest(job, c.name, c.want ? c.want : "", after);
		rc = newest_release(&c, &release, err) < 0 ? -1 : 0;
		struct jw w;
		jw_fact(&w, "config-set", c.name);
		jw_int(&w, "release_before", rc == 0 ? release.version : 0);
		jw_bool(&w, "had", c.now != NULL);
		jw_str(&w, "digest_before", before);
		jw_str(&w, "digest_after", after);
		if (rc == 0)
			rc = job_record(job, &w, err);
		else
			jw_done(&w);
		if (rc == 0)
			rc = send(&c, c.want, err);
	}
	change_close(&c);
	return rc;
}

/* The old value, out of the release that had it; *value is borrowed from *vars. */
static int old_value(struct job *job, struct change *c, const struct json *fact, struct json **vars,
		     const char **value, struct err *err)
{
	char digest[ENV_DIGEST_MAX];
	*vars = NULL;
	*value = NULL;
	if (!json_bool(fact, "had", false))
		return 0;
	if (heroku_release_vars(c->heroku, json_int(fact, "release_before", 0), vars, err) < 0)
		return -1;
	*value = json_str(*vars, c->name, NULL);
	env_digest(job, c->name, *value ? *value : "", digest);
	const char *was = json_str(fact, "digest_before", "");
	if (*value && (!*was || text_equal(digest, was)))
		return 0;
	return err_set(err, ERR_WORLD,
		       "release v%lld does not hold the value that %s had before; set it by hand with "
		       "`heroku config:set`",
		       (long long)json_int(fact, "release_before", 0), c->name);
}

static int config_set_undo(struct job *job, struct err *err)
{
	struct change c;
	struct json *vars;
	const char *value;
	const struct json *fact;
	if (change_open(job, &c, err) < 0)
		return -1;
	fact = job_fact(job, "config-set", c.name);
	int rc = fact ? old_value(job, &c, fact, &vars, &value, err) : 0;
	if (fact && rc == 0 && !same(c.now, value)) {
		if (!same(c.now, c.want))
			rc = err_set(
			    err, ERR_WORLD,
			    "%s was changed since by somebody else; nothing was changed, look with `heroku "
			    "releases`",
			    c.name);
		else
			rc = send(&c, value, err);
	}
	if (fact)
		json_free(vars);
	change_close(&c);
	return rc;
}

static enum done config_set_probe(struct job *job, struct err *err)
{
	struct change c;
	if (change_open(job, &c, err) < 0)
		return DONE_UNCLEAR;
	enum done done = same(c.now, c.want) ? DONE_DONE : DONE_NOT_DONE;
	change_close(&c);
	return done;
}

static enum verdict config_set_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct change c;
	struct heroku_release release;
	if (change_open(job, &c, err) < 0)
		return VERDICT_UNKNOWN;
	int rc = newest_release(&c, &release, err) < 0 ? -1 : 0;
	bool good = same(c.now, c.want);
	if (rc == 0) {
		evidence_add(ev, good ? VERDICT_PASS : VERDICT_FAIL, "value", good ? "as wanted" : "other",
			     good ? "%s on Heroku is as it should be."
				  : "%s on Heroku is not as it should be.",
			     c.name);
		if (text_equal(release.status, "pending"))
			evidence_add(ev, VERDICT_UNKNOWN, "release", "pending",
				     "v%lld is still being released.", (long long)release.version);
		else
			evidence_add(ev, text_equal(release.status, "failed") ? VERDICT_FAIL : VERDICT_PASS,
				     "release", release.status, "v%lld (%s) %s.", (long long)release.version,
				     release.description, release.status);
	}
	change_close(&c);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
