/* The extensions that the old database has, against what the new server offers: for prepare-target and its
 * check. */
#ifndef CORE_LINKS_PG_EXTENSIONS_H
#define CORE_LINKS_PG_EXTENSIONS_H

#include "core/job.h"
#include "core/links/pg_tables.h"

struct pg_want {
	char name[64], schema[64], version[32]; /* as on the old side */
	bool skipped, installed, right_schema;
	char offered[32], has[32]; /* versions of the new side; "" none */
	bool may;                  /* our role may create it */
	bool relocatable;
	enum verdict verdict; /* FAIL: it cannot be had */
	char text[240], fact[120], fix[320];
};
struct pg_wants {
	struct pg_want *list;
	size_t n, missing;
};
/* skip: an array of names, a text with commas, or NULL. */
int pg_wants_look(struct pg *pg, const struct pg_source *source, const struct json *skip,
		  struct pg_wants *out, struct err *err);
void pg_wants_done(struct pg_wants *wants);
/* The statements that make it; false: nothing to do. */
bool pg_want_sql(const struct pg_want *want, struct buf *sql);

#endif
