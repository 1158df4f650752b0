#include "core/links/env_find.h"
#include "core/base/text.h"
#include "core/links/env_digest.h"
#include "core/links/env_url.h"
#include "core/links/env_value.h"
#include <string.h>

static bool in(const char *const *list, const char *name)
{
	while (*list && !text_equal(*list, name))
		list++;
	return *list;
}

enum env_rule env_rule_of(const char *name)
{
	static const char *const differs[] = {"DATABASE_URL", "REDIS_URL", "REDIS_TLS_URL", NULL};
	static const char *const stays[] = {"PORT", "DYNO", "DYNO_RAM", NULL};
	static const char *const build[] = {"LANG",
					    "RACK_ENV",
					    "RAILS_LOG_TO_STDOUT",
					    "RAILS_SERVE_STATIC_FILES",
					    "WEB_CONCURRENCY",
					    "MALLOC_ARENA_MAX",
					    "BUNDLE_WITHOUT",
					    "NODE_MODULES_CACHE",
					    "NPM_CONFIG_PRODUCTION",
					    "NPM_CONFIG_LOGLEVEL",
					    "YARN_PRODUCTION",
					    "DISABLE_COLLECTSTATIC",
					    NULL};
	if (in(differs, name))
		return ENV_RULE_DIFFERS;
	if (in(stays, name) || text_starts(name, "HEROKU_"))
		return ENV_RULE_STAYS;
	return in(build, name) ? ENV_RULE_BUILD : ENV_RULE_SAME;
}

/* What it signs or encrypts is lost with another value; the words stand between underscores. */
static bool is_key(const char *name)
{
	static const char *const words[] = {"KEY",  "KEYS",   "SECRET",     "SECRETS",
					    "SALT", "PEPPER", "ENCRYPTION", NULL};
	char word[40];
	while (*name) {
		size_t len = strcspn(name, "_");
		text_copyf(word, sizeof word, "%.*s", (int)(len < 39 ? len : 39), name);
		if (in(words, word))
			return true;
		name += len + (name[len] == '_');
	}
	return false;
}

static bool accepted(const struct env_sides *sides, const char *name)
{
	for (const struct json *a = json_first(sides->accept); a; a = json_next(a))
		if (text_equal(json_text(a), name))
			return true;
	return false;
}

static void find(struct env_finding *f, enum verdict verdict, const char *fact, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void find(struct env_finding *f, enum verdict verdict, const char *fact, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	f->verdict = verdict;
	text_copy(f->text, sizeof f->text, buf_text(&text));
	text_copy(f->fact, sizeof f->fact, fact);
	buf_done(&text);
}

/* ---- places ---- */

/* The host of one of Heroku's own services, as the config vars name it. */
static bool is_old_place(const struct env_sides *sides, const struct env_url *url)
{
	struct env_url other;
	for (size_t i = 0; i < sides->old->n; i++) {
		const struct env_var *v = &sides->old->list[i];
		enum env_rule rule = env_rule_of(v->name);
		if ((rule == ENV_RULE_DIFFERS || rule == ENV_RULE_STAYS) && env_url_read(v->value, &other) &&
		    env_url_same_place(&other, url))
			return true;
	}
	return false;
}

/* True when the value leads to Heroku, which no rule and no acceptance of a name makes right. */
static bool find_old_place(const struct env_sides *sides, const char *value, struct env_finding *f)
{
	struct env_url url;
	bool certain;
	char fact[120];
	if (!env_url_read(value, &url))
		return false;
	bool old = is_old_place(sides, &url);
	text_copyf(fact, sizeof fact, "heroku %.100s", url.host);
	if (old)
		find(f, VERDICT_FAIL, fact,
		     "still leads to Heroku's %s (%s:%s) in ROLES: the new app would work on the old side's "
		     "data; give it its own and boot the app again",
		     url.database ? "service" : "app", url.host, url.port);
	else if (env_url_heroku(&url, &certain))
		find(f, certain ? VERDICT_FAIL : VERDICT_WARN, fact,
		     certain
			 ? "names %s in ROLES, which is Heroku's and goes with it; write the new place"
			 : "names %s in ROLES, a machine as Heroku rents them; make sure that it is yours",
		     url.host);
	else
		return false;
	return true;
}

/* The database's URL, when it leads away from Heroku: does it lead to what the night fills, and how? */
static void find_database(const struct env_sides *sides, const struct env_role *role, const char *value,
			  const struct env_url *old, struct env_finding *f)
{
	struct env_url url;
	char parts[200];
	const char *mode = env_set_get(&role->vars, "PGSSLMODE");
	if (!env_url_read(value, &url) || !url.database) {
		find(f, VERDICT_WARN, "no url", "is no database URL in ROLES");
		return;
	}
	env_url_compare(old, &url, parts, sizeof parts);
	if (!*url.sslmode && mode)
		text_clean(url.sslmode, sizeof url.sslmode, mode, strlen(mode));
	bool wants = text_equal(url.sslmode, "require") || text_starts(url.sslmode, "verify");
	if (*sides->database && !text_equal(url.path, sides->database))
		find(f, VERDICT_FAIL, url.path,
		     "names the database %.60s in ROLES, but the night fills %.60s: the app would start on "
		     "another one",
		     *url.path ? url.path : "of its user", sides->database);
	else if (wants && !strchr(url.host, '.') && text_starts(url.scheme, "postgres"))
		find(f, VERDICT_WARN, "sslmode local",
		     "asks %s for TLS (sslmode=%s) in ROLES; a Postgres accessory has none unless you set it "
		     "up, and then the app cannot connect",
		     url.host, url.sslmode);
	else if (!wants && !env_url_local(&url) && text_starts(url.scheme, "postgres"))
		find(f, VERDICT_WARN, "sslmode remote",
		     "goes to %.80s in ROLES with sslmode %s: write sslmode=require, or the password may "
		     "cross "
		     "the network in the clear",
		     url.host, *url.sslmode ? url.sslmode : "not said");
	else
		find(f, VERDICT_PASS, "", "differs as it must in ROLES: %s", parts);
}

static void find_differs(const struct env_sides *sides, const struct env_role *role, const struct env_var *v,
			 const char *is, struct env_finding *f)
{
	struct env_url old;
	if (strcmp(v->value, is) == 0) {
		find(f, VERDICT_FAIL, "same",
		     "is Heroku's own in ROLES: the new app would work on the old side's data; give it its "
		     "own "
		     "and boot the app again");
		f->sort = ENV_CHANGED;
		return;
	}
	f->sort = ENV_DIFFERS;
	if (text_equal(v->name, "DATABASE_URL") && env_url_read(v->value, &old))
		find_database(sides, role, is, &old, f);
}

/* ---- values ---- */

static void find_missing(const struct env_sides *sides, const struct env_var *v, struct env_finding *f)
{
	enum env_rule rule = env_rule_of(v->name);
	f->sort = rule == ENV_RULE_STAYS ? ENV_STAYS : accepted(sides, v->name) ? ENV_ACCEPTED : ENV_MISSING;
	if (f->sort != ENV_MISSING)
		return;
	if (rule == ENV_RULE_BUILD)
		find(f, VERDICT_WARN, "missing",
		     "is missing in ROLES; Heroku's buildpack sets it, so look whether the image needs it");
	else
		find(f, VERDICT_FAIL, "missing",
		     "is missing in ROLES: %zu bytes on Heroku; add it under env: in Kamal's file",
		     strlen(v->value));
}

static const char *known_value(void *ctx, const char *name)
{
	const struct env_set *const *sets = ctx;
	const char *value = env_set_get(sets[0], name);
	return value ? value : env_set_get(sets[1], name);
}

static void find_other(const struct env_var *v, const char *is, const char *fact, struct env_finding *f)
{
	char from[120], to[120], parts[200];
	struct env_url a, b;
	if (env_url_read(v->value, &a) && env_url_read(is, &b)) {
		env_url_compare(&a, &b, parts, sizeof parts);
		find(f, VERDICT_WARN, fact, "is another URL in ROLES: %s",
		     *parts ? parts : "its options differ");
		return;
	}
	env_classes(v->value, from, sizeof from);
	env_classes(is, to, sizeof to);
	bool alike = text_equal(from, to);
	find(f, is_key(v->name) ? VERDICT_FAIL : VERDICT_WARN, fact,
	     "is another value in ROLES: %zu -> %zu bytes, %s%s%s; %s", strlen(v->value), strlen(is), from,
	     alike ? "" : " -> ", alike ? "" : to,
	     is_key(v->name) ? "what Heroku encrypted with it stays unreadable" : "is that meant?");
}

static void find_changed(const struct job *job, const struct env_sides *sides, const struct env_role *role,
			 const struct env_var *v, const char *is, struct env_finding *f)
{
	const struct env_set *sets[] = {sides->old, &role->vars};
	unsigned causes = env_explain(v->value, is, known_value, sets);
	char why[160], digest[ENV_DIGEST_MAX], fact[120];
	env_say(causes, why, sizeof why);
	env_digest(job, v->name, is, digest);
	text_copyf(fact, sizeof fact, "%s %x %zu %zu", digest, causes, strlen(v->value), strlen(is));
	f->sort = ENV_CHANGED;
	if (causes == ENV_BASE64) {
		f->sort = ENV_IN_BASE64;
		find(f, VERDICT_PASS, "", "is the same in ROLES, in base64; %s", env_mend(v->value, causes));
		return;
	}
	if (causes)
		find(f, VERDICT_FAIL, fact, "differs in ROLES: %zu -> %zu bytes, %s; %s", strlen(v->value),
		     strlen(is), why, env_mend(v->value, causes));
	else if (accepted(sides, v->name))
		f->sort = ENV_ACCEPTED;
	else
		find_other(v, is, fact, f);
}

void env_find(const struct job *job, const struct env_sides *sides, const struct env_role *role,
	      const struct env_var *v, struct env_finding *f)
{
	const char *is = env_set_get(&role->vars, v->name);
	*f = (struct env_finding){.verdict = VERDICT_PASS};
	if (!is) {
		find_missing(sides, v, f);
	} else if (find_old_place(sides, is, f)) {
		f->sort = ENV_CHANGED;
	} else if (env_rule_of(v->name) == ENV_RULE_DIFFERS) {
		find_differs(sides, role, v, is, f);
	} else if (env_rule_of(v->name) == ENV_RULE_STAYS) {
		f->sort = ENV_CHANGED;
		find(f, VERDICT_WARN, "copied",
		     "came along from Heroku into ROLES; it tells the app and its libraries that they run "
		     "there: take it out");
	} else if (strcmp(v->value, is) != 0) {
		find_changed(job, sides, role, v, is, f);
	}
}

void env_find_extra(const struct env_sides *sides, const char *name, const char *value, struct env_finding *f)
{
	/* The image's own PORT is nobody's of Heroku. */
	if (!find_old_place(sides, value, f) && env_rule_of(name) == ENV_RULE_STAYS &&
	    !text_equal(name, "PORT"))
		find(f, VERDICT_WARN, "copied",
		     "is set in ROLES and is Heroku's own name; libraries may take the new host for Heroku");
}
