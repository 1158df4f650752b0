/* app-boot: the new side comes up on the restored database: one container per role, the proxy's route, and a
 * look from outside. /up alone proves little: kamal-proxy answers it with 200 even in maintenance. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_since.h"
#include "core/steps/app_containers.h"
#include <string.h>

static int app_boot_plan(struct job *job, struct plan *plan, struct err *err);
static int app_boot_run(struct job *job, struct err *err);
static int app_boot_undo(struct job *job, struct err *err);
static enum done app_boot_probe(struct job *job, struct err *err);
static enum verdict app_boot_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"app-booted", "boundary", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step app_boot_step = {
    .name = "app-boot",
    .help = "starts the app on the new host and puts it back into its proxy",
    .gate = GATE_NONE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = app_boot_plan,
    .run = app_boot_run,
    .undo = app_boot_undo,
    .probe = app_boot_probe,
    .prove = app_boot_prove,
};

static size_t running_of(const struct app *app, const char *role, const struct docker_container **one)
{
	size_t n = 0;
	*one = NULL;
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]) && text_equal(app->list[i].role, role) && n++ == 0)
			*one = &app->list[i];
	return n;
}

static bool routed_to(const struct app *app, const struct docker_container *c)
{
	const struct docker_route *r = app_route(app, c->role);
	return r && strncmp(r->target, c->id, 12) == 0 && text_equal(r->state, "running");
}

/* ---- the plan ---- */

static bool up_already(const struct app *app)
{
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c;
		if (running_of(app, app->names.roles[i], &c) != 1 || c->replaced)
			return false;
		if (text_equal(c->role, "web") && !routed_to(app, c))
			return false;
	}
	return true;
}

static void plan_role(struct app *app, const char *role, struct plan *plan)
{
	const struct docker_container *c = app_choice(app, role), *one;
	struct buf command = {0};
	if (!c) {
		plan_refuse(plan,
			    "there is no container of the role %s on %s: deploy once with kamal deploy, then "
			    "plan again",
			    role, ssh_host(app->ssh));
		return;
	}
	size_t n = running_of(app, role, &one);
	if (n > 1 || (n == 1 && one != c))
		evidence_add(&plan->seen, VERDICT_WARN, role, "more",
			     "%zu containers of %s run besides the one to start: run app-stop first", n,
			     role);
	else
		evidence_add(&plan->seen, VERDICT_PASS, role, c->version, "%s version %.12s", role,
			     c->version);
	plan_does(plan, "docker start %s", c->name);
	if (app_deploy_command(app, c, &command))
		plan_does(plan, "%s", buf_text(&command));
	buf_done(&command);
}

static int app_boot_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0) {
		text_copyf(plan->target, sizeof plan->target, "%s on %s", app.names.service,
			   ssh_host(app.ssh));
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "STARTS THE APP");
		text_copy(plan->from, sizeof plan->from, up_already(&app) ? "it runs" : "it is stopped");
		text_copyf(plan->to, sizeof plan->to, "%zu roles run", app.names.n_roles);
		for (size_t i = 0; i < app.names.n_roles; i++)
			plan_role(&app, app.names.roles[i], plan);
		text_copy(plan->then, sizeof plan->then,
			  "workers of the new side begin to work on the new database");
		text_copy(plan->back, sizeof plan->back, "app-stop, about 10 s");
		plan->nothing_to_do = up_already(&app);
		plan->estimate_ms = 12000;
		rc = app_plan_not_locked(&app, plan, err);
	}
	app_close(&app);
	return rc;
}

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

static int app_boot_run(struct job *job, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = record_boundary(job, err);
	if (rc == 0)
		rc = app_start_all(&app, err);
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
	enum done done = DONE_UNCLEAR;
	if (app_open(job, &app, err) == 0)
		done = up_already(&app) ? DONE_DONE : DONE_NOT_DONE;
	app_close(&app);
	return done;
}

/* ---- the proof ---- */

static void prove_role(struct app *app, const char *role, struct evidence *ev)
{
	const struct docker_container *c;
	size_t n = running_of(app, role, &c);
	if (n != 1)
		evidence_add(ev, VERDICT_FAIL, role, n ? "several" : "none",
			     n ? "%zu containers of %s run, it must be one: run app-stop, then app-boot"
			       : "%zu containers of %s run",
			     n, role);
	else if (!text_equal(c->status, "running") || text_equal(c->health, "unhealthy"))
		evidence_add(ev, VERDICT_FAIL, role, c->status, "%s is %s %s", c->name, c->status, c->health);
	else
		evidence_add(ev, VERDICT_PASS, role, c->name, "one container of %s runs, version %.12s", role,
			     c->version);
	if (n != 1 || (!text_equal(role, "web") && !app_route(app, role)))
		return;
	const struct docker_route *r = app_route(app, role);
	if (routed_to(app, c))
		evidence_add(ev, VERDICT_PASS, "route", r->target, "the proxy routes %s to it", r->hosts);
	else
		evidence_add(ev, VERDICT_FAIL, "route", r ? r->target : "none",
			     r ? "the proxy routes %s to %s (%s), not to the running container"
			       : "the proxy has no route %s%s%s",
			     r ? r->hosts : "", r ? r->target : "", r ? r->state : "");
}

static int prove_path(struct app *app, const char *path, bool must_be_200, struct evidence *ev,
		      struct err *err)
{
	int status;
	if (app_get(app, path, &status, err) < 0)
		return -1;
	bool good = must_be_200 ? status == 200 : status > 0 && status < 500 && status != 404;
	evidence_add(ev, good ? VERDICT_PASS : VERDICT_FAIL, path, good ? "answers" : "bad",
		     "GET %s on the new side answers %d%s", path, status,
		     good ? "" : ": read the web container's log");
	return 0;
}

static int prove_outside(struct app *app, struct evidence *ev, struct err *err)
{
	const struct docker_route *r = app_route(app, "web");
	const char *other = "/";
	for (const struct json *s = json_first(json_get(job_config(app->job), "smoke")); s;
	     s = json_next(s)) {
		const char *path = json_str(s, "get", "");
		if (*path && !text_equal(path, r ? r->health_path : "/up") &&
		    json_int(s, "expect", 200) < 400) {
			other = path;
			break;
		}
	}
	return prove_path(app, r ? r->health_path : "/up", true, ev, err) < 0 ||
		       prove_path(app, other, false, ev, err) < 0
		   ? -1
		   : 0;
}

static enum verdict app_boot_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	for (size_t i = 0; rc == 0 && i < app.names.n_roles; i++)
		prove_role(&app, app.names.roles[i], ev);
	if (rc == 0 && evidence_verdict(ev) != VERDICT_FAIL)
		rc = prove_outside(&app, ev, err);
	app_close(&app);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
