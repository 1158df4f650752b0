/* Ranges of the key: see bisect.h. Rows held side by side: bisect_rows.c. */
#include "core/copy/bisect.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/bisect_inner.h"
#include "core/copy/columns.h"
#include "core/copy/hash.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 64,       /* an integer key is split into so many ranges at a time, by its index */
	BUCKETS = 4096,  /* any other key at once: each split would read the whole table */
	FEW_ROWS = 3000, /* are read and held side by side */
};

/* ---- asking both ---- */

struct asking {
	const struct buf *sql;
	bool asked[2];
	struct pg_lane *lanes;
	void (*take)(void *ctx, int side, const struct pg_result *r);
	void *ctx;
};

static bool ask_next(void *ctx, struct pg_lane *lane, struct buf *sql)
{
	struct asking *a = ctx;
	int side = (int)(lane - a->lanes);
	if (a->asked[side])
		return false;
	a->asked[side] = true;
	buf_adds(sql, buf_text(&a->sql[side]));
	return true;
}

static int ask_done(void *ctx, struct pg_lane *lane, const struct pg_result *result, struct err *err)
{
	struct asking *a = ctx;
	(void)err;
	if (!result)
		return -1;
	a->take(a->ctx, (int)(lane - a->lanes), result);
	return 0;
}

int bisect_ask(struct bisect *b, const struct buf sql[2],
	       void (*take)(void *ctx, int side, const struct pg_result *r), void *ctx, struct err *err)
{
	struct pg_lane lanes[2] = {{.pg = b->pgs[0]}, {.pg = b->pgs[1]}};
	struct asking asking = {.sql = sql, .lanes = lanes, .take = take, .ctx = ctx};
	const struct pg_errand errand = {.next = ask_next, .done = ask_done, .ctx = &asking};
	b->out->statements += 2;
	return pg_together(lanes, 2, &errand, err);
}

void bisect_from(const struct bisect *b, struct buf *sql)
{
	buf_adds(sql, " FROM ");
	pg_add_name(sql, b->schema);
	buf_addc(sql, '.');
	pg_add_name(sql, b->table);
	buf_adds(sql, " AS " COPY_ROW);
}

void bisect_hash(const struct bisect *b, int side, struct buf *sql)
{
	copy_hash_row(sql, b->columns[side], b->columns[!side], b->recode);
}

void bisect_key_hash(const struct bisect *b, int side, struct buf *sql)
{
	copy_hash_row(sql, b->keys, b->columns[!side], b->recode);
}

const char *bisect_column_name(const struct json *column)
{
	const char *name = json_text(json_first(column));
	return name ? name : "";
}

/* ---- one split ---- */

struct bucket {
	int64_t rows;
	uint64_t sum;
};
struct split {
	struct bucket *sides[2];
	size_t n;
};

static void take_split(void *ctx, int side, const struct pg_result *r)
{
	struct split *s = ctx;
	for (size_t i = 0; i < pg_rows(r); i++) {
		int64_t at = pg_get_int(r, i, 0);
		if (at < 0 || at >= (int64_t)s->n)
			continue;
		s->sides[side][at].rows = pg_get_int(r, i, 1);
		s->sides[side][at].sum = copy_hash_add(0, pg_get(r, i, 2));
	}
}

static bool bucket_equal(const struct split *s, size_t i)
{
	return s->sides[0][i].rows == s->sides[1][i].rows && s->sides[0][i].sum == s->sides[1][i].sum;
}

static int64_t bucket_rows(const struct split *s, size_t i)
{
	return s->sides[0][i].rows > s->sides[1][i].rows ? s->sides[0][i].rows : s->sides[1][i].rows;
}

static void add_select(const struct bisect *b, int side, const char *bucket, const char *where,
		       struct buf *sql)
{
	buf_addf(sql, "SELECT %s, count(*), sum(", bucket);
	bisect_hash(b, side, sql);
	buf_addc(sql, ')');
	bisect_from(b, sql);
	buf_addf(sql, "%s%s GROUP BY 1", *where ? " WHERE " : "", where);
}

static void split_init(struct split *s, size_t n)
{
	s->n = n;
	for (int i = 0; i < 2; i++)
		s->sides[i] = xcalloc(n, sizeof *s->sides[i]);
}

static void split_done(struct split *s)
{
	free(s->sides[0]);
	free(s->sides[1]);
}

static void tell_split(struct bisect *b, const struct split *s, const char *range)
{
	char text[200];
	size_t differ = 0;
	for (size_t i = 0; i < s->n; i++)
		differ += !bucket_equal(s, i);
	if (!b->out->ranges) {
		b->out->ranges = s->n;
		b->out->ranges_differ = differ;
	}
	text_copyf(text, sizeof text, "%s: %zu of %zu ranges differ", range, differ, s->n);
	if (b->options && b->options->progress)
		b->options->progress(b->options->ctx, text);
}

static bool full(const struct bisect *b)
{
	return b->out->n == COPY_ROWS_MOST;
}

/* ---- an integer key, in its own order ---- */

static void key_expr(const struct bisect *b, struct buf *out)
{
	buf_adds(out, COPY_ROW ".");
	pg_add_name(out, b->names[0]);
	buf_adds(out, "::int8");
}

static void range_where(const struct bisect *b, int64_t from, int64_t to, struct buf *out)
{
	buf_adds(out, COPY_ROW ".");
	pg_add_name(out, b->names[0]);
	buf_addf(out, " BETWEEN '%" PRId64 "' AND '%" PRId64 "'", from, to);
}

static int hold_range(struct bisect *b, int64_t from, int64_t to, struct err *err)
{
	struct buf where = {0};
	size_t had = b->out->n;
	range_where(b, from, to, &where);
	const char *const both[2] = {buf_text(&where), buf_text(&where)};
	int rc = bisect_hold(b, both, err);
	buf_done(&where);
	if (!had && b->out->n) {
		char a[UNITS_MAX], z[UNITS_MAX];
		text_copy(b->out->first, sizeof b->out->first, units_count(a, from));
		text_copy(b->out->last, sizeof b->out->last, units_count(z, to));
	}
	return rc;
}

/* to - from fits: integer_span() has looked. */
static int split_range(struct bisect *b, int64_t from, int64_t to, struct err *err)
{
	int64_t width = (to - from) / WAYS + 1;
	struct split split;
	struct buf sql[2] = {0}, bucket = {0}, where = {0};
	char range[80], a[UNITS_MAX], z[UNITS_MAX];
	split_init(&split, WAYS);
	buf_addc(&bucket, '(');
	key_expr(b, &bucket);
	buf_addf(&bucket, " - '%" PRId64 "'::int8) / %" PRId64, from, width);
	range_where(b, from, to, &where);
	for (int i = 0; i < 2; i++)
		add_select(b, i, buf_text(&bucket), buf_text(&where), &sql[i]);
	int rc = bisect_ask(b, sql, take_split, &split, err);
	text_copyf(range, sizeof range, "%s-%s", units_count(a, from), units_count(z, to));
	if (rc == 0)
		tell_split(b, &split, range);
	for (size_t i = 0; i < WAYS && rc == 0; i++) {
		int64_t low = from + (int64_t)i * width, high = low + width - 1 > to ? to : low + width - 1;
		if (bucket_equal(&split, i))
			continue;
		if (full(b)) {
			b->out->more = true;
			break;
		}
		rc = bucket_rows(&split, i) <= FEW_ROWS || width == 1 ? hold_range(b, low, high, err)
								      : split_range(b, low, high, err);
	}
	split_done(&split);
	buf_done(&sql[0]);
	buf_done(&sql[1]);
	buf_done(&bucket);
	buf_done(&where);
	return rc;
}

struct span {
	int64_t from, to;
	bool any, wide;
};

static void take_span(void *ctx, int side, const struct pg_result *r)
{
	struct span *s = ctx;
	(void)side;
	if (!pg_rows(r) || pg_null(r, 0, 0))
		return;
	int64_t from = pg_get_int(r, 0, 0), to = pg_get_int(r, 0, 1);
	s->from = s->any && s->from < from ? s->from : from;
	s->to = s->any && s->to > to ? s->to : to;
	s->any = true;
	s->wide = s->from < -(INT64_C(1) << 61) || s->to > INT64_C(1) << 61;
}

static int integer_span(struct bisect *b, struct span *span, struct err *err)
{
	struct buf sql[2] = {0};
	for (int i = 0; i < 2; i++) {
		buf_adds(&sql[i], "SELECT min(");
		key_expr(b, &sql[i]);
		buf_adds(&sql[i], "), max(");
		key_expr(b, &sql[i]);
		buf_addc(&sql[i], ')');
		bisect_from(b, &sql[i]);
	}
	int rc = bisect_ask(b, sql, take_span, span, err);
	buf_done(&sql[0]);
	buf_done(&sql[1]);
	return rc;
}

/* ---- any other key, by its hash ---- */

static void hash_bucket(const struct bisect *b, int side, struct buf *out)
{
	buf_adds(out, "(");
	bisect_key_hash(b, side, out);
	buf_addf(out, " & %d)", BUCKETS - 1);
}

static int hold_buckets(struct bisect *b, const struct split *split, struct err *err)
{
	struct buf list = {0}, where[2] = {0};
	int64_t rows = 0;
	for (size_t i = 0; i < split->n; i++) {
		if (bucket_equal(split, i))
			continue;
		if (list.len && rows + bucket_rows(split, i) > FEW_ROWS) {
			b->out->more = true;
			break;
		}
		buf_addf(&list, "%s%zu", list.len ? "," : "", i);
		rows += bucket_rows(split, i);
	}
	for (int i = 0; i < 2; i++) {
		hash_bucket(b, i, &where[i]);
		buf_addf(&where[i], " IN (%s)", buf_text(&list));
	}
	const char *const both[2] = {buf_text(&where[0]), buf_text(&where[1])};
	int rc = list.len ? bisect_hold(b, both, err) : 0;
	buf_done(&list);
	buf_done(&where[0]);
	buf_done(&where[1]);
	return rc;
}

static int split_hash(struct bisect *b, struct err *err)
{
	struct split split;
	struct buf sql[2] = {0};
	split_init(&split, BUCKETS);
	for (int i = 0; i < 2; i++) {
		struct buf bucket = {0};
		hash_bucket(b, i, &bucket);
		add_select(b, i, buf_text(&bucket), "", &sql[i]);
		buf_done(&bucket);
	}
	int rc = bisect_ask(b, sql, take_split, &split, err);
	if (rc == 0)
		tell_split(b, &split, "by the key's hash");
	if (rc == 0)
		rc = hold_buckets(b, &split, err);
	split_done(&split);
	buf_done(&sql[0]);
	buf_done(&sql[1]);
	return rc;
}

/* ---- the key ---- */

static struct json *look_columns(struct pg *pg, const char *schema, const char *table, struct err *err)
{
	struct pg_result *r = copy_columns_look(pg, schema, table, err);
	struct json *columns = NULL;
	if (pg_rows(r))
		columns = json_parse(pg_get(r, 0, 2), strlen(pg_get(r, 0, 2)), err);
	else if (r)
		err_set(err, ERR_WORLD, "There is no table %s.%s with columns on the %s.", schema, table,
			pg_name(pg));
	pg_result_free(r);
	return columns;
}

static const struct json *column_of(const struct json *columns, const char *name)
{
	for (const struct json *c = json_first(columns); c; c = json_next(c)) {
		if (text_equal(bisect_column_name(c), name))
			return c;
	}
	return NULL;
}

static bool is_integer(const struct json *column)
{
	const char *type = json_text(json_next(json_first(column)));
	return text_equal(type, "int2") || text_equal(type, "int4") || text_equal(type, "int8");
}

/* The primary key, else the shortest unique index over columns that are never NULL. */
static int look_key(struct bisect *b, struct err *err)
{
	char names[600];
	if (pg_value(
		b->pgs[0],
		"SELECT json_agg(a.attname ORDER BY k.ord) FROM pg_class c JOIN pg_namespace n ON n.oid = "
		"c.relnamespace JOIN pg_index i ON i.indrelid = c.oid CROSS JOIN LATERAL unnest(i.indkey) "
		"WITH "
		"ORDINALITY k(num, ord) JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.num WHERE "
		"n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
		"AND "
		"i.indexprs IS NULL AND k.ord <= i.indnkeyatts GROUP BY i.indexrelid, i.indisprimary HAVING "
		"bool_and(a.attnotnull) ORDER BY i.indisprimary DESC, count(*), i.indexrelid LIMIT 1",
		PG_ARGS(b->schema, b->table), names, sizeof names, err) < 0)
		return -1;
	struct json *list = *names ? json_parse(names, strlen(names), NULL) : NULL;
	struct buf keys = {0}, shown = {0};
	buf_addc(&keys, '[');
	for (const struct json *k = json_first(list); k && b->n_keys < KEYS_MOST; k = json_next(k)) {
		const struct json *mine = column_of(b->columns[0], json_text(k)),
				  *theirs = column_of(b->columns[1], json_text(k));
		if (!mine || !theirs) {
			b->n_keys = 0;
			break;
		}
		char *text = json_print(mine);
		buf_addf(&keys, "%s%s", b->n_keys ? "," : "", text);
		buf_addf(&shown, "%s%s", b->n_keys ? ", " : "", json_text(k));
		free(text);
		b->names[b->n_keys++] = bisect_column_name(mine);
		b->integer = is_integer(mine) && is_integer(theirs);
	}
	buf_addc(&keys, ']');
	b->integer = b->integer && b->n_keys == 1;
	if (b->n_keys && b->n_keys == json_count(list)) {
		b->keys = json_parse(buf_text(&keys), keys.len, NULL);
		text_clean(b->out->key, sizeof b->out->key, buf_text(&shown), shown.len);
	} else {
		text_copy(b->out->why, sizeof b->out->why,
			  "the table has no key on both sides (a primary key, or a unique index without "
			  "NULL), so its "
			  "rows cannot be told apart");
	}
	json_free(list);
	buf_done(&keys);
	buf_done(&shown);
	return 0;
}

static int search(struct bisect *b, struct err *err)
{
	struct span span = {0};
	if (!b->integer)
		return split_hash(b, err);
	if (integer_span(b, &span, err) < 0)
		return -1;
	if (!span.any)
		return 0;
	return span.wide ? split_hash(b, err) : split_range(b, span.from, span.to, err);
}

int copy_bisect_run(struct pg *old_pg, struct pg *new_pg, const char *schema, const char *table,
		    const struct copy_bisect_options *options, struct copy_bisected *out, struct err *err)
{
	struct bisect b = {
	    .pgs = {old_pg, new_pg}, .schema = schema, .table = table, .options = options, .out = out};
	char encodings[2][32];
	int rc = 0;
	*out = (struct copy_bisected){0};
	for (int i = 0; i < 2 && rc == 0; i++) {
		if (pg_limit(b.pgs[i], 0, err) < 0 ||
		    pg_value(b.pgs[i], "SHOW server_encoding", NULL, encodings[i], sizeof encodings[i], err) <
			0 ||
		    !(b.columns[i] = look_columns(b.pgs[i], schema, table, err)))
			rc = -1;
	}
	if (rc == 0) {
		b.recode = !text_equal(encodings[0], encodings[1]);
		rc = look_key(&b, err);
	}
	if (rc == 0 && *out->key)
		rc = search(&b, err);
	json_free(b.keys);
	json_free(b.columns[0]);
	json_free(b.columns[1]);
	return rc;
}
