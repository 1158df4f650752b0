/* Between ssh_lend.c, which holds the connections, and ssh_borrower.c, which serves one borrower. */
#ifndef CORE_LINKS_SSH_LEND_INNER_H
#define CORE_LINKS_SSH_LEND_INNER_H

#include "core/links/ssh_inner.h"
#include "core/links/ssh_lend.h"

enum { LEND_WAYS_MAX = 6, LEND_DEPTH = 512 << 10, LEND_NO_FD_MS = 200 };

/* One connection to the host. */
struct lend_way {
	struct ssh *ssh;
	bool bulk; /* by the ssh program, for many bytes: libssh2 encrypts them sixteen at a time */
	int most;  /* sessions sshd allows on one connection, as far as it was met; 0: not met */
	int64_t idle_from_ms; /* nobody uses it since; 0: somebody does */
};
enum borrower_state {
	BORROWER_SILENT, /* its greeting is to come */
	BORROWER_WAITS,  /* for the host */
	BORROWER_READY,  /* it may ask for something; a sign that the line is good */
	BORROWER_LOOKS,  /* where the database listens */
	BORROWER_OPENS,  /* its channel is being opened */
	BORROWER_OPEN,
	BORROWER_LAST, /* the last word is on its way */
};
struct borrower {
	struct borrower *next;
	int fd;
	enum borrower_state state;
	bool bulk;   /* many bytes will go its way */
	bool raw;    /* the database's socket: bytes, no frames */
	bool asking; /* a person may be asked for it */
	bool step;   /* a step's: it is not left in the midst of a command */
	bool gone, input_ended;
	struct buf in, out;
	size_t in_at, out_at;
	struct ssh_channel *channel; /* may be NULL while it waits for a session to become free */
	char *command, host[200];
	int port;
	bool ended[2];
	struct buf look;
	int64_t since_ms;
};
struct lend {
	struct job *job;
	const struct json *host;
	const struct ssh_lend *what;
	struct lend_way ways[LEND_WAYS_MAX]; /* the first is the line, the others only carry sessions */
	size_t n_ways;
	int ctl, pg, sig;
	unsigned long ctl_ino, pg_ino;
	struct borrower *borrowers;
	struct ssh_channel **closing; /* nobody's any more, but not yet gone */
	size_t n_closing;
	bool up, asked;
	bool no_bulk;      /* the ssh program could not be used beside libssh2 */
	struct err failed; /* how the newest attempt ended */
	int64_t failed_ms, again_ms, backoff_ms, beat_ms;
	int64_t no_way_ms,
	    no_way_backoff_ms; /* a further connection was refused then; so long it is not tried */
	int64_t no_fd_ms;      /* no descriptor was left for one more borrower then */
};

/* ssh_lend_socket.c */
int lend_listen(struct lend *lend, struct err *err);
void lend_hang_up(struct lend *lend);
void lend_accept(struct lend *lend);

/* One step; true when something moved. */
bool borrower_turn(struct lend *lend, struct borrower *b);
/* It is told why, and let go. full: no session was free. refused: the host would not, the line is good. */
void borrower_refuse(struct borrower *b, enum err_kind kind, const char *text, bool refused);
void borrower_welcome(struct lend *lend, struct borrower *b);
void borrower_free(struct lend *lend, struct borrower *b);
void borrower_fds(const struct borrower *b, struct pollfd *fd);
/* A channel for it, on a connection that has room. SSH_AGAIN: none is free now; SSH_NOT with err. */
int lend_channel(struct lend *lend, struct borrower *b, struct err *err);
/* The host refused this one because its connection is full. */
void lend_is_full(struct lend *lend, struct ssh_channel *channel);
void lend_close(struct lend *lend, struct ssh_channel *channel);

#endif
