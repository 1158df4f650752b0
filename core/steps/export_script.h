/* The file of exported rows: the psql script that writes it, and what it must hold. */
#ifndef CORE_STEPS_EXPORT_SCRIPT_H
#define CORE_STEPS_EXPORT_SCRIPT_H

#include "core/job.h"
#include "core/links/pg_since.h"
#include "core/links/pg_tables.h"

struct export_table {
	const struct pg_table *table; /* its `rows`: new or changed since the boundary */
	char *columns;                /* "\"id\", \"name\"": what can be written, generated ones are not */
	bool keyed;                   /* has a unique key that tells its rows apart */
	bool unknown_to_old;          /* made tonight on NEW: the old database has no such table */
	bool placed;
};
struct export_rows {
	struct pg_since since;
	char where[80];
	struct pg_tables tables;
	struct export_table *list; /* those with rows, parents before children */
	size_t n;
	int64_t rows, updated, deleted;
	int64_t changed_tables;
};
/* Counts every table; with columns and order when `whole`. */
int export_look(struct job *job, struct pg *pg, bool whole, struct export_rows *out, struct err *err);
void export_done(struct export_rows *rows);
/* Input for psql on the new side; what it prints is the file. snapshot: of pg_export_snapshot(). */
int export_script(struct job *job, struct pg *pg, const struct export_rows *rows, const char *snapshot,
		  struct buf *out, struct err *err);
/* Prints "TABLES ROWS WRONG ENDED" of the file whose path is its only argument. */
extern const char export_count_awk[];

#endif
