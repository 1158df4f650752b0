/* app-boot: the new side comes up on the restored database: one container per role, the proxy's route, and a
 * look from outside.
 *
 * By the repository's own kamal where there is one: `app boot --version V` makes new containers with the
 * secrets of today, which a `docker start` of yesterday's does not. Without --version Kamal would take the
 * tag "latest" for a version, so V is always given. By docker where there is no kamal: the containers that
 * app-stop has stopped. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_since.h"
#include "core/steps/app_containers.h"
#include "core/steps/kamal_run.h"
#include <ctype.h>
#include <string.h>

static int app_boot_plan(struct job *job, struct plan *plan, struct err *err);
static int app_boot_run(struct job *job, struct err *err);
static int app_boot_undo(struct job *job, struct err *err);
static enum done app_boot_probe(struct job *job, struct err *err);
static enum verdict app_boot_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"by", "text", "auto", "kamal, docker, or auto: kamal where there is one"},
    {"version", "text", "", "what kamal boots; default: the version that was stopped"},
    {0},
};
static const char *const makes[] = {"app-booted", "boundary", "kamal-run", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step app_boot_step = {
    .name = "app-boot",
    .help = "starts the app on the new host and puts it back into its proxy",
    .gate = GATE_NONE,
    .cancel = CANCEL_NEVER, /* Kamal that is killed leaves two generations of containers and its lock */
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .whole_environment = true,
    .plan = app_boot_plan,
    .run = app_boot_run,
    .undo = app_boot_undo,
    .probe = app_boot_probe,
    .prove = app_boot_prove,
};

/* ---- by whom, and which version ---- */

static bool by_kamal(struct job *job)
{
	const char *by = json_str(job_params(job), "by", "auto");
	struct kamal kamal;
	kamal_find(job, &kamal);
	return text_equal(by, "kamal") || (!text_equal(by, "docker") && !*kamal.why_not);
}

/* It becomes a word of a command, here and on the host. */
static bool is_version(const char *text)
{
	bool good = isalnum((unsigned char)*text);
	for (; *text && good; text++)
		good = isalnum((unsigned char)*text) || strchr("_.-", *text);
	return good;
}

static const char *version_of(const struct app *app)
{
	const char *given = json_str(job_params(app->job), "version", "");
	const struct docker_container *web = NULL;
	for (size_t i = 0; i < app->names.n_roles && (!web || !text_equal(web->role, "web")); i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		web = c ? c : web;
	}
	return *given ? given : web ? web->version : "";
}

/* "" : any. */
static bool runs_version(const struct app *app, const char *version)
{
	for (size_t i = 0; i < app->names.n_roles && *version; i++) {
		const struct docker_container *c;
		if (app_running_of(app, app->names.roles[i], &c) != 1 || !text_equal(c->version, version))
			return false;
	}
	return true;
}

static void boot_words(const char *version, const char *words[5])
{
	words[0] = "app";
	words[1] = "boot";
	words[2] = "--version";
	words[3] = version;
	words[4] = NULL;
}

/* ---- the plan ---- */

static void see_running(const struct app *app, const char *role, const struct docker_container *c,
			struct plan *plan)
{
	const struct docker_container *one;
	size_t n = app_running_of(app, role, &one);
	if (n > 1 || (n == 1 && c && one != c))
		evidence_add(&plan->seen, VERDICT_WARN, role, "more",
			     "%zu containers of %s run besides the one to start: run app-stop first", n,
			     role);
	else if (c)
		evidence_add(&plan->seen, c->replaced ? VERDICT_WARN : VERDICT_PASS, role, c->version,
			     c->replaced ? "%s version %.12s, left by a boot that was broken off"
					 : "%s version %.12s",
			     role, c->version);
}

static void plan_docker(struct app *app, const char *role, struct plan *plan)
{
	const struct docker_container *c = app_choice(app, role);
	struct buf command = {0};
	if (!c) {
		plan_refuse(plan,
			    "there is no container of the role %s on %s: deploy once with kamal deploy, then "
			    "plan again",
			    role, ssh_host(app->ssh));
		return;
	}
	see_running(app, role, c, plan);
	plan_does(plan, app_crashes(c) ? "docker restart -t 10 %s" : "docker start %s", c->name);
	if (app_deploy_command(app, c, &command))
		plan_does(plan, "%s", buf_text(&command));
	buf_done(&command);
}

static int plan_kamal(struct app *app, struct plan *plan, struct err *err)
{
	const char *words[5], *version = version_of(app);
	if (!is_version(version)) {
		plan_refuse(plan, "no container says which version to boot: write app-boot: {version: THE "
				  "COMMIT} under steps: "
				  "of nightferry.yml, or deploy once with kamal deploy");
		return 0;
	}
	boot_words(version, words);
	if (kamal_run_plan(app->job, words, plan, err) < 0)
		return -1;
	jw_open(&plan->data);
	jw_str(&plan->data, "version", version);
	for (size_t i = 0; i < app->names.n_roles; i++)
		see_running(app, app->names.roles[i], app_choice(app, app->names.roles[i]), plan);
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]) && app->list[i].stale)
			plan_does(plan, "docker stop -t 30 %s (left over)", app->list[i].name);
	return 0;
}

static int fill_plan(struct app *app, struct plan *plan, struct err *err)
{
	bool kamal = by_kamal(app->job);
	text_copyf(plan->target, sizeof plan->target, "%s on %s", app->names.service, ssh_host(app->ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "STARTS THE APP");
	text_copy(plan->from, sizeof plan->from,
		  app_any_crashes(app) ? "it crashes and is started again and again"
		  : app_up(app)        ? "it runs"
				       : "it is stopped");
	text_copyf(plan->to, sizeof plan->to, "%zu roles run", app->names.n_roles);
	text_copyf(plan->then, sizeof plan->then,
		   "workers of the new side begin to work on the new database%s",
		   kamal ? "; kamal is never stopped half-way" : "");
	text_copy(plan->back, sizeof plan->back, "app-stop, about 10 s");
	plan->nothing_to_do = app_up(app) && !app_any_crashes(app) &&
			      runs_version(app, json_str(job_params(app->job), "version", ""));
	plan->estimate_ms = kamal ? 20000 : 12000;
	for (size_t i = 0; i < app->names.n_roles && !kamal; i++)
		plan_docker(app, app->names.roles[i], plan);
	if (kamal && !plan->nothing_to_do && plan_kamal(app, plan, err) < 0)
		return -1;
	return app_plan_not_locked(app, plan, err);
}

static int app_boot_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = fill_plan(&app, plan, err);
	app_close(&app);
	return rc;
}

/* ---- the act ---- */

/* Where the database stands before the new app can write its first row: what is written from here on is what
 * the way back costs. A second boot on the same copy keeps the first one. */
static int record_boundary(struct job *job, struct err *err)
{
	struct pg_since since;
	struct jw w;
	bool known = pg_since_read(job, &since);
	pg_since_done(&since);
	if (known)
		return 0;
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_since_look(pg, &since, err) : -1;
	pg_close(pg);
	if (rc < 0)
		return -1;
	jw_fact(&w, "boundary", "");
	pg_since_write(&w, &since);
	pg_since_done(&since);
	return job_record(job, &w, err);
}

/* The approved version, whatever runs by now. */
static int boot_by_kamal(struct app *app, struct err *err)
{
	const char *words[5], *version = json_str(json_get(job_plan(app->job), "data"), "version", "");
	if (!is_version(version))
		return err_set(err, ERR_WORLD, "the approved plan names no version; run it again");
	boot_words(version, words);
	if (app_record_boot(app, err) < 0 || kamal_run(app->job, words, err) < 0 || app_look(app, err) < 0 ||
	    app_wait_well(app, err) < 0)
		return -1;
	return app_stop_leftovers(app, err);
}

static int app_boot_run(struct job *job, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = record_boundary(job, err);
	if (rc == 0)
		rc = by_kamal(job) ? boot_by_kamal(&app, err) : app_start_all(&app, err);
	app_close(&app);
	return rc;
}

static int app_boot_undo(struct job *job, struct err *err)
{
	return app_with(job, app_stop_all, err);
}

static enum done app_boot_probe(struct job *job, struct err *err)
{
	struct app app;
	enum done done = kamal_run_probe(job, err);
	if (done == DONE_RUNNING)
		return done;
	done = DONE_UNCLEAR;
	if (app_open(job, &app, err) == 0)
		done = app_up(&app) ? DONE_DONE : DONE_NOT_DONE;
	app_close(&app);
	return done;
}

static enum verdict app_boot_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = app_prove_up(&app,
				  json_str(json_get(job_plan(job), "data"), "version",
					   json_str(job_params(job), "version", "")),
				  ev, err);
	app_close(&app);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
