/* What was written to a database since a moment: the rows that a way back would leave behind.
 *
 * The boundary is the oldest transaction that had not ended at that moment (pg_snapshot_xmin) and nothing
 * else: whatever began later has a higher number, so every live row whose xmin is not below it was written
 * since, and no row written before is missed or taken twice. What a transaction number cannot tell are rows
 * that are gone: deletions, and how often a row was changed, come from the server's counters beside it. */
#ifndef CORE_LINKS_PG_SINCE_H
#define CORE_LINKS_PG_SINCE_H

#include "core/base/json.h"
#include "core/links/postgres.h"

struct job;

struct pg_counted {
	char label[130];
	int64_t inserted, updated, deleted; /* ever, as the server counts; after pg_since_counters(): since */
};
struct pg_since {
	int64_t xmin;            /* 64-bit transaction number; 0: no boundary is known */
	int64_t at_ms;           /* wall time of the look */
	char lsn[32], clock[32]; /* clock: seconds since the epoch, by the server */
	struct pg_counted *tables;
	size_t n;
};
/* The boundary of now. The fields go into the fact "boundary". */
int pg_since_look(struct pg *pg, struct pg_since *out, struct err *err);
void pg_since_write(struct jw *w, const struct pg_since *since);
void pg_since_done(struct pg_since *since);
/* The fact "boundary" of this night, unless the database was filled again after it. False: none is known. */
bool pg_since_read(const struct job *job, struct pg_since *out);
/* What the counters say was done since: one entry a table that changed. `out` is of its own. -1 with err. */
int pg_since_counters(struct pg *pg, const struct pg_since *since, struct pg_since *out, struct err *err);
/* The condition on a row, as SQL. -1 (ERR_WORLD) when the boundary is too old to be compared with 32-bit
 * numbers, or lies ahead of this server, which is then another one. */
int pg_since_where(struct pg *pg, const struct pg_since *since, char *out, size_t size, struct err *err);
/* Jobs that job runners keep and have finished since: -1 when no table of theirs is there. table:
 * "good_jobs". */
int pg_since_jobs(struct pg *pg, const struct pg_since *since, int64_t *jobs, char *table, size_t size,
		  struct err *err);
/* Rows with encrypted values that were written since, in the tables of `changed` (what pg_since_counters()
 * gave): by what Active Record Encryption, Lockbox (*_ciphertext) and attr_encrypted (encrypted_X beside
 * encrypted_X_iv) store. At most 1,000 a table are counted, in its last 2,000 pages, where new rows are put.
 * where: "users.ssn", "" for none. */
int pg_since_encrypted(struct pg *pg, const struct pg_since *since, const struct pg_since *changed,
		       int64_t *rows, char *where, size_t size, struct err *err);

#endif
