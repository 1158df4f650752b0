/* Columns of tables as the hashes want them. */
#ifndef CORE_COPY_COLUMNS_H
#define CORE_COPY_COLUMNS_H

#include "core/base/err.h"
#include "core/links/postgres.h"

/* Schema, table, and its columns as [["name", "int8", true, "bigint"], ...], sorted by name: the base type
 * when it is one of PostgreSQL's own ("" else), NOT NULL, the type as people write it. schema and table "":
 * all of the user's tables. NULL with err. */
struct pg_result *copy_columns_look(struct pg *pg, const char *schema, const char *table, struct err *err);

#endif
