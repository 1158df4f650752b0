/* The tables of a delta: what holds rows by itself (partitions are tables of their own, their parents none),
 * how its rows are told apart, and a fingerprint that changes with its definition. */
#ifndef CORE_COPY_DELTA_TABLES_H
#define CORE_COPY_DELTA_TABLES_H

#include "core/links/postgres.h"

struct delta_key {
	char column[132]; /* quoted */
	char type[200];   /* as SQL writes it, with its schema */
	char equals[150]; /* OPERATOR(pg_catalog.=) */
	bool integer;
};
struct delta_table {
	uint32_t oid;
	char schema[64], name[64], label[130];
	char fingerprint[40];
	char *from;         /* ONLY "public"."orders" */
	char *columns;      /* "id", "total": without those that the server computes; "" for none */
	int64_t size_bytes; /* of its heap on that side */
	bool referenced;    /* by a foreign key, so that TRUNCATE is not allowed */
	struct delta_key *keys;
	size_t n_keys; /* 0: no usable key */
};
struct delta_tables {
	struct delta_table *list; /* the largest first */
	size_t n;
	char types[40]; /* fingerprint of enums, domains and composite types */
};
/* Of the session's snapshot. skip: labels of tables whose rows stay behind, NULL-ended; may be NULL. */
int delta_tables_look(struct pg *pg, const char *const *skip, struct delta_tables *out, struct err *err);
void delta_tables_done(struct delta_tables *tables);
struct delta_table *delta_tables_find(const struct delta_tables *tables, const char *schema,
				      const char *name); /* NULL: not there */

#endif
