/* The door to libpq: connections, statements, waits that a person can cut short. */
#include "core/links/postgres.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 10000
#define CANCEL_MS 5000 /* how long a cancelled statement may take to come home */
#define RETURN_CANCELLED "The %s: stopped on request; the statement under way was cancelled."

struct pg {
	struct job *job;
	PGconn *conn;
	char *url;
	struct pg_where where;
	char side[8], name[240];
	enum pg_mode mode;
	bool hush, deaf;
};

struct pg_result {
	PGresult *res;
};

/* ---- the URL ---- */

static bool is_loopback(const char *host)
{
	return !*host || *host == '/' || text_equal(host, "localhost") || text_starts(host, "127.") ||
	       text_equal(host, "::1");
}

static bool is_weak(const char *sslmode)
{
	return !*sslmode || text_equal(sslmode, "disable") || text_equal(sslmode, "allow") ||
	       text_equal(sslmode, "prefer");
}

int pg_where(const char *url, const char *side, struct pg_where *out, struct err *err)
{
	*out = (struct pg_where){.port = "5432"};
	/* libpq's message would repeat the URL, so it is not looked at. */
	PQconninfoOption *options =
	    url && (text_starts(url, "postgres://") || text_starts(url, "postgresql://"))
		? PQconninfoParse(url, NULL)
		: NULL;
	if (!options)
		return err_set(err, ERR_CONFIG,
			       "The URL of the %s database is no PostgreSQL URL; it looks like "
			       "postgres://user:password@host:5432/database.",
			       side);
	for (PQconninfoOption *o = options; o->keyword; o++) {
		const char *value = o->val ? o->val : "";
		if (!*value)
			continue;
		if (text_equal(o->keyword, "host"))
			text_clean(out->host, sizeof out->host, value, strlen(value));
		else if (text_equal(o->keyword, "port"))
			text_copy(out->port, sizeof out->port, value);
		else if (text_equal(o->keyword, "dbname"))
			text_clean(out->database, sizeof out->database, value, strlen(value));
		else if (text_equal(o->keyword, "user"))
			text_clean(out->user, sizeof out->user, value, strlen(value));
		else if (text_equal(o->keyword, "sslmode"))
			text_copy(out->sslmode, sizeof out->sslmode, value);
	}
	PQconninfoFree(options);
	out->loopback = is_loopback(out->host);
	if (!out->loopback && text_equal(side, "OLD") && is_weak(out->sslmode))
		text_copy(out->sslmode, sizeof out->sslmode, "require");
	if (!*out->sslmode)
		text_copy(out->sslmode, sizeof out->sslmode, "prefer");
	return 0;
}

/* A password may be spelt %-encoded in the URL; what libpq sends is the other spelling of the same secret. */
static void learn(struct job *job, const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (text_equal(o->keyword, "password"))
			job_learn_secret(job, o->val);
	}
	PQconninfoFree(options);
	job_learn_secret(job, url);
}

/* ---- waiting ---- */

/* Waits for any of the sockets, up to `until_ms` of the life clock (0: for ever), beside the job's cancel.
 * 1 ready, 0 time is over, -1 the job shall stop. */
static int wait_for(struct job *job, struct pollfd *fds, size_t n, int64_t until_ms)
{
	bool listen = job && job_cancel_fd(job) >= 0;
	for (;;) {
		if (job && job_stopping(job))
			return -1;
		/* The job's end of file must not turn this into a busy loop: a step goes on without its
		 * engine. */
		fds[n] = (struct pollfd){.fd = listen ? job_cancel_fd(job) : -1, .events = POLLIN};
		int64_t left = until_ms ? until_ms - clock_life_ms() : 60000;
		if (left <= 0)
			return 0;
		int64_t real = clock_real_ms(left);
		if (poll(fds, (nfds_t)n + 1, real > 60000 ? 60000 : (int)real) <= 0)
			continue;
		if (fds[n].revents & (POLLHUP | POLLERR | POLLNVAL))
			listen = false;
		for (size_t i = 0; i < n; i++) {
			if (fds[i].revents)
				return 1;
		}
	}
}

/* ---- errors ---- */

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

static int explain(const struct pg *pg, const PGresult *res, struct err *err)
{
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	if (code && PQstatus(pg->conn) == CONNECTION_OK)
		return pg_explain(err, pg->name, code, said);
	return pg_explain(err, pg->name, code, said && *said ? said : PQerrorMessage(pg->conn));
}

/* ---- connecting ---- */

static int connect_wait(struct pg *pg, struct err *err)
{
	int64_t until = clock_life_ms() + CONNECT_MS;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;
	while (state != PGRES_POLLING_OK) {
		struct pollfd fds[2] = {
		    {.fd = PQsocket(pg->conn),
		     .events = (short)(state == PGRES_POLLING_READING ? POLLIN : POLLOUT)}};
		if (fds[0].fd < 0)
			return explain_connect(pg, err);
		int ready = wait_for(pg->job, fds, 1, until);
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
	text_copyf(application, sizeof application, "nightferry %s", pg->job ? job_name(pg->job) : "");
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
			      database ? "dbname" : NULL,
			      NULL};
	const char *values[] = {pg->url, pg->where.sslmode, application, "10",   "15",     "5",
				"3",     "30000",           "disable",   "UTF8", database, NULL};
	return PQconnectStartParams(keys, values, 1);
}

struct pg *pg_open_at(struct job *job, const char *side, const char *url, const char *database,
		      enum pg_mode mode, struct err *err)
{
	struct pg *pg = xcalloc(1, sizeof *pg);
	pg->job = job;
	pg->mode = mode;
	pg->url = xstrdup(url);
	text_copy(pg->side, sizeof pg->side, side);
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
		learn(job, url);
	return pg_open_at(job, side, url, NULL, mode, err);
}

struct pg *pg_open_like(const struct pg *pg, const char *database, enum pg_mode mode, struct err *err)
{
	struct pg *other =
	    pg_open_at(pg->job, pg->side, pg->url, database ? database : pg->where.database, mode, err);
	if (other)
		other->hush = pg->hush;
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

bool pg_alive(const struct pg *pg)
{
	return PQstatus(pg->conn) == CONNECTION_OK;
}

void pg_hush(struct pg *pg, bool hush)
{
	pg->hush = hush;
}

/* ---- statements ---- */

static void announce(const struct pg *pg, const char *sql)
{
	if (!pg->job || pg->hush)
		return;
	char line[600];
	size_t n = 0;
	for (const char *s = sql; *s && n + 1 < sizeof line; s++) {
		char c = *s == '\n' || *s == '\t' ? ' ' : *s;
		if (c != ' ' || (n && line[n - 1] != ' '))
			line[n++] = c;
	}
	line[n] = 0;
	job_command(pg->job, "sql", "%s %s: %s", pg->side, pg->where.database, line);
}

static int send(struct pg *pg, const char *sql, const char *const *args, struct err *err)
{
	int n = 0;
	while (args && args[n])
		n++;
	announce(pg, sql);
	int sent = args ? PQsendQueryParams(pg->conn, sql, n, NULL, args, NULL, NULL, 0)
			: PQsendQuery(pg->conn, sql);
	return sent ? 0 : pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
}

/* Tells the server to stop and takes what still comes, so that the session stays usable for a clean end. */
static void cancel_statement(struct pg *pg)
{
	char text[256];
	PGcancel *cancel = PQgetCancel(pg->conn);
	if (cancel) {
		PQcancel(cancel, text, sizeof text);
		PQfreeCancel(cancel);
	}
	int64_t until = clock_life_ms() + CANCEL_MS;
	while (PQisBusy(pg->conn) && PQstatus(pg->conn) == CONNECTION_OK) {
		struct pollfd fds[2] = {{.fd = PQsocket(pg->conn), .events = POLLIN}};
		if (wait_for(NULL, fds, 1, until) <= 0 || !PQconsumeInput(pg->conn))
			return;
	}
	PGresult *res;
	while (!PQisBusy(pg->conn) && (res = PQgetResult(pg->conn)))
		PQclear(res);
}

/* Reads what has come. 1 done, 0 more to wait for, -1 the connection is gone. */
static int pump(struct pg *pg)
{
	if (!PQconsumeInput(pg->conn))
		return -1;
	PQflush(pg->conn);
	return PQisBusy(pg->conn) ? 0 : 1;
}

/* The last result of the statement, or the first that is an error. */
static PGresult *collect(struct pg *pg)
{
	PGresult *last = NULL, *res;
	while ((res = PQgetResult(pg->conn))) {
		ExecStatusType was = PQresultStatus(last);
		if (last && was != PGRES_COMMAND_OK && was != PGRES_TUPLES_OK) {
			PQclear(res);
			if (PQstatus(pg->conn) != CONNECTION_OK)
				break;
			continue;
		}
		PQclear(last);
		last = res;
	}
	return last;
}

static struct pg_result *take_result(struct pg *pg, struct err *err)
{
	PGresult *res = collect(pg);
	ExecStatusType status = PQresultStatus(res);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
		struct pg_result *result = xcalloc(1, sizeof *result);
		result->res = res;
		return result;
	}
	explain(pg, res, err);
	PQclear(res);
	return NULL;
}

struct pg_result *pg_query(struct pg *pg, const char *sql, const char *const *args, struct err *err)
{
	if (send(pg, sql, args, err) < 0)
		return NULL;
	int state = 0;
	while (state == 0) {
		bool full = PQflush(pg->conn) == 1;
		struct pollfd fds[2] = {
		    {.fd = PQsocket(pg->conn), .events = (short)(full ? POLLIN | POLLOUT : POLLIN)}};
		if (wait_for(pg->deaf ? NULL : pg->job, fds, 1, 0) < 0) {
			cancel_statement(pg);
			err_set(err, ERR_CANCELLED, RETURN_CANCELLED, pg->name);
			return NULL;
		}
		state = pump(pg);
	}
	return take_result(pg, err);
}

void pg_deaf(struct pg *pg, bool deaf)
{
	pg->deaf = deaf;
}

/* ---- results ---- */

size_t pg_rows(const struct pg_result *result)
{
	return result ? (size_t)PQntuples(result->res) : 0;
}

const char *pg_get(const struct pg_result *result, size_t row, int col)
{
	return PQgetvalue(result->res, (int)row, col);
}

bool pg_null(const struct pg_result *result, size_t row, int col)
{
	return PQgetisnull(result->res, (int)row, col) == 1;
}

int64_t pg_get_int(const struct pg_result *result, size_t row, int col)
{
	return strtoll(pg_get(result, row, col), NULL, 10);
}

bool pg_get_bool(const struct pg_result *result, size_t row, int col)
{
	return *pg_get(result, row, col) == 't';
}

void pg_result_free(struct pg_result *result)
{
	if (result)
		PQclear(result->res);
	free(result);
}

/* ---- many at once ---- */

static int lane_start(struct pg_lane *lane, const struct pg_errand *errand, struct err *err)
{
	struct buf sql = {0};
	int rc = 0;
	if (!errand->next(errand->ctx, lane, &sql)) {
		lane->spent = true;
	} else {
		rc = send(lane->pg, buf_text(&sql), NULL, err);
		lane->busy = rc == 0;
	}
	buf_done(&sql);
	return rc;
}

/* A lost connection ends everything; a statement that was refused is the errand's to judge. */
static int lane_take(struct pg_lane *lane, const struct pg_errand *errand, struct err *err)
{
	struct err local = {0};
	struct pg_result *result = take_result(lane->pg, &local);
	lane->busy = false;
	int rc = 0;
	if (!result && !pg_alive(lane->pg)) {
		rc = err_set(err, local.kind, "%s", local.text);
	} else if (errand->done(errand->ctx, lane, result, &local) < 0) {
		rc = err_set(err, local.kind, "%s", local.text);
	}
	pg_result_free(result);
	return rc;
}

static int lanes_step(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, bool *idle,
		      struct err *err)
{
	*idle = true;
	for (size_t i = 0; i < n; i++) {
		if (!lanes[i].busy && !lanes[i].spent && lane_start(&lanes[i], errand, err) < 0)
			return -1;
		if (lanes[i].busy)
			*idle = false;
	}
	return 0;
}

static int lanes_wait(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, struct err *err)
{
	struct pollfd *fds = xcalloc(n + 1, sizeof *fds);
	for (size_t i = 0; i < n; i++)
		fds[i] =
		    (struct pollfd){.fd = lanes[i].busy ? PQsocket(lanes[i].pg->conn) : -1, .events = POLLIN};
	int rc = wait_for(lanes[0].pg->job, fds, n, 0);
	if (rc < 0)
		err_set(err, ERR_CANCELLED, RETURN_CANCELLED, pg_name(lanes[0].pg));
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (lanes[i].busy && fds[i].revents && pump(lanes[i].pg) != 0)
			rc = lane_take(&lanes[i], errand, err);
	}
	free(fds);
	return rc < 0 ? -1 : 0;
}

int pg_together(struct pg_lane *lanes, size_t n, const struct pg_errand *errand, struct err *err)
{
	bool idle = false;
	int rc = 0;
	for (size_t i = 0; i < n; i++)
		lanes[i].busy = lanes[i].spent = false;
	while (rc == 0 && n) {
		rc = lanes_step(lanes, n, errand, &idle, err);
		if (rc < 0 || idle)
			break;
		rc = lanes_wait(lanes, n, errand, err);
	}
	for (size_t i = 0; i < n; i++) {
		if (lanes[i].busy)
			cancel_statement(lanes[i].pg);
		lanes[i].busy = false;
	}
	return rc;
}
