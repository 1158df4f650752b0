/* The looks before a wipe: how much is there, how young it is, who is connected, whether somebody writes. */
#include "core/links/pg_target.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_count.h"
#include "core/links/pg_writes.h"
#include <stdlib.h>

#define LOOK_MS 1200         /* a session that keeps writing sends its counters once a second */
#define TABLE_LIMIT_MS 20000 /* a table that takes longer to count is surely no empty one */
#define SKEW_MS 300000
#define NEWEST_LIMIT_MS 3000 /* the newest row is nice to know, not worth a long scan */

static int look_sessions(struct job *job, struct pg *pg, struct pg_target *out, struct err *err)
{
	struct pg_writes writes = {0};
	int rc = pg_writes_look(pg, &writes, err);
	if (rc == 0 && job_wait(job, LOOK_MS))
		rc = err_set(err, ERR_CANCELLED, "Stopped on request; nothing was changed.");
	if (rc == 0)
		rc = pg_writes_look(pg, &writes, err);
	if (rc == 0) {
		const struct pg_written *most = pg_writes_most(&writes);
		out->sessions = writes.n_sessions;
		out->written = writes.delta;
		text_copy(out->written_to, sizeof out->written_to, most ? most->label : "");
		if (writes.n_sessions)
			text_copyf(out->session, sizeof out->session, "%s from %s", writes.sessions[0].who,
				   writes.sessions[0].from);
	}
	pg_writes_done(&writes);
	return rc;
}

static int look_rows(struct job *job, struct pg *pg, struct pg_target *out, struct pg_tables *tables,
		     struct err *err)
{
	if (pg_tables_look(pg, tables, err) < 0)
		return -1;
	struct pg_counting side = {.pg = pg, .tables = tables, .quiet = true, .limit_ms = TABLE_LIMIT_MS};
	if (pg_count(job, &side, 1, false, err) < 0)
		return -1;
	out->tables = tables->n;
	for (size_t i = 0; i < tables->n; i++) {
		if (tables->list[i].rows >= 0)
			continue;
		out->uncounted++;
		out->rows += tables->list[i].estimate;
	}
	out->rows += pg_tables_rows(tables);
	return 0;
}

/* One statement per table that has such columns; a table that refuses or takes too long is left out. */
static void look_newest(struct pg *pg, struct pg_target *out, const struct pg_tables *tables)
{
	struct pg_result *r = pg_query(pg,
				       "SELECT n.nspname, c.relname, string_agg(quote_ident(a.attname), ', "
				       "') FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
				       "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attname IN "
				       "('created_at', 'updated_at', 'inserted_at') "
				       "AND a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) AND "
				       "NOT a.attisdropped AND c.relkind IN ('r', 'p') "
				       "GROUP BY 1, 2",
				       NULL, NULL);
	for (size_t i = 0; i < pg_rows(r); i++) {
		char label[130];
		pg_label(label, sizeof label, pg_get(r, i, 0), pg_get(r, i, 1));
		const struct pg_table *table = pg_tables_find(tables, label);
		if (!table || table->rows <= 0)
			continue;
		struct buf sql = {0};
		buf_addf(
		    &sql,
		    "SELECT extract(epoch FROM now() - m.at) * 1000, extract(epoch FROM m.at) * 1000 FROM "
		    "(SELECT max(greatest(%s)::timestamptz) AS at FROM ",
		    pg_get(r, i, 2));
		pg_table_from(&sql, table);
		buf_adds(&sql, ") m WHERE m.at IS NOT NULL");
		struct pg_result *newest = pg_query(pg, buf_text(&sql), NULL, NULL);
		buf_done(&sql);
		if (pg_rows(newest) &&
		    (out->newest_at_ms == 0 || pg_get_int(newest, 0, 1) > out->newest_at_ms)) {
			int64_t age = pg_get_int(newest, 0, 0);
			/* Clocks differ by a little; a row from further in the future tells nothing. */
			out->newest_age_ms = age < 0 && age > -SKEW_MS ? 0 : age;
			out->newest_at_ms = pg_get_int(newest, 0, 1);
			text_copy(out->newest_table, sizeof out->newest_table, label);
		}
		pg_result_free(newest);
	}
	pg_result_free(r);
}

int pg_target_look(struct job *job, struct pg *pg, struct pg_target *out, struct err *err)
{
	struct pg_tables tables = {0};
	*out = (struct pg_target){.newest_age_ms = -1};
	text_copy(out->database, sizeof out->database, pg_database(pg));
	text_copy(out->host, sizeof out->host, pg_host(pg));
	int rc = look_rows(job, pg, out, &tables, err);
	if (rc == 0)
		rc = pg_limit(pg, NEWEST_LIMIT_MS, err);
	if (rc == 0)
		look_newest(pg, out, &tables);
	if (rc == 0)
		rc = look_sessions(job, pg, out, err);
	pg_tables_done(&tables);
	return rc;
}
