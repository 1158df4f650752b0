/* Seldom looks: these change by the hour, and each request comes out of an account's common budget. The data
 * API and the status page have none. */
#include "core/watches/dynos_more.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* in looks of the watch, of about three seconds */
	DATABASE_EVERY = 10,
	TRANSFERS_EVERY = 5,
	PLATFORM_EVERY = 40,
	SELDOM_EVERY = 200,
};
enum part { DATABASE, TRANSFERS, APP, MAINTENANCE, PLATFORM, TOKEN };
enum { NEAR_MS = 8 * 3600 * 1000, TRANSFERS_SHOWN = 3, TOKEN_STEP_MS = 300000 };

static void keep_error(struct dynos_more *more, enum part part, int rc, const struct err *err)
{
	text_copy(more->unseen[part], sizeof more->unseen[0], rc < 0 ? err->text : "");
}

static int look_database(struct dynos_more *more, struct err *err)
{
	if (!more->have_database && heroku_database(more->heroku, &more->database, err) < 0)
		return -1;
	more->have_database = true;
	struct heroku_database_info info;
	if (heroku_database_info(more->heroku, &more->database, &info, err) < 0)
		return -1;
	more->info = info;
	more->have_info = true;
	return 0;
}

static int look_transfers(struct dynos_more *more, struct err *err)
{
	struct heroku_transfer *transfers;
	struct heroku_schedule *schedules;
	size_t n, n_schedules;
	if (heroku_transfers(more->heroku, more->database.app, &transfers, &n, err) < 0)
		return -1;
	if (heroku_schedules(more->heroku, &more->database, &schedules, &n_schedules, err) < 0) {
		free(transfers);
		return -1;
	}
	free(more->transfers);
	free(more->schedules);
	more->transfers = transfers;
	more->n_transfers = n;
	more->schedules = schedules;
	more->n_schedules = n_schedules;
	more->have_transfers = true;
	return 0;
}

static int look_app(struct dynos_more *more, struct err *err)
{
	struct dynos_more now = {.heroku = more->heroku};
	if (heroku_addons(more->heroku, &now.addons, &now.n_addons, err) < 0 ||
	    heroku_domains(more->heroku, &now.domains, &now.n_domains, err) < 0 ||
	    heroku_features(more->heroku, &now.features, &now.n_features, err) < 0) {
		free(now.addons);
		free(now.domains);
		return -1;
	}
	free(more->addons);
	free(more->domains);
	free(more->features);
	more->addons = now.addons;
	more->n_addons = now.n_addons;
	more->domains = now.domains;
	more->n_domains = now.n_domains;
	more->features = now.features;
	more->n_features = now.n_features;
	return 0;
}

static int look_maintenance(struct dynos_more *more, struct err *err)
{
	struct heroku_data_maintenance now;
	if (heroku_data_maintenance(more->heroku, &more->database, &now, err) < 0)
		return -1;
	more->maintenance = now;
	more->have_maintenance = true;
	return 0;
}

static int look_platform(struct job *job, struct dynos_more *more, struct err *err)
{
	struct heroku_platform now;
	if (heroku_platform(job, &now, err) < 0)
		return -1;
	more->platform = now;
	more->have_platform = true;
	return 0;
}

/* Seconds from now come back a little different each time: the first moment stays until it has moved. */
static int look_token(struct dynos_more *more, struct err *err)
{
	struct heroku_token now;
	if (heroku_token(more->heroku, &now, err) < 0)
		return -1;
	int64_t moved_ms = now.ends_ms - more->token.ends_ms;
	if (more->have_token && now.known == more->token.known && moved_ms > -TOKEN_STEP_MS &&
	    moved_ms < TOKEN_STEP_MS)
		return 0;
	more->token = now;
	more->have_token = true;
	return 0;
}

void dynos_more_look(struct job *job, struct dynos_more *more, uint64_t round)
{
	struct err err = {0};
	if (round % DATABASE_EVERY == 0)
		keep_error(more, DATABASE, look_database(more, &err), &err);
	if (round % TRANSFERS_EVERY == 0 && more->have_database)
		keep_error(more, TRANSFERS, look_transfers(more, &err), &err);
	if (round % SELDOM_EVERY == 0)
		keep_error(more, APP, look_app(more, &err), &err);
	if (round % SELDOM_EVERY == 0)
		keep_error(more, TOKEN, look_token(more, &err), &err);
	if (round % PLATFORM_EVERY == 0 && more->have_database)
		keep_error(more, MAINTENANCE, look_maintenance(more, &err), &err);
	if (round % PLATFORM_EVERY == 0)
		keep_error(more, PLATFORM, look_platform(job, more, &err), &err);
}

/* ---- what is told ---- */

static void row(struct jw *w, const char *group, const char *name, const char *level, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void row(struct jw *w, const char *group, const char *name, const char *level, const char *fmt, ...)
{
	char text[240];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	jw_obj(w, NULL);
	jw_str(w, "group", group);
	jw_str(w, "name", name);
	jw_str(w, "text", text);
	jw_str(w, "level", level);
	jw_end(w);
}

static void tell_token(const struct dynos_more *more, struct jw *w)
{
	char at[UNITS_MAX];
	int64_t ends_ms = more->token.ends_ms, left_ms = ends_ms - clock_wall_ms();
	if (*more->unseen[TOKEN])
		row(w, "Heroku", "token", "warn", "%s", more->unseen[TOKEN]);
	else if (more->have_token && !more->token.known)
		row(w, "Heroku", "token", "", "when it ends is not known: Heroku does not tell this token");
	else if (more->have_token && !ends_ms)
		row(w, "Heroku", "token", "", "lasts until somebody revokes it");
	else if (more->have_token)
		row(w, "Heroku", "token",
		    left_ms < HEROKU_NIGHT_MS   ? "bad"
		    : left_ms < HEROKU_AFTER_MS ? "warn"
						: "",
		    "ends on %s%s", units_iso(at, ends_ms),
		    left_ms < 0                 ? ": it has ended"
		    : left_ms < HEROKU_NIGHT_MS ? ": it will not last the night"
						: "");
}

static void tell_database(const struct dynos_more *more, struct jw *w)
{
	const struct heroku_database_info *info = &more->info;
	const struct heroku_data_maintenance *m = &more->maintenance;
	char at[UNITS_MAX];
	if (*more->unseen[DATABASE])
		row(w, "database", "unseen", "warn", "%s", more->unseen[DATABASE]);
	if (!more->have_info)
		return;
	bool available = !*info->status || text_starts(info->status, "Available");
	row(w, "database", more->database.name, available ? "" : "bad", "%s, PostgreSQL %s, %s", info->plan,
	    info->version, *info->status ? info->status : "state not said");
	if (*info->following)
		row(w, "database", "follows", "warn", "it follows %s%s%s", info->following,
		    *info->behind ? ", behind by " : "", info->behind);
	if (info->followers > 0)
		row(w, "database", "followers", "", "%d follower%s: they do not come along", info->followers,
		    info->followers == 1 ? "" : "s");
	row(w, "database", "protection", "", "Continuous Protection %s",
	    *info->continuous ? info->continuous : "not said");
	if (*more->unseen[MAINTENANCE]) {
		row(w, "database", "maintenance", "warn", "%s", more->unseen[MAINTENANCE]);
	} else if (more->have_maintenance) {
		bool now = text_equal(m->status, "preparing") || text_equal(m->status, "ready") ||
			   text_equal(m->status, "running");
		bool none =
		    !*m->status || text_equal(m->status, "none") || text_equal(m->status, "completed");
		row(w, "database", "maintenance",
		    now    ? "bad"
		    : none ? ""
			   : "warn",
		    "data maintenance %s%s%s; window %s", *m->status ? m->status : "none",
		    m->scheduled_ms ? ", scheduled for " : "",
		    m->scheduled_ms ? units_iso(at, m->scheduled_ms) : "",
		    *m->window ? m->window : "not said");
	}
}

static void tell_backups(const struct dynos_more *more, struct jw *w)
{
	char at[UNITS_MAX];
	size_t shown = 0;
	int64_t now = clock_wall_ms();
	if (*more->unseen[TRANSFERS])
		row(w, "backup", "unseen", "warn", "%s", more->unseen[TRANSFERS]);
	for (size_t i = 0; i < more->n_transfers && shown < TRANSFERS_SHOWN; i++, shown++) {
		const struct heroku_transfer *t = &more->transfers[i];
		const char *end = !t->finished_ms     ? "under way"
				  : t->canceled_ms    ? "cancelled"
				  : t->succeeded == 1 ? "finished"
						      : "FAILED";
		row(w, "backup", t->label,
		    !t->finished_ms     ? "warn"
		    : t->succeeded == 1 ? ""
					: "warn",
		    "%s, begun %s%s", end, units_iso(at, t->created_ms), t->scheduled ? ", scheduled" : "");
	}
	for (size_t i = 0; i < more->n_schedules; i++) {
		const struct heroku_schedule *s = &more->schedules[i];
		int64_t next = heroku_schedule_next_ms(s, now);
		bool near = !next || next - now < NEAR_MS;
		row(w, "backup", "scheduled", near ? "warn" : "", "%s at %02d:00 %s, next %s%s", s->name,
		    s->hour, s->timezone, next ? units_iso(at, next) : "not known",
		    near ? ": pause it, or it meets the capture" : "");
	}
	if (more->have_transfers && !more->n_schedules)
		row(w, "backup", "scheduled", "", "none");
}

static void tell_app(const struct dynos_more *more, struct jw *w)
{
	if (*more->unseen[APP])
		row(w, "app", "unseen", "warn", "%s", more->unseen[APP]);
	for (size_t i = 0; i < more->n_addons; i++) {
		const struct heroku_addon *a = &more->addons[i];
		const char *by = heroku_replaced_by(a->service);
		bool odd = *a->state && !text_equal(a->state, "provisioned");
		row(w, "add-on", a->plan, by && !odd ? "" : "warn", "%s%s%s", odd ? a->state : "",
		    odd ? "; " : "", by ? by : "nothing known takes its place: decide before the night");
	}
	for (size_t i = 0; i < more->n_domains; i++) {
		const struct heroku_domain *d = &more->domains[i];
		bool custom = text_equal(d->kind, "custom"), fine = !*d->acm || text_find(d->acm, "issued");
		if (custom)
			row(w, "domain", d->hostname, fine ? "" : "warn", "certificate %s, %s",
			    *d->acm ? d->acm : "not by ACM", *d->cname ? d->cname : "no target");
	}
	for (size_t i = 0; i < more->n_features; i++)
		if (more->features[i].enabled)
			row(w, "feature", more->features[i].name, "", "%s",
			    text_equal(more->features[i].name, "preboot")
				? "on: old web dynos run up to 3 minutes beside new ones when the way back "
				  "starts them"
				: "on");
}

void dynos_more_tell(struct job *job, const struct dynos_more *more)
{
	struct jw w;
	jw_event(&w, "heroku.seen");
	jw_arr(&w, "rows");
	if (*more->unseen[PLATFORM])
		row(&w, "Heroku", "status", "warn", "%s", more->unseen[PLATFORM]);
	else if (more->have_platform && more->platform.asked)
		row(&w, "Heroku", "status", *more->platform.trouble ? "bad" : "", "%s%s%s",
		    *more->platform.trouble ? more->platform.trouble : "all green",
		    *more->platform.incident ? ": " : "", more->platform.incident);
	tell_token(more, &w);
	tell_database(more, &w);
	tell_backups(more, &w);
	tell_app(more, &w);
	jw_end(&w);
	job_event(job, &w);
}

void dynos_more_done(struct dynos_more *more)
{
	free(more->addons);
	free(more->domains);
	free(more->features);
	free(more->transfers);
	free(more->schedules);
}
