/* What a database holds: tables as people count them, sequences, extensions; and the fact "source". */
#ifndef CORE_LINKS_PG_TABLES_H
#define CORE_LINKS_PG_TABLES_H

#include "core/base/json.h"
#include "core/links/pg_access.h"
#include "core/links/postgres.h"

/* A table as people count them: a partitioned table is one, its partitions are none; no tables of extensions.
 */
struct pg_table {
	char schema[64], name[64], label[130]; /* label: "orders", "billing.orders" */
	char kind;                             /* 'r' or 'p' */
	int64_t estimate;                      /* the planner's, 0 when it does not know */
	int64_t rows;                          /* exact; -1 not counted */
	char hash[40];                         /* of all rows in any order; "" not taken */
	char why[200];                         /* why it could not be counted; "" */
	int64_t ms;
};
struct pg_tables {
	struct pg_table *list; /* sorted by label */
	size_t n;
};
void pg_tables_sort(struct pg_tables *tables); /* for who fills a list by other means */
int pg_tables_look(struct pg *pg, struct pg_tables *out, struct err *err);
void pg_tables_done(struct pg_tables *tables);
struct pg_table *pg_tables_find(const struct pg_tables *tables, const char *label); /* NULL: not there */
int64_t pg_tables_rows(const struct pg_tables *tables); /* sum of what was counted */
int64_t pg_tables_estimate(const struct pg_tables *tables);
/* ONLY "public"."orders": inherited rows are counted once. */
void pg_table_from(struct buf *sql, const struct pg_table *table);
void pg_label(char *out, size_t size, const char *schema, const char *name);
/* Of n.nspname and c.relname, for ORDER BY: then labels come as strcmp() sorts them, and a sorted list of
 * them grows at its end only, however many there are. */
#define PG_LABEL_ORDER \
	"(CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname) COLLATE \"C\""

struct pg_sequence {
	char schema[64], name[64], label[130];
	bool called; /* last_value was given out */
	int64_t last, increment;
	char table_schema[64], table[64], column[64]; /* "" : it fills no column */
	int64_t most; /* the column's maximum; INT64_MIN: empty or not looked at */
};
struct pg_sequences {
	struct pg_sequence *list;
	size_t n;
};
int pg_sequences_look(struct pg *pg, struct pg_sequences *out, struct err *err);
/* Fills `most` by one statement per column; a column that is no integer is left out. */
int pg_sequences_columns(struct pg *pg, struct pg_sequences *sequences, struct err *err);
/* The next value would collide with a row, or with one that was given out before. */
bool pg_sequence_behind(const struct pg_sequence *sequence, const struct pg_sequences *source,
			int64_t *should_be);

struct pg_extension {
	char name[64], schema[64], version[32];
};
struct pg_source {
	struct pg_tables tables;
	struct pg_sequences sequences;
	struct pg_extension *extensions; /* without plpgsql */
	size_t n_extensions;
	char database[64], server_version[32], encoding[24], collate[48], ctype[48], search_path[200];
	int major;
	int64_t size_bytes, at_ms;
	int64_t stand;     /* see pg_stand(); 0 not recorded */
	char cluster[32];  /* the cluster's own number, which a copy of its rows does not have; "" not told */
	char provider[80]; /* "libc", "icu en-US", "builtin C.UTF-8"; "" not recorded */
	char made[40], actual[40]; /* versions of the collation: the database's, the server's; "" has none */
	char preload[300];         /* shared_preload_libraries; "" none or not told */
	struct pg_access access;
};
/* Everything but the counts. */
int pg_source_look(struct pg *pg, struct pg_source *out, struct err *err);
/* The fields of the fact "source", into an open object. */
void pg_source_write(struct jw *w, const struct pg_source *source);
bool pg_source_read(const struct json *fact, struct pg_source *out); /* false: there is no such fact */
void pg_source_done(struct pg_source *source);
/* en_US.UTF-8 and en_US.utf8 are one. */
bool pg_same_locale(const char *a, const char *b);
/* Another number once a transaction that wrote has ended, anywhere on that server: of the whole snapshot, for
 * the end of one that was open already does not move its upper bound. */
int pg_stand(struct pg *pg, int64_t *out, struct err *err);

#endif
