/* Looks at sessions and counters; see the header for what each sign is worth. */
#include "core/links/pg_writes.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/pg_tables.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DOUBT_MS \
	12000 /* PostgreSQL 15 and later send an idle session's counters after 10 s, by its own clock */

/* The server knows nothing of a night that runs faster. */
static int64_t doubt_ms(void)
{
	return DOUBT_MS * INT64_C(1000000) / clock_real_ms(1000000);
}

/* ---- sessions ---- */

/* The table a writing statement names, as far as its text says it plainly. */
static bool names_table(const char *query, char *out, size_t size)
{
	static const char *const heads[] = {"insert into ",      "update only ", "update ",
					    "delete from only ", "delete from ", "merge into ",
					    "truncate table ",   "truncate ",    "copy "};
	while (isspace((unsigned char)*query))
		query++;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		if (strncasecmp(query, heads[i], strlen(heads[i])))
			continue;
		if (text_equal(heads[i], "copy ") && !text_find(query, " from "))
			return false;
		const char *at = query + strlen(heads[i]);
		size_t n = 0;
		for (; *at && n + 1 < size && !strchr(" (;\n\t,", *at); at++) {
			if (*at != '"')
				out[n++] = *at;
		}
		out[n] = 0;
		if (text_starts(out, "public."))
			memmove(out, out + 7, strlen(out + 7) + 1);
		return true;
	}
	return false;
}

static void clean(char *out, size_t size, const char *text)
{
	text_clean(out, size, text, strlen(text));
}

static void take_session(struct pg_session *s, const struct pg_result *r, size_t i, int64_t before_us)
{
	char named[130] = "";
	s->pid = (int)pg_get_int(r, i, 0);
	s->start_ms = pg_get_int(r, i, 1);
	clean(s->who, sizeof s->who, pg_get(r, i, 2));
	clean(s->from, sizeof s->from, pg_get(r, i, 3));
	clean(s->state, sizeof s->state, pg_get(r, i, 4));
	clean(s->query, sizeof s->query, pg_get(r, i, 5));
	s->since_ms = pg_get_int(r, i, 6);
	s->holds_xid = pg_get_bool(r, i, 7);
	const char *locked = pg_get(r, i, 9);
	text_copy(s->tables, sizeof s->tables, locked);
	text_clean(s->table, sizeof s->table, locked, strcspn(locked, "\n"));
	/* No state: another role's session that we may not look into; it may have done anything. */
	s->stirred = pg_null(r, i, 8) || pg_get_int(r, i, 8) > before_us || text_equal(s->state, "active");
	s->wrote = s->holds_xid || *s->table;
	if (before_us && s->stirred && names_table(s->query, named, sizeof named)) {
		s->wrote = true;
		if (!*s->table)
			clean(s->table, sizeof s->table, named),
			    text_copy(s->tables, sizeof s->tables, s->table);
	}
}

static int look_sessions(struct pg *pg, struct pg_writes *w, struct err *err)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT a.pid, (extract(epoch FROM a.backend_start) * 1000)::bigint, "
	    "coalesce(nullif(a.application_name, ''), a.usename, ''), "
	    "coalesce(host(a.client_addr), 'local'), coalesce(a.state, ''), left(coalesce(a.query, ''), "
	    "190), "
	    "(extract(epoch FROM coalesce(a.xact_start, a.state_change, a.backend_start)) * 1000)::bigint, "
	    "a.backend_xid IS NOT NULL, (extract(epoch FROM a.state_change) * 1000000)::bigint, "
	    "coalesce((SELECT string_agg(DISTINCT CASE n.nspname WHEN 'public' THEN c.relname "
	    " ELSE n.nspname || '.' || c.relname END, E'\\n') "
	    " FROM pg_locks l JOIN pg_class c ON c.oid = coalesce(pg_partition_root(l.relation), l.relation) "
	    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE l.pid = a.pid AND l.locktype = 'relation' "
	    " AND l.mode IN ('RowExclusiveLock', 'AccessExclusiveLock') AND l.granted AND c.relkind IN ('r', "
	    "'p') "
	    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND "
	    "n.nspname !~ '^pg_'), ''), "
	    "txid_snapshot_xmax(txid_current_snapshot()), (extract(epoch FROM clock_timestamp()) * "
	    "1000000)::bigint, "
	    "(SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) "
	    "FROM (SELECT 1) one LEFT JOIN pg_stat_activity a ON a.datname = current_database() AND "
	    "a.backend_type = 'client backend' "
	    "AND a.pid <> pg_backend_pid() AND a.application_name NOT LIKE 'nightferry %' ORDER BY "
	    "a.backend_start, a.pid",
	    NULL, err);
	if (!r)
		return -1;
	int64_t before_us = w->at_us, xmax = pg_get_int(r, 0, 10);
	free(w->sessions);
	w->sessions = xcalloc(pg_rows(r), sizeof *w->sessions);
	w->n_sessions = 0;
	for (size_t i = 0; i < pg_rows(r); i++) {
		if (!pg_null(r, i, 0))
			take_session(&w->sessions[w->n_sessions++], r, i, before_us);
	}
	w->xmax_delta = w->looks ? xmax - w->xmax : 0;
	w->xmax = xmax;
	w->at_us = pg_get_int(r, 0, 11);
	w->prepared = (int)pg_get_int(r, 0, 12);
	pg_result_free(r);
	return 0;
}

/* ---- counters ---- */

static struct pg_written *written_of(struct pg_writes *w, const char *label)
{
	bool found;
	size_t i = text_place(w->tables, w->n_tables, sizeof *w->tables, label, &found);
	if (found)
		return &w->tables[i];
	w->tables = xrealloc(w->tables, w->n_tables + 1, sizeof *w->tables);
	memmove(&w->tables[i + 1], &w->tables[i], (w->n_tables++ - i) * sizeof *w->tables);
	w->tables[i] = (struct pg_written){0};
	text_copy(w->tables[i].label, sizeof w->tables->label, label);
	return &w->tables[i];
}

static int look_counters(struct pg *pg, struct pg_writes *w, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT n.nspname, c.relname, sum(s.n_tup_ins + s.n_tup_upd + "
		     "s.n_tup_del)::bigint FROM pg_stat_user_tables s "
		     "JOIN pg_class c ON c.oid = coalesce(pg_partition_root(s.relid), "
		     "s.relid) JOIN pg_namespace n ON n.oid = c.relnamespace "
		     "WHERE s.schemaname NOT LIKE 'pg\\_temp%' GROUP BY 1, 2 ORDER BY " PG_LABEL_ORDER,
		     NULL, err);
	if (!r)
		return -1;
	w->delta = 0;
	for (size_t i = 0; i < w->n_tables; i++)
		w->tables[i].delta = 0;
	for (size_t i = 0; i < pg_rows(r); i++) {
		char label[130];
		pg_label(label, sizeof label, pg_get(r, i, 0), pg_get(r, i, 1));
		struct pg_written *t = written_of(w, label);
		int64_t total = pg_get_int(r, i, 2);
		/* Counters that went back were reset or belong to a new table of that name: all of it is new.
		 */
		if (w->looks)
			t->delta = total >= t->total ? total - t->total : total;
		t->total = total;
		t->seen = true;
		w->delta += t->delta;
	}
	pg_result_free(r);
	return 0;
}

int pg_writes_look(struct pg *pg, struct pg_writes *writes, struct err *err)
{
	if (look_sessions(pg, writes, err) < 0 || look_counters(pg, writes, err) < 0)
		return -1;
	writes->looks++;
	return 0;
}

void pg_writes_done(struct pg_writes *writes)
{
	free(writes->sessions);
	free(writes->tables);
	*writes = (struct pg_writes){0};
}

const struct pg_written *pg_writes_most(const struct pg_writes *writes)
{
	const struct pg_written *most = NULL;
	for (size_t i = 0; i < writes->n_tables; i++) {
		if (writes->tables[i].delta > 0 && (!most || writes->tables[i].delta > most->delta))
			most = &writes->tables[i];
	}
	return most;
}

const struct pg_session *pg_writes_writer(const struct pg_writes *writes)
{
	for (size_t i = 0; i < writes->n_sessions; i++) {
		if (writes->sessions[i].wrote)
			return &writes->sessions[i];
	}
	return NULL;
}

/* ---- quiet ---- */

static const struct pg_session *stirred(const struct pg_writes *writes)
{
	for (size_t i = 0; i < writes->n_sessions; i++) {
		if (writes->sessions[i].stirred)
			return &writes->sessions[i];
	}
	return NULL;
}

static bool wrote_to(const struct pg_session *s, const char *table)
{
	size_t n = strlen(table);
	if (text_equal(s->table, table))
		return s->wrote;
	for (const char *at = s->tables; s->wrote && *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n") == n && strncmp(at, table, n) == 0)
			return true;
	return false;
}

/* The one session that was seen at the table; NULL when none was, or several: nobody is named by guess. */
static const struct pg_session *writer_of(const struct pg_writes *w, const char *table)
{
	const struct pg_session *found = NULL;
	for (size_t i = 0; i < w->n_sessions; i++) {
		if (!wrote_to(&w->sessions[i], table))
			continue;
		if (found)
			return NULL;
		found = &w->sessions[i];
	}
	return found;
}

static void reset(struct pg_quiet *q, const struct pg_writes *w)
{
	const struct pg_written *most = pg_writes_most(w);
	const struct pg_session *writer = most ? writer_of(w, most->label) : pg_writes_writer(w);
	q->since_ms = clock_life_ms();
	q->doubt_until_ms = 0;
	q->resets++;
	text_copy(q->table, sizeof q->table, most ? most->label : writer ? writer->table : "");
	text_copy(q->by, sizeof q->by, writer ? writer->who : "");
	text_copyf(q->why, sizeof q->why, "%s%s wrote%s%s", writer ? writer->who : "somebody",
		   writer ? "" : " not seen", *q->table ? " to " : "", q->table);
}

bool pg_quiet_take(struct pg_quiet *quiet, const struct pg_writes *writes, int major)
{
	const struct pg_session *writer = pg_writes_writer(writes), *who = stirred(writes);
	int64_t now = clock_life_ms();
	quiet->writing = false;
	if (!quiet->since_ms)
		quiet->since_ms = now;
	if (writes->delta > 0 || (writer && (writer->holds_xid || writes->xmax_delta > 0))) {
		reset(quiet, writes);
		quiet->writing = true;
		return true;
	}
	if (writes->xmax_delta <= 0 || !who)
		return false;
	/* A transaction ended and somebody was busy: its counters may still come. Before 15 they may never.
	 */
	text_copyf(quiet->why, sizeof quiet->why,
		   "%s did something and a transaction ended; waiting for the counters", who->who);
	if (major < 15)
		quiet->since_ms = now;
	else
		quiet->doubt_until_ms = now + doubt_ms();
	return false;
}

int64_t pg_quiet_ms(const struct pg_quiet *quiet)
{
	return quiet->since_ms ? clock_life_ms() - quiet->since_ms : 0;
}

void pg_tell_quiet(struct job *job, const struct pg_quiet *quiet, int64_t need_ms)
{
	struct jw w;
	int64_t ms = pg_quiet_ms(quiet);
	jw_event(&w, "writers.quiet");
	jw_int(&w, "quiet_since_ms", quiet->since_ms && !quiet->writing ? clock_wall_ms() - ms : 0);
	jw_int(&w, "need_ms", need_ms);
	job_event(job, &w);
}
