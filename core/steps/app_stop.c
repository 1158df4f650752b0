/* app-stop: no process of the new side touches the new database any more. All containers of all roles, also
 * those that a broken boot has left running beside the new ones. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/app_containers.h"
#include <string.h>

static int app_stop_plan(struct job *job, struct plan *plan, struct err *err);
static int app_stop_run(struct job *job, struct err *err);
static int app_stop_undo(struct job *job, struct err *err);
static enum done app_stop_probe(struct job *job, struct err *err);
static enum verdict app_stop_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const makes[] = {"app-stopped", NULL};

const struct step app_stop_step = {
    .name = "app-stop",
    .help = "stops every container of the app on the new host",
    .gate = GATE_NONE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .plan = app_stop_plan,
    .run = app_stop_run,
    .undo = app_stop_undo,
    .probe = app_stop_probe,
    .prove = app_stop_prove,
};

static size_t count_running(const struct app *app)
{
	size_t n = 0;
	for (size_t i = 0; i < app->n; i++)
		n += app_running(&app->list[i]);
	return n;
}

static void fill_plan(struct app *app, struct plan *plan)
{
	size_t n = count_running(app), routes = 0;
	text_copyf(plan->target, sizeof plan->target, "%s on %s", app->names.service, ssh_host(app->ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "STOPS THE APP");
	text_copyf(plan->from, sizeof plan->from, "%zu containers run", n);
	text_copy(plan->to, sizeof plan->to, "none runs");
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_route *r = app_route(app, app->names.roles[i]);
		routes += r != NULL;
		if (r)
			plan_does(plan, "docker exec kamal-proxy kamal-proxy remove %s", r->service);
	}
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i])) {
			plan_does(plan, "docker stop -t 30 %s", app->list[i].name);
			evidence_add(&plan->seen, app->list[i].stale ? VERDICT_WARN : VERDICT_PASS,
				     app->list[i].role, app->list[i].name,
				     app->list[i].stale
					 ? "%s runs too, a left-over: it will not be started again"
					 : "%s runs",
				     app->list[i].name);
		}
	text_copy(plan->then, sizeof plan->then,
		  "the new side answers 404 on every path, also on /up; nobody is there yet");
	text_copy(plan->back, sizeof plan->back,
		  "docker start of the same containers, back into the proxy, about 10 s");
	/* After the flip this is no longer the empty side. */
	if (job_fact_at(app->job, "dns-pointed", 0) && routes) {
		text_copy(plan->then, sizeof plan->then,
			  "visitors whose DNS leads to the new side get 404 from now on");
		plan->gate = GATE_YES;
	}
	plan->nothing_to_do = n == 0 && routes == 0;
	plan->estimate_ms = 8000;
}

/* A worker on another server goes on writing, and this step reaches it not. */
static int plan_elsewhere(struct app *app, struct plan *plan, struct err *err)
{
	char where[300];
	if (app_elsewhere(app, where, sizeof where, err) < 0)
		return -1;
	if (*where)
		plan_refuse(plan,
			    "%s runs, too, and this step stops only what runs on %s: stop it there (kamal "
			    "app stop -h HOST), "
			    "then R",
			    where, ssh_host(app->ssh));
	return 0;
}

static int app_stop_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0) {
		fill_plan(&app, plan);
		rc = app_plan_not_locked(&app, plan, err);
		if (rc == 0)
			rc = plan_elsewhere(&app, plan, err);
	}
	app_close(&app);
	return rc;
}

static int app_stop_run(struct job *job, struct err *err)
{
	return app_with(job, app_stop_all, err);
}

static int app_stop_undo(struct job *job, struct err *err)
{
	return app_with(job, app_start_all, err);
}

static enum done app_stop_probe(struct job *job, struct err *err)
{
	struct app app;
	enum done done = DONE_UNCLEAR;
	if (app_open(job, &app, err) == 0)
		done = count_running(&app) == 0 ? DONE_DONE : DONE_NOT_DONE;
	app_close(&app);
	return done;
}

static enum verdict app_stop_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct app app;
	char where[300] = "";
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = app_elsewhere(&app, where, sizeof where, err);
	if (*where)
		evidence_add(ev, VERDICT_FAIL, "elsewhere", where,
			     "%s still runs: this step stops nothing there", where);
	for (size_t i = 0; rc == 0 && i < app.n; i++)
		if (app_running(&app.list[i]))
			evidence_add(ev, VERDICT_FAIL, app.list[i].role, app.list[i].name,
				     "%s still runs (%s)", app.list[i].name, app.list[i].status);
	if (rc == 0 && !count_running(&app))
		evidence_add(ev, VERDICT_PASS, "containers", "none", "no container of %s runs on %s",
			     app.names.service, ssh_host(app.ssh));
	for (size_t i = 0; rc == 0 && i < app.names.n_roles; i++)
		if (app_route(&app, app.names.roles[i]))
			evidence_add(ev, VERDICT_FAIL, "route", app.names.roles[i],
				     "the proxy still routes to the role %s", app.names.roles[i]);
	app_close(&app);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
