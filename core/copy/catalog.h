/* What a database holds, as far as a copy has to know it: the relations that hold rows, with the columns that
 * have to travel and whether they may travel in binary. Partitions are relations of their own here, their
 * parents hold nothing. Temporary tables and those of extensions are left out, but for the rows that users
 * have put into an extension's own configuration tables. */
#ifndef CORE_COPY_CATALOG_H
#define CORE_COPY_CATALOG_H

#include "core/links/postgres.h"

struct copy_table {
	uint32_t oid;
	char schema[64], name[64], label[130];
	char *columns;      /* "id", "total": without those the server computes itself; "" : there are none */
	bool binary;        /* every type's binary form is the same on any server */
	bool extension;     /* a configuration table of an extension: it has rows of its own there already */
	char *where;        /* with `extension`: which rows are the users'; "" : all */
	bool skipped;       /* its rows stay behind (copy.skip_data) */
	int64_t size_bytes; /* heap and TOAST */
	int64_t pages;      /* of the heap */
	int64_t rows;       /* the planner's guess; -1: none */
};
struct copy_catalog {
	struct copy_table *list; /* the largest first */
	struct copy_table **by_name;
	size_t n;
	int64_t size_bytes; /* of those that travel */
};
/* Of the session's snapshot. skip: labels, NULL-ended; may be NULL. */
int copy_catalog_read(struct pg *pg, const char *const *skip, struct copy_catalog *out, struct err *err);
void copy_catalog_done(struct copy_catalog *catalog);
/* By schema and name; NULL: not there. */
struct copy_table *copy_catalog_find(const struct copy_catalog *catalog, const char *schema,
				     const char *name);
/* "public"."orders" */
void copy_table_name(struct buf *sql, const struct copy_table *table);

#endif
