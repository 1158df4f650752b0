/* The source's definitions, by pg_dump itself: what it knows about its server's objects nobody else has to
 * know. It is the one of the database's container, or one of this machine; never one that is older than the
 * source. */
#ifndef CORE_COPY_SCHEMA_H
#define CORE_COPY_SCHEMA_H

#include "core/copy/order.h"
#include "core/copy/script.h"
#include <sys/types.h>

struct copy_dumper {
	const struct copy_order *order;
	char program[300]; /* its path; found by copy_dumper_find() */
	bool inside;       /* of the container that the order names */
	char says[80];     /* "pg_dump 15.20 in acme-db" */
};
int copy_dumper_find(const struct copy_order *order, int source_major, struct copy_dumper *out,
		     struct err *err);

/* A dump that runs. */
struct copy_dump {
	pid_t pid;
	int out_fd, err_fd;
	struct buf text, said;
};
/* section: "pre-data", "post-data". `snapshot` is the exported one all of the copy sees. */
int copy_dump_start(const struct copy_dumper *dumper, const char *section, const char *snapshot,
		    struct copy_dump *out, struct err *err);
/* Takes what has come without waiting. 1: it has ended. */
int copy_dump_hear(struct copy_dump *dump);
/* Waits for its end, beside `stop_fd`, and takes its script apart. */
int copy_dump_end(struct copy_dump *dump, int stop_fd, struct copy_script *script, struct err *err);
/* Ends it; nothing when it has ended. */
void copy_dump_done(struct copy_dump *dump);

#endif
