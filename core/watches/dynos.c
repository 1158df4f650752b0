/* The old side's platform: dynos, formation, maintenance, newest release, database.
 *
 * The account's limit refills by 75 requests a minute and is shared with everybody, so not all is asked at
 * each look. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/base/clock.h"
#include "core/watches/dynos_more.h"
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
	LAST_LEFT = 100, /* these are for the steps */
	LONGEST_MS = 30000,
	/* in looks */
	APP_EVERY = 2,
	RELEASE_EVERY = 4,
};

/* What the newest look of each kind gave. */
struct seen {
	struct heroku *heroku;
	struct heroku_app app;
	struct heroku_dyno *dynos;
	struct heroku_process *formation;
	size_t n_dynos, n_formation;
	struct heroku_release release;
	struct dynos_more more;
};

static int by_name(const void *a, const void *b)
{
	const struct heroku_dyno *x = a, *y = b;
	int type = strcmp(x->type, y->type);
	const char *nx = strrchr(x->name, '.'), *ny = strrchr(y->name, '.');
	int64_t dx = nx ? units_parse_int(nx + 1, 0) : 0, dy = ny ? units_parse_int(ny + 1, 0) : 0;
	/* web.2 comes before web.10. */
	return type ? type : dx != dy ? (dx > dy) - (dx < dy) : strcmp(x->name, y->name);
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

/* The dynos decide whether the look was good. */
static int look(struct seen *seen, uint64_t round, struct err *err)
{
	if (look_dynos(seen, err) < 0)
		return -1;
	if ((round % APP_EVERY == 0) && heroku_app_get(seen->heroku, &seen->app, err) < 0)
		return -1;
	if ((round % RELEASE_EVERY == 0) && look_release(seen, err) < 0)
		return -1;
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
	for (size_t i = 0; i < seen->more.n_addons; i++)
		jw_str(w, NULL, seen->more.addons[i].plan);
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
	if (seen->more.have_info) {
		jw_obj(&w, "database");
		jw_str(&w, "plan", *seen->more.info.plan ? seen->more.info.plan : seen->more.database.plan);
		jw_int(&w, "size_bytes", seen->more.info.size_bytes);
		jw_int(&w, "connections", seen->more.info.connections);
		jw_int(&w, "limit", seen->more.info.limit);
		jw_str(&w, "version", seen->more.info.version);
		jw_end(&w);
	}
	jw_str(&w, "warning", heroku_warning(seen->heroku));
	job_event(job, &w);
	dynos_more_tell(job, &seen->more);
}

/* What is left of the account's requests, as the last answer said. */
static void tell_budget(struct job *job, const struct seen *seen)
{
	struct jw w;
	if (heroku_remaining(seen->heroku) < 0)
		return;
	jw_event(&w, "heroku.budget");
	jw_int(&w, "remaining", heroku_remaining(seen->heroku));
	job_event(job, &w);
}

/* The account is shared with everybody's programs: the fewer are left, the less is looked. */
static int64_t calm_ms(const struct seen *seen)
{
	int left = heroku_remaining(seen->heroku);
	return left < 0 || left >= FEW_LEFT ? LOOK_MS : left >= LAST_LEFT ? FRUGAL_MS : LONGEST_MS;
}

static int dynos_run(struct job *job, struct err *err)
{
	struct seen seen = {.heroku = heroku_open(job, HEROKU_BRISK, err)};
	if (!seen.heroku)
		return -1;
	seen.more.heroku = seen.heroku;
	heroku_hush(seen.heroku, true);
	int64_t pause_ms = LOOK_MS;
	for (uint64_t round = 0;;) {
		struct err own = {0};
		int64_t began_ms = clock_life_ms();
		bool good = look(&seen, round, &own) == 0;
		if (good) {
			dynos_more_look(job, &seen.more, round);
			tell(job, &seen);
			pause_ms = calm_ms(&seen);
			round++;
		} else if (own.kind != ERR_CANCELLED) {
			pause_ms = pause_ms * 2 > LONGEST_MS ? LONGEST_MS : pause_ms * 2;
		}
		tell_budget(job, &seen);
		if (own.kind != ERR_CANCELLED)
			job_beat(job, calm_ms(&seen), good, own.text);
		/* From begin to begin, so that the number of requests does not hang on how fast Heroku
		 * answers. */
		int64_t left_ms = pause_ms - (clock_life_ms() - began_ms);
		if (job_wait(job, left_ms > 0 ? left_ms : 1))
			break;
	}
	free(seen.dynos);
	free(seen.formation);
	dynos_more_done(&seen.more);
	heroku_close(seen.heroku);
	return 0;
}
