#include "core/steps/restore_log.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	*item = (struct restore_item){.id = id, .rows_total = -1, .told = -1};
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
	return log->n > 0;
}

static struct restore_item *by_id(struct restore_log *log, int id)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].id == id)
			return &log->items[i];
	return NULL;
}

struct restore_item *restore_log_table(struct restore_log *log, const char *schema, const char *name)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].kind == RESTORE_DATA && text_equal(log->items[i].schema, schema) &&
		    text_equal(log->items[i].name, name))
			return &log->items[i];
	return NULL;
}

static void set_item(struct restore_item *item, enum restore_state state)
{
	if (!item || (item->state == RESTORE_FAILED && state == RESTORE_DONE))
		return;
	item->state = state;
	if (state == RESTORE_DONE && item->rows_total >= 0)
		item->rows = item->rows_total;
}

static void set_state(struct restore_log *log, int id, enum restore_state state)
{
	set_item(by_id(log, id), state);
}

/* Entries before and after the parallel part come one by one: one begins when the one before it is done. */
static void serial_to(struct restore_log *log, int id)
{
	if (log->serial)
		set_state(log, log->serial, RESTORE_DONE);
	log->serial = id;
	if (id)
		set_state(log, id, RESTORE_UNDER_WAY);
}

static bool harmless(const struct restore_error *e)
{
	if (text_equal(e->type, "COMMENT") || text_equal(e->type, "ACL") ||
	    text_equal(e->type, "DEFAULT ACL"))
		return true;
	if ((text_equal(e->type, "EXTENSION") || text_equal(e->type, "SCHEMA")) &&
	    strstr(e->text, "already exists"))
		return true;
	return strstr(e->text, "unrecognized configuration parameter") != NULL;
}

static void add_error(struct restore_log *log, const char *text, size_t len)
{
	log->errors = xrealloc(log->errors, log->n_errors + 1, sizeof *log->errors);
	struct restore_error *e = &log->errors[log->n_errors++];
	struct restore_item *item = by_id(log, log->about);
	*e = (struct restore_error){.id = log->about};
	text_clean(e->text, sizeof e->text, text, len);
	text_copy(e->type, sizeof e->type, item ? item->type : "");
	text_copy(e->label, sizeof e->label, item ? item->label : "");
	e->harmless = harmless(e);
	if (item && !e->harmless)
		item->state = RESTORE_FAILED;
}

static int number_after(const char *line, size_t len, const char *head)
{
	size_t n = strlen(head);
	return len > n && memcmp(line, head, n) == 0 ? (int)units_parse_int(line + n, 0) : 0;
}

/* Without parallel jobs pg_restore names tables, not entries. */
static void feed_serial_data(struct restore_log *log, const char *line, size_t len)
{
	static const char head[] = "processing data for table \"";
	char name[200];
	if (log->parallel || len <= sizeof head || memcmp(line, head, sizeof head - 1) != 0)
		return;
	text_copyf(name, sizeof name, "%.*s", (int)(len - sizeof head), line + sizeof head - 1);
	char *dot = strchr(name, '.');
	if (!dot)
		return;
	*dot = 0;
	struct restore_item *item = restore_log_table(log, name, dot + 1);
	serial_to(log, item ? item->id : 0);
}

static void feed_serial_made(struct restore_log *log, const char *line, size_t len)
{
	static const char *const heads[] = {"creating INDEX \"", "creating CONSTRAINT \"",
					    "creating FK CONSTRAINT \"", NULL};
	for (size_t h = 0; !log->parallel && heads[h]; h++) {
		size_t n = strlen(heads[h]);
		if (len < n + 2 || memcmp(line, heads[h], n) != 0)
			continue;
		char name[200];
		text_copyf(name, sizeof name, "%.*s", (int)(len - n - 1), line + n);
		const char *bare = strchr(name, '.');
		for (size_t i = 0; bare && i < log->n; i++)
			if (text_equal(log->items[i].name, bare + 1) && log->items[i].kind >= RESTORE_INDEX &&
			    log->items[i].state == RESTORE_WAITING) {
				serial_to(log, log->items[i].id);
				break;
			}
	}
}

static void feed_line(struct restore_log *log, const char *line, size_t len)
{
	static const char head[] = "pg_restore: ";
	int id;
	if (len < sizeof head || memcmp(line, head, sizeof head - 1) != 0)
		return;
	line += sizeof head - 1;
	len -= sizeof head - 1;
	if ((id = number_after(line, len, "launching item "))) {
		serial_to(log, 0);
		log->parallel = true;
		set_state(log, id, RESTORE_UNDER_WAY);
	} else if ((id = number_after(line, len, "finished item "))) {
		set_state(log, id, RESTORE_DONE);
	} else if ((id = number_after(line, len, "processing item "))) {
		log->parallel = true;
		serial_to(log, id);
	} else if ((id = number_after(line, len, "from TOC entry "))) {
		log->about = id;
	} else if (len > 7 && memcmp(line, "error: ", 7) == 0) {
		add_error(log, line + 7, len - 7);
	} else {
		feed_serial_data(log, line, len);
		feed_serial_made(log, line, len);
	}
	if (text_starts(line, "finished main parallel loop"))
		serial_to(log, 0);
}

void restore_log_feed(struct restore_log *log, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end ? (size_t)(end - text) - at : len - at;
		feed_line(log, text + at, n);
		at += n + 1;
	}
}

void restore_log_finish(struct restore_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		set_item(&log->items[i], RESTORE_DONE);
}

void restore_log_done(struct restore_log *log)
{
	free(log->items);
	free(log->errors);
	*log = (struct restore_log){0};
}

size_t restore_log_count(const struct restore_log *log, enum restore_kind kind, size_t *done)
{
	size_t n = 0;
	*done = 0;
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].kind == kind) {
			n++;
			*done += log->items[i].state == RESTORE_DONE;
		}
	return n;
}

size_t restore_log_harm(const struct restore_log *log, const struct restore_error **first)
{
	size_t n = 0;
	if (first)
		*first = NULL;
	for (size_t i = 0; i < log->n_errors; i++)
		if (!log->errors[i].harmless) {
			if (first && !n)
				*first = &log->errors[i];
			n++;
		}
	return n;
}

size_t restore_log_lost(const struct restore_log *log, char *out, size_t size)
{
	size_t n = 0;
	*out = 0;
	for (size_t i = 0; i < log->n; i++) {
		const struct restore_item *item = &log->items[i];
		bool lost = item->state == RESTORE_FAILED &&
			    (item->kind == RESTORE_TABLE || item->kind == RESTORE_DATA);
		/* A table that could not be made fails again at its rows: one table. */
		for (size_t k = 0; lost && k < i; k++)
			lost =
			    !(log->items[k].state == RESTORE_FAILED && log->items[k].kind == RESTORE_TABLE &&
			      text_equal(log->items[k].label, item->label));
		if (lost && n++ < 4)
			text_copyf(out + strlen(out), size - strlen(out), "%s%s", n > 1 ? ", " : "",
				   item->label);
	}
	if (n > 4)
		text_copyf(out + strlen(out), size - strlen(out), " and %zu more", n - 4);
	return n;
}

const char *restore_log_cause(const char *text)
{
	if (strstr(text, "heroku_ext"))
		return "the schema heroku_ext is missing: prepare-target makes it; wipe the target, prepare "
		       "it, restore again";
	if (strstr(text, "schema \"") && strstr(text, "does not exist"))
		return "a schema is missing: prepare-target makes it; wipe the target, prepare it, restore "
		       "again";
	if (strstr(text, "extension") && (strstr(text, "not available") || strstr(text, "control file")))
		return "the new server lacks an extension: install it there, then wipe, prepare and restore "
		       "again";
	if (strstr(text, "type \"") && strstr(text, "does not exist"))
		return "a type is missing, most often one of an extension: prepare-target makes extensions; "
		       "wipe, prepare, restore again";
	if (strstr(text, "No space left"))
		return "the disk is full: make room, wipe the target, restore again";
	if (strstr(text, "end of file") || strstr(text, "could not read"))
		return "the dump is cut: run download again, then wipe and restore";
	if (strstr(text, "terminating connection") || strstr(text, "server closed the connection") ||
	    strstr(text, "canceling statement"))
		return "the server ended the connection: read its log; wipe the target, restore again";
	if (strstr(text, "already exists"))
		return "the target was not empty: wipe it, restore again";
	return "read the restore's log; wipe the target, restore again";
}
