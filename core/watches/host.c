/* host: the new server, its containers, its proxy's routes, Kamal's lock, load and clock; one command a look.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/watches/over_ssh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int host_run(struct job *job, struct err *err);

static const char *const secrets[] = {NULL};

const struct watch host_watch = {
    .name = "host",
    .help = "the new host: containers, routes, Kamal's lock, load, disk and clock",
    .secrets = secrets,
    .run = host_run,
};

enum { INTERVAL_MS = 4000, PART_MAX = 8 };
#define CUT "\n--nightferry--\n"

struct host_look {
	struct docker_names names;
	struct docker_container *list;
	size_t n;
	struct docker_route *routes;
	size_t n_routes;
	struct docker_lock lock;
	double load;
	int cores;
	int64_t mem_total, mem_used, disk_free, disk_total, skew_ms;
	char pg_version[24], pg_of[72]; /* the version was asked of this container id */
	char trouble[200];              /* what could not be seen, though the host answers */
	bool stir;                      /* docker told of a change */
};

static char *look_command(void)
{
	return xasprintf("export LC_ALL=C; date +%%s%%3N; printf '%s'; nproc; cat /proc/loadavg; printf "
			 "'%s'; cat /proc/meminfo; printf '%s'; "
			 "df -PB1 / \"$(docker info -f '{{.DockerRootDir}}')\"; printf '%s'; %s; printf "
			 "'%s'; %s; printf '%s'; %s 2>&1; true",
			 "\\n--nightferry--\\n", "\\n--nightferry--\\n", "\\n--nightferry--\\n",
			 "\\n--nightferry--\\n", docker_lock_command(), "\\n--nightferry--\\n",
			 docker_look_command(), "\\n--nightferry--\\n", docker_routes_command());
}

static size_t cut_parts(char *text, char **parts)
{
	size_t n = 0;
	while (text && n < PART_MAX) {
		char *end = strstr(text, CUT);
		parts[n++] = text;
		if (end)
			*end = 0;
		text = end ? end + sizeof CUT - 1 : NULL;
	}
	return n;
}

static int64_t mem_value(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	return at ? strtoll(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* The fuller of the two file systems is the one that matters. */
static void read_disk(struct host_look *look, const char *text)
{
	double worst = 2;
	for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		long long total, used, avail;
		if (sscanf(line + 1, "%*s %lld %lld %lld", &total, &used, &avail) != 3 || total <= 0)
			continue;
		if ((double)avail / (double)total >= worst)
			continue;
		worst = (double)avail / (double)total;
		look->disk_free = avail;
		look->disk_total = total;
	}
}

static int read_answer(struct host_look *look, const struct ssh_reply *reply, struct err *err)
{
	char *parts[PART_MAX] = {0}, *copy = xstrdup(buf_text(&reply->out));
	struct err seen = {0};
	*look->trouble = 0;
	if (cut_parts(copy, parts) < 7) {
		free(copy);
		return err_set(err, ERR_WORLD,
			       "the host's answer was not understood; its login shell may print or do "
			       "something of its own");
	}
	/* Its clock is read at the beginning of the answer; half of the way there is the best guess for
	 * "when". */
	int64_t host_ms = strtoll(parts[0], NULL, 10);
	int64_t way_ms = reply->answered_ms > reply->asked_ms ? reply->answered_ms - reply->asked_ms : 0;
	look->skew_ms = host_ms - (reply->answered_ms - way_ms / 2);
	if (look->skew_ms < way_ms / 2 && look->skew_ms > -way_ms / 2)
		look->skew_ms = 0;
	if (getenv("NIGHTFERRY_CLOCK") && *getenv("NIGHTFERRY_CLOCK"))
		look->skew_ms = 0;
	look->cores = (int)units_parse_int(parts[1], 0);
	const char *load = strchr(parts[1], '\n');
	look->load = load ? strtod(load, NULL) : 0;
	look->mem_total = mem_value(parts[2], "MemTotal:");
	look->mem_used = look->mem_total - mem_value(parts[2], "MemAvailable:");
	read_disk(look, parts[3]);
	docker_lock_read(parts[4], &look->lock);
	free(look->list);
	free(look->routes);
	look->list = NULL;
	look->routes = NULL;
	look->n = look->n_routes = 0;
	int rc = docker_containers_read(parts[5], &look->names, &look->list, &look->n, err);
	const struct docker_container *proxy = docker_find(look->list, look->n, "kamal-proxy");
	if (rc == 0 && proxy && proxy->running &&
	    docker_routes_read(parts[6], strlen(parts[6]), &look->routes, &look->n_routes, NULL, &seen) < 0)
		text_copy(look->trouble, sizeof look->trouble, seen.text);
	if (rc == 0 && !look->n)
		text_copy(look->trouble, sizeof look->trouble,
			  "The host answers, but docker shows no container of this app; is the user in the "
			  "group docker?");
	free(copy);
	return rc;
}

static void look_version(struct ssh *ssh, struct host_look *look)
{
	const struct docker_container *db =
	    *look->names.accessory ? docker_find(look->list, look->n, look->names.accessory) : NULL;
	int major;
	if (!db || !db->running || text_equal(db->id, look->pg_of))
		return;
	if (docker_pg_version(ssh, db->name, "pg_restore", &major, look->pg_version, sizeof look->pg_version,
			      NULL) == 0)
		text_copy(look->pg_of, sizeof look->pg_of, db->id);
}

/* ---- events ---- */

static void write_containers(struct jw *w, const struct host_look *look)
{
	jw_arr(w, "containers");
	for (size_t i = 0; i < look->n; i++) {
		const struct docker_container *c = &look->list[i];
		jw_obj(w, NULL);
		jw_strn(w, "id", c->id, 12);
		jw_str(w, "name", c->name);
		jw_str(w, "role",
		       c->kind == DOCKER_PROXY       ? "proxy"
		       : c->kind == DOCKER_ACCESSORY ? "db"
						     : c->role);
		jw_str(w, "version", c->version);
		jw_str(w, "status", c->status);
		jw_str(w, "health", c->health);
		jw_int(w, "started_ms", c->started_ms);
		jw_int(w, "restarts", c->restarts);
		jw_bool(w, "stale", c->stale);
		jw_end(w);
	}
	jw_end(w);
}

static void tell_seen(struct job *job, const struct ssh *ssh, const struct host_look *look)
{
	struct jw w;
	jw_event(&w, "host.seen");
	jw_str(&w, "address", ssh_host(ssh));
	write_containers(&w, look);
	jw_arr(&w, "routes");
	for (size_t i = 0; i < look->n_routes; i++) {
		jw_obj(&w, NULL);
		jw_str(&w, "service", look->routes[i].service);
		jw_str(&w, "hosts", look->routes[i].hosts);
		jw_str(&w, "target", look->routes[i].target);
		jw_str(&w, "state", look->routes[i].state);
		jw_bool(&w, "tls", look->routes[i].tls);
		jw_end(&w);
	}
	jw_end(&w);
	jw_obj(&w, "lock");
	jw_bool(&w, "held", look->lock.held);
	jw_str(&w, "by", look->lock.by);
	jw_int(&w, "since_ms", look->lock.since_ms);
	jw_str(&w, "why", look->lock.why);
	jw_end(&w);
	jw_str(&w, "pg_version", look->pg_version);
	jw_int(&w, "cores", look->cores);
	job_event(job, &w);
}

static void tell_load(struct job *job, const struct host_look *look)
{
	struct jw w;
	jw_event(&w, "host.load");
	jw_num(&w, "load", look->load);
	jw_int(&w, "cores", look->cores);
	jw_int(&w, "mem_used", look->mem_used);
	jw_int(&w, "mem_total", look->mem_total);
	jw_int(&w, "disk_free", look->disk_free);
	jw_int(&w, "disk_total", look->disk_total);
	jw_int(&w, "skew_ms", look->skew_ms);
	job_event(job, &w);
}

/* ---- the loop ---- */

static int look_once(struct job *job, struct ssh *ssh, struct host_look *look, struct err *err)
{
	struct ssh_reply reply;
	char *command = look_command();
	int rc =
	    ssh_exec(ssh,
		     &(struct ssh_call){
			 .command = command, .say = "docker inspect, df, loadavg, lock", .timeout_ms = 15000},
		     &reply, err);
	if (rc == 0)
		rc = read_answer(look, &reply, err);
	free(command);
	ssh_reply_done(&reply);
	if (rc < 0)
		return -1;
	look_version(ssh, look);
	tell_seen(job, ssh, look);
	tell_load(job, look);
	job_beat(job, INTERVAL_MS, true, look->trouble);
	return 0;
}

static void on_event(void *ctx, const char *line, size_t len)
{
	struct host_look *look = ctx;
	(void)line;
	look->stir = look->stir || len > 0;
}

/* Waits for the next look: its time, or a container that starts or dies. -1: stop or lost. */
static int wait_next(struct job *job, struct ssh *ssh, struct host_look *look, struct ssh_stream *events)
{
	int64_t until_ms = clock_life_ms() + INTERVAL_MS;
	look->stir = false;
	while (!look->stir && clock_life_ms() < until_ms) {
		if (!events || ssh_stream_ended(events, NULL))
			return job_wait(job, until_ms - clock_life_ms()) ? -1 : 0;
		if (ssh_pump(ssh, (int)clock_real_ms(until_ms - clock_life_ms()), NULL) < 0 ||
		    job_stopping(job))
			return -1;
	}
	/* A start comes with several events; one look is enough for them all. */
	return look->stir && job_wait(job, 300) ? -1 : 0;
}

static void serve(void *ctx, struct ssh *ssh, struct err *err)
{
	struct host_look *look = ctx;
	struct job *job = ssh_job(ssh);
	struct ssh_stream *events = NULL;
	int rc = look_once(job, ssh, look, err);
	ssh_hush(ssh, true);
	if (rc == 0)
		events = ssh_stream(ssh,
				    "docker events --filter type=container --filter event=start --filter "
				    "event=die --filter event=rename "
				    "--filter event=health_status --format '{{.Action}}'",
				    on_event, look, NULL);
	while (rc == 0 && wait_next(job, ssh, look, events) == 0)
		rc = look_once(job, ssh, look, err);
}

static int host_run(struct job *job, struct err *err)
{
	struct host_look look = {0};
	if (docker_names(job, &look.names, err) < 0)
		return -1;
	over_ssh(job, INTERVAL_MS, serve, &look);
	free(look.list);
	free(look.routes);
	return 0;
}
