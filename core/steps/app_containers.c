#include "core/steps/app_containers.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/http.h"
#include "core/links/kamal_lock.h"
#include <stdlib.h>
#include <string.h>

enum { STOP_MS = 180000 };

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
		if (c->kind != DOCKER_APP || !text_equal(c->role, role))
			continue;
		if (recorded(app, c->name) && !c->replaced)
			return c;
		/* A boot that was broken off after its first command leaves nothing else. */
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
	struct kamal_lock lock;
	char says[320];
	if (kamal_lock_look(app->ssh, &app->names, &lock, err) < 0)
		return -1;
	/* The lock of another night of nightferry's is somebody else's, too. */
	if (!lock.held || (*lock.key && text_equal(lock.key, kamal_lock_ours(app->job))))
		return 0;
	kamal_lock_say(&lock, ssh_host(app->ssh), says, sizeof says);
	return err_set(err, ERR_REFUSED, "%.250s%s", says,
		       lock.empty ? "" : ". Let it end; if nobody deploys: kamal lock release");
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

static int look_elsewhere(struct app *app, const struct json *host, char *out, size_t size, struct err *err)
{
	struct docker_container *list = NULL;
	size_t n = 0;
	struct ssh *ssh = ssh_open_host(app->job, host, SSH_ASKING, err);
	int rc = ssh ? docker_containers(ssh, &app->names, &list, &n, err) : -1;
	for (size_t i = 0; rc == 0 && i < n && !*out; i++)
		if (app_running(&list[i]))
			text_copyf(out, size, "%s on %s", list[i].name, ssh_host(ssh));
	free(list);
	ssh_close(ssh);
	return rc;
}

int app_elsewhere(struct app *app, char *out, size_t size, struct err *err)
{
	*out = '\0';
	for (const struct json *h = json_first(json_get(job_config(app->job), "hosts")); h; h = json_next(h))
		if (!json_bool(h, "primary", false) && json_count(json_get(h, "roles")) && !*out &&
		    look_elsewhere(app, h, out, size, err) < 0)
			return -1;
	return 0;
}

/* ---- stopping ---- */

const struct json *app_find_service(const struct json *list, const char *name)
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
		const struct json *s = app_find_service(app->state, service);
		s = s ? s : app_find_service(json_get(before, "services"), service);
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

int app_with(struct job *job, int (*act)(struct app *app, struct err *err), struct err *err)
{
	struct app app;
	int rc = app_open(job, &app, err);
	if (rc == 0)
		rc = act(&app, err);
	app_close(&app);
	return rc;
}
