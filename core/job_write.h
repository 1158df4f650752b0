/* How evidence and plans travel on the job line. For core/job*.c and the engine only. */
#ifndef CORE_JOB_WRITE_H
#define CORE_JOB_WRITE_H

#include "core/job.h"

#define JOB_PROTO 1
#define JOB_FD 3
#define JOB_LOCK_FD 4 /* only of a step that runs */

const char *done_name(enum done done);
void evidence_write(const struct evidence *ev, struct jw *w, const char *key);
void plan_write(struct plan *plan, struct jw *w, const char *key);

/* NIGHTFERRY_DIE_AT="KIND@WHO" (WHO: engine, step, seat; KIND may be "fact:NAME"; "@WHO" may end in
 * ":before"): kills this process with SIGKILL when `who` has got to that point. For tests of every moment a
 * machine can stop. */
void die_at(const char *who, const char *kind, const char *fact_name, bool before);

#endif
