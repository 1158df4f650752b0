/* What `command` and `run` share: a program that is not ours, named by the playbook, and the look that proves
 * what it did. Its exit status proves nothing. */
#ifndef CORE_STEPS_FOREIGN_H
#define CORE_STEPS_FOREIGN_H

#include "core/job.h"

enum { FOREIGN_ARGS = 64 };

struct foreign {
	const char *argv[FOREIGN_ARGS]; /* NULL-ended */
	char *words;                    /* behind argv */
	char say[200];                  /* as people read it */
};
/* From `with: NAME:` a list of words, or a text: a line for a shell (`shell: true`), else words between
 * blanks. Text that only a shell would understand is refused then. */
int foreign_words(const struct job *job, const char *name, bool shell, struct foreign *f, struct err *err);
void foreign_done(struct foreign *f);
/* The same as one line for a shell elsewhere. */
int foreign_line(const struct job *job, const char *name, struct buf *line, struct err *err);

/* Is there a `prove:` at all? Refuses one without `expect:`. 1 yes, 0 no, -1 err. */
int foreign_proves(const struct job *job, struct err *err);
/* What a look that said `out` and ended with `status` proves. PASS: it said all that `expect:` wants, and
 * ended with 0. FAIL: it ended with 0 and did not. UNKNOWN: anything else. */
enum verdict foreign_judge(const struct job *job, const char *say, const struct buf *out, int status,
			   struct evidence *ev);
/* The plan's common part: target, gate, what is not known without a proof. */
void foreign_plan(const struct job *job, const char *say, const char *where, int proves, struct plan *plan);
/* UNKNOWN, with the way on, where the playbook names no proof. */
enum verdict foreign_unproved(struct evidence *ev, const char *ended);

#endif
