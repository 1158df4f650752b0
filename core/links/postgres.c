/* Connections to PostgreSQL. URLs: postgres_url.c; statements: postgres_statement.c and postgres_query.c;
 * many at once: postgres_lanes.c. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/postgres_inner.h"
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10000 };

static bool is_code(const char *at)
{
	for (int i = 0; i < 5; i++) {
		if (!((at[i] >= '0' && at[i] <= '9') || (at[i] >= 'A' && at[i] <= 'Z')))
			return false;
	}
	return at[5] == ':' && at[6] == ' ';
}

/* While connecting libpq keeps the SQLSTATE only inside its verbose text: "FATAL:  28P01: password ...". */
static int explain_connect(const struct pg *pg, struct err *err)
{
	const char *said = PQerrorMessage(pg->conn);
	char code[6] = "";
	for (const char *at = strstr(said, ":  "); at && !*code; at = strstr(at + 3, ":  ")) {
		if (is_code(at + 3)) {
			text_copy(code, sizeof code, at + 3);
			said = at + 10;
		}
	}
	return pg_explain(err, pg->name, code, said);
}

static int connect_wait(struct pg *pg, struct err *err)
{
	int64_t until = clock_life_ms() + CONNECT_MS;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (state != PGRES_POLLING_OK) {
		struct pollfd fds[3] = {
		    {.fd = PQsocket(pg->conn),
		     .events = (short)(state == PGRES_POLLING_READING ? POLLIN : POLLOUT)}};
		if (fds[0].fd < 0)
			return explain_connect(pg, err);
		int ready = pg_wait(pg, fds, 1, until);
		if (ready < 0)
			return err_set(err, ERR_CANCELLED, "The %s: stopped on request while connecting.",
				       pg->name);
		if (ready == 0)
			return pg_explain(err, pg->name, "", "timeout expired");
		state = PQconnectPoll(pg->conn);
		if (state == PGRES_POLLING_FAILED)
			return explain_connect(pg, err);
	}
	return 0;
}

/* Everything is cast and compared as text later, so the settings that shape text are the same on both sides;
 * and row_security=off makes a table with hidden rows an error instead of a smaller count. */
static int settle(struct pg *pg, struct err *err)
{
	return pg_exec(
	    pg, err,
	    "SET search_path = pg_catalog; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = postgres; "
	    "SET TimeZone = 'UTC'; SET extra_float_digits = 1; SET bytea_output = hex; "
	    "SET standard_conforming_strings = on; SET client_min_messages = warning; SET row_security = "
	    "off; "
	    "SET lc_monetary = 'C'; SET idle_in_transaction_session_timeout = 0; %s",
	    pg->mode == PG_LOOK ? "SET default_transaction_read_only = on; SET statement_timeout = '30s'; "
				  "SET lock_timeout = '3s'"
				: "SET default_transaction_read_only = off; SET statement_timeout = 0; SET "
				  "lock_timeout = '15s'");
}

/* Our own settings would only fill the list of commands. */
static int settle_session(struct pg *pg, struct err *err)
{
	bool hush = pg->hush;
	pg->hush = true;
	int rc = settle(pg, err);
	pg->hush = hush;
	return rc;
}

static void ignore_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static PGconn *start_connect(const struct pg *pg, const char *database)
{
	char application[64];
	text_copyf(application, sizeof application, "nightferry %s", pg->job ? job_name(pg->job) : "copy");
	const char *keys[] = {"dbname",
			      "sslmode",
			      "application_name",
			      "connect_timeout",
			      "keepalives_idle",
			      "keepalives_interval",
			      "keepalives_count",
			      "tcp_user_timeout",
			      "gssencmode",
			      "client_encoding",
			      NULL,
			      NULL,
			      NULL,
			      NULL,
			      NULL};
	const char *values[15] = {pg->url,     *pg->tunnel ? "disable" : pg->where.sslmode,
				  application, "10",
				  "15",        "5",
				  "3",         "30000",
				  "disable",   "UTF8"};
	size_t n = 10;
	if (database) {
		keys[n] = "dbname";
		values[n++] = database;
	}
	if (*pg->tunnel) {
		keys[n] = "host";
		values[n++] = pg->tunnel;
		keys[n] = "hostaddr";
		values[n++] = "";
		keys[n] = "port";
		values[n++] = "5432";
	}
	return PQconnectStartParams(keys, values, 1);
}

static struct pg *open_any(struct job *job, const char *side, const char *tunnel, const char *url,
			   const char *database, enum pg_mode mode, struct err *err)
{
	struct pg *pg = xcalloc(1, sizeof *pg);
	pg->job = job;
	pg->stop_fd = -1;
	pg->mode = mode;
	pg->url = xstrdup(url);
	text_copy(pg->side, sizeof pg->side, side);
	text_copy(pg->tunnel, sizeof pg->tunnel, tunnel);
	int rc = pg_where(url, side, &pg->where, err);
	if (rc == 0 && database)
		text_copy(pg->where.database, sizeof pg->where.database, database);
	text_copyf(pg->name, sizeof pg->name, "%s database %s on %s", side, pg->where.database,
		   *pg->where.host ? pg->where.host : "this machine");
	if (rc == 0) {
		pg->conn = start_connect(pg, database);
		if (!pg->conn)
			abort();
		PQsetErrorVerbosity(pg->conn, PQERRORS_VERBOSE);
		PQsetNoticeProcessor(pg->conn, ignore_notice, NULL);
		rc = PQstatus(pg->conn) == CONNECTION_BAD ? explain_connect(pg, err) : connect_wait(pg, err);
	}
	if (rc == 0) {
		PQsetnonblocking(pg->conn, 1);
		rc = settle_session(pg, err);
	}
	if (rc == 0)
		return pg;
	pg_close(pg);
	return NULL;
}

struct pg *pg_open_at(struct job *job, const char *side, const char *url, const char *database,
		      enum pg_mode mode, struct err *err)
{
	return open_any(job, side, "", url, database, mode, err);
}

struct pg *pg_open_tunnel(struct job *job, const char *folder, const char *url, const char *database,
			  enum pg_mode mode, struct err *err)
{
	if (job)
		pg_learn(job, url);
	return open_any(job, "NEW", folder, url, database, mode, err);
}

struct pg *pg_open(struct job *job, const char *side, const char *url, enum pg_mode mode, struct err *err)
{
	if (!url || !*url) {
		err_set(err, ERR_CONFIG, "The URL of the %s database is not known; set %s.", side,
			text_equal(side, "OLD")
			    ? "the token of the Heroku app, whose DATABASE_URL is read"
			    : "database.url in nightferry.yml, as env:NAME, and that variable");
		return NULL;
	}
	if (job)
		pg_learn(job, url);
	return pg_open_at(job, side, url, NULL, mode, err);
}

struct pg *pg_open_like(const struct pg *pg, const char *database, enum pg_mode mode, struct err *err)
{
	struct pg *other = open_any(pg->job, pg->side, pg->tunnel, pg->url,
				    database ? database : pg->where.database, mode, err);
	if (other) {
		other->hush = pg->hush;
		other->stop_fd = pg->stop_fd;
	}
	return other;
}

void pg_close(struct pg *pg)
{
	if (!pg)
		return;
	PQfinish(pg->conn);
	if (pg->url)
		explicit_bzero(pg->url, strlen(pg->url));
	free(pg->url);
	free(pg);
}

/* ---- what it is ---- */

const char *pg_side(const struct pg *pg)
{
	return pg->side;
}

const char *pg_host(const struct pg *pg)
{
	return pg->where.host;
}

const char *pg_database(const struct pg *pg)
{
	return pg->where.database;
}

const char *pg_user(const struct pg *pg)
{
	return pg->where.user;
}

const char *pg_name(const struct pg *pg)
{
	return pg->name;
}

int pg_version(const struct pg *pg)
{
	return PQserverVersion(pg->conn);
}

int pg_major(const struct pg *pg)
{
	return PQserverVersion(pg->conn) / 10000;
}

bool pg_tls(const struct pg *pg)
{
	return PQsslInUse(pg->conn) == 1;
}

const char *pg_sqlstate(const struct pg *pg)
{
	return pg->code;
}

bool pg_alive(const struct pg *pg)
{
	return PQstatus(pg->conn) == CONNECTION_OK;
}

void pg_hush(struct pg *pg, bool hush)
{
	pg->hush = hush;
}

void pg_deaf(struct pg *pg, bool deaf)
{
	pg->deaf = deaf;
}

void pg_stop_on(struct pg *pg, int fd)
{
	pg->stop_fd = fd;
}
