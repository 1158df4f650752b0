#include "core/copy/order.h"
#include "core/base/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct pg *copy_open_source(const struct copy_order *order, struct err *err)
{
	const struct json *where = json_get(order->json, "source");
	struct pg *pg = pg_open(NULL, "OLD", json_str(where, "url", ""), PG_LOOK, err);
	if (!pg)
		return NULL;
	pg_hush(pg, true);
	pg_stop_on(pg, order->stop_fd);
	if (pg_exec(pg, err,
		    "SET statement_timeout = 0; SET lock_timeout = '30s'; SET client_min_messages = error") <
	    0) {
		pg_close(pg);
		return NULL;
	}
	return pg;
}

static int set_up(struct pg *pg, struct err *err)
{
	/* A backend whose client was killed would go on building its index. */
	if (pg_major(pg) >= 14)
		return pg_exec(pg, err, "SET client_connection_check_interval = '2s'");
	return 0;
}

struct pg *copy_open_target(const struct copy_order *order, struct err *err)
{
	const struct json *where = json_get(order->json, "target");
	const char *folder = json_str(where, "folder", ""), *url = json_str(where, "url", "");
	struct pg *pg = *folder ? pg_open_tunnel(NULL, folder, url, NULL, PG_ACT, err)
				: pg_open(NULL, "NEW", url, PG_ACT, err);
	if (!pg)
		return NULL;
	pg_hush(pg, true);
	pg_stop_on(pg, order->stop_fd);
	/* A table that is locked by another lane of ours is waited for as long as it takes. */
	if (pg_exec(pg, err,
		    "SET lock_timeout = 0; SET synchronous_commit = off; SET client_min_messages = error") <
		0 ||
	    set_up(pg, err) < 0) {
		pg_close(pg);
		return NULL;
	}
	return pg;
}

const char **copy_order_skip(const struct copy_order *order)
{
	return json_texts(json_get(order->json, "skip"));
}

#define HOLD "hashtext('nightferry copy'))"

int copy_hold(struct pg *target, bool alone, struct err *err)
{
	return pg_exec(target, err,
		       alone ? "SELECT pg_advisory_lock(" HOLD "; SELECT pg_advisory_lock_shared(" HOLD
			       "; SELECT pg_advisory_unlock(" HOLD
			     : "SELECT pg_advisory_lock_shared(" HOLD);
}

int copy_settle(struct pg *target, struct err *err)
{
	return pg_exec(target, err,
		       "SET synchronous_commit = on; CREATE TEMPORARY TABLE nightferry_settle (); DROP TABLE "
		       "pg_temp.nightferry_settle");
}

void order_line(struct jw *w, const char *kind)
{
	jw_open(w);
	jw_str(w, "kind", kind);
}

void order_tell(struct jw *w)
{
	jw_finish(w);
	buf_addc(&w->buf, '\n');
	const char *from = w->buf.data;
	size_t left = w->buf.len;
	while (left) {
		ssize_t n = write(STDERR_FILENO, from, left);
		if (n <= 0)
			break; /* nobody can be told; the work goes on */
		from += n;
		left -= (size_t)n;
	}
	jw_done(w);
}

void order_log(const char *fmt, ...)
{
	struct buf text = {0};
	char clean[400];
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_clean(clean, sizeof clean, buf_text(&text), text.len);
	struct jw w;
	order_line(&w, "log");
	jw_str(&w, "text", clean);
	order_tell(&w);
	buf_done(&text);
}
