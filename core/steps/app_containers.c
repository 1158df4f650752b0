#include "core/steps/app_containers.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

enum { STOP_MS = 180000, DEPLOY_MS = 60000, WELL_MS = 60000, STEADY_MS = 3000, LOOK_MS = 1000 };

int app_look(struct app *app, struct err *err)
{
	free(app->list);
	free(app->routes);
	json_free(app->state);
	app->list = NULL;
	app->routes = NULL;
	app->state = NULL;
	app->n = app->n_routes = 0;
	if (docker_containers(app->ssh, &app->names, &app->list, &app->n, err) < 0)
		return -1;
	const struct docker_container *proxy = docker_find(app->list, app->n, "kamal-proxy");
	return proxy && proxy->running
		   ? docker_routes(app->ssh, &app->routes, &app->n_routes, &app->state, err)
		   : 0;
}

int app_open(struct job *job, struct app *app, struct err *err)
{
	*app = (struct app){.job = job};
	if (docker_names(job, &app->names, err) < 0)
		return -1;
	app->ssh = ssh_open(job, SSH_ASKING, err);
	return app->ssh ? app_look(app, err) : -1;
}

void app_close(struct app *app)
{
	free(app->list);
	free(app->routes);
	json_free(app->state);
	ssh_close(app->ssh);
}

bool app_running(const struct docker_container *c)
{
	return c->kind == DOCKER_APP && c->running;
}

static bool recorded(const struct app *app, const char *name)
{
	for (const struct json *n = json_first(json_get(job_fact(app->job, "app-stopped", ""), "containers"));
	     n; n = json_next(n))
		if (text_equal(json_text(n), name))
			return true;
	return false;
}

/* The list is sorted: newest first within a role, left-overs of broken boots last. */
const struct docker_container *app_choice(const struct app *app, const char *role)
{
	const struct docker_container *newest = NULL;
	for (size_t i = 0; i < app->n; i++) {
		const struct docker_container *c = &app->list[i];
		if (c->kind != DOCKER_APP || !text_equal(c->role, role) || c->replaced)
			continue;
		if (recorded(app, c->name))
			return c;
		newest = newest ? newest : c;
	}
	return newest;
}

const struct docker_route *app_route(const struct app *app, const char *role)
{
	char service[160];
	docker_service(&app->names, role, service, sizeof service);
	for (size_t i = 0; i < app->n_routes; i++)
		if (text_equal(app->routes[i].service, service))
			return &app->routes[i];
	return NULL;
}

int app_not_locked(struct app *app, struct err *err)
{
	struct docker_lock lock;
	if (docker_lock(app->ssh, &lock, err) < 0)
		return -1;
	if (lock.held && !text_find(lock.why, "nightferry"))
		return err_set(err, ERR_REFUSED,
			       "Kamal's deploy lock is held by %s (%s): a deploy may be under way; let it "
			       "end, or kamal lock release",
			       lock.by, *lock.why ? lock.why : "no reason given");
	return 0;
}

int app_plan_not_locked(struct app *app, struct plan *plan, struct err *err)
{
	struct err locked = {0};
	if (app_not_locked(app, &locked) == 0)
		return 0;
	if (locked.kind != ERR_REFUSED)
		return err_set(err, locked.kind, "%s", locked.text);
	plan_refuse(plan, "%s", locked.text);
	return 0;
}

/* ---- stopping ---- */

static const struct json *find_service(const struct json *list, const char *name)
{
	for (const struct json *s = json_first(list); s; s = json_next(s))
		if (text_equal(json_str(s, "name", ""), name))
			return s;
	return NULL;
}

static bool role_runs(const struct app *app, const char *role)
{
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]) && text_equal(app->list[i].role, role))
			return true;
	return false;
}

/* A second attempt after a broken first one sees only the rest; what the first one recorded is kept for the
 * others. */
static int record_stop(struct app *app, struct err *err)
{
	const struct json *before = job_fact(app->job, "app-stopped", "");
	char service[160];
	struct jw w;
	jw_fact(&w, "app-stopped", "");
	jw_arr(&w, "containers");
	for (size_t i = 0; i < app->n; i++) {
		const struct docker_container *c = &app->list[i];
		if (c->kind == DOCKER_APP && !c->stale &&
		    (c->running || (recorded(app, c->name) && !role_runs(app, c->role))))
			jw_str(&w, NULL, c->name);
	}
	jw_end(&w);
	jw_arr(&w, "stale");
	for (size_t i = 0; i < app->n; i++)
		if (app->list[i].stale)
			jw_str(&w, NULL, app->list[i].name);
	jw_end(&w);
	jw_arr(&w, "services");
	for (size_t i = 0; i < app->names.n_roles; i++) {
		docker_service(&app->names, app->names.roles[i], service, sizeof service);
		const struct json *s = find_service(app->state, service);
		s = s ? s : find_service(json_get(before, "services"), service);
		if (s)
			jw_json(&w, NULL, s);
	}
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(app->job, &w, err);
}

static int stop_containers(struct app *app, struct err *err)
{
	struct buf command = {0};
	struct ssh_reply reply;
	buf_adds(&command, "docker stop -t 30");
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]))
			buf_addf(&command, " %s", app->list[i].name);
	int rc = ssh_exec(app->ssh, &(struct ssh_call){.command = buf_text(&command), .timeout_ms = STOP_MS},
			  &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_WORLD,
			     "docker stop ended with %d (%s); look which containers still run, and run again",
			     reply.status, said);
	}
	ssh_reply_done(&reply);
	buf_done(&command);
	return rc;
}

int app_stop_all(struct app *app, struct err *err)
{
	size_t running = 0, routes = 0;
	for (size_t i = 0; i < app->n; i++)
		running += app_running(&app->list[i]);
	for (size_t i = 0; i < app->names.n_roles; i++)
		routes += app_route(app, app->names.roles[i]) != NULL;
	if (!running && !routes)
		return 0;
	if (record_stop(app, err) < 0)
		return -1;
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_route *r = app_route(app, app->names.roles[i]);
		if (r && ssh_run(app->ssh, NULL, err, "docker exec kamal-proxy kamal-proxy remove %s",
				 r->service) < 0)
			return -1;
	}
	job_progress(app->job, 0, (int64_t)running, "items", "waiting for the containers to end");
	return running ? stop_containers(app, err) : 0;
}

/* ---- starting ---- */

/* The service as it was before app-stop, as it is now, or as the config would make it. */
bool app_deploy_command(const struct app *app, const struct docker_container *c, struct buf *out)
{
	char service[160];
	int port = 80;
	docker_service(&app->names, c->role, service, sizeof service);
	const struct json *s =
	    find_service(json_get(job_fact(app->job, "app-stopped", ""), "services"), service);
	s = s ? s : find_service(app->state, service);
	if (!s && !text_equal(c->role, "web"))
		return false;
	const char *target = json_text(json_first(json_get(s, "active_targets")));
	const char *colon = target ? strrchr(target, ':') : NULL;
	if (colon && units_parse_int(colon + 1, 0) > 0)
		port = (int)units_parse_int(colon + 1, 0);
	buf_addf(out,
		 "docker exec kamal-proxy kamal-proxy deploy %s --target=%.12s:%d --deploy-timeout=30s "
		 "--drain-timeout=30s",
		 service, c->id, port);
	if (s)
		docker_route_options(s, out);
	for (const struct json *n = s ? NULL : json_first(json_path(job_config(app->job), "dns.names")); n;
	     n = json_next(n)) {
		buf_adds(out, " --host=");
		ssh_quote(out, json_text(n) ? json_text(n) : "");
	}
	if (!s)
		buf_adds(out, " --health-check-path=/up");
	return true;
}

static int record_boot(struct app *app, struct err *err)
{
	struct jw w;
	jw_fact(&w, "app-booted", "");
	jw_arr(&w, "containers");
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		if (c)
			jw_str(&w, NULL, c->name);
	}
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(app->job, &w, err);
}

static int deploy(struct app *app, const struct docker_container *c, struct err *err)
{
	struct buf command = {0};
	struct ssh_reply reply = {0};
	int rc = 0;
	if (app_deploy_command(app, c, &command))
		rc = ssh_exec(app->ssh,
			      &(struct ssh_call){.command = buf_text(&command), .timeout_ms = DEPLOY_MS},
			      &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[240];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_WORLD,
			     "kamal-proxy does not take %s (%s); read its log (docker logs %.12s): it runs, "
			     "but gets no visitors",
			     c->name, said, c->id);
	}
	ssh_reply_done(&reply);
	buf_done(&command);
	return rc;
}

/* Running, not restarting, healthy where it says so; and that for a while. */
static bool well(const struct docker_container *c)
{
	return text_equal(c->status, "running") && (!*c->health || text_equal(c->health, "healthy"));
}

static int wait_well(struct app *app, struct err *err)
{
	int64_t began_ms = clock_life_ms(), since_ms = 0;
	for (;;) {
		const struct docker_container *ill = NULL;
		if (app_look(app, err) < 0)
			return -1;
		for (size_t i = 0; i < app->names.n_roles && !ill; i++) {
			const struct docker_container *c = app_choice(app, app->names.roles[i]);
			if (c && !well(c))
				ill = c;
		}
		int64_t now_ms = clock_life_ms();
		since_ms = ill ? 0 : since_ms ? since_ms : now_ms;
		if (since_ms && clock_real_ms(now_ms - since_ms) >= STEADY_MS)
			return 0;
		if (ill && clock_real_ms(now_ms - began_ms) > WELL_MS)
			return err_set(
			    err, ERR_WORLD, "%s is %s%s%s after a minute; read its log (docker logs %.12s)",
			    ill->name, ill->status, *ill->health ? ", " : "", ill->health, ill->id);
		if (job_wait(app->job, LOOK_MS))
			return err_set(err, ERR_CANCELLED,
				       "stopped while the containers come up; they run on");
	}
}

int app_start_all(struct app *app, struct err *err)
{
	char ids[8][72];
	size_t n = 0;
	struct buf command = {0};
	buf_adds(&command, "docker start");
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		if (!c) {
			buf_done(&command);
			return err_set(
			    err, ERR_WORLD,
			    "there is no container of the role %s on %s: deploy once with kamal deploy",
			    app->names.roles[i], ssh_name(app->ssh));
		}
		text_copy(ids[n++], sizeof ids[0], c->name);
		buf_addf(&command, " %s", c->name);
	}
	int rc = record_boot(app, err);
	if (rc == 0)
		rc = ssh_run(app->ssh, NULL, err, "%s", buf_text(&command));
	buf_done(&command);
	if (rc == 0)
		rc = app_look(app, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct docker_container *c = docker_find(app->list, app->n, ids[i]);
		job_progress(app->job, (int64_t)i, (int64_t)n, "items", ids[i]);
		rc = c ? deploy(app, c, err) : err_set(err, ERR_WORLD, "%s is gone after its start", ids[i]);
	}
	return rc == 0 ? wait_well(app, err) : rc;
}

int app_with(struct job *job, int (*act)(struct app *app, struct err *err), struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = act(&app, err);
	app_close(&app);
	return rc;
}
