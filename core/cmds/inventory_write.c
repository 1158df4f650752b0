/* The sections of MIGRATION.md. Nothing in a line changes by itself (no ages, no states of dynos), so that
 * what differs in the next one has really been changed. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/inventory.h"
#include "core/links/env_digest.h"
#include "core/links/pg_sides.h"
#include <stdlib.h>
#include <string.h>

enum { RELEASES = 5, SECRET_LEAST = 8 };

/* A cell of a table: what would end it is written otherwise. */
static void add_cell(struct buf *out, const char *text)
{
	buf_adds(out, " ");
	for (const char *c = *text ? text : "-"; *c; c++) {
		if (*c == '|')
			buf_adds(out, "\\|");
		else
			buf_addc(out, *c);
	}
	buf_adds(out, " |");
}

static void add_row(struct buf *out, const char *const *cells)
{
	buf_adds(out, "|");
	for (; *cells; cells++)
		add_cell(out, *cells);
	buf_adds(out, "\n");
}
#define ROW(out, ...) add_row((out), (const char *const[]){__VA_ARGS__, NULL})

static void add_head(struct buf *out, const char *title, const char *const *cells)
{
	buf_addf(out, "\n## %s\n\n", title);
	add_row(out, cells);
	buf_adds(out, "|");
	for (; *cells; cells++)
		buf_adds(out, "---|");
	buf_adds(out, "\n");
}
#define HEAD(out, title, ...) add_head((out), (title), (const char *const[]){__VA_ARGS__, NULL})

static void add_unseen(struct buf *out, const char *title, const struct err *err)
{
	buf_addf(out, "\n## %s\n\nNot seen: %s\n", title, err->text);
}

static const char *number(char out[32], long long n)
{
	text_copyf(out, 32, "%lld", n);
	return out;
}

static int write_app(struct heroku *heroku, struct buf *out, struct err *err)
{
	struct heroku_app app;
	struct heroku_process *list;
	struct heroku_dyno *dynos;
	size_t n, n_dynos;
	char count[32];
	if (heroku_app_get(heroku, &app, err) < 0 || heroku_formation(heroku, &list, &n, err) < 0)
		return -1;
	HEAD(out, "App", "name", "stack", "generation", "space", "maintenance");
	ROW(out, app.name, app.stack, app.generation, app.space, app.maintenance ? "on" : "off");
	HEAD(out, "Dynos", "type", "quantity", "size");
	for (size_t i = 0; i < n; i++)
		ROW(out, list[i].type, number(count, list[i].quantity), list[i].size);
	if (heroku_dynos(heroku, &dynos, &n_dynos, err) == 0) {
		for (size_t i = 0; i < n_dynos; i++) {
			bool formed = false;
			for (size_t k = 0; k < n; k++)
				formed = formed || text_equal(list[k].type, dynos[i].type);
			if (!formed)
				ROW(out, dynos[i].name, "one-off", dynos[i].command);
		}
		free(dynos);
		free(list);
		return 0;
	}
	free(list);
	return -1;
}

static void write_addons(struct heroku *heroku, struct buf *out)
{
	struct heroku_addon *list;
	size_t n;
	struct err err = {0};
	if (heroku_addons(heroku, &list, &n, &err) < 0) {
		add_unseen(out, "Add-ons", &err);
		return;
	}
	HEAD(out, "Add-ons", "plan", "name", "state", "replaced by");
	for (size_t i = 0; i < n; i++) {
		const char *by = heroku_replaced_by(list[i].service);
		ROW(out, list[i].plan, list[i].name, list[i].state, by ? by : "**to be decided**");
	}
	free(list);
}

/* ---- config vars: what kind of thing each is, never what it says ---- */

static const char *class_of(const char *value)
{
	size_t len = strlen(value);
	if (text_starts(value, "postgres://") || text_starts(value, "postgresql://"))
		return "PostgreSQL URL";
	if (text_starts(value, "redis://") || text_starts(value, "rediss://"))
		return "Redis URL";
	if (strstr(value, "://"))
		return strchr(value, '@') ? "URL with a login" : "URL";
	if (len && strspn(value, "0123456789") == len)
		return len > 9 ? "digits" : "number";
	if (text_equal(value, "true") || text_equal(value, "false") || text_equal(value, "enabled") ||
	    text_equal(value, "disabled"))
		return "switch";
	if (strchr(value, '\n'))
		return "several lines";
	if (len >= 16 && !strpbrk(value, " \t"))
		return "secret, by its look";
	return len ? "word" : "empty";
}

static const char *fate_of(const char *name)
{
	static const char *const stays[] = {"PORT", "DYNO", "PS"};
	for (size_t i = 0; i < sizeof stays / sizeof *stays; i++)
		if (text_equal(name, stays[i]))
			return "is not copied: the new side sets its own";
	if (text_starts(name, "HEROKU_") || text_find(name, "CONNECTION_POOL_URL"))
		return "stays on Heroku";
	if (text_equal(name, "DATABASE_URL"))
		return "has to lead to the new database";
	if (text_find(name, "REDIS") && text_find(name, "URL"))
		return "has to lead to the new Redis";
	return "is copied";
}

static int write_vars(const struct json *vars, const char *key, struct buf *out, struct err *err)
{
	if (!json_is_object(vars))
		return err_set(err, ERR_NET, "heroku's answer holds no config vars; try again");
	HEAD(out, "Config vars", "name", "kind", "characters", "fingerprint", "on the new side");
	for (const struct json *var = json_first(vars); var; var = json_next(var)) {
		const char *value = json_text(var) ? json_text(var) : "",
			   *raw = json_key(var) ? json_key(var) : "";
		char digest[ENV_DIGEST_MAX], name[160], count[32];
		text_clean(name, sizeof name, raw, strlen(raw));
		env_digest_keyed(key, raw, value, digest);
		ROW(out, name, class_of(value), number(count, (long long)strlen(value)), digest,
		    fate_of(name));
	}
	return 0;
}

/* The last look before it is handed on: is any value in it that only its owner may know? `where`: a login is
 * looked for everywhere, anything else only beside the names; a host's name may rightly stand among the
 * domains. */
static int refuse_values(const struct json *vars, const char *where, bool logins_only, struct err *err)
{
	for (const struct json *var = json_first(vars); var; var = json_next(var)) {
		const char *value = json_text(var) ? json_text(var) : "", *kind = class_of(value);
		bool login = strstr(value, "://") && strchr(value, '@');
		bool secret = login || (!logins_only && text_starts(kind, "secret")) ||
			      text_equal(kind, "several lines");
		if (secret && strlen(value) >= SECRET_LEAST && strstr(where, value))
			return err_set(err, ERR_BUG,
				       "the value of %s would stand in the inventory, so it was not written; "
				       "please report this",
				       json_key(var));
	}
	return 0;
}

/* ---- the rest ---- */

static void write_features(struct heroku *heroku, struct buf *out)
{
	struct heroku_feature *list;
	size_t n;
	struct err err = {0};
	if (heroku_features(heroku, &list, &n, &err) < 0) {
		add_unseen(out, "Features", &err);
		return;
	}
	HEAD(out, "Features", "name", "state");
	for (size_t i = 0; i < n; i++)
		ROW(out, list[i].name, list[i].enabled ? "on" : "off");
	free(list);
}

static void write_domains(struct heroku *heroku, struct buf *out)
{
	struct heroku_domain *list;
	size_t n;
	struct err err = {0};
	if (heroku_domains(heroku, &list, &n, &err) < 0) {
		add_unseen(out, "Domains", &err);
		return;
	}
	HEAD(out, "Domains", "name", "kind", "target", "certificate");
	for (size_t i = 0; i < n; i++)
		ROW(out, list[i].hostname, list[i].kind, list[i].cname, list[i].acm);
	free(list);
}

static void write_releases(struct heroku *heroku, struct buf *out)
{
	struct heroku_release *list;
	size_t n;
	struct err err = {0};
	if (heroku_releases(heroku, RELEASES, &list, &n, &err) < 0) {
		add_unseen(out, "Releases", &err);
		return;
	}
	HEAD(out, "Releases", "version", "what", "by", "at", "state");
	for (size_t i = 0; i < n; i++) {
		char version[32], at[UNITS_MAX];
		text_copyf(version, sizeof version, "v%lld", (long long)list[i].version);
		ROW(out, version, list[i].description, list[i].by, units_iso(at, list[i].created_ms),
		    list[i].status);
	}
	free(list);
}

static void write_database(struct heroku *heroku, struct buf *out)
{
	struct heroku_database database;
	struct heroku_database_info info;
	struct heroku_schedule *list;
	size_t n;
	struct err err = {0};
	char limit[32], followers[32];
	if (heroku_database(heroku, &database, &err) < 0 ||
	    heroku_database_info(heroku, &database, &info, &err) < 0) {
		add_unseen(out, "Database", &err);
		return;
	}
	HEAD(out, "Database", "add-on", "plan", "PostgreSQL", "connections allowed", "followers",
	     "Continuous Protection");
	ROW(out, database.name, info.plan, info.version,
	    info.limit > 0 ? number(limit, info.limit) : "not said",
	    info.followers >= 0 ? number(followers, info.followers) : "not said", info.continuous);
	if (heroku_schedules(heroku, &database, &list, &n, &err) < 0) {
		add_unseen(out, "Backup schedules", &err);
		return;
	}
	HEAD(out, "Backup schedules", "name", "at", "days");
	for (size_t i = 0; i < n; i++) {
		char at[80];
		text_copyf(at, sizeof at, "%02d:00 %s", list[i].hour, list[i].timezone);
		ROW(out, list[i].name, at, list[i].days);
	}
	free(list);
}

static void write_extensions(struct job *job, struct buf *out)
{
	struct err err = {0};
	struct pg *pg = pg_open_old(job, &err);
	struct pg_result *rows =
	    pg ? pg_query(pg,
			  "SELECT extname, extversion, nspname FROM pg_extension JOIN pg_namespace n ON "
			  "n.oid = extnamespace ORDER BY 1",
			  NULL, &err)
	       : NULL;
	if (!rows) {
		add_unseen(out, "Extensions", &err);
	} else {
		HEAD(out, "Extensions", "name", "version", "schema");
		for (size_t i = 0; i < pg_rows(rows); i++)
			ROW(out, pg_get(rows, i, 0), pg_get(rows, i, 1), pg_get(rows, i, 2));
	}
	pg_result_free(rows);
	pg_close(pg);
}

/* No API lists them: these are the ones that somebody wrote down. */
static void write_scheduler(const struct job *job, struct buf *out)
{
	const struct json *jobs = json_get(json_get(job_config(job), "heroku"), "scheduler");
	if (!json_count(jobs))
		return;
	HEAD(out, "Scheduler, by nightferry.yml", "command", "at, in UTC");
	for (const struct json *row = json_first(jobs); row; row = json_next(row)) {
		char run[160];
		const char *text = json_str(row, "run", "");
		text_clean(run, sizeof run, text, strlen(text));
		ROW(out, run, json_str(row, "at", ""));
	}
}

int inventory_write(struct job *job, const char *key, struct buf *out, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_PATIENT, err);
	struct json *vars = NULL;
	if (!heroku)
		return -1;
	heroku_hush(heroku, true);
	int rc = write_app(heroku, out, err);
	if (rc == 0)
		rc = heroku_vars(heroku, &vars, err);
	if (rc == 0) {
		write_addons(heroku, out);
		size_t from = out->len;
		rc = write_vars(vars, key, out, err);
		if (rc == 0)
			rc = refuse_values(vars, buf_text(out) + from, false, err);
	}
	if (rc == 0) {
		write_features(heroku, out);
		write_domains(heroku, out);
		write_releases(heroku, out);
		write_database(heroku, out);
		write_scheduler(job, out);
		write_extensions(job, out);
		rc = refuse_values(vars, buf_text(out), true, err);
	}
	json_free(vars);
	heroku_close(heroku);
	return rc;
}
