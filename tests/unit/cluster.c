/* Scratch clusters. PostgreSQL refuses root, so root lends it to the user postgres. */
#include "tests/unit/cluster.h"
#include "core/base/buf.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

static int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *fmt, ...)
{
	struct buf command = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&command, fmt, ap);
	va_end(ap);
	int rc = system(buf_text(&command));
	buf_done(&command);
	return rc;
}

static void first_line(const char *command, char *out, unsigned long size)
{
	char line[160] = "";
	FILE *pipe = popen(command, "r");
	if (pipe && fgets(line, sizeof line, pipe))
		line[strcspn(line, "\n")] = 0;
	if (pipe)
		pclose(pipe);
	text_copy(out, size, line);
}

void cluster_other_bin(const struct cluster *than, char *out, unsigned long size)
{
	char command[400];
	snprintf(command, sizeof command,
		 "ls -d \"${NIGHTFERRY_OTHER_PG:-/nowhere}\" /usr/lib/postgresql/*/bin 2>/dev/null | grep "
		 "-vxF '%s' | "
		 "head -n 1",
		 than->bin);
	first_line(command, out, size);
	if (!*out)
		text_copy(out, size, than->bin);
}

static int free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = 0;
	if (fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&at, &len) == 0)
		port = ntohs(at.sin_port);
	close(fd);
	return port;
}

void cluster_start(struct cluster *c, const char *bin, const char *settings)
{
	*c = (struct cluster){0};
	text_copy(c->dir, sizeof c->dir, "/tmp/nfpg.XXXXXX");
	if (bin)
		text_copy(c->bin, sizeof c->bin, bin);
	else
		first_line("ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1", c->bin,
			   sizeof c->bin);
	if (!*c->bin || !mkdtemp(c->dir))
		return;
	if (geteuid() == 0) {
		text_copy(c->as, sizeof c->as, "setpriv --reuid=postgres --regid=postgres --clear-groups");
		shell("chown postgres %s", c->dir);
	}
	bool made =
	    shell("cd %s && %s %s/initdb -D %s/d -U tester -A trust -E UTF8 --locale=C.UTF-8 --no-sync "
		  ">/dev/null",
		  c->dir, c->as, c->bin, c->dir) == 0;
	/* A port that was free may be somebody's by the time the server is there. */
	for (int i = 0; made && !c->up && i < 3; i++) {
		c->port = free_port();
		c->up = shell("cd %s && %s %s/pg_ctl -D %s/d -w -t 60 -l %s/log -o \"-p %d -c "
			      "listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off "
			      "-c shared_buffers=16MB -c max_connections=20 %s\" start >/dev/null",
			      c->dir, c->as, c->bin, c->dir, c->dir, c->port, settings ? settings : "") == 0;
	}
	snprintf(c->url, sizeof c->url, "postgres://tester@127.0.0.1:%d/postgres", c->port);
}

void cluster_stop(struct cluster *c)
{
	if (c->up)
		shell("cd %s && %s %s/pg_ctl -D %s/d -m immediate stop >/dev/null", c->dir, c->as, c->bin,
		      c->dir);
	if (*c->bin)
		shell("rm -rf %s", c->dir);
}
