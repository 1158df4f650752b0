/* The old side's platform: dynos, formation, maintenance, newest release, database.
 *
 * The account's limit refills by 75 requests a minute and is shared with everybody, so not all is asked at
 * each look. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include <stdlib.h>
#include <string.h>

static int dynos_run(struct job *job, struct err *err);
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct watch dynos_watch = {
    .name = "dynos",
    .help = "shows dynos, formation, maintenance, release and database on Heroku",
    .secrets = secrets,
    .run = dynos_run,
};

enum {
	LOOK_MS = 3000,
	FRUGAL_MS = 10000, /* when few requests are left */
	FEW_LEFT = 500,
	LONGEST_MS = 30000,
	/* in looks */
	APP_EVERY = 2,
	RELEASE_EVERY = 4,
	DATABASE_EVERY = 10,
	ADDONS_EVERY = 200,
};

/* What the newest look of each kind gave. */
struct seen {
	struct heroku *heroku;
	struct heroku_app app;
	struct heroku_dyno *dynos;
	struct heroku_process *formation;
	struct heroku_addon *addons;
	size_t n_dynos, n_formation, n_addons;
	struct heroku_release release;
	struct heroku_database database;
	struct heroku_database_info info;
	bool have_database, have_info;
};

static int by_name(const void *a, const void *b)
{
	const struct heroku_dyno *x = a, *y = b;
	return strcmp(x->name, y->name);
}

/* New lists replace the old ones only when both came. */
static int look_dynos(struct seen *seen, struct err *err)
{
	struct heroku_dyno *dynos;
	struct heroku_process *formation;
	size_t n_dynos, n_formation;
	if (heroku_dynos(seen->heroku, &dynos, &n_dynos, err) < 0)
		return -1;
	if (heroku_formation(seen->heroku, &formation, &n_formation, err) < 0) {
		free(dynos);
		return -1;
	}
	/* Heroku lists them in any order; the same dynos shall make the same event. */
	if (n_dynos)
		qsort(dynos, n_dynos, sizeof *dynos, by_name);
	free(seen->dynos);
	free(seen->formation);
	seen->dynos = dynos;
	seen->n_dynos = n_dynos;
	seen->formation = formation;
	seen->n_formation = n_formation;
	return 0;
}

static int look_release(struct seen *seen, struct err *err)
{
	struct heroku_release *list;
	size_t n;
	if (heroku_releases(seen->heroku, 1, &list, &n, err) < 0)
		return -1;
	seen->release = n ? list[0] : (struct heroku_release){0};
	free(list);
	return 0;
}

static int look_addons(struct seen *seen, struct err *err)
{
	struct heroku_addon *list;
	size_t n;
	if (heroku_addons(seen->heroku, &list, &n, err) < 0)
		return -1;
	free(seen->addons);
	seen->addons = list;
	seen->n_addons = n;
	return 0;
}

static int look_database(struct seen *seen, struct err *err)
{
	if (!seen->have_database && heroku_database(seen->heroku, &seen->database, err) < 0)
		return -1;
	seen->have_database = true;
	if (heroku_database_info(seen->heroku, &seen->database, &seen->info, err) < 0)
		return -1;
	seen->have_info = true;
	return 0;
}

/* The dynos decide whether the look was good; what fails of the rest keeps its last value and is said. */
static int look(struct seen *seen, uint64_t round, struct err *err)
{
	if (look_dynos(seen, err) < 0)
		return -1;
	if ((round % APP_EVERY == 0) && heroku_app_get(seen->heroku, &seen->app, err) < 0)
		return -1;
	if ((round % RELEASE_EVERY == 0) && look_release(seen, err) < 0)
		return -1;
	struct err own = {0};
	if ((round % DATABASE_EVERY == 0) && look_database(seen, &own) < 0)
		err_set(err, own.kind, "%s", own.text);
	if ((round % ADDONS_EVERY == 0) && look_addons(seen, &own) < 0)
		err_set(err, own.kind, "%s", own.text);
	return 0;
}

static void write_lists(const struct seen *seen, struct jw *w)
{
	jw_arr(w, "dynos");
	for (size_t i = 0; i < seen->n_dynos; i++) {
		const struct heroku_dyno *dyno = &seen->dynos[i];
		jw_obj(w, NULL);
		jw_str(w, "name", dyno->name);
		jw_str(w, "type", dyno->type);
		jw_str(w, "state", dyno->state);
		jw_str(w, "size", dyno->size);
		jw_int(w, "since_ms", dyno->since_ms);
		jw_str(w, "command", dyno->command);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "formation");
	for (size_t i = 0; i < seen->n_formation; i++) {
		jw_obj(w, NULL);
		jw_str(w, "type", seen->formation[i].type);
		jw_str(w, "size", seen->formation[i].size);
		jw_int(w, "want", seen->formation[i].quantity);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "addons");
	for (size_t i = 0; i < seen->n_addons; i++)
		jw_str(w, NULL, seen->addons[i].plan);
	jw_end(w);
}

static void tell(struct job *job, const struct seen *seen)
{
	struct jw w;
	jw_event(&w, "dynos.seen");
	jw_bool(&w, "maintenance", seen->app.maintenance);
	if (seen->release.version)
		jw_strf(&w, "release", "v%lld", (long long)seen->release.version);
	jw_str(&w, "release_status", seen->release.status);
	write_lists(seen, &w);
	if (seen->have_info) {
		jw_obj(&w, "database");
		jw_str(&w, "plan", *seen->info.plan ? seen->info.plan : seen->database.plan);
		jw_int(&w, "size_bytes", seen->info.size_bytes);
		jw_int(&w, "connections", seen->info.connections);
		jw_int(&w, "limit", seen->info.limit);
		jw_str(&w, "version", seen->info.version);
		jw_end(&w);
	}
	jw_str(&w, "warning", heroku_warning(seen->heroku));
	job_event(job, &w);
}

static int dynos_run(struct job *job, struct err *err)
{
	struct seen seen = {.heroku = heroku_open(job, HEROKU_BRISK, err)};
	if (!seen.heroku)
		return -1;
	heroku_hush(seen.heroku, true);
	int64_t pause_ms = LOOK_MS;
	for (uint64_t round = 0;;) {
		struct err own = {0};
		int left = heroku_remaining(seen.heroku);
		int64_t calm_ms = left >= 0 && left < FEW_LEFT ? FRUGAL_MS : LOOK_MS;
		bool good = look(&seen, round, &own) == 0;
		if (good) {
			tell(job, &seen);
			pause_ms = calm_ms;
			round++;
		} else if (own.kind != ERR_CANCELLED) {
			pause_ms = pause_ms * 2 > LONGEST_MS ? LONGEST_MS : pause_ms * 2;
		}
		if (own.kind != ERR_CANCELLED)
			job_beat(job, calm_ms, good, own.text);
		if (job_wait(job, pause_ms))
			break;
	}
	free(seen.dynos);
	free(seen.formation);
	free(seen.addons);
	heroku_close(seen.heroku);
	return 0;
}
