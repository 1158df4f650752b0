/* Looks at containers: one inspect for all of them. */
#include "core/links/docker.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A wrong field name would make docker run the template on raw JSON, so these are Go's names. */
#define INSPECT                                                                                             \
	"{{.ID}}|{{slice .Name 1}}|{{index .Config.Labels \"service\"}}|{{index .Config.Labels \"role\"}}|" \
	"{{index .Config.Labels \"destination\"}}|{{.State.Status}}|{{if "                                  \
	".State.Health}}{{.State.Health.Status}}{{end}}|"                                                   \
	"{{.State.ExitCode}}|{{.State.OOMKilled}}|{{.RestartCount}}|{{.State.StartedAt}}|{{.State."         \
	"FinishedAt}}|"                                                                                     \
	"{{.Config.Image}}|{{range $n,$v := .NetworkSettings.Networks}}{{$v.IPAddress}} {{end}}|"           \
	"{{json .NetworkSettings.Ports}}"
enum { FIELDS = 15 };

const char *docker_look_command(void)
{
	return "{ docker ps -aq --no-trunc -f label=service; docker ps -aq --no-trunc -f "
	       "'name=^kamal-proxy$'; } | "
	       "xargs -r docker inspect --format '" INSPECT "'";
}

/* Kamal's file may give the container a name of its own, and put it on another server than the app. */
static void read_accessory(struct docker_names *out, const struct json *kamal, const char *name)
{
	const struct json *a = json_first(json_get(kamal, "accessories"));
	const struct json *role = json_get(json_get(kamal, "role"), json_str(kamal, "primary_role", "web"));
	const char *primary = json_text(json_first(json_get(role, "hosts")));

	while (a && !text_equal(json_str(a, "name", ""), name))
		a = json_next(a);
	if (!*name)
		return;
	text_copyf(out->accessory, sizeof out->accessory, "%s-%s", out->service, name);
	if (!a)
		return;
	text_copy(out->accessory, sizeof out->accessory, json_str(a, "service", out->accessory));
	if (primary && !text_equal(primary, json_str(a, "host", primary)))
		text_copy(out->elsewhere, sizeof out->elsewhere, json_str(a, "host", ""));
}

/* They go into commands of the host's shell: letters, digits, and `_.-` after the first, as docker and Kamal
 * take them. */
static bool is_name(const char *text)
{
	static const char inside[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	return !*text || (text[strspn(text, inside)] == '\0' && !strchr("-.", *text));
}

static int check_names(const struct docker_names *n, struct err *err)
{
	const char *bad = !is_name(n->service)       ? n->service
			  : !is_name(n->destination) ? n->destination
			  : !is_name(n->accessory)   ? n->accessory
						     : NULL;
	for (size_t i = 0; i < n->n_roles && !bad; i++)
		bad = is_name(n->roles[i]) ? NULL : n->roles[i];
	return bad ? err_set(err, ERR_CONFIG,
			     "\"%.80s\" is no name that docker and Kamal take; mend it in nightferry.yml or "
			     "in Kamal's file",
			     bad)
		   : 0;
}

int docker_names(struct job *job, struct docker_names *out, struct err *err)
{
	const struct json *kamal = json_get(job_config(job), "kamal");
	*out = (struct docker_names){0};
	text_copy(out->service, sizeof out->service, json_str(kamal, "service", ""));
	text_copy(out->destination, sizeof out->destination, json_str(kamal, "destination", ""));
	for (const struct json *r = json_first(json_get(kamal, "roles")); r && out->n_roles < 8;
	     r = json_next(r))
		text_copy(out->roles[out->n_roles++], sizeof out->roles[0], json_text(r) ? json_text(r) : "");
	if (!*out->service)
		return err_set(
		    err, ERR_CONFIG,
		    "nobody says what Kamal calls the app: write kamal: {service: ...} into nightferry.yml");
	if (!out->n_roles)
		text_copy(out->roles[out->n_roles++], sizeof out->roles[0], "web");
	const char *own = job_config_str(job, "database.container", "");
	out->own = *own != 0;
	if (out->own)
		text_copy(out->accessory, sizeof out->accessory, own);
	else
		read_accessory(out, kamal,
			       json_str(kamal, "accessory", job_config_str(job, "database.accessory", "")));
	return check_names(out, err);
}

int docker_need_accessory(const struct docker_names *names, struct err *err)
{
	if (*names->elsewhere)
		return err_set(
		    err, ERR_CONFIG,
		    "the container %s runs on %s by Kamal's file, and nightferry works in containers of the "
		    "primary server only; copy into that database by hand",
		    names->accessory, names->elsewhere);
	if (*names->accessory)
		return 0;
	return err_set(
	    err, ERR_CONFIG,
	    "the new database is no accessory of Kamal's and no container that nightferry.yml names, so "
	    "there is no place to work in; write database: {container: ...}, or do this step by hand");
}

int64_t docker_time_ms(const char *text)
{
	struct tm tm = {0};
	int fraction_at = 0;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		   &tm.tm_min, &tm.tm_sec, &fraction_at) != 6 ||
	    tm.tm_year < 1970)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	int64_t ms = (int64_t)timegm(&tm) * 1000;
	if (text[fraction_at] == '.')
		for (int i = 1, unit = 100; unit && isdigit((unsigned char)text[fraction_at + i]);
		     i++, unit /= 10)
			ms += (text[fraction_at + i] - '0') * unit;
	/* Docker tells UTC; an offset would come from a daemon set up by hand. */
	const char *offset = text + fraction_at + strcspn(text + fraction_at, "+-Z");
	int hours = 0, minutes = 0;
	if ((*offset == '+' || *offset == '-') && sscanf(offset + 1, "%2d:%2d", &hours, &minutes) == 2)
		ms -= (*offset == '+' ? 1 : -1) * (hours * 60 + minutes) * (int64_t)60000;
	return ms;
}

void docker_service(const struct docker_names *names, const char *role, char *out, size_t size)
{
	text_copyf(out, size, "%s-%s%s%s", names->service, role, *names->destination ? "-" : "",
		   names->destination);
}

static enum docker_kind kind_of(const struct docker_container *c, const struct docker_names *names)
{
	char prefix[80];
	text_copyf(prefix, sizeof prefix, "%s-", names->service);
	if (text_equal(c->name, "kamal-proxy"))
		return DOCKER_PROXY;
	if (text_equal(c->service, names->service) && *c->role)
		return text_equal(c->destination, names->destination) ? DOCKER_APP : DOCKER_OTHER;
	if ((*names->accessory && text_equal(c->name, names->accessory)) ||
	    (!*c->role && text_starts(c->service, prefix)))
		return DOCKER_ACCESSORY;
	return DOCKER_OTHER;
}

static void read_version(struct docker_container *c, const struct docker_names *names)
{
	char prefix[160];
	docker_service(names, c->role, prefix, sizeof prefix);
	size_t len = strlen(prefix);
	const char *replaced = strstr(c->name, "_replaced_");
	c->replaced = replaced != NULL;
	if (text_starts(c->name, prefix) && c->name[len] == '-')
		text_copyf(c->version, sizeof c->version, "%.*s",
			   replaced ? (int)(replaced - c->name - (ptrdiff_t)len - 1) : 79, c->name + len + 1);
}

static int read_line(char *line, const struct docker_names *names, struct docker_container *c,
		     struct err *err)
{
	char *field[FIELDS], *rest = line;
	for (size_t i = 0; i < FIELDS; i++) {
		field[i] = rest ? i + 1 < FIELDS ? strsep(&rest, "|") : rest : NULL;
		if (!field[i])
			return err_set(err, ERR_WORLD,
				       "docker's answer about its containers was not understood (%zu of %d "
				       "fields); is its version very old?",
				       i, FIELDS);
	}
	*c = (struct docker_container){0};
	text_clean(c->id, sizeof c->id, field[0], strlen(field[0]));
	text_clean(c->name, sizeof c->name, field[1], strlen(field[1]));
	text_clean(c->service, sizeof c->service, field[2], strlen(field[2]));
	text_clean(c->role, sizeof c->role, field[3], strlen(field[3]));
	text_clean(c->destination, sizeof c->destination, field[4], strlen(field[4]));
	text_clean(c->status, sizeof c->status, field[5], strlen(field[5]));
	text_clean(c->health, sizeof c->health, field[6], strlen(field[6]));
	c->exit_code = (int)units_parse_int(field[7], 0);
	c->oom = text_equal(field[8], "true");
	c->restarts = (int)units_parse_int(field[9], 0);
	c->started_ms = docker_time_ms(field[10]);
	c->finished_ms = docker_time_ms(field[11]);
	text_clean(c->image, sizeof c->image, field[12], strlen(field[12]));
	text_clean(c->address, sizeof c->address, field[13], strcspn(field[13], " "));
	text_copy(c->ports, sizeof c->ports, field[14]);
	if (strlen(c->id) < 12 || !*c->status)
		return err_set(err, ERR_WORLD, "docker named a container without id or status: %.60s",
			       c->name);
	c->running = text_equal(c->status, "running") || text_equal(c->status, "restarting");
	c->kind = kind_of(c, names);
	if (c->kind == DOCKER_APP)
		read_version(c, names);
	return 0;
}

static int by_role(const void *a, const void *b)
{
	const struct docker_container *x = a, *y = b;
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	int order = strcmp(x->role, y->role);
	/* Web comes first: it is what visitors see. */
	if (order)
		return text_equal(x->role, "web") ? -1 : text_equal(y->role, "web") ? 1 : order;
	if (x->replaced != y->replaced)
		return x->replaced ? 1 : -1;
	return x->started_ms == y->started_ms  ? strcmp(x->name, y->name)
	       : x->started_ms > y->started_ms ? -1
					       : 1;
}

static void mark_stale(struct docker_container *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool newer = false;
		for (size_t k = 0; k < i; k++)
			newer = newer || (list[k].kind == DOCKER_APP && list[k].running &&
					  text_equal(list[k].role, list[i].role));
		list[i].stale = list[i].kind == DOCKER_APP && list[i].running && (list[i].replaced || newer);
	}
}

int docker_containers_read(const char *text, const struct docker_names *names, struct docker_container **out,
			   size_t *n, struct err *err)
{
	char *copy = xstrdup(text), *rest = copy;
	size_t room = 1;
	for (const char *at = text; *at; at++)
		room += *at == '\n';
	*out = xcalloc(room + 1, sizeof **out);
	*n = 0;
	int rc = 0;
	for (char *line = strsep(&rest, "\n"); line && rc == 0; line = strsep(&rest, "\n")) {
		if (!*line)
			continue;
		rc = read_line(line, names, &(*out)[*n], err);
		if (rc == 0 && (*out)[*n].kind != DOCKER_OTHER)
			(*n)++;
	}
	free(copy);
	if (rc < 0) {
		free(*out);
		*out = NULL;
		*n = 0;
		return -1;
	}
	qsort(*out, *n, sizeof **out, by_role);
	mark_stale(*out, *n);
	return 0;
}

int docker_containers(struct ssh *ssh, const struct docker_names *names, struct docker_container **out,
		      size_t *n, struct err *err)
{
	struct ssh_reply reply;
	*out = NULL;
	*n = 0;
	/* Nobody gave a container of one's own Kamal's labels. */
	char *command = names->own
			    ? xasprintf("{ %s; docker ps -aq --no-trunc -f 'name=^%s$' | xargs -r docker "
					"inspect --format '" INSPECT "'; } | awk '!seen[$0]++'",
					docker_look_command(), names->accessory)
			    : xstrdup(docker_look_command());
	int rc = ssh_exec(ssh, &(struct ssh_call){.command = command, .say = "docker ps, docker inspect"},
			  &reply, err);
	free(command);
	/* 123: a container went away between ps and inspect; the others were told. */
	if (rc == 0 && reply.status != 0 && reply.status != 123) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_REFUSED,
			     "docker on %s does not answer (status %d: %s); is the user in the group docker?",
			     ssh_name(ssh), reply.status, *said ? said : "no words");
	}
	if (rc == 0)
		rc = docker_containers_read(buf_text(&reply.out), names, out, n, err);
	ssh_reply_done(&reply);
	return rc;
}

void docker_label(const struct docker_container *c, const struct docker_names *names, char *out, size_t size)
{
	const char *name = c->name;
	size_t len = strlen(names->service);
	if (c->kind == DOCKER_ACCESSORY && text_starts(name, names->service) && name[len] == '-')
		name += len + 1;
	text_copyf(out, size, "%s%s",
		   c->kind == DOCKER_PROXY                 ? "proxy"
		   : text_equal(c->name, names->accessory) ? "pg"
		   : *c->role                              ? c->role
							   : name,
		   c->stale ? " stale" : "");
}

const struct docker_container *docker_find(const struct docker_container *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (text_equal(list[i].name, name))
			return &list[i];
	return NULL;
}

bool docker_exposed(const struct docker_container *container, char *where, size_t size)
{
	struct json *ports = json_parse(container->ports, strlen(container->ports), NULL);
	bool open = false;
	for (const struct json *p = json_first(ports); p && !open; p = json_next(p))
		for (const struct json *b = json_first(p); b && !open; b = json_next(b)) {
			const char *ip = json_str(b, "HostIp", "");
			open = !text_starts(ip, "127.") && !text_equal(ip, "::1");
			text_copyf(where, size, "%s:%s", *ip ? ip : "0.0.0.0", json_str(b, "HostPort", "?"));
		}
	json_free(ports);
	return open;
}

int docker_db(struct job *job, struct docker_db *out, struct err *err)
{
	struct docker_names names;
	struct pg_where where;
	if (docker_names(job, &names, err) < 0 || docker_need_accessory(&names, err) < 0 ||
	    pg_where_new(job, &where, err) < 0)
		return -1;
	if (!*where.database || !*where.user)
		return err_set(err, ERR_CONFIG,
			       "the new database's URL names no database or no user; write both into it");
	text_copy(out->container, sizeof out->container, names.accessory);
	text_copy(out->user, sizeof out->user, where.user);
	text_copy(out->database, sizeof out->database, where.database);
	return 0;
}

int docker_pg_version(struct ssh *ssh, const char *container, const char *program, int *major, char *text,
		      size_t size, struct err *err)
{
	struct buf out = {0};
	int rc = ssh_run(ssh, &out, err, "docker exec %s %s --version", container, program);
	const char *at = rc == 0 ? strstr(buf_text(&out), "(PostgreSQL) ") : NULL;
	*major = (int)units_parse_int(at ? at + 13 : NULL, 0);
	text_clean(text, size, at ? at + 13 : "", at ? strcspn(at + 13, " \n") : 0);
	buf_done(&out);
	if (rc == 0 && *major <= 0)
		rc = err_set(err, ERR_WORLD, "%s in %s told no version", program, container);
	return rc;
}

int docker_disk(struct ssh *ssh, const char *shell_path, struct docker_disk *out, struct err *err)
{
	struct buf text = {0};
	long long total, used, avail;
	char device[96] = "";
	*out = (struct docker_disk){.free_bytes = -1, .total_bytes = -1};
	/* The folder may not be there yet: then the nearest one above it counts. */
	int rc = ssh_run(ssh, &text, err,
			 "p=%s; while [ ! -e \"$p\" ] && [ \"$p\" != / ]; do p=$(dirname \"$p\"); done; "
			 "LC_ALL=C df -PB1 \"$p\" | tail -n 1",
			 shell_path);
	if (rc == 0 && sscanf(buf_text(&text), "%95s %lld %lld %lld", device, &total, &used, &avail) != 4)
		rc = err_set(err, ERR_WORLD, "df on %s gave no figures for %s", ssh_name(ssh), shell_path);
	if (rc == 0) {
		out->free_bytes = avail;
		out->total_bytes = total;
		text_clean(out->device, sizeof out->device, device, strlen(device));
	}
	buf_done(&text);
	return rc;
}
