/* The state of the docker stand-in: one JSON file per container under $DOCKER_STATE. */
#ifndef DEMO_DOCKER_STORE_H
#define DEMO_DOCKER_STORE_H

#include <cjson/cJSON.h>
#include <limits.h>
#include <stddef.h>

/* Reads $DOCKER_STATE and its `world` file. 0, or -1 after telling why on stderr. */
int store_open(void);
/* A value of the `world` file (BIN, ROOTS, PG_PORT, ...), or "". */
const char *world_get(const char *key);
/* Formats a path below $DOCKER_STATE into path. Returns path. */
char *store_path(char path[PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the lock of the whole state; the descriptor goes back to store_unlock(). */
int store_lock(void);
void store_unlock(int lock_fd);

/* All containers, newest first, with states corrected by what really runs. Caller deletes. */
cJSON *store_load(void);
/* One container by its full id, or NULL. Caller deletes. */
cJSON *store_get(const char *id);
int store_save(const cJSON *container);
void store_remove(const char *id);
/* The container of that name, id or unique id prefix in the array, or NULL. */
cJSON *store_find(const cJSON *all, const char *ref);

/* Appends one docker event; key and value may be NULL, else they become one more attribute. */
void event_write(const cJSON *container, const char *action, const char *key, const char *value);

/* String, number and truth of a member; "" and 0 when it is missing. */
const char *text_of(const cJSON *object, const char *key);
long long number_of(const cJSON *object, const char *key);
void text_set(cJSON *object, const char *key, const char *value);
void number_set(cJSON *object, const char *key, long long value);
int is_running(const cJSON *container);

/* RFC 3339 with nanoseconds, UTC, as docker prints times. */
void time_now_text(char text[40]);
/* Seconds since 1970 of such a text, with the fraction; -1 when it is none. */
double time_parse(const char *text);
double time_now(void);

#endif
