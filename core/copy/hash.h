/* What the rows of a table say, as one number that two servers can be asked for.
 *
 * Each column of a row is hashed by the server with a seed made of the column's name, the hashes are joined,
 * stirred once more, and summed over the rows. The sum does not care for the order of rows; a seed of its
 * own keeps a value in its column; and the settings of our sessions and these expressions make the number
 * the same on every server since PostgreSQL 12, whatever its settings, collations, ids of types and order of
 * columns are.
 *
 * The server's own hash functions are used only where equal hashes mean equal bytes in a dump: numeric (1 and
 * -1, 1.0 and 1.00 are one to it), jsonb, float, interval, enum and citext go by their text. An integer or a
 * time of 64 bits counts with 32 bits of hash, everything else with 64: a changed row slips through with one
 * chance in four thousand million at the most. */
#ifndef CORE_COPY_HASH_H
#define CORE_COPY_HASH_H

#include "core/base/buf.h"
#include "core/base/json.h"

/* The alias of the table in the statement: a name that no column has. */
#define COPY_ROW "nightferry_row"

#define COPY_HASH_OLDEST 12 /* the oldest major whose numbers are the same */

/* `columns` and `others` are what copy_columns_look() gives for one table on both sides.
 * The hash of a row (a bigint) by the columns that both sides have. Where the types differ the texts are
 * compared. recode: the encodings of the two databases differ, so texts are taken as UTF-8. */
void copy_hash_row(struct buf *sql, const struct json *columns, const struct json *others, bool recode);
/* The same of one of its columns alone. */
void copy_hash_column(struct buf *sql, const struct json *column, const struct json *others, bool recode);
/* coalesce(sum(...), 0) over the rows. */
void copy_hash_sum(struct buf *sql, const struct json *columns, const struct json *others, bool recode);
/* The columns that only one side has, and those whose types differ, as words; "" for none. */
void copy_columns_differ(char *out, size_t size, const struct json *old_columns,
			 const struct json *new_columns);
/* Sums of parts are added up: a server's decimal number, which may be longer than 64 bits, onto `sum`. */
uint64_t copy_hash_add(uint64_t sum, const char *decimal);

#endif
