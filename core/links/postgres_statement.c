/* A statement from its sending to its result, with waits that a person can cut short. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/postgres_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a cancelled statement may take to come home, and how long the word that it shall. */
enum { CANCEL_AGAIN_MS = 500, CANCEL_MS = 5000, CANCEL_SENT_MS = 1000 };

int pg_wait(const struct pg *pg, struct pollfd *fds, size_t n, int64_t until_ms)
{
	struct job *job = pg ? pg->job : NULL;
	bool listen = job && job_cancel_fd(job) >= 0;
	for (;;) {
		if (job && job_stopping(job))
			return -1;
		/* The job's end of file must not turn this into a busy loop: a step goes on without its
		 * engine. */
		fds[n] = (struct pollfd){.fd = listen ? job_cancel_fd(job) : -1, .events = POLLIN};
		fds[n + 1] = (struct pollfd){.fd = pg ? pg->stop_fd : -1, .events = POLLIN};
		int64_t left = until_ms ? until_ms - clock_life_ms() : 60000;
		if (left <= 0)
			return 0;
		int64_t real = clock_real_ms(left);
		if (poll(fds, (nfds_t)n + 2, real > 60000 ? 60000 : (int)real) <= 0)
			continue;
		if (fds[n + 1].revents)
			return -1;
		if (fds[n].revents & (POLLHUP | POLLERR | POLLNVAL))
			listen = false;
		for (size_t i = 0; i < n; i++) {
			if (fds[i].revents)
				return 1;
		}
	}
}

static int explain(struct pg *pg, const PGresult *res, struct err *err)
{
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE);
	const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	text_copy(pg->code, sizeof pg->code, code ? code : "");
	if (code && PQstatus(pg->conn) == CONNECTION_OK)
		return pg_explain(err, pg->name, code, said);
	return pg_explain(err, pg->name, code, said && *said ? said : PQerrorMessage(pg->conn));
}

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

int pg_send(struct pg *pg, const char *sql, const char *const *args, struct err *err)
{
	int n = 0;
	while (args && args[n])
		n++;
	announce(pg, sql);
	int sent = args ? PQsendQueryParams(pg->conn, sql, n, NULL, args, NULL, NULL, 0)
			: PQsendQuery(pg->conn, sql);
	return sent ? 0 : pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
}

/* Throws away what has come, rows of a COPY too. True when the statement has come home. */
static bool cancelled(struct pg *pg)
{
	while (!PQisBusy(pg->conn)) {
		PGresult *res = PQgetResult(pg->conn);
		ExecStatusType status = PQresultStatus(res);
		PQclear(res);
		if (!res)
			return true;
		if (status == PGRES_COPY_IN && PQputCopyEnd(pg->conn, "stopped on request") < 0)
			return true;
		char *row = NULL;
		int len = 1;
		while (status == PGRES_COPY_OUT && len > 0) {
			len = PQgetCopyData(pg->conn, &row, 1);
			if (len > 0)
				PQfreemem(row);
		}
		if (len == 0)
			return false;
	}
	return false;
}

/* In a process of its own, for PQcancel() waits until the server hangs up: one that stands still never does,
 * and a person who cancels a copy from such a server shall not wait for it. False: it did not take the word.
 */
static bool ask_to_stop(struct pg *pg)
{
	int over[2] = {-1, -1};
	PGcancel *cancel = PQgetCancel(pg->conn);
	pid_t pid = cancel && pipe2(over, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid == 0) {
		char text[256];
		_exit(PQcancel(cancel, text, sizeof text) ? 0 : 1);
	}
	PQfreeCancel(cancel);
	if (over[1] >= 0)
		close(over[1]);
	struct pollfd fds[3] = {{.fd = over[0], .events = POLLIN}};
	bool taken = pid <= 0 || pg_wait(NULL, fds, 1, clock_life_ms() + CANCEL_SENT_MS) > 0;
	if (!taken)
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (over[0] >= 0)
		close(over[0]);
	return taken;
}

void pg_cancel(struct pg *pg)
{
	int64_t until = clock_life_ms() + CANCEL_MS, again = 0;
	while (PQstatus(pg->conn) == CONNECTION_OK && clock_life_ms() < until && !cancelled(pg)) {
		/* One that overtakes its statement is lost. */
		if (clock_life_ms() >= again) {
			if (!ask_to_stop(pg))
				return;
			again = clock_life_ms() + CANCEL_AGAIN_MS;
		}
		struct pollfd fds[3] = {{.fd = PQsocket(pg->conn), .events = POLLIN}};
		if (pg_wait(NULL, fds, 1, again) > 0 && !PQconsumeInput(pg->conn))
			return;
	}
}

int pg_pump(struct pg *pg)
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

static struct pg_result *judge(struct pg *pg, PGresult *res, struct err *err)
{
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

struct pg_result *pg_take(struct pg *pg, struct err *err)
{
	return judge(pg, collect(pg), err);
}

struct pg_result *pg_take_one(struct pg *pg, struct err *err)
{
	PGresult *res = PQgetResult(pg->conn);
	struct pg_result *result = judge(pg, res, err);
	if (!result)
		PQclear(collect(pg));
	return result;
}

int pg_await(struct pg *pg, struct err *err)
{
	/* The end of a COPY may have been read with its last rows, and nothing more comes then. */
	int state = PQisBusy(pg->conn) ? 0 : 1;
	while (state == 0) {
		bool full = PQflush(pg->conn) == 1;
		struct pollfd fds[3] = {
		    {.fd = PQsocket(pg->conn), .events = (short)(full ? POLLIN | POLLOUT : POLLIN)}};
		if (pg_wait(pg->deaf ? NULL : pg, fds, 1, 0) < 0) {
			pg_cancel(pg);
			return err_set(err, ERR_CANCELLED, PG_STOPPED, pg->name);
		}
		state = pg_pump(pg);
	}
	return 0;
}

struct pg_result *pg_query(struct pg *pg, const char *sql, const char *const *args, struct err *err)
{
	if (pg_send(pg, sql, args, err) < 0 || pg_await(pg, err) < 0)
		return NULL;
	return pg_take(pg, err);
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
