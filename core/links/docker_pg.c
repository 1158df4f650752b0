#include "core/links/docker_pg.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/ssh_lend.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *docker_pg_command(const char *container)
{
	struct buf out = {0};
	buf_adds(&out,
		 "docker inspect -f '{{.State.Status}}|{{json .NetworkSettings.Ports}}|{{range $n,$v := "
		 ".NetworkSettings.Networks}}{{$v.IPAddress}} {{end}}' ");
	ssh_quote(&out, container);
	buf_adds(&out, " 2>&1");
	return out.data;
}

/* "0.0.0.0" is every address of the host, loopback too. */
static bool published(const char *text, char *host, size_t size, int *port)
{
	struct json *ports = json_parse(text, strlen(text), NULL);
	bool found = false;
	for (const struct json *b = json_first(json_get(ports, "5432/tcp")); b && !found; b = json_next(b)) {
		const char *ip = json_str(b, "HostIp", "");
		int64_t number = units_parse_int(json_str(b, "HostPort", ""), 0);
		found = number > 0 && number < 65536;
		if (!found)
			continue;
		*port = (int)number;
		text_copy(host, size,
			  !*ip || text_equal(ip, "0.0.0.0") || text_equal(ip, "::") ? "127.0.0.1" : ip);
	}
	json_free(ports);
	return found;
}

int docker_pg_read(const char *text, char *host, size_t size, int *port, struct err *err)
{
	char line[4000], *rest = line;
	text_copyf(line, sizeof line, "%.*s", (int)strcspn(text, "\r\n"), text);
	const char *status = strsep(&rest, "|"), *ports = strsep(&rest, "|");
	char said[200];
	text_clean(said, sizeof said, text, strcspn(text, "\r\n"));
	if (!ports || !rest)
		return err_set(
		    err, ERR_WORLD,
		    "docker on the host does not tell where the database's container listens: %s; does it "
		    "run, and is the user in the group docker?",
		    *said ? said : "no words");
	if (!text_equal(status, "running"))
		return err_set(err, ERR_WORLD,
			       "the database's container is %s, not running; start it with kamal "
			       "accessory start",
			       said[0] ? status : "gone");
	if (published(ports, host, size, port))
		return 0;
	size_t len = strcspn(rest, " ");
	text_copyf(host, size, "%.*s", (int)len, rest);
	*port = 5432;
	if (!len)
		return err_set(
		    err, ERR_WORLD,
		    "the database's container has no address and no published port; is it in a network "
		    "of docker's?");
	return 0;
}

static void pg_path(const char *ctl, const char *name, char *out, size_t size)
{
	const char *slash = strrchr(ctl, '/');
	text_copyf(out, size, "%.*s/%s", slash ? (int)(slash - ctl) : 0, ctl, name);
}

int docker_lend(struct job *job, const char *ctl, struct err *err)
{
	struct ssh_lend what = {.ctl = ctl, .pg_where = docker_pg_read};
	struct docker_names names;
	char pg[150], *look = NULL;
	if (docker_names(job, &names, NULL) == 0 && *names.accessory) {
		pg_path(ctl, SSH_LINE_PG, pg, sizeof pg);
		look = docker_pg_command(names.accessory);
		what.pg = pg;
		what.pg_look = look;
	}
	int rc = ssh_lend_run(job, json_get(job_config(job), "host"), &what, err);
	free(look);
	return rc;
}

/* A process of ours for as long as we live: libpq wants a socket that somebody serves while it waits. */
static int lend_beside(struct job *job, const char *ctl, struct err *err)
{
	pid_t us = getpid(), pid;
	if (access(ctl, F_OK) == 0)
		return 0;
	pid = fork();
	if (pid == 0) {
		char folder[120];
		struct job *own = job_by_hand("ssh", job_config(job), NULL);
		ssh_end_with(us);
		int bad = docker_lend(own, ctl, NULL) < 0;
		pg_path(ctl, "", folder, sizeof folder);
		ssh_folder_remove(folder);
		_exit(bad);
	}
	int64_t until_ms = clock_life_ms() + 5000;
	while (pid > 0 && access(ctl, F_OK) < 0 && clock_life_ms() < until_ms)
		clock_sleep_ms(10);
	if (pid > 0 && access(ctl, F_OK) == 0)
		return 0;
	return err_set(err, ERR_IO, "no socket for the way to the database could be made at %s", ctl);
}

int docker_tunnel(struct job *job, char *folder, size_t size, struct err *err)
{
	char ctl[120];
	const char *line = job_line(job, "ssh");
	if (line) {
		pg_path(line, "pg", folder, size);
		return 0;
	}
	if (ssh_own_folder(ctl, sizeof ctl, err) < 0)
		return -1;
	text_copyf(ctl + strlen(ctl), sizeof ctl - strlen(ctl), "/ctl");
	pg_path(ctl, "pg", folder, size);
	return lend_beside(job, ctl, err);
}
