/* Why a table is on one side only. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/row_causes_inner.h"
#include <string.h>

/* "users, tokens and 3 more": the label as a word of its own. */
static bool names(const char *list, const char *label)
{
	size_t len = strlen(label);
	for (const char *at = strstr(list, label); at; at = strstr(at + 1, label)) {
		bool begins = at == list || at[-1] == ' ' || at[-1] == ',';
		if (begins && (at[len] == '\0' || at[len] == ',' || at[len] == ' '))
			return true;
	}
	return false;
}

bool row_cause_restore(struct job *job, const char *label, char *out, size_t size)
{
	char n[UNITS_MAX];
	const struct json *restored = job_fact(job, "restored-by-us", "");
	const struct json *causes = json_get(restored, "causes");
	for (const struct json *c = json_first(causes); c; c = json_next(c)) {
		if (!names(json_str(c, "lost", ""), label))
			continue;
		text_copyf(out, size, "the restore lost it: %s (%s errors); see restore for the way out",
			   json_str(c, "cause", "an error"), units_count(n, json_int(c, "errors", 1)));
		return true;
	}
	return false;
}

/* What its columns and defaults come from: a kind of thing, its schema, its name, the extension it belongs to
 * ("" : none), the column. Arrays are of their elements, ranges and domains stand for themselves. */
static struct pg_result *look_needs(struct pg *pg, const struct copy_side *side)
{
	return pg_query(
	    pg,
	    "WITH t AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
	    "n.nspname "
	    "= $1 AND c.relname = $2), "
	    "x AS (SELECT a.attname, 'pg_type'::regclass AS class, coalesce(nullif(y.typelem, 0), y.oid) AS "
	    "obj "
	    " FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped "
	    " JOIN pg_type y ON y.oid = a.atttypid "
	    " UNION SELECT a.attname, d.refclassid::regclass, d.refobjid FROM t JOIN pg_attrdef f ON "
	    "f.adrelid = "
	    "t.oid "
	    " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = f.adnum "
	    " JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = "
	    "'pg_proc'::regclass) "
	    "SELECT CASE x.class WHEN 'pg_type'::regclass THEN 'type' ELSE 'function' END, n.nspname, "
	    "coalesce(y.typname, p.proname), coalesce(e.extname, ''), x.attname FROM x "
	    "LEFT JOIN pg_type y ON x.class = 'pg_type'::regclass AND y.oid = x.obj "
	    "LEFT JOIN pg_proc p ON x.class = 'pg_proc'::regclass AND p.oid = x.obj "
	    "JOIN pg_namespace n ON n.oid = coalesce(y.typnamespace, p.pronamespace) AND n.nspname <> "
	    "'pg_catalog' "
	    "LEFT JOIN pg_depend d ON d.classid = x.class AND d.objid = x.obj AND d.deptype = 'e' AND "
	    "d.refclassid = "
	    "'pg_extension'::regclass "
	    "LEFT JOIN pg_extension e ON e.oid = d.refobjid ORDER BY e.extname NULLS LAST, x.attname",
	    PG_ARGS(side->schema, side->name), NULL);
}

static bool has(struct pg *pg, const char *sql, const char *const *args, bool *known)
{
	char found[80];
	*known = pg_value(pg, sql, args, found, sizeof found, NULL) == 0;
	return *found != '\0';
}

/* True, and the sentence, when NEW lacks what the column needs. */
static bool lacks(struct pg *pg, const struct pg_result *r, size_t i, char *out, size_t size)
{
	const char *kind = pg_get(r, i, 0), *schema = pg_get(r, i, 1), *name = pg_get(r, i, 2),
		   *extension = pg_get(r, i, 3), *column = pg_get(r, i, 4);
	char where[80] = "";
	bool known, is_type = text_equal(kind, "type");
	if (has(pg,
		is_type ? "SELECT 1 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE "
			  "n.nspname = $1 "
			  "AND t.typname = $2"
			: "SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE "
			  "n.nspname = $1 "
			  "AND p.proname = $2 LIMIT 1",
		PG_ARGS(schema, name), &known) ||
	    !known)
		return false;
	if (!*extension) {
		text_copyf(out, size, "its column %s needs the %s %s.%s, which is not on NEW either", column,
			   kind, schema, name);
		return true;
	}
	if (pg_value(
		pg,
		"SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE "
		"e.extname = $1",
		PG_ARGS(extension), where, sizeof where, NULL) < 0)
		return false;
	if (*where)
		text_copyf(
		    out, size,
		    "its column %s needs %s.%s, and NEW has extension %s in schema %s: run prepare-target, "
		    "then restore again",
		    column, schema, name, extension, where);
	else
		text_copyf(out, size,
			   "extension %s is not on NEW, and its column %s needs it: run prepare-target, then "
			   "restore "
			   "again",
			   extension, column);
	return true;
}

static bool needs_what_is_missing(struct row_causes *c, const struct copy_side *side, char *out, size_t size)
{
	struct pg_result *r = look_needs(c->old_pg, side);
	bool found = false;
	for (size_t i = 0; i < pg_rows(r) && !found; i++)
		found = lacks(c->new_pg, r, i, out, size);
	pg_result_free(r);
	return found;
}

void row_cause_missing(struct row_causes *c, const struct copy_compared_table *t, char *out, size_t size)
{
	const struct copy_side *side = &t->side[COPY_OLD];
	bool known;
	if (row_cause_restore(c->job, t->label, out, size) || needs_what_is_missing(c, side, out, size))
		return;
	if (!has(c->new_pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1", PG_ARGS(side->schema), &known) &&
	    known)
		text_copyf(out, size, "its schema %s is not on NEW: run prepare-target, then restore again",
			   side->schema);
	else if (c->have_source && !pg_tables_find(&c->source.tables, t->label))
		text_copy(out, size, "made on OLD after it was recorded: capture again");
	else
		text_copy(
		    out, size,
		    "not known: what it needs is there, and the restore names no error of it; see its log");
}

void row_cause_extra(struct row_causes *c, const struct copy_compared_table *t, char *out, size_t size)
{
	const struct copy_side *side = &t->side[COPY_NEW];
	bool known;
	if (c->have_source && pg_tables_find(&c->source.tables, t->label))
		text_copy(out, size, "dropped on OLD after it was recorded");
	else if (
	    has(c->new_pg,
		"SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 "
		"AND c.relname = $2 AND c.oid < (SELECT min(k.oid) FROM pg_class k JOIN pg_namespace m ON "
		"m.oid = k.relnamespace WHERE k.relkind IN ('r', 'p') AND m.nspname = $1 AND k.oid <> c.oid)",
		PG_ARGS(side->schema, side->name), &known) &&
	    known)
		text_copy(out, size,
			  "only on NEW, and made before every other table there: it was never wiped");
	else
		text_copy(out, size, "only on NEW: made there by something else than the copy");
}
