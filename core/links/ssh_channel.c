/* Channels: from the wish for one to its end, over any carrier. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/ssh_inner.h"
#include <stdlib.h>
#include <string.h>

struct ssh_channel *ssh_channel_new(struct ssh *ssh, const char *command, const char *host, int port)
{
	struct ssh_channel *c = xcalloc(1, sizeof *c);
	c->ssh = ssh;
	c->next = ssh->channels;
	ssh->channels = c;
	c->command = command ? xstrdup(command) : NULL;
	text_copy(c->host, sizeof c->host, host ? host : "");
	c->port = port;
	c->status = c->fd = -1;
	c->client = (struct ssh_spawned){.pid = -1, .in = -1, .out = -1, .err = -1, .gone = -1};
	return c;
}

struct ssh_channel *ssh_channel_open(struct ssh *ssh, const char *command, const char *host, int port,
				     size_t input_len, struct err *err)
{
	struct ssh_channel *c = ssh_channel_new(ssh, command, host, port);
	c->input_len = input_len;
	int64_t began_ms = clock_life_ms();
	int rc = SSH_LOST;
	while (!ssh->lost && (rc = ssh->carrier->open(c, err)) == SSH_AGAIN) {
		if (ssh_since(began_ms) > SSH_OPEN_MS) {
			err_set(err, ERR_NET,
				"%s: no channel was opened within %d s; sshd hangs or is overloaded",
				ssh->name, SSH_OPEN_MS / 1000);
			break;
		}
		ssh_streams_read(ssh);
		if (ssh_idle(ssh, SSH_SLICE_MS, err) < 0)
			break;
	}
	if (rc == 0)
		return c;
	if (ssh->lost && rc != SSH_NOT)
		ssh_say_lost(ssh, "a channel was being opened", err);
	ssh_channel_drop(c, 0);
	return NULL;
}

static void channel_free(struct ssh_channel *c)
{
	for (struct ssh_channel **at = &c->ssh->channels; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	free(c->command);
	buf_done(&c->in);
	buf_done(&c->out[0]);
	buf_done(&c->out[1]);
	buf_done(&c->rest);
	free(c);
}

int ssh_channel_close(struct ssh_channel *c)
{
	if (c->ssh->carrier->close(c) == SSH_AGAIN && !c->ssh->lost)
		return SSH_AGAIN;
	channel_free(c);
	return 0;
}

void ssh_channel_drop(struct ssh_channel *c, int ms)
{
	struct ssh *ssh = c->ssh;
	struct pollfd p[SSH_FDS_MAX];
	int64_t began_ms = clock_life_ms();
	while (ssh->carrier->close(c) == SSH_AGAIN && !ssh->lost && ssh_since(began_ms) < ms) {
		ssh->carrier->turn(ssh);
		poll(p, (nfds_t)ssh->carrier->fds(ssh, p), 20);
		ssh->carrier->turn(ssh);
	}
	if (ssh->opening == c)
		ssh->opening = NULL;
	channel_free(c);
}

struct ssh_channel *ssh_forward(struct ssh *ssh, const char *host, int port, struct err *err)
{
	if (ssh->job && !ssh->hush)
		job_command(ssh->job, "ssh", "%s: forward to %s:%d", ssh->name, host, port);
	return ssh_channel_open(ssh, NULL, host, port, 0, err);
}

ssize_t ssh_forward_read(struct ssh_channel *c, void *data, size_t size)
{
	ssize_t n = c->ssh->lost ? SSH_LOST : c->ssh->carrier->read(c, 0, data, size);
	return n;
}

ssize_t ssh_forward_write(struct ssh_channel *c, const void *data, size_t len)
{
	return c->ssh->lost ? SSH_LOST : c->ssh->carrier->write(c, data, len);
}

void ssh_forward_close(struct ssh_channel *c)
{
	if (c)
		ssh_channel_drop(c, 1000);
}

/* "administratively prohibited" and the like, as what a person can do about it. */
int ssh_say_refused(struct ssh_channel *c, const char *said, struct err *err)
{
	struct ssh *ssh = c->ssh;
	if (c->command && c->full)
		err_set(err, ERR_NET,
			"%s: sshd opens no more sessions on this connection (%s); raise MaxSessions in its "
			"sshd_config",
			ssh->name, *said ? said : "MaxSessions");
	else if (c->command)
		err_set(err, ERR_REFUSED, "%s: the host would not run a command (%s)", ssh->name,
			*said ? said : "no more was said");
	else if (strstr(said, "rohibited"))
		err_set(
		    err, ERR_REFUSED,
		    "%s: sshd there forbids forwarding, so %s port %d cannot be reached through it; set "
		    "AllowTcpForwarding yes (or local) in its sshd_config, or give database.url an address "
		    "that can be reached from here",
		    ssh->name, c->host, c->port);
	else
		err_set(err, ERR_NET, "%s: %s port %d does not answer there (%s); does the container run?",
			ssh->name, c->host, c->port, *said ? said : "connect failed");
	return SSH_NOT;
}
