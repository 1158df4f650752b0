#include "core/watches/host_look.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/watches/over_ssh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATE, LOAD, MEMORY, DISKS, LOCK, CONTAINERS, ROUTES, AUDIT, PARTS };
#define CUT "\n--nightferry--\n"
#define CUT_SHELL "; printf '\\n--nightferry--\\n'; "
enum { LOOP_MS = 120000, SKEW_STEP_MS = 2000 };

static void add_name(struct buf *out, const struct docker_names *names)
{
	buf_adds(out, names->service);
	if (*names->destination)
		buf_addf(out, "-%s", names->destination);
}

/* Paths are below the login's home, where Kamal keeps them. */
char *host_look_command(const struct host_look *look)
{
	struct buf c = {0}, lock = {0}, audit = {0};
	buf_adds(&lock, ".kamal/lock-");
	add_name(&lock, &look->names);
	buf_adds(&audit, ".kamal/");
	add_name(&audit, &look->names);
	buf_adds(&audit, "-audit.log");
	buf_adds(&c, "export LC_ALL=C; date +%s%3N" CUT_SHELL "nproc; cat /proc/loadavg" CUT_SHELL
		     "cat /proc/meminfo" CUT_SHELL "df -PB1 / \"$(docker info -f '{{.DockerRootDir}}')\"");
	if (*look->names.accessory) {
		buf_adds(&c, " $(docker inspect -f '{{range .Mounts}}{{.Source}} {{end}}' ");
		ssh_quote(&c, look->names.accessory);
		buf_adds(&c, " 2>/dev/null)");
	}
	buf_adds(&c, " 2>/dev/null" CUT_SHELL "d=");
	ssh_quote(&c, buf_text(&lock));
	buf_adds(&c, "; [ ! -d \"$d\" ] || { stat -c %Y \"$d\"; tr -d '\\n' <\"$d/details\" 2>/dev/null; "
		     "echo; }" CUT_SHELL);
	buf_addf(&c, "%s" CUT_SHELL "%s 2>&1" CUT_SHELL "tail -n %d ", docker_look_command(),
		 docker_routes_command(), LOOK_AUDIT);
	ssh_quote(&c, buf_text(&audit));
	buf_adds(&c, " 2>/dev/null; true");
	char *text = xstrdup(buf_text(&c));
	buf_done(&c);
	buf_done(&lock);
	buf_done(&audit);
	return text;
}

static size_t cut_parts(char *text, char **parts)
{
	size_t n = 0;
	while (text && n < PARTS) {
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

static double disk_part(const struct look_disk *disk)
{
	return (double)disk->free / (double)disk->total;
}

/* Each file system once, the fullest first: that one matters. */
static void read_disks(struct host_look *look, const char *text)
{
	look->n_disks = 0;
	for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		char device[96], path[200];
		long long total, used, avail;
		if (sscanf(line + 1, "%95s %lld %lld %lld %*s %199[^\n]", device, &total, &used, &avail,
			   path) != 5 ||
		    total <= 0 || avail < 0)
			continue;
		bool known = false;
		for (size_t i = 0; i < look->n_disks; i++)
			known = known || text_equal(look->disks[i].device, device);
		if (known || look->n_disks == LOOK_DISKS)
			continue;
		struct look_disk disk = {.free = avail, .total = total};
		text_copy(disk.device, sizeof disk.device, device);
		text_clean(disk.path, sizeof disk.path, path, strlen(path));
		size_t at = look->n_disks++;
		for (; at > 0 && disk_part(&disk) < disk_part(&look->disks[at - 1]); at--)
			look->disks[at] = look->disks[at - 1];
		look->disks[at] = disk;
	}
}

static void audit_done(struct host_look *look)
{
	for (size_t i = 0; i < look->n_audit; i++)
		free(look->audit[i]);
	free(look->audit);
	look->audit = NULL;
	look->n_audit = 0;
}

static void read_audit(struct host_look *look, char *text)
{
	char clean[400], *rest = text;
	audit_done(look);
	look->audit = xcalloc(LOOK_AUDIT, sizeof *look->audit);
	for (char *line = strsep(&rest, "\n"); line && look->n_audit < LOOK_AUDIT; line = strsep(&rest, "\n"))
		if (text_clean(clean, sizeof clean, line, strlen(line)))
			look->audit[look->n_audit++] = xstrdup(clean);
}

/* Docker counts restarts of a container's own making only; a start by hand sets them to 0. */
static void follow_loops(struct host_look *look)
{
	struct look_loop old[LOOK_LOOPS];
	memcpy(old, look->loops, sizeof old);
	memset(look->loops, 0, sizeof look->loops);
	for (size_t i = 0; i < look->n && i < LOOK_LOOPS; i++) {
		struct look_loop *loop = &look->loops[i];
		text_copy(loop->id, sizeof loop->id, look->list[i].id);
		loop->restarts = look->list[i].restarts;
		for (size_t k = 0; k < LOOK_LOOPS; k++)
			if (text_equal(old[k].id, loop->id))
				loop->grew_ms =
				    loop->restarts > old[k].restarts ? clock_life_ms() : old[k].grew_ms;
	}
}

bool host_look_looping(const struct host_look *look, const struct docker_container *container)
{
	if (text_equal(container->status, "restarting"))
		return true;
	for (size_t i = 0; i < LOOK_LOOPS; i++)
		if (text_equal(look->loops[i].id, container->id))
			return look->loops[i].grew_ms && clock_life_ms() - look->loops[i].grew_ms < LOOP_MS;
	return false;
}

const struct docker_container *host_look_target(const struct host_look *look,
						const struct docker_route *route)
{
	size_t len = strcspn(route->target, ":");
	for (size_t i = 0; len >= 12 && i < look->n; i++)
		if (strncmp(look->list[i].id, route->target, len) == 0)
			return &look->list[i];
	return NULL;
}

static int read_docker(struct host_look *look, char *const *parts, struct err *err)
{
	struct err seen = {0};
	free(look->list);
	free(look->routes);
	look->list = NULL;
	look->routes = NULL;
	look->n = look->n_routes = 0;
	if (docker_containers_read(parts[CONTAINERS], &look->names, &look->list, &look->n, err) < 0)
		return -1;
	const struct docker_container *proxy = docker_find(look->list, look->n, "kamal-proxy");
	if (proxy && proxy->running &&
	    docker_routes_read(parts[ROUTES], strlen(parts[ROUTES]), &look->routes, &look->n_routes, NULL,
			       &seen) < 0)
		text_copy(look->trouble, sizeof look->trouble, seen.text);
	if (!look->n && !look->no_kamal)
		text_copy(look->trouble, sizeof look->trouble,
			  "The host answers, but docker shows no container of this app; is the user in the "
			  "group docker?");
	follow_loops(look);
	return 0;
}

/* A clock that differs a little differs a little more at the next look; what is told of times shall not move
 * with it. */
static void keep_skew(struct host_look *look, int64_t skew_ms)
{
	int64_t by_ms = skew_ms - look->skew_ms;
	if (by_ms > SKEW_STEP_MS || by_ms < -SKEW_STEP_MS)
		look->skew_ms = skew_ms;
}

int host_look_read(struct host_look *look, const struct ssh_reply *reply, struct err *err)
{
	char *parts[PARTS] = {0}, *copy = xstrdup(buf_text(&reply->out));
	*look->trouble = 0;
	if (cut_parts(copy, parts) < PARTS) {
		free(copy);
		return err_set(err, ERR_WORLD,
			       "the host's answer was not understood; its login shell may print or do "
			       "something of its own");
	}
	keep_skew(look, over_ssh_skew_of(reply));
	look->cores = (int)units_parse_int(parts[LOAD], 0);
	const char *load = strchr(parts[LOAD], '\n');
	look->load = load ? strtod(load, NULL) : 0;
	look->mem_total = mem_value(parts[MEMORY], "MemTotal:");
	look->mem_used = look->mem_total - mem_value(parts[MEMORY], "MemAvailable:");
	read_disks(look, parts[DISKS]);
	docker_lock_read(parts[LOCK], &look->lock);
	read_audit(look, parts[AUDIT]);
	int rc = read_docker(look, parts, err);
	free(copy);
	return rc;
}

void host_look_done(struct host_look *look)
{
	free(look->list);
	free(look->routes);
	audit_done(look);
}
