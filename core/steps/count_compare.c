/* The comparison: counts and hashes of both sides, and the likely cause of each difference. */
#include "core/steps/count_compare.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_count.h"
#include "core/links/pg_sides.h"
#include <stdlib.h>
#include <string.h>

struct both {
	struct pg *old_pg, *new_pg;
	struct pg_tables old_tables, new_tables;
	struct pg_source source; /* the fact; empty when there is none */
	bool have_source;
	struct pg_extension *missing; /* extensions that OLD has and NEW has not */
	size_t n_missing;
};

static int open_both(struct job *job, struct both *both, struct err *err)
{
	both->old_pg = pg_open_old(job, err);
	both->new_pg = both->old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	if (!both->new_pg)
		return -1;
	both->have_source = pg_source_read(job_fact(job, "source", ""), &both->source);
	return pg_tables_look(both->old_pg, &both->old_tables, err) < 0
		   ? -1
		   : pg_tables_look(both->new_pg, &both->new_tables, err);
}

static void close_both(struct both *both)
{
	pg_tables_done(&both->old_tables);
	pg_tables_done(&both->new_tables);
	pg_source_done(&both->source);
	free(both->missing);
	pg_close(both->old_pg);
	pg_close(both->new_pg);
}

/* Only for the words of a cause: a look that fails leaves the cause without it. */
static void look_missing_extensions(struct both *both)
{
	char found[4];
	both->missing = xcalloc(both->source.n_extensions + 1, sizeof *both->missing);
	for (size_t i = 0; i < both->source.n_extensions; i++) {
		const char *name = both->source.extensions[i].name;
		if (pg_value(both->new_pg, "SELECT 1 FROM pg_extension WHERE extname = $1", PG_ARGS(name),
			     found, sizeof found, NULL) == 0 &&
		    !*found)
			both->missing[both->n_missing++] = both->source.extensions[i];
	}
}

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

static void say(struct compared_table *t, enum verdict verdict, const char *cause)
{
	t->verdict = verdict;
	text_copy(t->cause, sizeof t->cause, cause);
}

static void judge_missing(const struct both *both, struct compared_table *t)
{
	if (t->old_rows == -1) {
		say(t, VERDICT_WARN, "only on NEW: made there since the restore, or never wiped");
	} else if (both->n_missing) {
		text_copyf(t->cause, sizeof t->cause,
			   "extension %s%s not there, which the restore needed first; run "
			   "prepare-target, then "
			   "restore again",
			   both->missing[0].name, both->n_missing > 1 ? " and others are" : " is");
		t->verdict = VERDICT_FAIL;
	} else {
		say(t, VERDICT_FAIL,
		    "the restore failed at it, see its log; or it was made on OLD after the "
		    "dump");
	}
}

static void judge_rows(const struct both *both, struct compared_table *t)
{
	const struct pg_table *was =
	    both->have_source ? pg_tables_find(&both->source.tables, t->label) : NULL;
	int64_t by = t->new_rows - t->old_rows;
	char n[UNITS_MAX];
	units_count(n, by < 0 ? -by : by);
	t->verdict = VERDICT_FAIL;
	if (was && was->rows != t->old_rows)
		text_copyf(t->cause, sizeof t->cause,
			   "OLD changed since it was recorded (%lld then): somebody still writes there",
			   (long long)was->rows);
	else if (by > 0)
		text_copyf(t->cause, sizeof t->cause,
			   "NEW has %s rows more: something writes on NEW already, or it was not empty "
			   "before the restore",
			   n);
	else if (t->new_rows == 0)
		say(t, VERDICT_FAIL,
		    "empty on NEW: the dump ends before its rows, or COPY failed; see the log of restore");
	else
		text_copyf(t->cause, sizeof t->cause,
			   "NEW has %s rows fewer: a cut dump, or rows were written on OLD after it", n);
}

static void judge(const struct both *both, struct compared_table *t, const struct pg_table *old_table,
		  const struct pg_table *new_table)
{
	if (t->skipped && (t->old_rows == -1 || t->new_rows != -1)) {
		char n[UNITS_MAX];
		text_copyf(t->cause, sizeof t->cause, "left out by copy.skip_data: %s rows stay on OLD",
			   units_count(n, t->old_rows > 0 ? t->old_rows : 0));
		t->verdict = VERDICT_PASS;
	} else if (t->old_rows == -1 || t->new_rows == -1) {
		judge_missing(both, t);
	} else if (t->old_rows == -2 || t->new_rows == -2) {
		text_copyf(t->cause, sizeof t->cause, "could not be counted: %s",
			   t->old_rows == -2 ? old_table->why : new_table->why);
		t->verdict = VERDICT_UNKNOWN;
	} else if (t->old_rows != t->new_rows) {
		judge_rows(both, t);
	} else if (t->content && !text_equal(old_table->hash, new_table->hash)) {
		say(t, VERDICT_FAIL,
		    "as many rows, but they do not say the same: rows were changed on one side, or text came "
		    "across altered");
	} else {
		say(t, VERDICT_PASS, "");
	}
}

/* Missing and uncounted tables have nothing a person could be right about. */
static void judge_waived(struct job *job, struct compared_table *t, const struct pg_table *old_table,
			 const struct pg_table *new_table)
{
	char about[144], fact[200], was[sizeof t->cause];
	if (t->verdict != VERDICT_FAIL || t->old_rows < 0 || t->new_rows < 0)
		return;
	text_copyf(about, sizeof about, "rows:%s", t->label);
	rows_fact(fact, sizeof fact, t->old_rows, t->new_rows, t->content ? old_table->hash : "",
		  t->content ? new_table->hash : "");
	const struct json *waiver = job_waiver(job, about, fact);
	if (!waiver)
		return;
	text_copy(was, sizeof was, t->cause);
	t->waived = true;
	t->verdict = VERDICT_WARN;
	text_copyf(t->cause, sizeof t->cause, "waived by %s: \"%s\" (%s)", json_str(waiver, "by", ""),
		   json_str(waiver, "reason", ""), was);
}

static int64_t rows_of(const struct pg_table *table)
{
	return !table ? -1 : table->rows < 0 ? -2 : table->rows;
}

static void add(struct job *job, const struct both *both, struct compared *out, const char *label,
		bool content)
{
	struct compared_table *t = &out->list[out->n++];
	const struct pg_table *old_table = pg_tables_find(&both->old_tables, label),
			      *new_table = pg_tables_find(&both->new_tables, label);
	text_copy(t->label, sizeof t->label, label);
	t->old_rows = rows_of(old_table);
	t->new_rows = rows_of(new_table);
	t->content = content && t->old_rows >= 0 && t->new_rows >= 0;
	t->skipped = is_skipped(job, label);
	judge(both, t, old_table, new_table);
	judge_waived(job, t, old_table, new_table);
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
		struct pg_table gone = {.rows = -1};
		text_copy(gone.label, sizeof gone.label, t->label);
		if (t->old_rows == -1 || t->new_rows == -1)
			pg_tell_rows(job, t->old_rows == -1 ? "OLD" : "NEW", &gone, true);
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

static int count(struct job *job, struct both *both, bool content, bool tell, struct err *err)
{
	struct pg_counting sides[2] = {
	    {.pg = both->old_pg, .tables = &both->old_tables, .content = content, .quiet = !tell, .lanes = 2},
	    {.pg = both->new_pg, .tables = &both->new_tables, .content = content, .quiet = !tell, .lanes = 2},
	};
	return pg_count(job, sides, 2, tell, err);
}

/* The text of a row is the same on both sides only as far as the same major prints it. */
static bool may_hash(const struct both *both, bool asked, struct compared *out)
{
	if (!asked)
		return false;
	if (pg_major(both->old_pg) == pg_major(both->new_pg))
		return true;
	text_copyf(
	    out->no_content, sizeof out->no_content,
	    "contents were not compared: OLD is PostgreSQL %d and NEW %d, which may print rows differently",
	    pg_major(both->old_pg), pg_major(both->new_pg));
	return false;
}

int compare_written(struct pg *pg, int64_t *out, struct err *err)
{
	return pg_number(
	    pg, "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables",
	    NULL, out, err);
}

static int look_marks(const struct both *both, struct compared *out, struct err *err)
{
	if (pg_xmax(both->old_pg, &out->old_xmax, err) < 0 || pg_xmax(both->new_pg, &out->new_xmax, err) < 0)
		return -1;
	if (compare_written(both->old_pg, &out->old_written, err) < 0)
		return -1;
	return compare_written(both->new_pg, &out->new_written, err);
}

int compare_sides(struct job *job, bool content, bool tell, struct compared *out, struct err *err)
{
	struct both both = {0};
	*out = (struct compared){.content_asked = content};
	int rc = open_both(job, &both, err);
	bool hash = rc == 0 && may_hash(&both, content, out);
	if (rc == 0)
		rc = look_marks(&both, out, err);
	if (rc == 0)
		rc = count(job, &both, hash, tell, err);
	if (rc == 0) {
		look_missing_extensions(&both);
		out->content = hash;
		out->list = xcalloc(both.old_tables.n + both.new_tables.n + 1, sizeof *out->list);
		for (size_t i = 0; i < both.old_tables.n; i++)
			add(job, &both, out, both.old_tables.list[i].label, hash);
		for (size_t i = 0; i < both.new_tables.n; i++) {
			if (!pg_tables_find(&both.old_tables, both.new_tables.list[i].label))
				add(job, &both, out, both.new_tables.list[i].label, hash);
		}
		qsort(out->list, out->n, sizeof *out->list, worst_first);
		if (tell)
			tell_tables(job, out);
	}
	close_both(&both);
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
