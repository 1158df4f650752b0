/* Shared by the files named ssh*.c only: a session, its channels, and the contract of what carries them.
 *
 * Three carriers: libssh2 in this process (ssh_library.c), the ssh program (ssh_program.c), and a line that
 * another process holds and lends (ssh_lent.c). No call of a carrier but connect() waits. */
#ifndef CORE_LINKS_SSH_INNER_H
#define CORE_LINKS_SSH_INNER_H

#include "core/job.h"
#include "core/links/ssh.h"
#include "core/links/ssh_host.h"
#include "core/links/ssh_spawn.h"
#include <libssh2.h>
#include <poll.h>

enum {
	SSH_SLICE_MS = 1000,   /* the longest single wait, so that a keepalive is never late */
	SSH_OPEN_MS = 30000,   /* for a channel to open */
	SSH_SILENT_MS = 30000, /* nothing heard, keepalives included: the line is lost */
	SSH_KEEPALIVE_S = 10,
	SSH_FDS_MAX = 250,
	SSH_CHUNK = 256 << 10,
};
/* What read, write and the like return beside a length. */
enum {
	SSH_END = 0,    /* read: this output has ended. write: the other end takes no more */
	SSH_AGAIN = -1, /* not now */
	SSH_LOST = -2,  /* the connection is gone; ssh->lost is set */
};

struct ssh_channel {
	struct ssh *ssh;
	struct ssh_channel *next;
	char *command; /* NULL: a forward to host:port */
	char host[200];
	int port;
	size_t input_len; /* as far as it is known beforehand */
	bool open;        /* the host has taken it */
	bool refused;     /* lent: the line's own word that the host would not */
	bool full;        /* not opened because the host allows no more sessions on one connection */
	bool said_end;    /* our end of input is told, or goes when what is waiting has gone */
	bool wants_out;   /* the last write did not fit: wake when it would */
	bool deaf;        /* nobody reads it now: do not wake for what it has to say */
	bool told;        /* its end is known: status, signal */
	int status;       /* 0..255; -1 when a signal ended it */
	char signal[16];
	LIBSSH2_CHANNEL *lib;
	int lib_state;
	struct ssh_spawned client; /* the program's: one ssh client of the master's socket each */
	int fd;                    /* lent: one connection to the line each */
	struct buf in, out[2], rest;
	bool ended[2];
};

struct ssh_carrier {
	const char *name; /* "libssh2", "the ssh program" */
	/* From the name to the login; -1 leaves nothing open. */
	int (*connect)(struct ssh *, struct err *);
	void (*drop)(struct ssh *);
	/* What to wait for; at most SSH_FDS_MAX. */
	size_t (*fds)(const struct ssh *, struct pollfd *fds);
	/* After each wait: moves what has come and what has to go; finds out that the line is lost. */
	void (*turn)(struct ssh *);
	/* 0 open, SSH_AGAIN, or -3 with err: the host would not; the connection may still be good. */
	int (*open)(struct ssh_channel *, struct err *);
	ssize_t (*read)(struct ssh_channel *, int which, void *data, size_t size); /* which: 0 out, 1 err */
	ssize_t (*write)(struct ssh_channel *, const void *data, size_t len);
	int (*end)(struct ssh_channel *);    /* end of input: 0 or SSH_AGAIN */
	int (*finish)(struct ssh_channel *); /* both outputs have ended: 0 told, SSH_AGAIN, SSH_LOST */
	int (*close)(struct ssh_channel *);  /* 0 gone, SSH_AGAIN: call again */
};
enum { SSH_NOT = -3 };
extern const struct ssh_carrier ssh_library, ssh_program, ssh_lent;

/* What a person answered once in this process: the prompt's subject (a key file) and the answer. */
struct ssh_answer {
	char what[400], text[256];
};

struct ssh {
	struct job *job; /* may be NULL */
	enum ssh_manner manner;
	struct ssh_host at;
	char name[280];
	const struct ssh_carrier *carrier;
	const struct ssh_carrier *own; /* of a connection of this process: libssh2 or the program */
	bool chosen;                   /* it has logged in once and stays */
	char because[240];             /* why it is not libssh2; "" : it is */
	struct ssh_channel *channels;
	struct ssh_stream *streams;
	struct ssh_answer answers[4];
	bool hush, deaf, lost, engine_gone;
	bool fresh;    /* something came that a reader may not have seen yet: look again before any sleep */
	char why[300]; /* of the loss, when more is known */
	int64_t heard_ms; /* life clock: the newest byte from the host */
	int64_t kept_ms;
	/* libssh2 */
	int fd;
	LIBSSH2_SESSION *session;
	struct buf in, out;
	size_t in_at, out_at;
	struct ssh_channel *opening; /* libssh2 opens one channel at a time */
	/* the ssh program */
	struct ssh_spawned master;
	char folder[64];
	struct buf said;
	int ask_fd; /* where the program's questions come in */
	/* a line of another process: fd stays connected as long as it is good */
	char line[108], lent_by[32];
	struct buf told;
};

/* A session that is not connected. NULL and err when the host's name is not usable. */
struct ssh *ssh_new(struct job *job, const struct json *host, enum ssh_manner manner, struct err *err);
/* With the carrier that can: chosen once, and said why. */
int ssh_connect(struct ssh *ssh, struct err *err);
/* Waits until something moves or `ms` real milliseconds are over; -1 when the job shall stop. */
int ssh_idle(struct ssh *ssh, int ms, struct err *err);
/* Real milliseconds since a moment of clock_life_ms(). */
int64_t ssh_since(int64_t began_ms);
/* The sentence of a lost line; returns -1. doing: "a command was under way". */
int ssh_say_lost(struct ssh *ssh, const char *doing, struct err *err);

/* A channel that begins to open; command NULL: a forward to host:port. Never fails. */
struct ssh_channel *ssh_channel_new(struct ssh *ssh, const char *command, const char *host, int port);
/* Waits until it is open. input_len: what it will be given, 0 when that is not known. NULL and err on
 * failure. */
struct ssh_channel *ssh_channel_open(struct ssh *ssh, const char *command, const char *host, int port,
				     size_t input_len, struct err *err);
/* One step towards its end: 0 and it is freed, or SSH_AGAIN. */
int ssh_channel_close(struct ssh_channel *channel);
/* Waits up to `ms` for that, then forgets it. */
void ssh_channel_drop(struct ssh_channel *channel, int ms);
/* What the host said to a channel it did not open, as a sentence; returns SSH_NOT. */
int ssh_say_refused(struct ssh_channel *channel, const char *said, struct err *err);
/* Reads what has come for the streams, without waiting; true when there was something. */
bool ssh_streams_read(struct ssh *ssh);

/* What a person once said to this question; NULL: nobody was asked yet. */
const char *ssh_answer_find(const struct ssh *ssh, const char *what);
void ssh_answer_keep(struct ssh *ssh, const char *what, const char *text);
void ssh_answer_forget(struct ssh *ssh, const char *what);
/* May be asked: 0 and the passphrase, -1 with err. again: the last one was wrong. */
int ssh_ask_passphrase(struct ssh *ssh, const char *key, bool again, char *out, size_t size, struct err *err);
/* A host key that is not known: 0 when it shall be trusted. where: the host's name, with its port unless 22.
 */
int ssh_ask_trust(struct ssh *ssh, const char *where, const char *type, const char *fingerprint,
		  struct err *err);
/* The sentence of a host key that is not the known one; returns -1. */
int ssh_say_changed(const struct ssh *ssh, const char *type, const char *shown, const char *path, int line,
		    struct err *err);

/* A folder for sockets that is ours alone; ssh_folder_remove() ends it. */
int ssh_folder_make(char *out, size_t size, struct err *err);

/* ssh_login.c: libssh2's way in. 1 instead of -1: libssh2 cannot, the program may; ssh->because says why. */
int ssh_check_host(struct ssh *ssh, struct err *err);
int ssh_login(struct ssh *ssh, struct err *err);
void ssh_prefer_known(struct ssh *ssh);
bool ssh_read_file(const char *path, struct buf *out);

#endif
