/* What is in the target database before it is wiped, and who is there: for wipe-target and the check
 * target-empty. */
#ifndef CORE_LINKS_PG_TARGET_H
#define CORE_LINKS_PG_TARGET_H

#include "core/job.h"
#include "core/links/postgres.h"

struct pg_target {
	char database[64], host[128];
	size_t tables, uncounted;
	int64_t rows;
	int64_t newest_age_ms; /* of the newest created_at, updated_at or inserted_at; -1 unknown */
	int64_t newest_at_ms;  /* its wall time by the server's clock; 0 unknown */
	char newest_table[130];
	size_t sessions;
	char session[200]; /* one of them, in words */
	int64_t written;   /* rows written while we looked */
	char written_to[130];
};
/* Takes about a second: two looks, to see whether somebody writes. */
int pg_target_look(struct job *job, struct pg *pg, struct pg_target *out, struct err *err);

#endif
