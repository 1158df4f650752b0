/* SSH: one session, any number of channels. Calls block, but every wait also hears the job's cancel and the
 * streams that are open beside it.
 *
 * Carried by libssh2, by the ssh program where libssh2 cannot go, or by the line that the engine holds for
 * the whole night; users see no difference. The new host comes from the config: host.address, host.port,
 * host.user, host.key, host.known_hosts; what it leaves open is read from the user's own OpenSSH
 * configuration. Every command goes to the list of commands; standard input never does, so secrets travel
 * there and nowhere else.
 */
#ifndef CORE_LINKS_SSH_H
#define CORE_LINKS_SSH_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct job;
struct json;
struct ssh;
struct ssh_channel;
struct ssh_stream;

enum ssh_manner {
	SSH_SILENT, /* watches and checks: an unknown host key or a locked key is an error */
	SSH_ASKING, /* steps: a person is asked for the host key's fingerprint and for a passphrase */
};
/* NULL and err when nobody is there (ERR_NET), we are not let in (ERR_AUTH) or the host key is wrong
 * (ERR_REFUSED). */
struct ssh *ssh_open(struct job *job, enum ssh_manner manner, struct err *err);
/* Another host than the night's own: an object with address, port, user, key, known_hosts, proxy_jump,
 * proxy_command, all but the address optional. Never by the engine's line. */
struct ssh *ssh_open_host(struct job *job, const struct json *host, enum ssh_manner manner, struct err *err);
void ssh_close(struct ssh *ssh);
/* A new connection in the place of a lost one; streams are gone and must be closed by their owner first. */
int ssh_reopen(struct ssh *ssh, struct err *err);
/* False once the connection is lost. */
bool ssh_alive(const struct ssh *ssh);
const char *ssh_name(const struct ssh *ssh); /* "root@203.0.113.9", with ":PORT" unless 22 */
const char *ssh_host(const struct ssh *ssh); /* "203.0.113.9" */
/* "libssh2", "the ssh program"; because: why it is that one, "" when there is nothing to say. */
const char *ssh_by(const struct ssh *ssh, const char **because);
struct job *ssh_job(const struct ssh *ssh);
/* Commands no longer go to the list of commands: for looks that repeat every few seconds. */
void ssh_hush(struct ssh *ssh, bool hush);
/* A cancel no longer ends a wait: for the few commands that must not be left half-way. */
void ssh_deaf(struct ssh *ssh, bool deaf);

struct ssh_call {
	const char *command; /* for the login shell there */
	const char *say;     /* what the list of commands shows instead of a long script; NULL: the command */
	const char *input;   /* its standard input; NULL: none */
	size_t input_len;
	int timeout_ms;   /* real milliseconds for the whole of it; 0: 30 s */
	size_t out_bytes; /* most to keep of each output; 0: 8 MB, what is over is thrown away */
};
struct ssh_reply {
	struct buf out, err;
	int status;                    /* 0..255; -1 when a signal ended it */
	char signal[16];               /* "KILL" */
	int64_t ms;                    /* real milliseconds */
	int64_t asked_ms, answered_ms; /* our wall time at the request and at the first byte of the answer */
};
/* 0 when the command ran to its end, whatever its status; -1 with a sentence otherwise. The reply is reset
 * first and must be freed with ssh_reply_done() in both cases. */
int ssh_exec(struct ssh *ssh, const struct ssh_call *call, struct ssh_reply *reply, struct err *err);
void ssh_reply_done(struct ssh_reply *reply);
/* The same for a command that must succeed: any other status than 0 is ERR_REFUSED with its own words. out
 * may be NULL. */
int ssh_run(struct ssh *ssh, struct buf *out, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Whole lines without their end, cut at 16 KB. */
typedef void ssh_line_fn(void *ctx, const char *line, size_t len);
/* A simple command (no `;`, no pipe) whose both outputs come line by line while ssh_pump() or ssh_exec()
 * runs. It is ended on the host when the stream is closed or the connection is lost: nothing is left running
 * there. */
struct ssh_stream *ssh_stream(struct ssh *ssh, const char *command, ssh_line_fn *line, void *ctx,
			      struct err *err);
bool ssh_stream_ended(const struct ssh_stream *stream, int *status); /* status may be NULL */
void ssh_stream_close(struct ssh_stream *stream);
/* Serves all streams for up to `ms` real milliseconds, returning at the first lines. -1: lost, or the job
 * shall stop. */
int ssh_pump(struct ssh *ssh, int ms, struct err *err);

/* Bytes to and from host:port as the host sees it, such as a container's address. Reading and writing do not
 * wait: 0 is the end, -1 not now (ssh_pump() waits), -2 the connection is lost. NULL and err when the host or
 * its sshd would not. */
struct ssh_channel *ssh_forward(struct ssh *ssh, const char *host, int port, struct err *err);
ssize_t ssh_forward_read(struct ssh_channel *forward, void *data, size_t size);
ssize_t ssh_forward_write(struct ssh_channel *forward, const void *data, size_t len);
void ssh_forward_close(struct ssh_channel *forward);

/* 'it'\''s' as a shell takes it. */
void ssh_quote(struct buf *buf, const char *text);

#endif
