/* A session from its opening to its close. The way in: ssh_connect.c and ssh_login.c; commands:
 * ssh_command.c; streams: ssh_stream.c. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

int64_t ssh_since(int64_t began_ms)
{
	int64_t ms = clock_life_ms() - began_ms;
	return ms > 0 ? clock_real_ms(ms) : 0;
}

int ssh_idle(struct ssh *ssh, int ms, struct err *err)
{
	struct pollfd p[2] = {{.fd = ssh->fd, .events = POLLIN}, {.fd = -1, .events = POLLIN}};
	if (ssh->session && libssh2_session_block_directions(ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		p[0].events |= POLLOUT;
	if (ssh->job && !ssh->deaf && !ssh->engine_gone)
		p[1].fd = job_cancel_fd(ssh->job);
	bool stop = ssh->job && !ssh->deaf && job_cancelled(ssh->job);
	if (!stop)
		poll(p, 2, ms < 0 ? 0 : ms);
	if (p[1].revents)
		stop = job_stopping(ssh->job);
	/* A step goes on without its engine up to its next record; its end of the line would wake us for
	 * ever. */
	if (p[1].revents & (POLLHUP | POLLERR))
		ssh->engine_gone = true;
	if (stop)
		return err_set(err, ERR_CANCELLED, "stopped while waiting for %s", ssh->name);
	int next = 0;
	if (ssh->session)
		libssh2_keepalive_send(ssh->session, &next);
	return 0;
}

int ssh_broken(struct ssh *ssh, const char *doing, struct err *err)
{
	char *said = NULL;
	int code = libssh2_session_last_error(ssh->session, &said, NULL, 0);
	char text[200];
	text_clean(text, sizeof text, said ? said : "", said ? strlen(said) : 0);
	if (code != LIBSSH2_ERROR_CHANNEL_FAILURE && code != LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		ssh->lost = true;
	return err_set(err, ERR_NET, "%s: %s, the connection is %s (%s)", ssh->name, doing,
		       ssh->lost ? "lost" : "still there", *text ? text : "no more was said");
}

struct ssh *ssh_open(struct job *job, enum ssh_manner manner, struct err *err)
{
	const struct json *host = json_get(job_config(job), "host");
	const char *address = json_str(host, "address", "");
	if (!*address) {
		err_set(
		    err, ERR_CONFIG,
		    "nobody says which host is the new one: write host: {address: ...} into nightferry.yml");
		return NULL;
	}
	if (libssh2_init(0) != 0) {
		err_set(err, ERR_BUG, "libssh2 cannot be used");
		return NULL;
	}
	struct ssh *ssh = xcalloc(1, sizeof *ssh);
	ssh->job = job;
	ssh->manner = manner;
	ssh->fd = -1;
	ssh->port = (int)json_int(host, "port", 22);
	text_copy(ssh->host, sizeof ssh->host, address);
	text_copy(ssh->user, sizeof ssh->user, json_str(host, "user", "root"));
	text_copyf(ssh->name, sizeof ssh->name, "%s@%s", ssh->user, ssh->host);
	if (ssh->port != 22)
		text_copyf(ssh->name, sizeof ssh->name, "%s@%s:%d", ssh->user, ssh->host, ssh->port);
	if (ssh_connect(ssh, err) == 0)
		return ssh;
	ssh_close(ssh);
	return NULL;
}

void ssh_close(struct ssh *ssh)
{
	if (!ssh)
		return;
	while (ssh->streams)
		ssh_stream_close(ssh->streams);
	ssh_drop(ssh);
	explicit_bzero(ssh->passphrase, sizeof ssh->passphrase);
	free(ssh);
}

int ssh_reopen(struct ssh *ssh, struct err *err)
{
	ssh->lost = true;
	while (ssh->streams)
		ssh_stream_close(ssh->streams);
	ssh_drop(ssh);
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
	return ssh->host;
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
