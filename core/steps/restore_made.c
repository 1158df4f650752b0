/* What the dump defines and the catalogs do not have. pg_restore's jobs share one log and may tear each
 * other's lines (also the number of the entry that failed), so what is there is asked of the database itself.
 */
#include "core/base/text.h"
#include "core/steps/restore.h"
#include <stdlib.h>
#include <string.h>

static const char made_sql[] = "SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'i ' ELSE 't ' END || "
			       "n.nspname || '.' || c.relname FROM pg_class c "
			       "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('i', 'I', "
			       "'r', 'p', 'f') UNION ALL SELECT 'k ' || "
			       "n.nspname || '.' || t.relname || ' ' || k.conname FROM pg_constraint k JOIN "
			       "pg_class t ON t.oid = k.conrelid JOIN "
			       "pg_namespace n ON n.oid = t.relnamespace";

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The list prints names bare, between blanks and cut to our room: one that may be read in two ways is not
 * judged. */
static bool is_plain(const struct restore_item *item, size_t blanks)
{
	size_t n = 0;
	for (const char *s = item->name; *s; s++) {
		if (*s < ' ' || *s > '~')
			return false;
		n += *s == ' ';
	}
	return n == blanks && strlen(item->name) < sizeof item->name - 1 &&
	       strlen(item->schema) < sizeof item->schema - 1;
}

/* What the item is called in made_sql; false when it is none of these. */
static bool name_of(const struct restore_item *item, char *out, size_t size)
{
	bool key = text_equal(item->type, "CONSTRAINT") || text_equal(item->type, "FK CONSTRAINT");
	bool table = text_equal(item->type, "TABLE") || item->kind == RESTORE_DATA;
	if ((!key && !table && !text_equal(item->type, "INDEX")) || !is_plain(item, key))
		return false;
	text_copyf(out, size, "%s %s.%s", key ? "k" : table ? "t" : "i", item->schema, item->name);
	return true;
}

int restore_mark_missing(struct restore *r, size_t *n, char *such, size_t size, struct err *err)
{
	char name[200];
	const char *key = name;
	struct pg_result *made = pg_query(r->pg, made_sql, NULL, err);
	*n = 0;
	if (!made)
		return -1;
	size_t rows = pg_rows(made);
	const char **list = xcalloc(rows + 1, sizeof *list);
	for (size_t i = 0; i < rows; i++)
		list[i] = pg_get(made, i, 0);
	qsort(list, rows, sizeof *list, by_text);
	for (size_t i = 0; i < r->log.n; i++) {
		struct restore_item *item = &r->log.items[i];
		if (item->skipped || !name_of(item, name, sizeof name) ||
		    bsearch(&key, list, rows, sizeof *list, by_text))
			continue;
		item->state = RESTORE_FAILED;
		if (item->kind != RESTORE_DATA && (*n)++ == 0)
			text_copy(such, size, item->label);
	}
	free(list);
	pg_result_free(made);
	return 0;
}
