/* A session from its opening to its close, whoever carries it. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <stdlib.h>
#include <string.h>

int64_t ssh_since(int64_t began_ms)
{
	int64_t ms = clock_life_ms() - began_ms;
	return ms > 0 ? clock_real_ms(ms) : 0;
}

int ssh_idle(struct ssh *ssh, int ms, struct err *err)
{
	struct pollfd p[SSH_FDS_MAX + 1];
	ssh->carrier->turn(ssh);
	size_t n = ssh->carrier->fds(ssh, p);
	p[n] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (ssh->job && !ssh->deaf && !ssh->engine_gone)
		p[n].fd = job_cancel_fd(ssh->job);
	bool stop = ssh->job && !ssh->deaf && job_cancelled(ssh->job);
	if (!stop)
		poll(p, (nfds_t)n + 1, ms < 0 || ssh->fresh ? 0 : ms);
	ssh->fresh = false;
	if (p[n].revents)
		stop = job_stopping(ssh->job);
	/* A step goes on without its engine up to its next record; its end of the line would wake us for
	 * ever. */
	if (p[n].revents & (POLLHUP | POLLERR))
		ssh->engine_gone = true;
	if (stop)
		return err_set(err, ERR_CANCELLED, "stopped while waiting for %s", ssh->name);
	ssh->carrier->turn(ssh);
	return 0;
}

int ssh_say_lost(struct ssh *ssh, const char *doing, struct err *err)
{
	return err_set(err, ERR_NET, "%s: the connection was lost while %s%s%s%s", ssh->name, doing,
		       *ssh->why ? " (" : "", ssh->why, *ssh->why ? ")" : "");
}

struct ssh *ssh_new(struct job *job, const struct json *host, enum ssh_manner manner, struct err *err)
{
	struct ssh *ssh = xcalloc(1, sizeof *ssh);
	ssh->job = job;
	ssh->manner = manner;
	ssh->fd = ssh->ask_fd = -1;
	ssh->master = (struct ssh_spawned){.pid = -1, .in = -1, .out = -1, .err = -1, .gone = -1};
	ssh->carrier = ssh->own = &ssh_library;
	if (ssh_host_read(host, &ssh->at, err) < 0) {
		free(ssh);
		return NULL;
	}
	text_copyf(ssh->name, sizeof ssh->name, "%s@%s", ssh->at.user, ssh->at.alias);
	if (ssh->at.port != 22)
		text_copyf(ssh->name, sizeof ssh->name, "%s@%s:%d", ssh->at.user, ssh->at.alias,
			   ssh->at.port);
	return ssh;
}

/* The other carrier, if what is in the way is one that it may not have. */
static int choose_program(struct ssh *ssh, struct err *err)
{
	struct err why = {0};
	if (!ssh->at.program)
		return err_set(
		    err, ERR_NET,
		    "%s: %s, which only the ssh program can do, and it is not installed here; install "
		    "openssh-client",
		    ssh->name, ssh->because);
	ssh->carrier = ssh->own = &ssh_program;
	if (ssh->own->connect(ssh, &why) == 0)
		return 0;
	ssh->own = &ssh_library;
	return err_set(err, why.kind, "%s", why.text);
}

static int connect_own(struct ssh *ssh, struct err *err)
{
	ssh->carrier = ssh->own;
	if (ssh->chosen)
		return ssh->own->connect(ssh, err);
	text_copy(ssh->because, sizeof ssh->because, ssh->at.by_program);
	int rc = *ssh->because ? 1 : ssh->own->connect(ssh, err);
	if (rc > 0)
		rc = choose_program(ssh, err);
	if (rc == 0 && ssh->job)
		job_command(ssh->job, "ssh", "%s: connected by %s%s%s", ssh->name, ssh->own->name,
			    *ssh->because ? ", because " : "", ssh->because);
	ssh->chosen = rc == 0;
	return rc;
}

int ssh_connect(struct ssh *ssh, struct err *err)
{
	int rc = 1;
	ssh->lost = false;
	*ssh->why = 0;
	ssh->heard_ms = ssh->kept_ms = clock_life_ms();
	if (*ssh->line) {
		ssh->carrier = &ssh_lent;
		rc = ssh->carrier->connect(ssh, err);
	}
	/* A step outlives its engine, and the engine's line does not. */
	if (rc > 0)
		rc = connect_own(ssh, err);
	ssh->lost = rc < 0;
	return rc;
}

struct ssh *ssh_open_host(struct job *job, const struct json *host, enum ssh_manner manner, struct err *err)
{
	struct ssh *ssh = ssh_new(job, host, manner, err);
	if (ssh && ssh_connect(ssh, err) == 0)
		return ssh;
	ssh_close(ssh);
	return NULL;
}

struct ssh *ssh_open(struct job *job, enum ssh_manner manner, struct err *err)
{
	const char *line = job_line(job, "ssh");
	const struct json *host = json_get(job_config(job), "host");
	struct ssh *ssh;
	if (!line)
		return ssh_open_host(job, host, manner, err);
	ssh = ssh_new(job, host, manner, err);
	if (!ssh)
		return NULL;
	text_copy(ssh->line, sizeof ssh->line, line);
	if (ssh_connect(ssh, err) == 0)
		return ssh;
	ssh_close(ssh);
	return NULL;
}

static void drop(struct ssh *ssh)
{
	while (ssh->streams)
		ssh_stream_close(ssh->streams);
	while (ssh->channels)
		ssh_channel_drop(ssh->channels, 0);
	ssh->carrier->drop(ssh);
}

void ssh_close(struct ssh *ssh)
{
	if (!ssh)
		return;
	drop(ssh);
	buf_done(&ssh->in);
	buf_done(&ssh->out);
	buf_done(&ssh->said);
	buf_done(&ssh->told);
	explicit_bzero(ssh->answers, sizeof ssh->answers);
	free(ssh);
}

int ssh_reopen(struct ssh *ssh, struct err *err)
{
	ssh->lost = true;
	drop(ssh);
	return ssh_connect(ssh, err);
}

bool ssh_alive(const struct ssh *ssh)
{
	return ssh && !ssh->lost;
}

const char *ssh_name(const struct ssh *ssh)
{
	return ssh->name;
}

const char *ssh_host(const struct ssh *ssh)
{
	return ssh->at.alias;
}

const char *ssh_by(const struct ssh *ssh, const char **because)
{
	*because = ssh->because;
	return ssh->carrier == &ssh_lent ? ssh->lent_by : ssh->carrier->name;
}

struct job *ssh_job(const struct ssh *ssh)
{
	return ssh->job;
}

void ssh_hush(struct ssh *ssh, bool hush)
{
	ssh->hush = hush;
}

void ssh_deaf(struct ssh *ssh, bool deaf)
{
	ssh->deaf = deaf;
}
