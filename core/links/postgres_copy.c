/* COPY both ways: rows as the servers write them, never looked into. */
#include "core/base/text.h"
#include "core/links/postgres_inner.h"
#include <stdlib.h>

enum { SEND_BYTES = 256 << 10 }; /* as much may wait in libpq before we wait for the server */

/* The COPY that comes next of what was sent. */
static int begin(struct pg *pg, ExecStatusType want, struct err *err)
{
	pg->copied = 0;
	if (pg_await(pg, err) < 0)
		return -1;
	PGresult *res = PQgetResult(pg->conn);
	ExecStatusType status = PQresultStatus(res);
	if (status == want) {
		PQclear(res);
		return 0;
	}
	const char *code = PQresultErrorField(res, PG_DIAG_SQLSTATE),
		   *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	text_copy(pg->code, sizeof pg->code, code ? code : "");
	if (status == PGRES_FATAL_ERROR)
		pg_explain(err, pg->name, code ? code : "", said ? said : PQerrorMessage(pg->conn));
	else
		err_set(err, ERR_BUG, "The %s: a statement that should have been a COPY was none.", pg->name);
	PQclear(res);
	pg_cancel(pg);
	return -1;
}

int pg_copy_out_many(struct pg *pg, const char *sql, size_t n, struct err *err)
{
	pg->copies_left = n ? n - 1 : 0;
	return pg_send(pg, sql, NULL, err) < 0 ? -1 : begin(pg, PGRES_COPY_OUT, err);
}

int pg_copy_out(struct pg *pg, const char *sql, struct err *err)
{
	return pg_copy_out_many(pg, sql, 1, err);
}

int pg_copy_next(struct pg *pg, struct err *err)
{
	if (!pg->copies_left)
		return err_set(err, ERR_BUG, "The %s: there is no other COPY behind this one.", pg->name);
	pg->copies_left--;
	return begin(pg, PGRES_COPY_OUT, err);
}

int pg_copy_in(struct pg *pg, const char *sql, struct err *err)
{
	pg->copies_left = 0;
	return pg_send(pg, sql, NULL, err) < 0 ? -1 : begin(pg, PGRES_COPY_IN, err);
}

int64_t pg_copy_rows(const struct pg *pg)
{
	return pg->copied;
}

/* The command's tag has the exact count: what came as messages has a header and a trailer among it. With
 * another COPY behind this one only this one's end is taken. */
static int take_end(struct pg *pg, struct err *err)
{
	if (pg_await(pg, err) < 0)
		return -1;
	struct pg_result *result = pg->copies_left ? pg_take_one(pg, err) : pg_take(pg, err);
	if (!result)
		return -1;
	pg->copied = strtoll(PQcmdTuples(result->res), NULL, 10);
	pg_result_free(result);
	return 0;
}

/* Waits for bytes from the server. -1: stopped or lost. */
static int wait_in(struct pg *pg, struct err *err)
{
	struct pollfd fds[3] = {{.fd = PQsocket(pg->conn), .events = POLLIN}};
	if (pg_wait(pg, fds, 1, 0) < 0) {
		pg_cancel(pg);
		return err_set(err, ERR_CANCELLED, PG_STOPPED, pg->name);
	}
	if (!PQconsumeInput(pg->conn))
		return pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
	return 0;
}

int pg_copy_read(struct pg *pg, struct buf *into, size_t size_bytes, struct err *err)
{
	size_t until = into->len + size_bytes;
	for (bool some = false; into->len < until;) {
		char *row = NULL;
		int len = PQgetCopyData(pg->conn, &row, 1);
		if (len > 0) {
			buf_add(into, row, (size_t)len);
			PQfreemem(row);
			pg->copied++;
			some = true;
		} else if (len < 0) {
			return take_end(pg, err);
		} else if (some && into->len >= until / 2) {
			break;
		} else if (wait_in(pg, err) < 0) {
			return -1;
		}
	}
	return 1;
}

void pg_copy_stop(struct pg *pg)
{
	if (pg_alive(pg))
		pg_cancel(pg);
}

/* 0 when the server takes what was written as whole; with `why` it never does. */
static int end_with(struct pg *pg, const char *why, struct err *err)
{
	int put = 0;
	while (put == 0) {
		put = PQputCopyEnd(pg->conn, why);
		if (put < 0 && PQstatus(pg->conn) != CONNECTION_OK)
			return pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
		if (put == 0 && PQflush(pg->conn) < 0)
			return pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
		struct pollfd fds[3] = {{.fd = PQsocket(pg->conn), .events = POLLOUT}};
		if (put == 0)
			pg_wait(NULL, fds, 1, 0);
	}
	return take_end(pg, err);
}

/* Sends until nothing waits in libpq. 1: the server has spoken, which in the middle of a COPY to it is an
 * error: libpq itself would look only after the last byte. */
static int drain(struct pg *pg, struct err *err)
{
	for (;;) {
		int left = PQflush(pg->conn);
		struct pollfd fds[3] = {
		    {.fd = PQsocket(pg->conn), .events = (short)(left == 1 ? POLLIN | POLLOUT : POLLIN)}};
		if (left < 0)
			return pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
		if (left == 0)
			return poll(fds, 1, 0) > 0 && (fds[0].revents & POLLIN) ? 1 : 0;
		if (pg_wait(pg, fds, 1, 0) < 0) {
			pg_copy_end(pg, "stopped on request", NULL);
			return err_set(err, ERR_CANCELLED, PG_STOPPED, pg->name);
		}
		if (fds[0].revents & POLLIN)
			return 1;
	}
}

static int refused(struct pg *pg, struct err *err)
{
	if (end_with(pg, "the server has refused a row", err) == 0)
		err_set(err, ERR_BUG, "The %s: a COPY was over before its end.", pg->name);
	return -1;
}

int pg_copy_write(struct pg *pg, const void *data, size_t len, struct err *err)
{
	const char *from = data;
	while (len) {
		size_t piece = len < SEND_BYTES ? len : SEND_BYTES;
		int put = PQputCopyData(pg->conn, from, (int)piece);
		if (put < 0)
			return PQstatus(pg->conn) == CONNECTION_OK
				   ? refused(pg, err)
				   : pg_explain(err, pg->name, "08006", PQerrorMessage(pg->conn));
		if (put == 1) {
			from += piece;
			len -= piece;
		}
		int spoken = drain(pg, err);
		if (spoken)
			return spoken < 0 ? -1 : refused(pg, err);
	}
	return 0;
}

int pg_copy_end(struct pg *pg, const char *why, struct err *err)
{
	struct err expected = {0};
	if (!why)
		return end_with(pg, NULL, err);
	end_with(pg, why, &expected);
	return pg_alive(pg) ? 0 : err_set(err, expected.kind, "%s", expected.text);
}
