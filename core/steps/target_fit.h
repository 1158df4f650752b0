/* Can NEW take what OLD has? Looked at before anything there is emptied, and again before it is prepared:
 * what it cannot have must be known while nothing is lost. */
#ifndef CORE_STEPS_TARGET_FIT_H
#define CORE_STEPS_TARGET_FIT_H

#include "core/job.h"
#include "core/links/pg_extensions.h"
#include "core/steps/dump_needs.h"

struct target_fit {
	struct pg_source source; /* OLD as recorded, and the extensions that only the dump tells of */
	struct pg_source now;    /* NEW */
	struct pg_wants wants;
	struct dump_needs needs;
	bool has_dump;
	char restore_by[24]; /* of pg_restore beside the database; "" : there is no container */
	int restore_major;
	char container[128];
	int64_t free_bytes; /* where NEW's files are; -1 not known */
	char app_role[64];  /* database.app_role where it is another than ours; "" */
	bool app_role_there;
	char **strangers; /* roles that have rights on OLD and are not there on NEW */
	size_t n_strangers;
	char user[64];
};
/* Needs the fact "source". skip: extensions that may be missing, see pg_wants_look(). To be freed with
 * target_fit_done() in every case. */
int target_fit_look(struct job *job, struct pg *pg, const struct json *skip, struct target_fit *out,
		    struct err *err);
void target_fit_done(struct target_fit *fit);
/* Evidence, and what refuses. wiping: what is in NEW now goes first, so that only what its server can have
 * counts, and what fits is one line. */
void target_fit_judge(const struct target_fit *fit, bool wiping, struct plan *plan);
/* NEW is OLD itself: the same cluster and the same database, or nobody can tell. `why` says so; "" : it is
 * another. */
enum verdict target_fit_other(struct job *job, struct pg *pg, char *why, size_t size);
/* The statement that takes the server's version of the collation for the database's, which is right only
 * while it is empty; "" : not needed. */
void target_fit_collation(const struct target_fit *fit, char *sql, size_t size);

#endif
