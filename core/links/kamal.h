/* The repository's own kamal: which program it is, how it is called, and what its words mean.
 *
 * Kamal's exit status proves nothing (0 where nothing was stopped, 0 where booting was skipped) and its
 * errors come on standard output; so its words are read for people and for progress, and what became of the
 * world is looked at in the world. */
#ifndef CORE_LINKS_KAMAL_H
#define CORE_LINKS_KAMAL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

/* ---- which program ---- */

enum { KAMAL_ARGS = 40 };
struct kamal {
	char folder[400];     /* of the repository: its working directory */
	char config[200];     /* "config/deploy.yml", as -c takes it */
	char destination[64]; /* "" : no overlay, no -d */
	char head[3][300];    /* "bin/kamal" | "bundle" "exec" "kamal" | "kamal" */
	size_t n_head;
	char why_not[240]; /* not empty: there is none to call, and why */
};
/* From the configuration: kamal.folder, kamal.config, kamal.destination. Looks at files only. */
void kamal_find(struct job *job, struct kamal *out);
/* What to execute: the program, `words` (NULL-ended), and always -c and -d where they are needed. Everything
 * is borrowed. -1 when it is too long. */
int kamal_argv(const struct kamal *kamal, const char *const *words, const char *argv[KAMAL_ARGS],
	       struct err *err);
void kamal_argv_say(const char *const *argv, char *out, size_t size); /* "bin/kamal app boot -d production" */
/* Asks it: "2.12.0". Half a second of Ruby; at most 15 s. */
int kamal_version(const struct kamal *kamal, char *out, size_t size, struct err *err);
/* KAMAL_LOCK=true is known since 2.6: before that a child of ours would stand before our own lock. */
bool kamal_version_at_least(const char *version, int major, int minor);

/* ---- what it says ---- */

enum kamal_what {
	KAMAL_SAYS,     /* a bare line: "Acquiring the deploy lock..." */
	KAMAL_RUNNING,  /* a command on a host began */
	KAMAL_FINISHED, /* and ended */
	KAMAL_INFO,
	KAMAL_WARN,
	KAMAL_ERROR, /* told on the way; it may go on */
	KAMAL_DEBUG,
	KAMAL_FAILED, /* "ERROR (Class): message": its last word */
	KAMAL_TOOK,   /* "Finished all in 21.3 seconds" */
};
struct kamal_line {
	enum kamal_what what;
	char id[9];      /* of RUNNING, FINISHED, DEBUG: 8 hex digits; "" without */
	char host[80];   /* of RUNNING */
	char class[80];  /* of FAILED: "Kamal::Cli::LockError" */
	char text[2000]; /* clean and masked, without level and id */
	int status;      /* of FINISHED; -1 unknown */
	int64_t ms;      /* of FINISHED and TOOK; -1 unknown */
};
/* Takes any bytes. */
void kamal_line_read(const char *line, size_t len, struct kamal_line *out);
/* Values of --env NAME=value and passwords in URLs are cut; names stay. */
void kamal_mask(const char *text, char *out, size_t size);

struct kamal_pending {
	char id[9], host[80], text[160];
};
/* A run of it so far. Zeroed to begin with. */
struct kamal_talk {
	struct kamal_pending pending[32]; /* commands that run now, the oldest first */
	size_t n_pending;
	int64_t begun, ended, failed;     /* commands on hosts */
	bool took_lock;                   /* it took the lock itself and has not given it back */
	bool lock_refused;                /* it stood before somebody's lock and did nothing */
	bool skipped;                     /* "Skipping booting": a container was there already */
	char error_class[80], error[600]; /* its last word; "" for none */
	char on_the_way[240];             /* the first ERROR line, and the first command that failed */
	bool in_error;
};
void kamal_talk_take(struct kamal_talk *talk, const struct kamal_line *line);
/* What it does now: "docker run --detach ... on 203.0.113.9", and how many more. "" when nothing runs. */
void kamal_talk_now(const struct kamal_talk *talk, char *out, size_t size);
/* How it ended, as a sentence for people, with the way out where the cause is known. rc -1: it was killed,
 * and the text goes on after whoever says so. */
void kamal_talk_end(const struct kamal_talk *talk, int rc, char *out, size_t size);

#endif
