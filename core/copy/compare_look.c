/* What there is to compare: tables, their columns, the relations that hold their rows; and one moment for
 * all of it. */
#include "core/base/text.h"
#include "core/copy/columns.h"
#include "core/copy/compare_inner.h"
#include <stdlib.h>
#include <string.h>

#define USER_TABLES                                                                                      \
	"c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname <> " \
	"'information_schema' AND n.nspname !~ '^pg_' "

/* A server that follows another one cannot export, and an old one cannot tell the rest: then each connection
 * looks for itself, and the caller is told. */
static int open_moment(struct compare_side *side, struct err *err)
{
	if (pg_exec(side->pg, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0)
		return -1;
	if (pg_value(side->pg, "SELECT pg_export_snapshot()", NULL, side->snapshot, sizeof side->snapshot,
		     NULL) == 0 &&
	    *side->snapshot)
		return 0;
	*side->snapshot = '\0';
	return pg_alive(side->pg)
		   ? pg_exec(side->pg, err, "ROLLBACK")
		   : err_set(err, ERR_NET, "The %s: the connection was lost.", pg_name(side->pg));
}

static size_t table_at(const struct pg_tables *tables, const char *schema, const char *name)
{
	char label[130];
	pg_label(label, sizeof label, schema, name);
	const struct pg_table *t = pg_tables_find(tables, label);
	return t ? (size_t)(t - tables->list) : tables->n;
}

static int look_columns(struct compare_side *side, struct err *err)
{
	struct pg_result *r = copy_columns_look(side->pg, "", "", err);
	if (!r)
		return -1;
	side->columns = xcalloc(side->tables.n + 1, sizeof *side->columns);
	for (size_t i = 0; i < pg_rows(r); i++) {
		size_t at = table_at(&side->tables, pg_get(r, i, 0), pg_get(r, i, 1));
		if (at < side->tables.n && !side->columns[at])
			side->columns[at] = xstrdup(pg_get(r, i, 2));
	}
	pg_result_free(r);
	return 0;
}

static int look_leaves(struct compare_side *side, struct err *err)
{
	struct pg_result *r = pg_query(
	    side->pg,
	    "SELECT n.nspname, c.relname, ln.nspname, l.relname, l.relkind, pg_relation_size(l.oid) "
	    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	    "CROSS JOIN LATERAL (SELECT c.oid AS leaf WHERE c.relkind = 'r' "
	    " UNION ALL SELECT t.relid FROM pg_partition_tree(c.oid) t WHERE c.relkind = 'p' AND t.isleaf) x "
	    "JOIN pg_class l ON l.oid = x.leaf AND l.relkind <> 'p' "
	    "JOIN pg_namespace ln ON ln.oid = l.relnamespace WHERE " USER_TABLES,
	    NULL, err);
	if (!r)
		return -1;
	side->leaves = xcalloc(pg_rows(r) + 1, sizeof *side->leaves);
	for (size_t i = 0; i < pg_rows(r); i++) {
		size_t at = table_at(&side->tables, pg_get(r, i, 0), pg_get(r, i, 1));
		if (at == side->tables.n)
			continue;
		struct leaf *leaf = &side->leaves[side->n_leaves++];
		leaf->table = at;
		text_copy(leaf->schema, sizeof leaf->schema, pg_get(r, i, 2));
		text_copy(leaf->name, sizeof leaf->name, pg_get(r, i, 3));
		leaf->kind = *pg_get(r, i, 4);
		leaf->pages = pg_get_int(r, i, 5) / side->page_bytes;
	}
	pg_result_free(r);
	return 0;
}

int compare_look(struct compare_side *side, struct err *err)
{
	if (open_moment(side, err) < 0 ||
	    pg_value(side->pg, "SHOW server_encoding", NULL, side->encoding, sizeof side->encoding, err) <
		0 ||
	    pg_number(side->pg, "SHOW block_size", NULL, &side->page_bytes, err) < 0)
		return -1;
	if (side->page_bytes <= 0)
		side->page_bytes = 8192;
	if (pg_tables_look(side->pg, &side->tables, err) < 0 || look_columns(side, err) < 0)
		return -1;
	return look_leaves(side, err);
}

void compare_side_done(struct compare_side *side)
{
	/* The moment is given back: it keeps the server from cleaning up behind it. */
	if (*side->snapshot && pg_alive(side->pg))
		pg_exec(side->pg, NULL, "COMMIT");
	for (size_t i = 0; side->columns && i < side->tables.n; i++)
		free(side->columns[i]);
	free(side->columns);
	free(side->leaves);
	pg_tables_done(&side->tables);
	*side = (struct compare_side){0};
}
