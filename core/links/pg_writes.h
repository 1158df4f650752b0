/* Who may write to a database and what was written, by looks a second or so apart.
 *
 * Three signs, from strong to weak. A session that holds a transaction id has written and not ended. The
 * counters of pg_stat_user_tables tell what was written, but a session that sits idle may keep its part back
 * (10 s from PostgreSQL 15 on, without limit before). txid_snapshot_xmax moves with every ended transaction
 * that wrote, on the whole server: while it stands still nobody wrote; when it moves alone, it may have been
 * maintenance or another database. */
#ifndef CORE_LINKS_PG_WRITES_H
#define CORE_LINKS_PG_WRITES_H

#include "core/job.h"
#include "core/links/postgres.h"

struct pg_session {
	int pid;
	int64_t start_ms, since_ms; /* of the backend; of its transaction or its state */
	char who[64], from[48], state[24], query[200];
	char table[130];  /* known from its locks or its statement; "" else */
	char tables[400]; /* all of them, one per line */
	bool holds_xid;   /* has written in a transaction that is still open */
	bool wrote;       /* a writing statement or lock seen since the look before */
	bool stirred;     /* did anything since the look before, as far as we may see */
};
struct pg_written {
	char label[130];
	int64_t total, delta; /* rows inserted, updated, deleted: ever, since the look before */
	bool seen;
};
struct pg_writes {
	int looks;
	struct pg_session *sessions; /* all but nightferry's */
	size_t n_sessions;
	struct pg_written *tables; /* by label */
	size_t n_tables;
	int64_t delta; /* sum over the tables */
	int64_t xmax, xmax_delta;
	int64_t at_us; /* the server's clock at this look */
	int prepared;  /* transactions that wait prepared: they can still write */
};
/* One look; deltas are 0 at the first. */
int pg_writes_look(struct pg *pg, struct pg_writes *writes, struct err *err);
void pg_writes_done(struct pg_writes *writes);
/* The table with the most rows since the look before; NULL for none. */
const struct pg_written *pg_writes_most(const struct pg_writes *writes);
/* A session that wrote since the look before; NULL for none that can be named. */
const struct pg_session *pg_writes_writer(const struct pg_writes *writes);

/* How quiet it is. Times are of the life clock. */
struct pg_quiet {
	int64_t since_ms;       /* nobody is known to have written since; 0: before the first look */
	int64_t doubt_until_ms; /* somebody may have, whose counters can still come in */
	char why[200];          /* of the last reset or doubt; "" */
	char table[130], by[64];
	bool writing; /* the newest look saw a write */
	int resets;
};
/* Takes one look in; true when this look saw a write. */
bool pg_quiet_take(struct pg_quiet *quiet, const struct pg_writes *writes, int major);
/* Milliseconds without a write, 0 while in doubt that cannot be waited out. */
int64_t pg_quiet_ms(const struct pg_quiet *quiet);
/* Sends writers.quiet. */
void pg_tell_quiet(struct job *job, const struct pg_quiet *quiet, int64_t need_ms);

#endif
