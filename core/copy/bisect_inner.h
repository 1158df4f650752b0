/* Shared by the files named bisect*.c only. */
#ifndef CORE_COPY_BISECT_INNER_H
#define CORE_COPY_BISECT_INNER_H

#include "core/base/json.h"
#include "core/copy/bisect.h"

enum { KEYS_MOST = 8 };

struct bisect {
	struct pg *pgs[2];
	const char *schema, *table;
	const struct copy_bisect_options *options;
	struct copy_bisected *out;
	struct json *columns[2];
	struct json *keys; /* the key's columns of OLD, as in columns[0] */
	const char *names[KEYS_MOST];
	size_t n_keys;
	bool integer, recode;
};
/* One statement on each side at the same time; sql[i] may be the same. take() gets each side's result. */
int bisect_ask(struct bisect *b, const struct buf sql[2],
	       void (*take)(void *ctx, int side, const struct pg_result *r), void *ctx, struct err *err);
void bisect_from(const struct bisect *b, struct buf *sql);
/* Hash of the whole row, and of its key, as side `i` is asked for them. */
void bisect_hash(const struct bisect *b, int side, struct buf *sql);
void bisect_key_hash(const struct bisect *b, int side, struct buf *sql);
const char *bisect_column_name(const struct json *column);
/* Rows that meet the conditions, held side by side: those that differ go into out. */
int bisect_hold(struct bisect *b, const char *const where[2], struct err *err);

#endif
