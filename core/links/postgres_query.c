/* Statements in the shapes that callers want, and quoting: all on top of pg_query(). */
#include "core/base/text.h"
#include "core/links/postgres.h"
#include <stdlib.h>

int pg_exec(struct pg *pg, struct err *err, const char *fmt, ...)
{
	struct buf sql = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&sql, fmt, ap);
	va_end(ap);
	struct pg_result *result = pg_query(pg, buf_text(&sql), NULL, err);
	buf_done(&sql);
	pg_result_free(result);
	return result ? 0 : -1;
}

int pg_limit(struct pg *pg, int64_t statement_ms, struct err *err)
{
	return pg_exec(pg, err, "SET statement_timeout = %lld", (long long)statement_ms);
}

int pg_value(struct pg *pg, const char *sql, const char *const *args, char *out, size_t size, struct err *err)
{
	*out = 0;
	struct pg_result *result = pg_query(pg, sql, args, err);
	if (!result)
		return -1;
	if (pg_rows(result))
		text_copy(out, size, pg_get(result, 0, 0));
	pg_result_free(result);
	return 0;
}

int pg_number(struct pg *pg, const char *sql, const char *const *args, int64_t *out, struct err *err)
{
	char text[32];
	if (pg_value(pg, sql, args, text, sizeof text, err) < 0)
		return -1;
	*out = strtoll(text, NULL, 10);
	return 0;
}

int pg_room(struct pg *pg, int *used, int *limit, struct err *err)
{
	/* The tightest of three limits: the server's, the database's, the role's. */
	struct pg_result *r =
	    pg_query(pg,
		     "WITH a AS (SELECT count(*) AS everyone, count(*) FILTER (WHERE datname = "
		     "current_database()) AS here, "
		     " count(*) FILTER (WHERE usename = session_user) AS mine FROM pg_stat_activity WHERE "
		     "backend_type = 'client backend'), "
		     "l AS (SELECT everyone AS used, current_setting('max_connections')::int "
		     "  - current_setting('superuser_reserved_connections')::int AS most FROM a "
		     " UNION ALL SELECT here, datconnlimit FROM a, pg_database WHERE datname = "
		     "current_database() AND datconnlimit >= 0 "
		     " UNION ALL SELECT mine, rolconnlimit FROM a, pg_roles WHERE rolname = session_user AND "
		     "rolconnlimit >= 0) "
		     "SELECT used, most FROM l ORDER BY most - used LIMIT 1",
		     NULL, err);
	if (!r)
		return -1;
	*used = (int)pg_get_int(r, 0, 0);
	*limit = (int)pg_get_int(r, 0, 1);
	pg_result_free(r);
	return *limit > *used ? *limit - *used : 0;
}

static void add_quoted(struct buf *buf, const char *text, char quote)
{
	buf_addc(buf, quote);
	for (; *text; text++) {
		if (*text == quote)
			buf_addc(buf, quote);
		buf_addc(buf, *text);
	}
	buf_addc(buf, quote);
}

void pg_add_name(struct buf *buf, const char *name)
{
	add_quoted(buf, name, '"');
}

void pg_add_text(struct buf *buf, const char *text)
{
	add_quoted(buf, text, '\'');
}
