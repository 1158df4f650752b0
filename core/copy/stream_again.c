/* A copy that goes on where another one broke off: what stands in the target is kept as far as it is whole.
 *
 * Only under the very definitions it began with: those of the source are read anew, and told from the first
 * ones by a digest. Large objects are left out of it, for they come and go as rows do. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <stdlib.h>
#include <string.h>

enum { TABLES_AT_ONCE = 200 };

/* ---- the definitions ---- */

static bool is_large_object(const struct copy_entry *e)
{
	return text_starts(e->type, "BLOB") || text_starts(e->name, "LARGE OBJECT");
}

static int digest(struct stream *s, const struct copy_script *script, char out[40], struct err *err)
{
	struct buf all = {0};
	for (size_t i = 0; i < script->n; i++) {
		const struct copy_entry *e = &script->list[i];
		if (is_large_object(e))
			continue;
		buf_addf(&all, "%s\n%s\n%s\n", e->type, e->schema, e->name);
		for (size_t k = 0; k < e->n; k++)
			buf_addf(&all, "%s;\n", e->list[k]);
	}
	int rc = pg_value(s->target, "SELECT pg_catalog.md5($1)", PG_ARGS(buf_text(&all)), out, 40, err);
	buf_done(&all);
	return rc;
}

/* A copy that stands under other definitions is of no use: the next plan shall know that. */
int stream_same_definitions(struct stream *s, const char *half, const struct copy_script *script,
			    struct err *err)
{
	char now[40];
	const char *was = text_equal(half, "pre") ? s->left.pre : s->left.post;
	if (digest(s, script, now, err) < 0)
		return -1;
	if (!*was)
		return stream_mark_note(s, half, now, err);
	if (text_equal(was, now))
		return 0;
	if (pg_exec(s->target, err, "UPDATE nightferry.unfinished_stream SET pre = NULL") < 0)
		return -1;
	return err_set(err, ERR_WORLD,
		       "OLD's definitions were changed since the copy that broke off, so nothing of it can "
		       "be kept. OLD is as it was; run it again, and it empties its unfinished copy and "
		       "begins anew");
}

/* ---- what is not whole goes ---- */

/* They come back when all rows are of one moment. */
static int drop_keys(struct stream *s, struct err *err)
{
	return pg_exec(
	    s->target, err,
	    "DO $$DECLARE k record; BEGIN FOR k IN SELECT n.nspname, c.relname, x.conname FROM pg_constraint "
	    "x JOIN pg_class c ON c.oid = x.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
	    "x.contype = 'f' AND x.conparentid = 0 AND n.nspname !~ '^pg_' LOOP EXECUTE format('ALTER TABLE "
	    "%%I.%%I DROP CONSTRAINT %%I', k.nspname, k.relname, k.conname); END LOOP; END$$");
}

static int empty_some(struct stream *s, struct buf *sql, struct err *err)
{
	int rc = sql->len ? pg_exec(s->target, err, "TRUNCATE %s", buf_text(sql)) : 0;
	buf_reset(sql);
	return rc;
}

/* Pieces of a table, and small ones that came without a note. Extensions' own tables hold rows that are not
 * ours. */
static int empty_the_rest(struct stream *s, struct err *err)
{
	struct buf sql = {0}, one = {0};
	size_t n = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->catalog.n; i++) {
		const struct copy_table *t = &s->catalog.list[i];
		if (t->skipped || s->kept[i])
			continue;
		buf_reset(&one);
		copy_table_name(&one, t);
		if (t->extension) {
			rc = pg_exec(s->target, err, "DELETE FROM ONLY %s %s", buf_text(&one), t->where);
			continue;
		}
		buf_addf(&sql, "%sONLY %s", sql.len ? ", " : "", buf_text(&one));
		if (++n % TABLES_AT_ONCE == 0)
			rc = empty_some(s, &sql, err);
	}
	if (rc == 0)
		rc = empty_some(s, &sql, err);
	buf_done(&sql);
	buf_done(&one);
	return rc;
}

int stream_go_on(struct stream *s, struct err *err)
{
	const struct copy_stream_hooks *hooks = s->hooks;
	if (s->left.rows_in)
		return 0;
	if (drop_keys(s, err) < 0 || empty_the_rest(s, err) < 0)
		return -1;
	return hooks->catch_up(hooks->ctx, s->source, s->target, s->snapshot, err);
}

/* ---- indexes and constraints that stand there already ---- */

/* Schema, table and own name, and whether it is of use; indexes stand in their table's schema. */
#define BETWEEN " || E'\\x01' || "
static const char standing_sql[] =
    "SELECT (n.nspname" BETWEEN "c.relname" BETWEEN "k.conname) COLLATE \"C\", k.convalidated FROM "
    "pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE k.contype IN ('p', 'u', 'x', 'f') UNION ALL SELECT n.nspname" BETWEEN "c.relname" BETWEEN
    "i.relname, x.indisvalid FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid "
    "= x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT EXISTS (SELECT FROM "
    "pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid) ORDER BY 1";

static bool stands(const struct pg_result *r, const char *name, bool *of_use)
{
	size_t low = 0, high = pg_rows(r);
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp(pg_get(r, mid, 0), name);
		if (order == 0) {
			*of_use = pg_get_bool(r, mid, 1);
			return true;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool name_of(const struct copy_entry *e, char *out, size_t size)
{
	char schema[64], table[64], own[64];
	bool only, constraint = !text_equal(e->type, "INDEX");
	if (!copy_entry_table(e, schema, table, &only) ||
	    !(constraint ? copy_entry_constraint(e, own) : copy_entry_index(e, own)))
		return false;
	text_copyf(out, size, "%s\x01%s\x01%s", schema, table, own);
	return true;
}

static void strike_first(struct copy_entry *e)
{
	free(e->list[0]);
	memmove(e->list, e->list + 1, --e->n * sizeof *e->list);
}

static int drop_half(struct stream *s, const struct copy_entry *e, struct err *err)
{
	char schema[64], table[64], own[64];
	bool only;
	struct buf sql = {0};
	if (!copy_entry_table(e, schema, table, &only) || !copy_entry_constraint(e, own))
		return 0;
	buf_adds(&sql, "ALTER TABLE ");
	pg_add_name(&sql, schema);
	buf_addc(&sql, '.');
	pg_add_name(&sql, table);
	buf_adds(&sql, " DROP CONSTRAINT ");
	pg_add_name(&sql, own);
	int rc = pg_exec(s->target, err, "%s", buf_text(&sql));
	buf_done(&sql);
	return rc;
}

/* A statement stands or it does not. What follows it in its entry may be said twice, and is. */
int stream_strike_standing(struct stream *s, struct err *err)
{
	char name[200];
	int rc = 0;
	struct pg_result *r = pg_query(s->target, standing_sql, NULL, err);
	if (!r)
		return -1;
	for (size_t i = 0; rc == 0 && pg_rows(r) && i < s->post.n; i++) {
		struct copy_entry *e = &s->post.list[i];
		bool of_use;
		if (!stream_is_task(s, e) || !name_of(e, name, sizeof name) || !stands(r, name, &of_use))
			continue;
		if (of_use)
			strike_first(e);
		else
			rc = drop_half(s, e, err);
	}
	pg_result_free(r);
	return rc;
}
