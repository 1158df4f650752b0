/* Rows of both sides, held side by side by their key. */
#include "core/base/text.h"
#include "core/copy/bisect_inner.h"
#include "core/copy/hash.h"
#include <stdlib.h>
#include <string.h>

struct held {
	char *key[KEYS_MOST];
	int64_t hash;
};
struct holding {
	struct held *list[2];
	size_t n[2], n_keys;
	bool integer;
};

static void take_rows(void *ctx, int side, const struct pg_result *r)
{
	struct holding *h = ctx;
	h->list[side] = xcalloc(pg_rows(r) + 1, sizeof *h->list[side]);
	h->n[side] = pg_rows(r);
	for (size_t i = 0; i < h->n[side]; i++) {
		for (size_t k = 0; k < h->n_keys; k++)
			h->list[side][i].key[k] = xstrdup(pg_get(r, i, (int)k));
		h->list[side][i].hash = pg_get_int(r, i, (int)h->n_keys);
	}
}

static int compare_keys(const struct held *x, const struct held *y)
{
	for (size_t k = 0; k < KEYS_MOST && x->key[k] && y->key[k]; k++) {
		int order = strcmp(x->key[k], y->key[k]);
		if (order)
			return order;
	}
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return compare_keys(a, b);
}

static int compare_numbers(const struct held *x, const struct held *y)
{
	int64_t a = strtoll(x->key[0], NULL, 10), b = strtoll(y->key[0], NULL, 10);
	return (a > b) - (a < b);
}

static int by_number(const void *a, const void *b)
{
	return compare_numbers(a, b);
}

static void holding_done(struct holding *h)
{
	for (int s = 0; s < 2; s++) {
		for (size_t i = 0; i < h->n[s]; i++)
			for (size_t k = 0; k < KEYS_MOST; k++)
				free(h->list[s][i].key[k]);
		free(h->list[s]);
	}
}

/* ---- what of a row differs ---- */

struct looked {
	struct bisect *b;
	struct cell {
		int64_t hash, length; /* length -1: NULL */
	} * cells[2];
	bool seen[2];
};

static void take_cells(void *ctx, int side, const struct pg_result *r)
{
	struct looked *l = ctx;
	size_t n = json_count(l->b->columns[0]);
	l->seen[side] = pg_rows(r) == 1;
	for (size_t i = 0; i < n && l->seen[side]; i++) {
		l->cells[side][i].hash = pg_get_int(r, 0, (int)(2 * i));
		l->cells[side][i].length =
		    pg_null(r, 0, (int)(2 * i + 1)) ? -1 : pg_get_int(r, 0, (int)(2 * i + 1));
	}
}

static const struct json *twin_of(const struct json *columns, const struct json *column)
{
	for (const struct json *c = json_first(columns); c; c = json_next(c)) {
		if (text_equal(bisect_column_name(c), bisect_column_name(column)))
			return c;
	}
	return NULL;
}

/* Hash and length of each column of OLD, in its order, where both have it. */
static void add_cells(const struct bisect *b, int side, const struct held *row, struct buf *sql)
{
	buf_adds(sql, "SELECT ");
	for (const struct json *c = json_first(b->columns[0]); c; c = json_next(c)) {
		const struct json *mine = side ? twin_of(b->columns[1], c) : c;
		buf_adds(sql, c == json_first(b->columns[0]) ? "" : ", ");
		if (!mine || !twin_of(b->columns[1], c)) {
			buf_adds(sql, "0, NULL");
			continue;
		}
		copy_hash_column(sql, mine, b->columns[!side], b->recode);
		buf_adds(sql, ", length((" COPY_ROW ".");
		pg_add_name(sql, bisect_column_name(c));
		buf_adds(sql, ")::text)");
	}
	bisect_from(b, sql);
	for (size_t k = 0; k < b->n_keys; k++) {
		buf_adds(sql, k ? " AND " COPY_ROW "." : " WHERE " COPY_ROW ".");
		pg_add_name(sql, b->names[k]);
		buf_adds(sql, " = ");
		pg_add_text(sql, row->key[k]);
	}
}

static void say_cell(char *out, size_t size, const struct cell *a, const struct cell *b)
{
	if (a->length < 0)
		text_copyf(out, size, "NULL on OLD, length %lld on NEW", (long long)b->length);
	else if (b->length < 0)
		text_copyf(out, size, "length %lld on OLD, NULL on NEW", (long long)a->length);
	else if (a->length == b->length)
		text_copyf(out, size, "length %lld on both", (long long)a->length);
	else
		text_copyf(out, size, "length %lld on OLD, %lld on NEW", (long long)a->length,
			   (long long)b->length);
}

static void say_columns(const struct bisect *b, const struct looked *l, struct copy_row *row)
{
	struct buf words = {0};
	size_t i = 0;
	for (const struct json *c = json_first(b->columns[0]); c; c = json_next(c), i++) {
		char cell[80], name[80];
		if (l->cells[0][i].hash == l->cells[1][i].hash)
			continue;
		say_cell(cell, sizeof cell, &l->cells[0][i], &l->cells[1][i]);
		text_clean(name, sizeof name, bisect_column_name(c), strlen(bisect_column_name(c)));
		buf_addf(&words, "%s%s: %s", words.len ? "; " : "", name, cell);
	}
	text_copy(row->columns, sizeof row->columns,
		  words.len ? buf_text(&words) : "it was changed meanwhile");
	buf_done(&words);
}

static int look_columns(struct bisect *b, const struct held *held, struct copy_row *row, struct err *err)
{
	struct looked l = {.b = b};
	struct buf sql[2] = {0};
	for (int i = 0; i < 2; i++) {
		l.cells[i] = xcalloc(json_count(b->columns[0]) + 1, sizeof *l.cells[i]);
		add_cells(b, i, held, &sql[i]);
	}
	int rc = bisect_ask(b, sql, take_cells, &l, err);
	if (rc == 0 && l.seen[0] && l.seen[1])
		say_columns(b, &l, row);
	for (int i = 0; i < 2; i++) {
		free(l.cells[i]);
		buf_done(&sql[i]);
	}
	return rc;
}

/* ---- side by side ---- */

static int note(struct bisect *b, enum copy_row_how how, const struct held *held, struct err *err)
{
	if (b->out->n == COPY_ROWS_MOST) {
		b->out->more = true;
		return 0;
	}
	struct copy_row *row = &b->out->rows[b->out->n++];
	struct buf key = {0};
	row->how = how;
	for (size_t k = 0; k < b->n_keys; k++)
		buf_addf(&key, "%s%s", k ? ", " : "", held->key[k]);
	text_clean(row->key, sizeof row->key, buf_text(&key), key.len);
	buf_done(&key);
	return how == COPY_ROW_DIFFERS ? look_columns(b, held, row, err) : 0;
}

static int hold(struct bisect *b, struct holding *h, struct err *err)
{
	int rc = 0;
	for (int s = 0; s < 2; s++)
		qsort(h->list[s], h->n[s], sizeof *h->list[s], h->integer ? by_number : by_key);
	for (size_t i = 0, j = 0; rc == 0 && (i < h->n[0] || j < h->n[1]);) {
		int order = i == h->n[0]   ? 1
			    : j == h->n[1] ? -1
			    : h->integer   ? compare_numbers(&h->list[0][i], &h->list[1][j])
					   : compare_keys(&h->list[0][i], &h->list[1][j]);
		if (order < 0)
			rc = note(b, COPY_ROW_ONLY_OLD, &h->list[0][i++], err);
		else if (order > 0)
			rc = note(b, COPY_ROW_ONLY_NEW, &h->list[1][j++], err);
		else if (h->list[0][i].hash != h->list[1][j].hash)
			rc = note(b, COPY_ROW_DIFFERS, &h->list[0][i++], err), j++;
		else
			i++, j++;
	}
	return rc;
}

int bisect_hold(struct bisect *b, const char *const where[2], struct err *err)
{
	struct holding h = {.n_keys = b->n_keys, .integer = b->integer};
	struct buf sql[2] = {0};
	for (int i = 0; i < 2; i++) {
		buf_adds(&sql[i], "SELECT ");
		for (size_t k = 0; k < b->n_keys; k++) {
			buf_adds(&sql[i], COPY_ROW ".");
			pg_add_name(&sql[i], b->names[k]);
			buf_adds(&sql[i], "::text, ");
		}
		bisect_hash(b, i, &sql[i]);
		bisect_from(b, &sql[i]);
		buf_addf(&sql[i], " WHERE %s", where[i]);
	}
	int rc = bisect_ask(b, sql, take_rows, &h, err);
	b->out->rows_read += (int64_t)(h.n[0] + h.n[1]);
	if (rc == 0)
		rc = hold(b, &h, err);
	holding_done(&h);
	buf_done(&sql[0]);
	buf_done(&sql[1]);
	return rc;
}
