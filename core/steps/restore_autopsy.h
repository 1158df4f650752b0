/* The errors of a pg_restore, folded into what stands behind them: one missing schema is fourteen errors and
 * two lost tables. Knows no connection. */
#ifndef CORE_STEPS_RESTORE_AUTOPSY_H
#define CORE_STEPS_RESTORE_AUTOPSY_H

#include "core/steps/restore_log.h"

enum restore_why {
	WHY_OTHER,
	WHY_SCHEMA,     /* what: its name */
	WHY_EXTENSION,  /* what: its name */
	WHY_PRELOAD,    /* what: the library */
	WHY_TYPE,       /* what: a type, function, operator class ... by its name */
	WHY_ROLE,       /* what: its name */
	WHY_RIGHTS,     /* what: what was refused */
	WHY_DISK,       /* the database's disk is full */
	WHY_MEMORY,     /* the container's shared memory is too small, or the server's memory is used up */
	WHY_CUT,        /* the dump is cut or damaged */
	WHY_CONNECTION, /* the server ended the connection, or went away */
	WHY_CANCELLED,  /* somebody or a timeout cancelled a statement */
	WHY_EXISTS,     /* what: what was there already */
	WHY_DUPLICATE,  /* what: the table with rows that are there twice */
	WHY_REFERENCE,  /* what: the table with rows that refer to rows that are not there */
	WHY_ENCODING,   /* text that the database cannot hold */
};
struct restore_cause {
	enum restore_why why;
	char what[130];
	char first[240]; /* pg_restore's words at its first error */
	size_t errors;   /* that come from it */
	size_t tables;   /* that are lost by it */
	char lost[200];  /* their names: "users, tokens and 3 more" */
};
struct restore_autopsy {
	struct restore_cause *list; /* in the order of their first errors */
	size_t n, errors, tables;   /* all causes; errors that cost something; tables lost altogether */
};

/* out must be freed with restore_autopsy_done(). */
void restore_autopsy(struct restore_log *log, struct restore_autopsy *out);
void restore_autopsy_done(struct restore_autopsy *autopsy);
/* "schema heroku_ext", "no room on the database's disk" */
void restore_cause_name(const struct restore_cause *cause, char *out, size_t size);
/* What mends it, to stand before what runs the restore again; whole sentences. */
void restore_cause_fix(const struct restore_cause *cause, char *out, size_t size);
/* Once it is mended, what is missing may come alone: what is there is whole. */
bool restore_cause_spares(const struct restore_cause *cause);
/* "14 errors, 1 cause: schema heroku_ext → 2 tables lost: users, tokens" */
void restore_autopsy_say(const struct restore_autopsy *autopsy, char *out, size_t size);

#endif
