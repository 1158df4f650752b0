/* The comparison: see compare.h. Looks: compare_look.c; counting: compare_count.c. */
#include "core/copy/compare.h"
#include "core/base/text.h"
#include "core/copy/compare_inner.h"
#include "core/copy/hash.h"
#include <stdlib.h>
#include <string.h>

static int by_label(const void *a, const void *b)
{
	return strcmp(((const struct copy_compared_table *)a)->label,
		      ((const struct copy_compared_table *)b)->label);
}

size_t compared_at(const struct copy_compared *out, const char *label)
{
	size_t low = 0, high = out->n;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (strcmp(out->list[mid].label, label) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct copy_compared_table *copy_compared_find(const struct copy_compared *compared, const char *label)
{
	size_t at = compared_at(compared, label);
	return at < compared->n && text_equal(compared->list[at].label, label) ? &compared->list[at] : NULL;
}

static void take_table(struct copy_compared_table *into, int side, const struct pg_table *table)
{
	struct copy_side *s = &into->side[side];
	text_copy(into->label, sizeof into->label, table->label);
	text_copy(s->schema, sizeof s->schema, table->schema);
	text_copy(s->name, sizeof s->name, table->name);
	s->rows = -2;
	text_copy(s->why, sizeof s->why, "it was not counted");
}

/* Both sides' tables by label, each once. */
static void merge(const struct compare_side sides[2], struct copy_compared *out)
{
	const struct pg_tables *a = &sides[COPY_OLD].tables, *b = &sides[COPY_NEW].tables;
	size_t i = 0, j = 0;
	out->list = xcalloc(a->n + b->n + 1, sizeof *out->list);
	while (i < a->n || j < b->n) {
		int order = i == a->n ? 1 : j == b->n ? -1 : strcmp(a->list[i].label, b->list[j].label);
		struct copy_compared_table *t = &out->list[out->n++];
		t->side[COPY_OLD].rows = t->side[COPY_NEW].rows = -1;
		if (order <= 0)
			take_table(t, COPY_OLD, &a->list[i++]);
		if (order >= 0)
			take_table(t, COPY_NEW, &b->list[j++]);
	}
	qsort(out->list, out->n, sizeof *out->list, by_label);
}

/* The numbers of an older server are others; a proof is rather left out than made up. */
static bool may_hash(const struct compare_side sides[2], bool asked, struct copy_compared *out)
{
	if (!asked)
		return false;
	for (int i = 0; i < 2; i++) {
		if (pg_major(sides[i].pg) >= COPY_HASH_OLDEST)
			continue;
		text_copyf(
		    out->no_content, sizeof out->no_content,
		    "contents were not compared: %s is PostgreSQL %d, which hashes rows in another way",
		    i == COPY_OLD ? "OLD" : "NEW", pg_major(sides[i].pg));
		return false;
	}
	return true;
}

bool copy_table_equal(const struct copy_compared *compared, const struct copy_compared_table *table)
{
	const struct copy_side *o = &table->side[COPY_OLD], *n = &table->side[COPY_NEW];
	if (o->rows < 0 || o->rows != n->rows || *table->columns)
		return false;
	return !compared->content || (*o->hash && text_equal(o->hash, n->hash));
}

static void sum_up(struct copy_compared *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct copy_compared_table *t = &out->list[i];
		int64_t o = t->side[COPY_OLD].rows, n = t->side[COPY_NEW].rows;
		out->rows[COPY_OLD] += o > 0 ? o : 0;
		out->rows[COPY_NEW] += n > 0 ? n : 0;
		if (n == -1)
			out->missing++;
		else if (o == -1)
			out->extra++;
		else if (o < 0 || n < 0)
			out->unknown++;
		else if (copy_table_equal(out, t))
			out->equal++;
		else
			out->differ++;
	}
}

bool copy_all_equal(const struct copy_compared *compared)
{
	return compared->n > 0 && compared->equal == compared->n;
}

int copy_compare_run(struct pg *old_pg, struct pg *new_pg, const struct copy_compare_options *options,
		     struct copy_compared *out, struct err *err)
{
	struct compare_side sides[2] = {{.pg = old_pg}, {.pg = new_pg}};
	*out = (struct copy_compared){0};
	int rc = compare_look(&sides[COPY_OLD], err);
	if (rc == 0)
		rc = compare_look(&sides[COPY_NEW], err);
	if (rc == 0) {
		merge(sides, out);
		out->content = may_hash(sides, options->content, out);
		for (int i = 0; i < 2; i++)
			out->one_moment[i] = *sides[i].snapshot != '\0';
		rc = compare_count(sides, options, out, err);
	}
	if (rc == 0)
		sum_up(out);
	compare_side_done(&sides[COPY_OLD]);
	compare_side_done(&sides[COPY_NEW]);
	return rc;
}

void copy_compared_done(struct copy_compared *compared)
{
	free(compared->list);
	*compared = (struct copy_compared){0};
}
