/* What a copy worker was told, and how it tells. A worker is a process beside the data (`nightferry __copy
 * VERB`): its order comes as one JSON object by standard input, with the addresses of both databases, and
 * what it has to say goes to standard error, one JSON object a line. It knows no job and no night. */
#ifndef CORE_COPY_ORDER_H
#define CORE_COPY_ORDER_H

#include "core/base/json.h"
#include "core/links/postgres.h"

struct copy_order {
	const struct json
	    *json;          /* the whole order; source, target: {url, folder} (folder: see pg_open_tunnel) */
	int stop_fd;        /* readable: the worker shall stop; -1 */
	int64_t *moved;     /* shared by processes: bytes of rows are added to it as they come; may be NULL */
	int maintenance_mb; /* the most that one session on the target may take to sort; 0: not known */
};

/* Its "skip": labels, NULL-ended; free() the list. */
const char **copy_order_skip(const struct copy_order *order);

/* A session on the source that only reads, without a limit on its statements. */
struct pg *copy_open_source(const struct copy_order *order, struct err *err);
/* A session on the target for a copy: commits do not wait for the disk (copy_settle() does). */
struct pg *copy_open_target(const struct copy_order *order, struct err *err);
/* For a session that copies, as long as it lives. alone: first waits until none of another copy is left, also
 * of one whose worker was killed: its server works at the last statement for a while. */
int copy_hold(struct pg *target, bool alone, struct err *err);
/* After this what was committed in other sessions is on disk. */
int copy_settle(struct pg *target, struct err *err);

/* A line: order_line(&w, "table"); jw_...; order_tell(&w). It is written at once and flushed. */
void order_line(struct jw *w, const char *kind);
void order_tell(struct jw *w);
void order_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A verb of the worker. 0 when all is done; the line "result" is told by the verb. */
struct copy_verb {
	const char *name;
	int (*run)(const struct copy_order *order, struct err *err);
};
extern const struct copy_verb *const copy_verbs[]; /* table.c; NULL-ended */

#endif
