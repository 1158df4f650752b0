/* Runs a program of somebody else and keeps what it prints. */
#ifndef CORE_BASE_PROGRAM_H
#define CORE_BASE_PROGRAM_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct program {
	const char *const *argv; /* NULL-ended; found by PATH unless it holds a `/` */
	const char *folder;      /* where it runs; NULL: here */
	int timeout_real_ms;     /* then its whole process group is killed */
	size_t output_max;       /* bytes of standard output that are kept; more is an error */
};
/* Standard input is empty, standard error thrown away. Returns the exit status (128 + signal when killed), or
 * -1 with ERR_IO when it could not run, did not end in time or printed too much. */
int program_run(const struct program *program, struct buf *out, struct err *err);

#endif
