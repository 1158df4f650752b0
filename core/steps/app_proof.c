/* That the app runs on the new side: one container a role, the proxy's route to it, and an answer from
 * outside. /up alone proves little: kamal-proxy answers it with 200 even in maintenance. */
#include "core/base/text.h"
#include "core/steps/app_containers.h"
#include <string.h>

size_t app_running_of(const struct app *app, const char *role, const struct docker_container **one)
{
	size_t n = 0;
	*one = NULL;
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]) && text_equal(app->list[i].role, role) && n++ == 0)
			*one = &app->list[i];
	return n;
}

bool app_routed_to(const struct app *app, const struct docker_container *c)
{
	const struct docker_route *r = app_route(app, c->role);
	return r && strncmp(r->target, c->id, 12) == 0 && text_equal(r->state, "running");
}

bool app_up(const struct app *app)
{
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c;
		if (app_running_of(app, app->names.roles[i], &c) != 1 || c->replaced)
			return false;
		if (text_equal(c->role, "web") && !app_routed_to(app, c))
			return false;
	}
	return true;
}

static void prove_role(struct app *app, const char *role, const char *version, struct evidence *ev)
{
	const struct docker_container *c;
	size_t n = app_running_of(app, role, &c);
	if (n != 1)
		evidence_add(ev, VERDICT_FAIL, role, n ? "several" : "none",
			     n ? "%zu containers of %s run, it must be one: run app-stop, then app-boot"
			       : "%zu containers of %s run",
			     n, role);
	else if (c->replaced)
		evidence_add(
		    ev, VERDICT_FAIL, role, c->name,
		    "what runs of %s is %s: a boot was broken off before its new container; run app-boot "
		    "again",
		    role, c->name);
	else if (*version && !text_equal(c->version, version))
		evidence_add(ev, VERDICT_FAIL, role, c->version, "%s runs version %.40s and not %.40s", role,
			     c->version, version);
	else if (!text_equal(c->status, "running") || text_equal(c->health, "unhealthy"))
		evidence_add(ev, VERDICT_FAIL, role, c->status, "%s is %s %s", c->name, c->status, c->health);
	else
		evidence_add(ev, VERDICT_PASS, role, c->name, "one container of %s runs, version %.12s", role,
			     c->version);
	if (n != 1 || (!text_equal(role, "web") && !app_route(app, role)))
		return;
	const struct docker_route *r = app_route(app, role);
	if (app_routed_to(app, c))
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
	/* In a rehearsal the app stands on its own database, which may be empty: only its health is asked
	 * for. */
	bool own = job_rehearsal(app->job) && !must_be_200;
	evidence_add(ev,
		     good  ? VERDICT_PASS
		     : own ? VERDICT_WARN
			   : VERDICT_FAIL,
		     path, good ? "answers" : "bad", "GET %s on the new side answers %d%s", path, status,
		     good  ? ""
		     : own ? ": in a rehearsal the app stands on its own database, not on the copy"
			   : ": read the web container's log");
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

int app_prove_up(struct app *app, const char *version, struct evidence *ev, struct err *err)
{
	for (size_t i = 0; i < app->names.n_roles; i++)
		prove_role(app, app->names.roles[i], version, ev);
	return evidence_verdict(ev) == VERDICT_FAIL ? 0 : prove_outside(app, ev, err);
}
