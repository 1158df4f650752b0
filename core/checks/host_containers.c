/* host-containers: what runs on the new host is what Kamal believes: one container per role, a route to the
 * web one, the database and the proxy up. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/target.h"
#include <stdlib.h>
#include <string.h>

static enum verdict host_containers_run(struct job *job, struct evidence *ev, struct err *err);

const struct check host_containers_check = {
    .name = "host-containers",
    .help = "containers and proxy of the new host",
    .bite = "a deploy that was broken off leaves the old worker running beside the new one, and both write",
    .run = host_containers_run,
};

struct seen {
	struct docker_names names;
	struct docker_container *list;
	size_t n;
	struct docker_route *routes;
	size_t n_routes;
};

/* After app-stop nothing of the app shall run, and that is no trouble. */
static void judge_role(struct job *job, const struct seen *s, const char *role, struct evidence *ev)
{
	const struct docker_container *newest = NULL;
	size_t running = 0, all = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->list[i].kind != DOCKER_APP || !text_equal(s->list[i].role, role))
			continue;
		all++;
		running += s->list[i].running;
		newest = newest ? newest : &s->list[i];
		if (s->list[i].stale)
			evidence_add(ev, VERDICT_FAIL, role, s->list[i].name,
				     "%s runs beside the newest one: kamal app stale_containers --stop",
				     s->list[i].name);
	}
	if (!all)
		evidence_add(ev, VERDICT_FAIL, role, "none",
			     "there is no container of the role %s: run kamal deploy once", role);
	else if (!running)
		evidence_add(ev, job_fact(job, "app-stopped", "") ? VERDICT_PASS : VERDICT_WARN, role,
			     "stopped", "no container of %s runs", role);
	else if (text_equal(newest->status, "restarting") || newest->restarts > 3)
		evidence_add(ev, VERDICT_WARN, role, "restarting",
			     "%s was restarted %d times, last exit %d%s", newest->name, newest->restarts,
			     newest->exit_code, newest->oom ? ", out of memory" : "");
	else if (text_equal(newest->health, "unhealthy"))
		evidence_add(ev, VERDICT_FAIL, role, "unhealthy", "%s says it is unhealthy", newest->name);
	else if (running == 1)
		evidence_add(ev, VERDICT_PASS, role, newest->version, "%s runs, version %.12s", role,
			     newest->version);
}

static void judge_one(const struct seen *s, const char *name, const char *what, struct evidence *ev)
{
	const struct docker_container *c = docker_find(s->list, s->n, name);
	if (!c)
		evidence_add(ev, VERDICT_FAIL, what, "none", "there is no container %s on the host", name);
	else if (!c->running)
		evidence_add(ev, VERDICT_FAIL, what, c->status, "%s is %s: docker start %s", name, c->status,
			     name);
	else
		evidence_add(ev, VERDICT_PASS, what, "runs", "%s runs", name);
}

static void judge_route(const struct seen *s, struct evidence *ev)
{
	char service[160];
	docker_service(&s->names, "web", service, sizeof service);
	for (size_t i = 0; i < s->n_routes; i++) {
		const struct docker_route *r = &s->routes[i];
		if (!text_equal(r->service, service))
			continue;
		for (size_t k = 0; k < s->n; k++)
			if (s->list[k].running && !strncmp(s->list[k].id, r->target, 12)) {
				evidence_add(ev,
					     text_equal(r->state, "running") ? VERDICT_PASS : VERDICT_WARN,
					     "route", r->state, "the proxy routes %s to %s (%s)", r->hosts,
					     s->list[k].name, r->state);
				return;
			}
		evidence_add(ev, VERDICT_FAIL, "route", r->target,
			     "the proxy routes %s to %s, where nothing runs: visitors get 502", r->hosts,
			     r->target);
		return;
	}
}

static int look(struct ssh *ssh, struct seen *s, struct err *err)
{
	if (docker_containers(ssh, &s->names, &s->list, &s->n, err) < 0)
		return -1;
	const struct docker_container *proxy = docker_find(s->list, s->n, "kamal-proxy");
	return proxy && proxy->running ? docker_routes(ssh, &s->routes, &s->n_routes, NULL, err) : 0;
}

static enum verdict host_containers_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct seen s = {0};
	if (target_no_kamal(job))
		return target_skip(ev, target_no_kamal(job));
	if (docker_names(job, &s.names, err) < 0)
		return VERDICT_UNKNOWN;
	struct ssh *ssh = ssh_open(job, SSH_SILENT, err);
	if (!ssh)
		return VERDICT_UNKNOWN;
	int rc = look(ssh, &s, err);
	ssh_close(ssh);
	for (size_t i = 0; rc == 0 && i < s.names.n_roles; i++)
		judge_role(job, &s, s.names.roles[i], ev);
	if (rc == 0) {
		if (*s.names.accessory)
			judge_one(&s, s.names.accessory, "database", ev);
		judge_one(&s, "kamal-proxy", "proxy", ev);
		judge_route(&s, ev);
	}
	free(s.list);
	free(s.routes);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
