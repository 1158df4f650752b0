/* writers: who is connected to the old database, and who writes what. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_writes.h"
#include "core/watches/pg_loop.h"
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 500 /* a writing statement of a pooled app is short; more looks see more of them */
#define TELL_LOOKS 4
#define SPAN_MS 20000
#define BUCKETS (SPAN_MS / (LOOK_MS * TELL_LOOKS))
#define MARKS_MAX 64
#define ROWS_SHARED (-1) /* several sessions write to that table: whose rows they are is not known */

static int writers_run(struct job *job, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct watch writers_watch = {
    .name = "writers",
    .help = "sessions of the old database, and which of them write",
    .secrets = secrets,
    .run = writers_run,
};

/* "This session was seen writing to this table at that time." */
struct mark {
	int pid;
	int64_t start_ms, at_ms;
	char table[130], who[64], from[48];
};
struct recent {
	char table[130];
	int64_t rows[BUCKETS];
};
struct writers {
	struct pg_writes writes;
	struct pg_quiet quiet;
	struct mark marks[MARKS_MAX];
	size_t n_marks;
	struct recent *recent;
	size_t n_recent, bucket;
	int looks;
	int64_t last_write_at_ms, need_ms;
	char last_table[130], last_by[64];
};

/* ---- what was seen ---- */

static void mark_table(struct writers *w, const struct pg_session *s, const char *table, size_t len)
{
	char name[130];
	text_clean(name, sizeof name, table, len);
	struct mark *m = NULL;
	for (size_t i = 0; i < w->n_marks && !m; i++) {
		if (w->marks[i].pid == s->pid && w->marks[i].start_ms == s->start_ms &&
		    text_equal(w->marks[i].table, name))
			m = &w->marks[i];
	}
	if (!m && w->n_marks == MARKS_MAX) {
		memmove(w->marks, w->marks + 1, (MARKS_MAX - 1) * sizeof *w->marks);
		w->n_marks--;
	}
	if (!m)
		m = &w->marks[w->n_marks++];
	*m = (struct mark){.pid = s->pid, .start_ms = s->start_ms, .at_ms = clock_life_ms()};
	text_copy(m->table, sizeof m->table, name);
	text_copy(m->who, sizeof m->who, s->who);
	text_copy(m->from, sizeof m->from, s->from);
}

static void mark_sessions(struct writers *w)
{
	for (size_t i = 0; i < w->writes.n_sessions; i++) {
		const struct pg_session *s = &w->writes.sessions[i];
		for (const char *at = s->tables; s->wrote && *at;) {
			size_t len = strcspn(at, "\n");
			mark_table(w, s, at, len);
			at += len + (at[len] != 0);
		}
	}
	size_t kept = 0;
	for (size_t i = 0; i < w->n_marks; i++) {
		if (clock_life_ms() - w->marks[i].at_ms < SPAN_MS)
			w->marks[kept++] = w->marks[i];
	}
	w->n_marks = kept;
}

static struct recent *recent_of(struct writers *w, const char *table)
{
	for (size_t i = 0; i < w->n_recent; i++) {
		if (text_equal(w->recent[i].table, table))
			return &w->recent[i];
	}
	w->recent = xrealloc(w->recent, w->n_recent + 1, sizeof *w->recent);
	w->recent[w->n_recent] = (struct recent){0};
	text_copy(w->recent[w->n_recent].table, sizeof w->recent->table, table);
	return &w->recent[w->n_recent++];
}

static size_t writers_of(const struct writers *w, const char *table)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_marks; i++)
		n += text_equal(w->marks[i].table, table);
	return n;
}

/* Counters come after the session that wrote; it is known when it was the only one seen at that table. */
static const char *only_writer(const struct writers *w, const char *table)
{
	for (size_t i = 0; i < w->n_marks && writers_of(w, table) == 1; i++) {
		if (text_equal(w->marks[i].table, table))
			return w->marks[i].who;
	}
	return "";
}

static void take(struct writers *w, int major)
{
	mark_sessions(w);
	for (size_t i = 0; i < w->writes.n_tables; i++) {
		if (w->writes.tables[i].delta > 0)
			recent_of(w, w->writes.tables[i].label)->rows[w->bucket] += w->writes.tables[i].delta;
	}
	if (!pg_quiet_take(&w->quiet, &w->writes, major))
		return;
	w->last_write_at_ms = clock_wall_ms();
	text_copy(w->last_table, sizeof w->last_table, w->quiet.table);
	text_copy(w->last_by, sizeof w->last_by, *w->quiet.by ? w->quiet.by : only_writer(w, w->quiet.table));
}

static int64_t rows_of(const struct recent *r)
{
	int64_t rows = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		rows += r->rows[i];
	return rows;
}

/* ---- whose it was ---- */

/* Rows of the tables that only this session was seen at; SHARED when one of its tables has others too. */
static int64_t rows_by(const struct writers *w, const struct pg_session *s, char *table, size_t size)
{
	int64_t rows = 0, most = -1;
	bool shared = false;
	for (size_t i = 0; i < w->n_marks; i++) {
		const struct mark *m = &w->marks[i];
		if (m->pid != s->pid || m->start_ms != s->start_ms)
			continue;
		int64_t here = 0;
		for (size_t k = 0; k < w->n_recent; k++)
			here += text_equal(w->recent[k].table, m->table) ? rows_of(&w->recent[k]) : 0;
		if (here > most)
			text_copy(table, size, m->table);
		most = here > most ? here : most;
		shared = shared || (here > 0 && writers_of(w, m->table) > 1);
		rows += here;
	}
	return shared ? ROWS_SHARED : rows;
}

/* An open transaction has written, whatever the counters know of it; rows whose writer is one of several
 * count. */
static bool writes_now(const struct writers *w, const struct pg_session *s)
{
	char table[130];
	return s->holds_xid || rows_by(w, s, table, sizeof table) != 0;
}

static void tell_session(struct jw *out, const struct writers *w, const struct pg_session *s)
{
	char table[130] = "";
	int64_t rows = rows_by(w, s, table, sizeof table);
	if (!*table)
		text_copy(table, sizeof table, s->holds_xid ? s->table : "");
	jw_obj(out, NULL);
	jw_int(out, "pid", s->pid);
	jw_int(out, "start_ms", s->start_ms);
	jw_str(out, "who", s->who);
	jw_str(out, "from", s->from);
	jw_str(out, "table", table);
	jw_int(out, "rows", rows);
	jw_bool(out, "writes", writes_now(w, s));
	jw_int(out, "since_ms", s->since_ms);
	jw_str(out, "state", s->state);
	jw_str(out, "query", s->query);
	jw_end(out);
}

static bool is_here(const struct writers *w, const struct mark *m)
{
	for (size_t i = 0; i < w->writes.n_sessions; i++) {
		if (w->writes.sessions[i].pid == m->pid && w->writes.sessions[i].start_ms == m->start_ms)
			return true;
	}
	return false;
}

/* Sessions that wrote a moment ago and are closed, each once. */
static void tell_gone(struct jw *out, const struct writers *w)
{
	for (size_t i = 0; i < w->n_marks; i++) {
		const struct mark *m = &w->marks[i];
		bool earlier = false;
		for (size_t k = 0; k < i; k++)
			earlier =
			    earlier || (w->marks[k].pid == m->pid && w->marks[k].start_ms == m->start_ms);
		if (earlier || is_here(w, m))
			continue;
		struct pg_session gone = {
		    .pid = m->pid, .start_ms = m->start_ms, .since_ms = m->start_ms, .state = "gone"};
		text_copy(gone.who, sizeof gone.who, m->who);
		text_copy(gone.from, sizeof gone.from, m->from);
		tell_session(out, w, &gone);
	}
}

/* Rows that no session was seen at: it is gone already, or quicker than our looks. Never put down to
 * somebody. */
static void tell_unknown(struct jw *out, const struct writers *w)
{
	for (size_t i = 0; i < w->n_recent; i++) {
		int64_t rows = rows_of(&w->recent[i]);
		if (!rows || writers_of(w, w->recent[i].table))
			continue;
		jw_obj(out, NULL);
		jw_int(out, "pid", 0);
		jw_int(out, "start_ms", 0);
		jw_str(out, "who", "not seen");
		jw_str(out, "from", "");
		jw_str(out, "table", w->recent[i].table);
		jw_int(out, "rows", rows);
		jw_bool(out, "writes", true);
		jw_int(out, "since_ms", 0);
		jw_str(out, "state", "gone");
		jw_str(out, "query", "");
		jw_end(out);
	}
}

static void tell(struct job *job, const struct writers *w)
{
	struct jw out;
	jw_event(&out, "writers.seen");
	jw_arr(&out, "writers");
	for (int writing = 1; writing >= 0; writing--) {
		for (size_t i = 0; i < w->writes.n_sessions; i++) {
			if (writes_now(w, &w->writes.sessions[i]) == (writing == 1))
				tell_session(&out, w, &w->writes.sessions[i]);
		}
		if (writing) {
			tell_gone(&out, w);
			tell_unknown(&out, w);
		}
	}
	jw_end(&out);
	jw_int(&out, "last_write_at_ms", w->last_write_at_ms);
	jw_str(&out, "last_write_table", w->last_table);
	jw_str(&out, "last_write_by", w->last_by);
	job_event(job, &out);
	pg_tell_quiet(job, &w->quiet, w->need_ms);
}

static int look(struct job *job, void *ctx, struct pg *old_pg, struct pg *new_pg, char text[200],
		struct err *err)
{
	struct writers *w = ctx;
	(void)new_pg;
	for (int i = 0; i < TELL_LOOKS; i++) {
		if (i && job_wait(job, LOOK_MS))
			return 0;
		if (pg_writes_look(old_pg, &w->writes, err) < 0) {
			/* What was written while we were blind is not known; deltas would hide it in one
			 * heap. */
			pg_writes_done(&w->writes);
			w->quiet = (struct pg_quiet){.resets = w->quiet.resets};
			return -1;
		}
		pg_hush(old_pg, true);
		take(w, pg_major(old_pg));
	}
	tell(job, w);
	w->bucket = (w->bucket + 1) % BUCKETS;
	for (size_t i = 0; i < w->n_recent; i++)
		w->recent[i].rows[w->bucket] = 0;
	text_copyf(text, 200, "%zu sessions", w->writes.n_sessions);
	return 0;
}

static int writers_run(struct job *job, struct err *err)
{
	struct writers w = {0};
	(void)err;
	int64_t need = units_parse_duration_ms(job_config_str(job, "steps.quiet.for", "60s"));
	w.need_ms = need < 0 ? 60000 : need;
	const struct pg_loop loop = {.old_side = true,
				     .interval_ms = LOOK_MS * TELL_LOOKS,
				     .wait_ms = LOOK_MS,
				     .look = look,
				     .ctx = &w};
	int rc = pg_loop_run(job, &loop);
	pg_writes_done(&w.writes);
	free(w.recent);
	return rc;
}
