/* The shop's database, as an app that may lose it at any moment uses it. */
#ifndef DEMO_APP_DB_H
#define DEMO_APP_DB_H

#include <libpq-fe.h>
#include <stdbool.h>

/* One connection to DATABASE_URL that comes back by itself. Zeroed is ready for use. */
struct db {
	PGconn *conn;
	double retry_at_ms;
	double backoff_ms;
	double spent_ms; /* time in the database; whoever reports it sets it back */
};

/* Runs one statement with text parameters. NULL after a failure, which is logged as Rails would; the
 * connection is dropped when it broke, and tried again with growing pauses. The caller clears the result. */
PGresult *db_query(struct db *db, const char *sql, int count, const char *const *values);

/* As db_query, for a statement whose rows nobody wants. */
bool db_do(struct db *db, const char *sql, int count, const char *const *values);

void db_close(struct db *db);

#endif
