/* The comparison: counts and hashes of both sides, and the proven cause of each difference. */
#include "core/steps/count_compare.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_count.h"
#include "core/links/pg_sides.h"
#include "core/steps/old_alive.h"
#include "core/steps/row_causes.h"
#include <stdlib.h>
#include <string.h>

enum { TELL_MS = 250 };

struct teller {
	struct job *job;
	bool tell;
	int64_t told_ms;
};

static bool is_skipped(struct job *job, const char *label)
{
	const struct json *list = json_path(job_config(job), "copy.skip_data");
	for (const struct json *s = json_first(list); s; s = json_next(s)) {
		if (text_equal(json_text(s), label) ||
		    (text_starts(json_text(s) ? json_text(s) : "", "public.") &&
		     text_equal(json_text(s) + 7, label)))
			return true;
	}
	return false;
}

/* ---- while it runs ---- */

static void tell_side(struct job *job, const char *side, const char *label, int64_t rows, const char *hash)
{
	struct pg_table table = {.rows = rows};
	text_copy(table.label, sizeof table.label, label);
	text_copy(table.hash, sizeof table.hash, hash);
	pg_tell_rows(job, side, &table, true);
}

static void tell_finished(void *ctx, int side, const struct copy_compared_table *table)
{
	const struct teller *teller = ctx;
	if (teller->tell && table->side[side].rows >= 0)
		tell_side(teller->job, side == COPY_OLD ? "OLD" : "NEW", table->label, table->side[side].rows,
			  table->side[side].hash);
}

static void tell_progress(void *ctx, const struct copy_compare_progress *p)
{
	struct teller *teller = ctx;
	bool last =
	    p->side[0].tables == p->side[0].tables_total && p->side[1].tables == p->side[1].tables_total;
	if (!teller->tell || (!last && clock_life_ms() - teller->told_ms < TELL_MS))
		return;
	teller->told_ms = clock_life_ms();
	for (int i = 0; i < 2; i++) {
		struct jw w;
		jw_event(&w, "rows.progress");
		jw_str(&w, "side", i == COPY_OLD ? "OLD" : "NEW");
		jw_int(&w, "tables", (int64_t)p->side[i].tables);
		jw_int(&w, "tables_total", (int64_t)p->side[i].tables_total);
		jw_int(&w, "rows", p->side[i].rows);
		jw_int(&w, "bytes", p->side[i].bytes);
		jw_int(&w, "bytes_total", p->side[i].bytes_total);
		job_event(teller->job, &w);
	}
	job_progress(teller->job, p->side[0].bytes + p->side[1].bytes,
		     p->side[0].bytes_total + p->side[1].bytes_total, "bytes", p->table);
}

/* ---- what is to be thought of a table ---- */

static void judge(struct row_causes *causes, const struct copy_compared *found,
		  const struct copy_compared_table *c, struct compared_table *t)
{
	char n[UNITS_MAX];
	bool only_new = t->old_rows == -1;
	if (t->skipped && (only_new || t->new_rows != -1)) {
		text_copyf(t->cause, sizeof t->cause, "left out by copy.skip_data: %s rows stay on OLD",
			   units_count(n, t->old_rows > 0 ? t->old_rows : 0));
		t->verdict = VERDICT_PASS;
		return;
	}
	if (copy_table_equal(found, c)) {
		t->verdict = VERDICT_PASS;
		return;
	}
	row_cause(causes, found, c, t->cause, sizeof t->cause);
	t->verdict = only_new                                 ? VERDICT_WARN
		     : t->old_rows == -2 || t->new_rows == -2 ? VERDICT_UNKNOWN
							      : VERDICT_FAIL;
}

/* Missing and uncounted tables have nothing a person could be right about. */
static void judge_waived(struct job *job, struct compared_table *t)
{
	char about[144], fact[200], was[sizeof t->cause];
	if (t->verdict != VERDICT_FAIL || t->old_rows < 0 || t->new_rows < 0)
		return;
	text_copyf(about, sizeof about, "rows:%s", t->label);
	rows_fact(fact, sizeof fact, t->old_rows, t->new_rows, t->old_hash, t->new_hash);
	const struct json *waiver = job_waiver(job, about, fact);
	if (!waiver)
		return;
	text_copy(was, sizeof was, t->cause);
	t->waived = true;
	t->verdict = VERDICT_WARN;
	text_copyf(t->cause, sizeof t->cause, "waived by %s: \"%s\" (%s)", json_str(waiver, "by", ""),
		   json_str(waiver, "reason", ""), was);
}

/* In a rehearsal OLD is live. A table that was written meanwhile is told with its three counts; missing and
 * empty ones, and those that stood still, are judged as on the night. */
static void judge_rehearsed(const struct row_causes *causes, const struct old_alive *alive,
			    struct compared_table *t)
{
	const struct pg_table *was =
	    causes->have_source ? pg_tables_find(&causes->source.tables, t->label) : NULL;
	if (t->verdict != VERDICT_FAIL || t->old_rows < 0 || t->new_rows < 0 || !was ||
	    (t->new_rows == 0 && was->rows > 0) || !old_alive_moved(alive, t->label, was->rows, t->old_rows))
		return;
	t->verdict = VERDICT_WARN;
	text_copyf(t->cause, sizeof t->cause,
		   "OLD is live in a rehearsal: %lld rows when it was recorded, %lld now, and it was written "
		   "meanwhile; only the night can tell whether all came across",
		   (long long)was->rows, (long long)t->old_rows);
}

static void add(struct job *job, struct row_causes *causes, const struct old_alive *alive,
		const struct copy_compared *found, const struct copy_compared_table *c, struct compared *out)
{
	struct compared_table *t = &out->list[out->n++];
	text_copy(t->label, sizeof t->label, c->label);
	t->old_rows = c->side[COPY_OLD].rows;
	t->new_rows = c->side[COPY_NEW].rows;
	text_copy(t->old_hash, sizeof t->old_hash, c->side[COPY_OLD].hash);
	text_copy(t->new_hash, sizeof t->new_hash, c->side[COPY_NEW].hash);
	t->content = *t->old_hash && *t->new_hash;
	t->skipped = is_skipped(job, t->label);
	judge(causes, found, c, t);
	judge_rehearsed(causes, alive, t);
	judge_waived(job, t);
	/* Rows that nobody expects on NEW would make the two sums differ for no reason. */
	out->old_rows += t->old_rows > 0 && !t->skipped ? t->old_rows : 0;
	out->new_rows += t->new_rows > 0 && !t->skipped ? t->new_rows : 0;
	if (t->verdict == VERDICT_UNKNOWN)
		out->unknown++;
	else if (t->skipped && t->verdict == VERDICT_PASS)
		out->skipped++;
	else if (t->waived)
		out->waived++;
	else if (t->verdict == VERDICT_PASS)
		out->equal++;
	else if (t->new_rows == -1)
		out->missing++;
	else
		out->differ++;
}

static int rank(const struct compared_table *t)
{
	return t->new_rows == -1 && t->verdict == VERDICT_FAIL ? 0
	       : t->verdict == VERDICT_FAIL                    ? 1
	       : t->verdict == VERDICT_UNKNOWN                 ? 2
	       : t->verdict == VERDICT_WARN                    ? 3
							       : 4;
}

static int worst_first(const void *a, const void *b)
{
	const struct compared_table *x = a, *y = b;
	return rank(x) != rank(y) ? rank(x) - rank(y) : strcmp(x->label, y->label);
}

static void tell_tables(struct job *job, const struct compared *out)
{
	struct jw w;
	for (size_t i = 0; i < out->n; i++) {
		const struct compared_table *t = &out->list[i];
		if (t->old_rows == -1 || t->new_rows == -1)
			tell_side(job, t->old_rows == -1 ? "OLD" : "NEW", t->label, -1, "");
		jw_event(&w, "rows.verdict");
		jw_str(&w, "table", t->label);
		jw_str(&w, "verdict", verdict_name(t->verdict));
		jw_str(&w, "cause", t->cause);
		jw_bool(&w, "skipped", t->skipped);
		/* The counts it speaks of: the same verdict for other counts is news. */
		jw_int(&w, "old_rows", t->old_rows);
		jw_int(&w, "new_rows", t->new_rows);
		job_event(job, &w);
	}
}

int compare_mark(struct pg *pg, struct compare_mark *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM "
		     "pg_stat_user_tables), (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
		     NULL, err);
	if (!r)
		return -1;
	out->written = pg_get_int(r, 0, 0);
	out->at_us = pg_get_int(r, 0, 1);
	pg_result_free(r);
	return pg_stand(pg, &out->stand, err);
}

/* Superusers' sessions that hide what they do are the provider's own. */
static int sessions_since(struct pg *pg, int64_t at_us, int64_t *out)
{
	char at[24];
	text_copyf(at, sizeof at, "%lld", (long long)at_us);
	const char *const args[] = {at, NULL};
	return pg_number(
	    pg,
	    "SELECT count(*) FROM pg_stat_activity a JOIN pg_roles u ON u.oid = a.usesysid WHERE "
	    "a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.application_name NOT LIKE "
	    "'nightferry %' AND CASE WHEN a.state IS NULL THEN NOT u.rolsuper ELSE "
	    "extract(epoch FROM a.state_change) * 1000000 >= $1::bigint END",
	    args, out, NULL);
}

enum since compare_since(struct pg *pg, const struct compare_mark *was)
{
	struct compare_mark now;
	int64_t sessions = 0;
	if (!pg || compare_mark(pg, &now, NULL) < 0)
		return SINCE_ROWS;
	if (now.stand == was->stand)
		return SINCE_NOTHING;
	if (now.written != was->written || sessions_since(pg, was->at_us, &sessions) < 0 || sessions > 0)
		return SINCE_ROWS;
	return SINCE_TRANSACTIONS;
}

static int compare_open(struct job *job, struct pg *old_pg, struct pg *new_pg, bool tell,
			struct compared *out, struct err *err)
{
	struct row_causes causes;
	struct copy_compared found = {0};
	struct teller teller = {.job = job, .tell = tell};
	const struct copy_compare_options options = {.content = out->content_asked,
						     .finished = tell_finished,
						     .progress = tell_progress,
						     .ctx = &teller};
	int rc = row_causes_begin(&causes, job, old_pg, new_pg, err);
	if (rc == 0)
		rc = compare_mark(old_pg, &out->old_mark, err);
	if (rc == 0)
		rc = compare_mark(new_pg, &out->new_mark, err);
	if (rc == 0)
		rc = copy_compare_run(old_pg, new_pg, &options, &found, err);
	if (rc == 0 && !copy_all_equal(&found))
		rc = row_causes_end(&causes, err);
	if (rc == 0) {
		out->content = found.content;
		text_copy(out->no_content, sizeof out->no_content, found.no_content);
		out->list = xcalloc(found.n + 1, sizeof *out->list);
		struct old_alive alive;
		old_alive_look(job, old_pg, &alive);
		for (size_t i = 0; i < found.n; i++)
			add(job, &causes, &alive, &found, &found.list[i], out);
		old_alive_done(&alive);
		qsort(out->list, out->n, sizeof *out->list, worst_first);
		if (tell)
			tell_tables(job, out);
	}
	copy_compared_done(&found);
	row_causes_done(&causes);
	return rc;
}

int compare_sides(struct job *job, bool content, bool tell, struct compared *out, struct err *err)
{
	*out = (struct compared){.content_asked = content};
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? compare_open(job, old_pg, new_pg, tell, out, err) : -1;
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

void compared_done(struct compared *compared)
{
	free(compared->list);
	*compared = (struct compared){0};
}

enum verdict compared_verdict(const struct compared *compared)
{
	enum verdict worst = compared->n ? VERDICT_PASS : VERDICT_FAIL;
	for (size_t i = 0; i < compared->n; i++) {
		enum verdict v = compared->list[i].verdict;
		if (v == VERDICT_FAIL)
			return VERDICT_FAIL;
		if (v == VERDICT_UNKNOWN || (v == VERDICT_WARN && worst == VERDICT_PASS))
			worst = v;
	}
	return worst;
}

static const char *count_word(char out[UNITS_MAX], int64_t rows)
{
	return rows == -1 ? "missing" : rows == -2 ? "not counted" : units_count(out, rows);
}

/* "2 tables are missing on NEW: audits, events. ": what is worst is said first, where a line may be cut. */
static void missing_text(const struct compared *c, char *out, size_t size)
{
	struct buf names = {0};
	size_t n = 0;
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].old_rows == -1 || c->list[i].new_rows != -1 ||
		    c->list[i].verdict != VERDICT_FAIL)
			continue;
		if (n++ < 3)
			buf_addf(&names, "%s%.40s", names.len ? ", " : "", c->list[i].label);
	}
	*out = '\0';
	if (n)
		text_copyf(out, size, "%zu table%s missing on NEW: %s%s. ", n, n == 1 ? " is" : "s are",
			   buf_text(&names), n > 3 ? " and more" : "");
	buf_done(&names);
}

void compared_evidence(const struct compared *c, struct evidence *ev)
{
	char missing[200];
	char old_rows[UNITS_MAX], new_rows[UNITS_MAX], name[32], rows[80];
	enum verdict verdict = compared_verdict(c);
	units_count(old_rows, c->old_rows);
	units_count(new_rows, c->new_rows);
	text_copyf(rows, sizeof rows, "%s%s%s", old_rows, c->old_rows == c->new_rows ? "" : " on OLD, ",
		   c->old_rows == c->new_rows ? "" : new_rows);
	char fact[80], aside[80] = "";
	text_copyf(fact, sizeof fact, "%zu/%zu %s %s", c->equal, c->n, old_rows, new_rows);
	if (c->skipped)
		text_copyf(aside, sizeof aside, ", %zu skipped by copy.skip_data", c->skipped);
	if (c->waived)
		text_copyf(aside + strlen(aside), sizeof aside - strlen(aside), ", %zu waived", c->waived);
	missing_text(c, missing, sizeof missing);
	evidence_add(ev, verdict, "rows", fact, "%s%zu/%zu tables equal%s%s, %s rows%s%s", missing, c->equal,
		     c->n, c->content ? " in rows and content" : "", aside, rows,
		     c->old_rows == c->new_rows ? "" : " on NEW",
		     c->n ? "" : ": OLD has no tables at all, is that the right database?");
	for (size_t i = 0; i < c->n && i < 20; i++) {
		const struct compared_table *t = &c->list[i];
		if (t->verdict == VERDICT_PASS && !t->skipped)
			continue;
		text_copyf(name, sizeof name, "rows:%s", t->label);
		char old_side[UNITS_MAX], new_side[UNITS_MAX];
		evidence_add(ev, t->verdict, name, verdict_name(t->verdict), "%s: OLD %s, NEW %s: %s",
			     t->label, count_word(old_side, t->old_rows), count_word(new_side, t->new_rows),
			     t->cause);
	}
	if (*c->no_content)
		evidence_add(ev, VERDICT_WARN, "content", "not compared", "%s", c->no_content);
}
