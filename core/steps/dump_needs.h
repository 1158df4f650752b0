/* What a dump on the host takes for granted, by its own table of contents: who wrote it, the extensions it
 * makes and where, and the schemas it uses without making them. */
#ifndef CORE_STEPS_DUMP_NEEDS_H
#define CORE_STEPS_DUMP_NEEDS_H

#include "core/links/pg_tables.h"
#include "core/links/ssh.h"

struct dump_needs {
	struct pg_extension *extensions; /* version "" */
	size_t n_extensions;
	char (*schemas)[64]; /* used, and neither made by the dump nor there by themselves */
	size_t n_schemas;
	char dumped_by[24]; /* "15.20" */
	int dumped_major;
};
/* `container` has pg_restore and the file. */
int dump_needs_look(struct ssh *ssh, const char *container, const char *file, struct dump_needs *out,
		    struct err *err);
/* The same from the texts of pg_restore -l, and of the lines of pg_restore -s that begin with CREATE. False
 * when the first is no table of contents. */
bool dump_needs_read(const char *toc, const char *lines, struct dump_needs *out);
void dump_needs_done(struct dump_needs *needs);

#endif
