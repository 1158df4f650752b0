/* Redis. The only door to hiredis, which reads and writes the protocol here; the bytes are ours, so that
 * every wait hears the job's cancel, TLS needs no other library, and a server behind SSH is reached like any
 * other.
 *
 * Nothing here changes anything. Nothing is asked for that could be large: no KEYS, no LRANGE. Names from
 * inside are as they are; clean them before they are shown. */
#ifndef CORE_LINKS_REDIS_H
#define CORE_LINKS_REDIS_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct redis;
struct ssh;

/* Parts of redis://[user]:password@host:port/db or rediss://, percent signs read. False when it is none. */
struct redis_where {
	char host[200], user[80], password[256];
	int port, db;
	bool tls;
};
bool redis_where(const char *url, struct redis_where *out);

struct redis_way {
	const char *side; /* "OLD", "NEW": for sentences */
	struct ssh *ssh;  /* NULL: straight from here */
	bool verify;      /* of TLS: its certificate must be the host's own */
	int wait_ms;      /* the most a wait may take, in real milliseconds; 0: 10 s */
};
/* Connected and logged in, the URL's database selected. NULL and err otherwise. */
struct redis *redis_open(struct job *job, const struct redis_where *where, const struct redis_way *way,
			 struct err *err);
void redis_close(struct redis *redis);
bool redis_alive(const struct redis *redis);
const char *redis_name(const struct redis *redis); /* "OLD Redis at redis.example.net:6379" */

#define REDIS_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Several questions in one go: add them all, then take as many answers, in their order. */
void redis_add(struct redis *redis, const char *const *words);
struct redis_answer; /* free with redis_free() */
/* NULL and err when none came, and when the server refused the question: ERR_REFUSED where the key holds
 * something else than was asked for, ERR_WORLD for every other reason. */
struct redis_answer *redis_take(struct redis *redis, struct err *err);
/* One question and its answer. */
struct redis_answer *redis_ask(struct redis *redis, const char *const *words, struct err *err);
void redis_free(struct redis_answer *answer);

/* A number, or a text that begins with one (Redis has "1700000000.25" where a time is meant); `otherwise` for
 * anything else. */
int64_t redis_int(const struct redis_answer *answer, int64_t otherwise);
/* "" for what is no text. The text may hold any byte; `len` may be NULL. */
const char *redis_text(const struct redis_answer *answer, size_t *len);
bool redis_nil(const struct redis_answer *answer);     /* there is no such thing */
size_t redis_count(const struct redis_answer *answer); /* of an array; 0 else */
const struct redis_answer *redis_at(const struct redis_answer *answer, size_t i);

#endif
