/* host: the new server, its containers, its proxy's routes, Kamal's lock and audit log, load, disks and
 * clock; one command a look, and a look as soon as docker tells of a change. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/target.h"
#include "core/watches/host_look.h"
#include "core/watches/over_ssh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int host_run(struct job *job, struct err *err);

static const char *const secrets[] = {NULL};

const struct watch host_watch = {
    .name = "host",
    .help = "the new host: containers, routes, Kamal's lock, load, disks and clock",
    .secrets = secrets,
    .each_host = true,
    .run = host_run,
};

enum { INTERVAL_MS = 4000, EVENTS_AGAIN_MS = 15000 };

struct host_watching {
	struct host_look look;
	char name[64], suffix[16];
	char pg_version[24], pg_of[72]; /* the version was asked of this container id */
	bool stir;                      /* docker told of a change */
	int64_t events_at_ms;           /* when its events may be asked for again */
};

static void look_version(struct ssh *ssh, struct host_watching *w)
{
	const struct host_look *look = &w->look;
	const struct docker_container *db =
	    *look->names.accessory ? docker_find(look->list, look->n, look->names.accessory) : NULL;
	int major;
	if (!db || !db->running || text_equal(db->id, w->pg_of))
		return;
	if (docker_pg_version(ssh, db->name, "pg_restore", &major, w->pg_version, sizeof w->pg_version,
			      NULL) == 0)
		text_copy(w->pg_of, sizeof w->pg_of, db->id);
}

/* ---- events ---- */

static int64_t our_time(const struct host_look *look, int64_t host_ms)
{
	return host_ms ? host_ms - look->skew_ms : 0;
}

static void write_container(struct jw *w, const struct host_watching *watching,
			    const struct docker_container *c)
{
	const struct host_look *look = &watching->look;
	char open[64] = "", log[40];
	docker_label(c, &look->names, log, sizeof log);
	if (c->kind == DOCKER_ACCESSORY && !docker_exposed(c, open, sizeof open))
		*open = 0;
	jw_obj(w, NULL);
	jw_strn(w, "id", c->id, 12);
	jw_str(w, "name", c->name);
	jw_str(w, "role", c->kind == DOCKER_PROXY ? "proxy" : c->kind == DOCKER_ACCESSORY ? "db" : c->role);
	jw_str(w, "version", c->version);
	jw_str(w, "status", c->status);
	jw_str(w, "health", c->health);
	jw_int(w, "started_ms", our_time(look, c->started_ms));
	jw_int(w, "finished_ms", our_time(look, c->finished_ms));
	jw_int(w, "restarts", c->restarts);
	jw_bool(w, "looping", host_look_looping(look, c));
	jw_bool(w, "stale", c->stale);
	jw_bool(w, "replaced", c->replaced);
	jw_int(w, "exit_code", c->exit_code);
	jw_bool(w, "oom", c->oom);
	jw_str(w, "image", c->image);
	jw_str(w, "open", open);
	jw_strf(w, "log", "%s%s", log, watching->suffix);
	jw_end(w);
}

static void write_route(struct jw *w, const struct host_look *look, const struct docker_route *route)
{
	const struct docker_container *target = host_look_target(look, route);
	jw_obj(w, NULL);
	jw_str(w, "service", route->service);
	jw_str(w, "hosts", route->hosts);
	jw_str(w, "target", route->target);
	jw_str(w, "container", target ? target->name : "");
	jw_str(w, "version", target ? target->version : "");
	jw_str(w, "state", route->state);
	jw_str(w, "path", route->health_path);
	jw_bool(w, "tls", route->tls);
	jw_end(w);
}

static void tell_seen(struct job *job, const struct ssh *ssh, const struct host_watching *watching)
{
	const struct host_look *look = &watching->look;
	struct jw w;
	jw_event(&w, "host.seen");
	jw_str(&w, "host", watching->name);
	jw_str(&w, "address", ssh_host(ssh));
	jw_arr(&w, "containers");
	for (size_t i = 0; i < look->n; i++)
		write_container(&w, watching, &look->list[i]);
	jw_end(&w);
	jw_arr(&w, "routes");
	for (size_t i = 0; i < look->n_routes; i++)
		write_route(&w, look, &look->routes[i]);
	jw_end(&w);
	jw_obj(&w, "lock");
	jw_bool(&w, "held", look->lock.held);
	jw_str(&w, "by", look->lock.by);
	jw_int(&w, "since_ms", our_time(look, look->lock.since_ms));
	jw_str(&w, "why", look->lock.why);
	jw_end(&w);
	jw_str(&w, "pg_version", watching->pg_version);
	jw_int(&w, "cores", look->cores);
	job_event(job, &w);
}

static void tell_audit(struct job *job, const struct host_watching *watching)
{
	struct jw w;
	jw_event(&w, "host.audit");
	jw_str(&w, "host", watching->name);
	jw_arr(&w, "lines");
	for (size_t i = 0; i < watching->look.n_audit; i++)
		jw_str(&w, NULL, watching->look.audit[i]);
	job_event(job, &w);
}

static void tell_load(struct job *job, const struct host_watching *watching)
{
	const struct host_look *look = &watching->look;
	struct jw w;
	jw_event(&w, "host.load");
	jw_str(&w, "host", watching->name);
	jw_num(&w, "load", look->load);
	jw_int(&w, "cores", look->cores);
	jw_int(&w, "mem_used", look->mem_used);
	jw_int(&w, "mem_total", look->mem_total);
	jw_int(&w, "disk_free", look->n_disks ? look->disks[0].free : 0);
	jw_int(&w, "disk_total", look->n_disks ? look->disks[0].total : 0);
	jw_arr(&w, "disks");
	for (size_t i = 0; i < look->n_disks; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "path", look->disks[i].path);
		jw_int(&w, "free", look->disks[i].free);
		jw_int(&w, "total", look->disks[i].total);
		jw_end(&w);
	}
	jw_end(&w);
	jw_int(&w, "skew_ms", look->skew_ms);
	job_event(job, &w);
}

/* ---- the loop ---- */

static int look_once(struct job *job, struct ssh *ssh, struct host_watching *w, struct err *err)
{
	struct ssh_reply reply;
	char *command = host_look_command(&w->look);
	int rc = ssh_exec(ssh,
			  &(struct ssh_call){.command = command,
					     .say = "docker inspect, df, loadavg, lock, audit log",
					     .timeout_ms = 15000},
			  &reply, err);
	if (rc == 0)
		rc = host_look_read(&w->look, &reply, err);
	free(command);
	ssh_reply_done(&reply);
	if (rc < 0)
		return -1;
	look_version(ssh, w);
	tell_seen(job, ssh, w);
	tell_audit(job, w);
	tell_load(job, w);
	job_beat(job, INTERVAL_MS, true, w->look.trouble);
	return 0;
}

static void on_event(void *ctx, const char *line, size_t len)
{
	struct host_watching *w = ctx;
	(void)line;
	w->stir = w->stir || len > 0;
}

/* Waits for the next look: its time, or a container that starts or dies. -1: stop or lost. */
static int wait_next(struct job *job, struct ssh *ssh, struct host_watching *w, struct ssh_stream *events)
{
	int64_t until_ms = clock_life_ms() + INTERVAL_MS;
	w->stir = false;
	while (!w->stir && clock_life_ms() < until_ms) {
		if (!events || ssh_stream_ended(events, NULL))
			return job_wait(job, until_ms - clock_life_ms()) ? -1 : 0;
		if (ssh_pump(ssh, (int)clock_real_ms(until_ms - clock_life_ms()), NULL) < 0 ||
		    job_stopping(job))
			return -1;
	}
	/* A start comes with several events; one look is enough for them all. */
	return w->stir && job_wait(job, 300) ? -1 : 0;
}

/* Docker's events end with its daemon: a new one is asked again, or every later change would wait for its
 * turn. */
static struct ssh_stream *follow_events(struct ssh *ssh, struct host_watching *w, struct ssh_stream *events)
{
	if ((events && !ssh_stream_ended(events, NULL)) || clock_life_ms() < w->events_at_ms)
		return events;
	ssh_stream_close(events);
	w->events_at_ms = clock_life_ms() + EVENTS_AGAIN_MS;
	return ssh_stream(ssh, DOCKER_EVENTS, on_event, w, NULL);
}

static void serve(void *ctx, struct ssh *ssh, struct err *err)
{
	struct host_watching *w = ctx;
	struct job *job = ssh_job(ssh);
	struct ssh_stream *events = NULL;
	int rc = look_once(job, ssh, w, err);
	ssh_hush(ssh, true);
	w->events_at_ms = 0;
	do {
		if (rc == 0)
			events = follow_events(ssh, w, events);
		if (rc == 0 && wait_next(job, ssh, w, events) < 0)
			break;
		if (rc == 0)
			rc = look_once(job, ssh, w, err);
	} while (rc == 0);
	ssh_stream_close(events);
}

static int host_run(struct job *job, struct err *err)
{
	struct host_watching w = {.look.no_kamal = target_no_kamal(job) != NULL};
	if (target_no_host(job)) {
		target_idle(job, target_no_host(job));
		return 0;
	}
	if (docker_names(job, &w.look.names, err) < 0)
		return -1;
	text_copy(w.name, sizeof w.name, json_str(json_get(job_params(job), "host"), "name", ""));
	over_ssh_suffix(job, w.suffix, sizeof w.suffix);
	over_ssh(job, INTERVAL_MS, serve, &w);
	host_look_done(&w.look);
	return 0;
}
