/* The table of contents of a dump, as pg_restore -l prints it. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/restore_log.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MOST = 50 << 20 }; /* a dump has no more entries than that */

/* Longer words first: "TABLE DATA" begins with "TABLE". */
static const struct {
	const char *type;
	enum restore_kind kind;
} types[] = {
    {"TABLE DATA", RESTORE_DATA},
    {"TABLE ATTACH", RESTORE_OTHER},
    {"TABLE", RESTORE_TABLE},
    {"INDEX ATTACH", RESTORE_OTHER},
    {"INDEX", RESTORE_INDEX},
    {"FK CONSTRAINT", RESTORE_KEY},
    {"CHECK CONSTRAINT", RESTORE_KEY},
    {"CONSTRAINT", RESTORE_KEY},
    {"MATERIALIZED VIEW DATA", RESTORE_OTHER},
    {"MATERIALIZED VIEW", RESTORE_OTHER},
    {"SEQUENCE SET", RESTORE_OTHER},
    {"SEQUENCE OWNED BY", RESTORE_OTHER},
    {"EVENT TRIGGER", RESTORE_OTHER},
    {"DEFAULT ACL", RESTORE_OTHER},
};

/* "253; 1259 16854 TABLE public LegacyOrders owner" */
static bool read_entry(const char *line, size_t len, struct restore_item *item)
{
	int id = 0, at = 0;
	char copy[600];
	text_copyf(copy, sizeof copy, "%.*s", (int)len, line);
	if (sscanf(copy, "%d; %*d %*d %n", &id, &at) != 1 || !at)
		return false;
	const char *rest = copy + at;
	*item = (struct restore_item){.id = id, .rows_total = -1, .rate = -1, .eta_ms = -1, .told = -1};
	size_t type_len = strcspn(rest, " ");
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (text_starts(rest, types[i].type) && rest[strlen(types[i].type)] == ' ') {
			type_len = strlen(types[i].type);
			item->kind = types[i].kind;
			break;
		}
	text_copyf(item->type, sizeof item->type, "%.*s", (int)type_len, rest);
	rest += type_len + (rest[type_len] == ' ');
	size_t schema_len = strcspn(rest, " ");
	text_clean(item->schema, sizeof item->schema, rest, schema_len);
	rest += schema_len + (rest[schema_len] == ' ');
	/* The last word is the owner; a name may hold blanks. */
	const char *owner = strrchr(rest, ' ');
	text_clean(item->name, sizeof item->name, rest, owner ? (size_t)(owner - rest) : strlen(rest));
	/* Of keys the list says "table name". */
	if (text_equal(item->schema, "public") || text_equal(item->schema, "-"))
		text_copy(item->label, sizeof item->label, item->name);
	else
		text_copyf(item->label, sizeof item->label, "%s.%s", item->schema, item->name);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct restore_item *x = *(struct restore_item *const *)a,
				  *y = *(struct restore_item *const *)b;
	int order = strcmp(x->schema, y->schema);
	return order ? order : strcmp(x->name, y->name);
}

/* A line of the log names an entry by its number, PostgreSQL a table by its name: with ten thousand tables
 * neither may be searched for from the beginning. */
static void index_items(struct restore_log *log)
{
	log->max_id = 0;
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].id > log->max_id && log->items[i].id <= ID_MOST)
			log->max_id = log->items[i].id;
	free(log->place);
	free(log->tables);
	log->place = xcalloc((size_t)log->max_id + 1, sizeof *log->place);
	log->tables = xcalloc(log->n + 1, sizeof *log->tables);
	log->n_tables = 0;
	for (size_t i = 0; i < log->n; i++) {
		if (log->items[i].id > 0 && log->items[i].id <= log->max_id)
			log->place[log->items[i].id] = i + 1;
		if (log->items[i].kind == RESTORE_DATA)
			log->tables[log->n_tables++] = &log->items[i];
	}
	qsort(log->tables, log->n_tables, sizeof *log->tables, by_name);
}

struct restore_item *restore_log_item(struct restore_log *log, int id)
{
	return id > 0 && id <= log->max_id && log->place[id] ? &log->items[log->place[id] - 1] : NULL;
}

struct restore_item *restore_log_table(struct restore_log *log, const char *schema, const char *name)
{
	struct restore_item want, *key = &want;
	text_copy(want.schema, sizeof want.schema, schema);
	text_copy(want.name, sizeof want.name, name);
	struct restore_item **found =
	    log->n_tables ? bsearch(&key, log->tables, log->n_tables, sizeof *log->tables, by_name) : NULL;
	return found ? *found : NULL;
}

bool restore_log_toc(struct restore_log *log, const char *toc)
{
	size_t lines = 0;
	for (const char *at = toc; *at; at++)
		lines += *at == '\n';
	free(log->items);
	log->items = xcalloc(lines + 1, sizeof *log->items);
	log->n = 0;
	for (const char *at = toc; *at;) {
		size_t len = strcspn(at, "\n");
		const char *by = *at == ';' ? strstr(at, "Dumped by pg_dump version: ") : NULL;
		if (by && by < at + len) {
			by += strlen("Dumped by pg_dump version: ");
			text_clean(log->dumped_by, sizeof log->dumped_by, by, strcspn(by, " \n"));
			log->dumped_major = (int)units_parse_int(by, 0);
		}
		if (isdigit((unsigned char)*at) && read_entry(at, len, &log->items[log->n]))
			log->n++;
		at += len + (at[len] == '\n');
	}
	index_items(log);
	return log->n > 0;
}
