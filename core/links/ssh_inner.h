/* Shared by the files named ssh*.c only: nobody else may include libssh2. */
#ifndef CORE_LINKS_SSH_INNER_H
#define CORE_LINKS_SSH_INNER_H

#include "core/job.h"
#include "core/links/ssh.h"
#include <libssh2.h>

enum { SSH_SLICE_MS = 1000 }; /* the longest single wait, so that a keepalive is never late */

struct ssh {
	struct job *job; /* may be NULL */
	enum ssh_manner manner;
	char host[200], user[64], name[280];
	int port, fd;
	LIBSSH2_SESSION *session;
	struct ssh_stream *streams; /* open ones */
	char passphrase[256];       /* asked once per process, wiped at the end */
	bool hush, deaf, lost, engine_gone;
};

/* Waits until the socket is ready or `ms` real milliseconds are over; -1 when the job shall stop. */
int ssh_idle(struct ssh *ssh, int ms, struct err *err);
/* After a call that failed: a sentence with libssh2's words; marks the connection lost when it is. Returns
 * -1. */
int ssh_broken(struct ssh *ssh, const char *doing, struct err *err);
/* Real milliseconds since a moment of clock_life_ms(). */
int64_t ssh_since(int64_t began_ms);
/* NULL and err on failure. */
LIBSSH2_CHANNEL *ssh_channel(struct ssh *ssh, const char *command, struct err *err);
/* Reads what has come for the streams, without waiting; true when there was something. */
bool ssh_streams_read(struct ssh *ssh);
/* The host key is the known one, or a person has just said so. */
int ssh_check_host(struct ssh *ssh, struct err *err);
/* Sets the kinds of host keys to ask for: a server may have several, and only one may be known. */
void ssh_prefer_known(struct ssh *ssh);
int ssh_login(struct ssh *ssh, struct err *err);
/* From the socket to the login; -1 leaves nothing open. */
int ssh_connect(struct ssh *ssh, struct err *err);
/* Says farewell, for half a second at most, and closes. */
void ssh_drop(struct ssh *ssh);

#endif
