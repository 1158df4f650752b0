#include "demo/app/db.h"
#include "demo/app/app.h"

#include <string.h>

static bool db_connect(struct db *db)
{
	const char *url = app_env("DATABASE_URL", NULL);

	if (db->conn)
		return true;
	if (!url) {
		app_log("ActiveRecord::DatabaseConfigurations: DATABASE_URL is not set");
		return false;
	}
	if (app_now_ms() < db->retry_at_ms)
		return false;
	const char *const keys[] = {"dbname", "application_name", "connect_timeout", "options", NULL};
	const char *const values[] = {url, app_name(), "3", "-c statement_timeout=5s -c lock_timeout=3s",
				      NULL};
	PGconn *conn = PQconnectdbParams(keys, values, 1);
	if (PQstatus(conn) == CONNECTION_OK) {
		db->conn = conn;
		db->backoff_ms = 0;
		return true;
	}
	app_log("ActiveRecord::ConnectionNotEstablished: %s", PQerrorMessage(conn));
	PQfinish(conn);
	db->backoff_ms = db->backoff_ms > 0 ? db->backoff_ms * 2 : 100;
	if (db->backoff_ms > 3000)
		db->backoff_ms = 3000;
	db->retry_at_ms = app_now_ms() + db->backoff_ms;
	return false;
}

/* The names that a Rails log gives to what commonly goes wrong in such a night. */
static const char *error_name(const char *state)
{
	static const struct {
		const char *state, *name;
	} names[] = {
	    {"25006", "ActiveRecord::ReadOnlyError"},
	    {"42P01", "ActiveRecord::StatementInvalid PG::UndefinedTable"},
	    {"42703", "ActiveRecord::StatementInvalid PG::UndefinedColumn"},
	    {"23505", "ActiveRecord::RecordNotUnique"},
	    {"42501", "ActiveRecord::StatementInvalid PG::InsufficientPrivilege"},
	    {"55P03", "ActiveRecord::LockWaitTimeout"},
	    {"57014", "ActiveRecord::QueryCanceled"},
	    {"57P01", "ActiveRecord::ConnectionFailed"},
	};

	if (!state)
		return "ActiveRecord::ConnectionFailed";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(state, names[i].state) == 0)
			return names[i].name;
	return "ActiveRecord::StatementInvalid";
}

PGresult *db_query(struct db *db, const char *sql, int count, const char *const *values)
{
	double began_ms = app_now_ms();

	if (!db_connect(db))
		return NULL;
	PGresult *result = PQexecParams(db->conn, sql, count, NULL, values, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	db->spent_ms += app_now_ms() - began_ms;
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return result;
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	app_log("%s: %s%s", error_name(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
		message ? "ERROR:  " : "", message ? message : PQerrorMessage(db->conn));
	PQclear(result);
	if (PQstatus(db->conn) != CONNECTION_OK)
		db_close(db);
	return NULL;
}

bool db_do(struct db *db, const char *sql, int count, const char *const *values)
{
	PGresult *result = db_query(db, sql, count, values);

	PQclear(result);
	return result != NULL;
}

void db_close(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
}
