/* What pg_dump writes as plain SQL, taken apart: entries with the kind and name their heading gives, and in
 * each its statements. Strings, quoted names, dollar quotes, comments and function bodies are understood, so
 * that text of users is never taken for a heading or an end. psql's own commands (`\restrict`) are left out.
 */
#ifndef CORE_COPY_SCRIPT_H
#define CORE_COPY_SCRIPT_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct copy_entry {
	char *name, *type,
	    *schema; /* "orders orders_pkey", "CONSTRAINT", "public"; "" before the first heading */
	char **list; /* its statements, without their semicolon */
	size_t n;
};
struct copy_script {
	struct copy_entry *list;
	size_t n;
};
/* -1 when it ends in the middle of a statement. */
int copy_script_read(const char *text, size_t len, struct copy_script *out, struct err *err);
void copy_script_done(struct copy_script *script);

/* The table an index, a constraint or a trigger stands on, out of the entry's first statement, whose names
 * are all quoted (pg_dump --quote-all-identifiers). False when there is none to see. only: it names ONLY. */
bool copy_entry_table(const struct copy_entry *entry, char schema[64], char name[64], bool *only);
/* What CREATE INDEX names. */
bool copy_entry_index(const struct copy_entry *entry, char name[64]);
/* What ADD CONSTRAINT names. */
bool copy_entry_constraint(const struct copy_entry *entry, char name[64]);
/* The table a foreign key leads to. */
bool copy_entry_references(const struct copy_entry *entry, char schema[64], char name[64]);

#endif
