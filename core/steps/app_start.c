/* Starting the app's containers by docker, and waiting until they are well. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/app_containers.h"
#include <stdlib.h>
#include <string.h>

enum { DEPLOY_MS = 60000, WELL_MS = 60000, STEADY_MS = 3000, LOOK_MS = 1000 };

/* The service as it was before app-stop, as it is now, or as the config would make it. */
bool app_deploy_command(const struct app *app, const struct docker_container *c, struct buf *out)
{
	char service[160];
	int port = 80;
	docker_service(&app->names, c->role, service, sizeof service);
	const struct json *s =
	    app_find_service(json_get(job_fact(app->job, "app-stopped", ""), "services"), service);
	s = s ? s : app_find_service(app->state, service);
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

int app_record_boot(struct app *app, struct err *err)
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

int app_wait_well(struct app *app, struct err *err)
{
	int64_t began_ms = clock_life_ms(), since_ms = 0;
	for (;;) {
		const struct docker_container *ill = NULL;
		if (app_look(app, err) < 0)
			return -1;
		for (size_t i = 0; i < app->names.n_roles && !ill; i++) {
			const struct docker_container *c;
			/* What runs, whichever version; else the one that should. */
			if (!app_running_of(app, app->names.roles[i], &c))
				c = app_choice(app, app->names.roles[i]);
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

bool app_crashes(const struct docker_container *c)
{
	return text_equal(c->status, "restarting");
}

bool app_any_crashes(const struct app *app)
{
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		if (c && app_crashes(c))
			return true;
	}
	return false;
}

/* After a broken boot the only container of a role may carry the name that Kamal gave it to make room. */
static int rename_back(struct app *app, struct err *err)
{
	bool renamed = false;
	for (size_t i = 0; i < app->names.n_roles; i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		const char *end = c && c->replaced ? strstr(c->name, "_replaced_") : NULL;
		if (!end)
			continue;
		if (ssh_run(app->ssh, NULL, err, "docker rename %s %.*s", c->name, (int)(end - c->name),
			    c->name) < 0)
			return -1;
		renamed = true;
	}
	return renamed ? app_look(app, err) : 0;
}

int app_start_all(struct app *app, struct err *err)
{
	char ids[8][160];
	size_t n = 0;
	struct buf start = {0}, restart = {0};
	int rc = app_record_boot(app, err);
	if (rc == 0)
		rc = rename_back(app, err);
	for (size_t i = 0; i < app->names.n_roles && rc == 0; i++) {
		const struct docker_container *c = app_choice(app, app->names.roles[i]);
		if (!c) {
			rc = err_set(
			    err, ERR_WORLD,
			    "there is no container of the role %s on %s: deploy once with kamal deploy",
			    app->names.roles[i], ssh_name(app->ssh));
			break;
		}
		text_copy(ids[n++], sizeof ids[0], c->name);
		/* To Docker one that crashes is started already, and it may wait a minute before it tries
		 * again. */
		buf_addf(app_crashes(c) ? &restart : &start, " %s", c->name);
	}
	if (rc == 0 && start.len)
		rc = ssh_run(app->ssh, NULL, err, "docker start%s", buf_text(&start));
	if (rc == 0 && restart.len)
		rc = ssh_run(app->ssh, NULL, err, "docker restart -t 10%s", buf_text(&restart));
	buf_done(&start);
	buf_done(&restart);
	if (rc == 0)
		rc = app_look(app, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct docker_container *c = docker_find(app->list, app->n, ids[i]);
		job_progress(app->job, (int64_t)i, (int64_t)n, "items", ids[i]);
		rc = c ? deploy(app, c, err) : err_set(err, ERR_WORLD, "%s is gone after its start", ids[i]);
	}
	return rc == 0 ? app_wait_well(app, err) : rc;
}

/* Kamal stops only the newest of the old ones, and a boot that was broken off leaves more. */
int app_stop_leftovers(struct app *app, struct err *err)
{
	struct buf command = {0};
	struct jw w;
	size_t n = 0;
	jw_fact(&w, "app-leftovers", "");
	jw_arr(&w, "containers");
	buf_adds(&command, "docker stop -t 30");
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i]) && app->list[i].stale) {
			jw_str(&w, NULL, app->list[i].name);
			buf_addf(&command, " %s", app->list[i].name);
			n++;
		}
	jw_end(&w);
	int rc = 0;
	if (!n)
		jw_done(&w);
	else
		rc = job_record(app->job, &w, err);
	if (n && rc == 0)
		rc = ssh_run(app->ssh, NULL, err, "%s", buf_text(&command));
	buf_done(&command);
	return n && rc == 0 ? app_look(app, err) : rc;
}
