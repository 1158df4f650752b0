/* Kamal's deploy lock, the folder .kamal/lock-SERVICE[-DEST] in the ssh user's home on the primary host.
 * While it is there no `kamal deploy` of anybody begins, on whichever machine it is typed.
 *
 * It is taken and given back here by ssh and not by `kamal lock`: one look, one atomic mkdir, and a release
 * that compares and removes in one command, where Kamal's own removes whatever is there. What is written is
 * what Kamal writes, so that `kamal lock status` tells it to everybody. */
#ifndef CORE_LINKS_KAMAL_LOCK_H
#define CORE_LINKS_KAMAL_LOCK_H

#include "core/links/docker.h"

#define KAMAL_LOCK_KEY 17 /* 16 hex digits */

struct kamal_lock {
	bool held;
	bool empty;       /* a folder without details: something crashed in between, and nobody holds it */
	char folder[160]; /* ".kamal/lock-acme-production" */
	char by[120], why[320];   /* cleaned; never empty while held */
	char key[KAMAL_LOCK_KEY]; /* of the night that took it; "" for anybody else's */
	int64_t since_ms;
};
/* -1: nobody knows. */
int kamal_lock_look(struct ssh *ssh, const struct docker_names *names, struct kamal_lock *out,
		    struct err *err);
/* The same from the text of one look. */
void kamal_lock_read(const char *text, struct kamal_lock *out);

/* Who takes it and why. */
struct kamal_lock_words {
	const char *by;    /* "ana@laptop" */
	const char *night; /* "2026-11-20-2200" */
	const char *app;
	const char *key;
	const char *head; /* hash of the journal's last line: an anchor outside this machine; may be "" */
};
void kamal_lock_details(const struct kamal_lock_words *words, struct buf *out);
/* 0: it is ours. -1 with ERR_REFUSED: somebody was quicker; other errors: it is not taken, as far as can be
 * known. */
int kamal_lock_take(struct ssh *ssh, const struct docker_names *names, const struct kamal_lock_words *words,
		    struct err *err);
/* Removes it only while it carries `key`; 0 also when there is none any more. -1: somebody else's stays. */
int kamal_lock_release(struct ssh *ssh, const struct docker_names *names, const char *key, struct err *err);
/* "held by ann since 22:01 (Automatic deploy lock)", or what to do about an empty folder. */
void kamal_lock_say(const struct kamal_lock *lock, const char *host, char *out, size_t size);

/* What this night says of it, from the fact "kamal-lock": the key while it is ours to hold, else NULL. */
const char *kamal_lock_ours(struct job *job);
/* A key nobody guesses. -1: the system gave no random bytes. */
int kamal_lock_new_key(char key[KAMAL_LOCK_KEY], struct err *err);

#endif
