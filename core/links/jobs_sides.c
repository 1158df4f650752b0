#include "core/links/jobs_sides.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/docker.h"
#include "core/links/env_container.h"
#include "core/links/heroku.h"
#include "core/links/pg_sides.h"
#include "core/links/target.h"
#include <stdlib.h>
#include <string.h>

static const char *const names[2] = {"OLD", "NEW"};

void jobs_sides_init(struct jobs_sides *sides, struct job *job)
{
	*sides = (struct jobs_sides){.job = job};
}

static void drop_redis(struct jobs_sides *s, int which)
{
	redis_close(s->redis[which]);
	s->redis[which] = NULL;
	/* The next look reads the URL anew: Heroku changes it, a container made anew has another address. */
	s->found[which] = false;
	if (which == JOBS_NEW) {
		ssh_close(s->ssh);
		s->ssh = NULL;
	}
}

void jobs_sides_done(struct jobs_sides *s)
{
	for (int i = 0; i < 2; i++) {
		drop_redis(s, i);
		pg_close(s->pg[i]);
	}
	explicit_bzero(s, sizeof *s);
}

static const char *variable(const struct job *job)
{
	return job_config_str(job, "redis.variable", "REDIS_URL");
}

/* ---- where they are ---- */

static int take_url(struct jobs_sides *s, int which, const char *url, const char *from, struct err *err)
{
	struct jobs_redis *p = &s->place[which];
	job_learn_secret(s->job, url);
	if (!redis_where(url, &p->where))
		return err_set(err, ERR_CONFIG, "%s of %s is no redis:// or rediss:// URL; look at it there",
			       variable(s->job), from);
	if (*p->where.password)
		job_learn_secret(s->job, p->where.password);
	p->known = true;
	text_copyf(p->asked, sizeof p->asked, "%.180s:%d", p->where.host, p->where.port);
	return 0;
}

static int find_old(struct jobs_sides *s, struct err *err)
{
	struct heroku *heroku = heroku_open(s->job, HEROKU_BRISK, err);
	struct json *vars = NULL;
	int rc = heroku ? heroku_vars(heroku, &vars, err) : -1;
	const char *url = json_str(vars, variable(s->job), "");
	if (rc == 0 && *url)
		rc = take_url(s, JOBS_OLD, url, "Heroku's config vars", err);
	else if (rc == 0)
		text_copyf(s->place[JOBS_OLD].why_not, sizeof s->place[0].why_not,
			   "Heroku has no config var %s", variable(s->job));
	json_free(vars);
	heroku_close(heroku);
	return rc;
}

/* The published port on the host, else the container's own address. */
static void container_place(const struct docker_container *c, struct redis_where *where)
{
	char key[24];
	text_copyf(key, sizeof key, "%d/tcp", where->port);
	struct json *ports = json_parse(c->ports, strlen(c->ports), NULL);
	const struct json *first = json_first(json_get(ports, key));
	int64_t port = units_parse_int(json_str(first, "HostPort", ""), 0);
	const char *ip = json_str(first, "HostIp", "");
	if (port > 0 && port < 65536) {
		text_copy(where->host, sizeof where->host,
			  !*ip || text_equal(ip, "0.0.0.0") || text_equal(ip, "::") ? "127.0.0.1" : ip);
		where->port = (int)port;
	} else {
		text_copy(where->host, sizeof where->host, c->address);
	}
	json_free(ports);
}

/* A name of docker's network is a container's; a loopback address is the host's own. Others are as they are.
 */
static int see_through_host(struct jobs_sides *s, const struct docker_names *n, struct err *err)
{
	struct jobs_redis *p = &s->place[JOBS_NEW];
	struct docker_container *list;
	size_t count;
	bool local = text_equal(p->where.host, "localhost") || text_starts(p->where.host, "127.") ||
		     text_equal(p->where.host, "::1");
	bool bare = !strpbrk(p->where.host, ".:");
	p->through_ssh = local || bare;
	if (local || !bare)
		return 0;
	if (docker_containers(s->ssh, n, &list, &count, err) < 0)
		return -1;
	const struct docker_container *c = docker_find(list, count, p->where.host);
	if (c && c->running)
		container_place(c, &p->where);
	bool runs = c && c->running && *p->where.host;
	free(list);
	return runs
		   ? 0
		   : err_set(err, ERR_WORLD,
			     "the app's Redis is %s, and on %s no container of that name runs; start it with "
			     "kamal accessory boot, or name it in redis.url",
			     p->asked, ssh_host(s->ssh));
}

static int find_inside(struct jobs_sides *s, struct err *err)
{
	struct docker_names n;
	struct env_role roles[ENV_ROLES];
	size_t count = 0;
	struct jobs_redis *p = &s->place[JOBS_NEW];
	int rc = 0;
	if (docker_names(s->job, &n, err) < 0 || !(s->ssh = ssh_open(s->job, SSH_SILENT, err)))
		return -1;
	ssh_hush(s->ssh, true);
	if (env_containers(s->ssh, &n, roles, &count, err) < 0)
		return -1;
	const char *url = NULL;
	for (size_t i = 0; i < count && !url; i++)
		url = env_set_get(&roles[i].vars, variable(s->job));
	if (url && *url)
		rc = take_url(s, JOBS_NEW, url, "the new containers", err);
	else
		text_copyf(p->why_not, sizeof p->why_not,
			   count ? "no container of the app on %s has %s"
				 : "there is no container of the app on %s yet",
			   ssh_host(s->ssh), variable(s->job));
	env_containers_done(roles, count);
	return rc == 0 && p->known ? see_through_host(s, &n, err) : rc;
}

static int find_new(struct jobs_sides *s, struct err *err)
{
	const char *url = job_secret(s->job, "NEW_REDIS_URL");
	if (*job_config_str(s->job, "redis.url", "") && !url)
		return err_set(err, ERR_CONFIG,
			       "redis.url names a variable that is not set here; set it and start again");
	if (url)
		return take_url(s, JOBS_NEW, url, "redis.url", err);
	if (target_no_kamal(s->job)) {
		text_copyf(
		    s->place[JOBS_NEW].why_not, sizeof s->place[0].why_not,
		    "nothing says where the new app's Redis is: write redis: {url: \"env:NEW_REDIS_URL\"}");
		return 0;
	}
	return find_inside(s, err);
}

static int find(struct jobs_sides *s, int which, struct err *err)
{
	if (s->found[which])
		return 0;
	s->place[which] = (struct jobs_redis){.known = false};
	int rc = which == JOBS_OLD ? find_old(s, err) : find_new(s, err);
	s->found[which] = rc == 0;
	return rc;
}

bool jobs_sides_same_redis(const struct jobs_sides *s)
{
	const struct jobs_redis *a = &s->place[0], *b = &s->place[1];
	return a->known && b->known && text_equal(a->asked, b->asked) && a->where.db == b->where.db &&
	       !b->through_ssh;
}

/* ---- the look ---- */

static int open_redis(struct jobs_sides *s, int which, struct err *err)
{
	const struct jobs_redis *p = &s->place[which];
	/* Heroku's servers have certificates that nobody vouches for; its own advice is not to look. */
	struct redis_way way = {.side = names[which],
				.ssh = p->through_ssh ? s->ssh : NULL,
				.verify = which == JOBS_NEW && !p->through_ssh &&
					  json_bool(json_get(job_config(s->job), "redis"), "verify", true)};
	if (!s->redis[which]) {
		s->redis[which] = redis_open(s->job, &p->where, &way, err);
		if (s->redis[which])
			job_command(s->job, "redis", "%s: sizes of Sidekiq's keys",
				    redis_name(s->redis[which]));
	}
	return s->redis[which] ? 0 : -1;
}

static int look_redis(struct jobs_sides *s, int which, struct jobs_side *out, struct err *err)
{
	char prefix[80] = "";
	const char *name = job_config_str(s->job, "redis.namespace", "");
	if (*name)
		text_copyf(prefix, sizeof prefix, "%.70s:", name);
	if (find(s, which, err) < 0)
		return -1;
	if (!s->place[which].known)
		return 0;
	if (open_redis(s, which, err) < 0)
		return -1;
	return jobs_add_redis(s->redis[which], prefix, out, err);
}

static int look_pg(struct jobs_sides *s, int which, bool deep, struct jobs_side *out, struct err *err)
{
	if (!s->pg[which])
		s->pg[which] =
		    which == JOBS_OLD ? pg_open_old(s->job, err) : pg_open_new(s->job, PG_LOOK, err);
	int rc = s->pg[which] ? jobs_add_pg(s->pg[which], deep, out, err) : -1;
	if (s->pg[which])
		pg_hush(s->pg[which], true);
	if (s->pg[which] && !pg_alive(s->pg[which])) {
		pg_close(s->pg[which]);
		s->pg[which] = NULL;
	}
	return rc;
}

int jobs_sides_look(struct jobs_sides *s, int which, bool deep, struct jobs_side *out, struct err *err)
{
	*out = (struct jobs_side){.n = 0};
	if (look_pg(s, which, deep, out, err) < 0)
		return -1;
	if (look_redis(s, which, out, err) < 0) {
		drop_redis(s, which);
		return -1;
	}
	jobs_sort(out);
	return 0;
}

/* ---- who is at work ---- */

static int old_runs(struct jobs_sides *s, char *what, size_t size, struct err *err)
{
	struct heroku *heroku = heroku_open(s->job, HEROKU_BRISK, err);
	struct heroku_dyno *list = NULL;
	size_t n = 0, up = 0;
	int rc = heroku ? heroku_dynos(heroku, &list, &n, err) : -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		up += !text_equal(list[i].state, "crashed") && !text_equal(list[i].state, "down");
	text_copyf(what, size, "%zu dyno%s", up, up == 1 ? "" : "s");
	free(list);
	heroku_close(heroku);
	return rc < 0 ? -1 : up > 0;
}

static int new_runs(struct jobs_sides *s, char *what, size_t size, struct err *err)
{
	struct docker_names n;
	struct docker_container *list = NULL;
	size_t count = 0, up = 0;
	/* What nobody can see is taken to run. */
	if (target_no_kamal(s->job)) {
		text_copy(what, size, "its app, as far as anybody knows");
		return 1;
	}
	text_copy(what, size, "no container of the app");
	struct ssh *ssh = docker_names(s->job, &n, err) == 0 ? ssh_open(s->job, SSH_SILENT, err) : NULL;
	int rc = ssh ? docker_containers(ssh, &n, &list, &count, err) : -1;
	for (size_t i = 0; i < count && rc == 0; i++)
		up += list[i].kind == DOCKER_APP && list[i].running;
	if (up)
		text_copyf(what, size, "%zu container%s of the app", up, up == 1 ? "" : "s");
	free(list);
	ssh_close(ssh);
	return rc < 0 ? -1 : up > 0;
}

int jobs_side_runs(struct jobs_sides *s, int which, char *what, size_t size, struct err *err)
{
	return which == JOBS_OLD ? old_runs(s, what, size, err) : new_runs(s, what, size, err);
}
