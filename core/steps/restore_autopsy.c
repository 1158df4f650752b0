/* What an error says is matched by its words; what only follows from another (a COPY into a table that could
 * not be made) goes to the cause of that one. */
#include "core/steps/restore_autopsy.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

/* The first that fits counts, so what is narrower comes first. `quoted`: what stands in the first pair of
 * quotes after the words is what it is about. */
static const struct {
	const char *words, *also;
	enum restore_why why;
	bool quoted;
} signs[] = {
    {"could not resize shared memory", NULL, WHY_MEMORY, false},
    {"out of memory", NULL, WHY_MEMORY, false},
    {"out of shared memory", NULL, WHY_MEMORY, false},
    {"No space left on device", NULL, WHY_DISK, false},
    {"could not extend file", NULL, WHY_DISK, false},
    {"Disk quota exceeded", NULL, WHY_DISK, false},
    {"shared_preload_libraries", NULL, WHY_PRELOAD, false},
    {"could not read from input file", NULL, WHY_CUT, false},
    {"unexpected end of file", NULL, WHY_CUT, false},
    {"could not uncompress data", NULL, WHY_CUT, false},
    {"did not find magic string", NULL, WHY_CUT, false},
    {"unexpected block ID", NULL, WHY_CUT, false},
    {"could not find block ID", NULL, WHY_CUT, false},
    {"corrupt archive", NULL, WHY_CUT, false},
    {"unrecognized data block", NULL, WHY_CUT, false},
    {"extension \"", "is not available", WHY_EXTENSION, true},
    {"extension control file", NULL, WHY_EXTENSION, true},
    {"permission denied to create extension", NULL, WHY_EXTENSION, true},
    {"extension \"", "does not exist", WHY_EXTENSION, true},
    {"schema \"", "does not exist", WHY_SCHEMA, true},
    {"role \"", "does not exist", WHY_ROLE, true},
    {"type \"", "does not exist", WHY_TYPE, true},
    {"function ", "does not exist", WHY_TYPE, false},
    {"operator class \"", "does not exist", WHY_TYPE, true},
    {"access method \"", "does not exist", WHY_TYPE, true},
    {"text search ", "does not exist", WHY_TYPE, true},
    {"collation \"", "does not exist", WHY_TYPE, true},
    {"must be owner of", NULL, WHY_RIGHTS, false},
    {"must be superuser", NULL, WHY_RIGHTS, false},
    {"permission denied", NULL, WHY_RIGHTS, false},
    {"duplicate key value", NULL, WHY_DUPLICATE, false},
    {"could not create unique index", NULL, WHY_DUPLICATE, false},
    {"violates foreign key constraint", NULL, WHY_REFERENCE, false},
    {"already exists", NULL, WHY_EXISTS, false},
    {"invalid byte sequence", NULL, WHY_ENCODING, false},
    {"has no equivalent in encoding", NULL, WHY_ENCODING, false},
    {"canceling statement", NULL, WHY_CANCELLED, false},
    {"terminating connection", NULL, WHY_CONNECTION, false},
    {"server closed the connection", NULL, WHY_CONNECTION, false},
    {"no connection to the server", NULL, WHY_CONNECTION, false},
    {"SSL connection has been closed", NULL, WHY_CONNECTION, false},
    {"the database system is", NULL, WHY_CONNECTION, false},
    {"connection to server", NULL, WHY_CONNECTION, false},
};

/* What stands in quotes at or after `at`. */
static void take_quoted(const char *at, char *out, size_t size)
{
	const char *from = strchr(at, '"'), *to = from ? strchr(from + 1, '"') : NULL;
	*out = 0;
	if (!to)
		return;
	from++;
	/* Of a control file the name is the extension's. */
	const char *slash = memrchr(from, '/', (size_t)(to - from));
	from = slash ? slash + 1 : from;
	const char *end = slash ? strstr(from, ".control") : NULL;
	text_copyf(out, size, "%.*s", (int)((end && end < to ? end : to) - from), from);
}

/* "function heroku_ext.f(text) does not exist" -> "heroku_ext.f(text)" */
static void take_between(const char *from, const char *to, char *out, size_t size)
{
	while (*from == ' ')
		from++;
	while (to > from && to[-1] == ' ')
		to--;
	text_copyf(out, size, "%.*s", (int)(to - from), from);
}

static enum restore_why read_error(const struct restore_error *e, char *what, size_t size)
{
	*what = 0;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		const char *at = strstr(e->text, signs[i].words),
			   *also = at && signs[i].also ? strstr(at, signs[i].also) : at;
		if (!at || !also)
			continue;
		if (signs[i].quoted)
			take_quoted(at, what, size);
		else if (signs[i].why == WHY_TYPE)
			take_between(at + strlen(signs[i].words), also, what, size);
		else if (signs[i].why == WHY_PRELOAD && strchr(e->text, '"'))
			take_quoted(e->text, what, size);
		else if (signs[i].why == WHY_DUPLICATE || signs[i].why == WHY_REFERENCE ||
			 signs[i].why == WHY_EXISTS)
			text_copy(what, size, e->label);
		else if (signs[i].why == WHY_RIGHTS)
			text_copy(what, size, at);
		return signs[i].why;
	}
	return WHY_OTHER;
}

/* "relation "public.users" does not exist": the label of what is not there; "" for another error. */
static void read_relation(const struct restore_error *e, char *label, size_t size)
{
	char name[140];
	const char *at = strstr(e->text, "relation \"");
	*label = 0;
	if (!at || !strstr(at, "does not exist"))
		return;
	take_quoted(at, name, sizeof name);
	text_copy(label, size, text_starts(name, "public.") ? name + 7 : name);
}

struct folding {
	struct restore_log *log;
	struct restore_autopsy *out;
	size_t *of;                            /* of each error: its cause + 1 */
	const struct restore_error **by_label; /* sorted; of one label, the first error first */
};

static int label_order(const void *a, const void *b)
{
	const struct restore_error *x = *(const struct restore_error *const *)a,
				   *y = *(const struct restore_error *const *)b;
	int order = strcmp(x->label, y->label);
	return order ? order : (x > y) - (x < y);
}

/* The first error at the entries of that label: at what makes it, or fills it. NULL: there is none. */
static const struct restore_error *first_at(const struct folding *f, const char *label)
{
	size_t low = 0, high = f->log->n_errors;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (strcmp(f->by_label[mid]->label, label) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < f->log->n_errors && text_equal(f->by_label[low]->label, label) ? f->by_label[low] : NULL;
}

static size_t cause_of(struct folding *f, enum restore_why why, const char *what,
		       const struct restore_error *e)
{
	struct restore_autopsy *out = f->out;
	for (size_t i = 0; i < out->n; i++)
		if (out->list[i].why == why && (why == WHY_OTHER ? text_equal(out->list[i].first, e->text)
								 : text_equal(out->list[i].what, what)))
			return i + 1;
	out->list = xrealloc(out->list, out->n + 1, sizeof *out->list);
	struct restore_cause *cause = &out->list[out->n++];
	*cause = (struct restore_cause){.why = why};
	text_copy(cause->what, sizeof cause->what, what);
	text_copy(cause->first, sizeof cause->first, e->text);
	return out->n;
}

/* 0 when nothing has failed there, or nothing before the error `at`. */
static size_t cause_of_label(const struct folding *f, size_t at, const char *label)
{
	const struct restore_error *e = first_at(f, label);
	size_t i = e ? (size_t)(e - f->log->errors) : at;
	return i < at ? f->of[i] : 0;
}

/* A type or function in a schema that is missing itself, and an extension that needed that schema. */
static size_t cause_behind(const struct folding *f, size_t before, enum restore_why why, const char *what)
{
	const char *dot = strchr(what, '.');
	if (why == WHY_EXTENSION)
		return cause_of_label(f, before, what);
	for (size_t i = 0; why == WHY_TYPE && dot && i < f->out->n; i++)
		if (f->out->list[i].why == WHY_SCHEMA &&
		    strlen(f->out->list[i].what) == (size_t)(dot - what) &&
		    strncmp(f->out->list[i].what, what, (size_t)(dot - what)) == 0)
			return i + 1;
	return 0;
}

/* Keys are called "table key": one that is missing by its own name, or by its table's. */
static size_t cause_of_key(const struct folding *f, size_t at, const char *table, const char *key)
{
	for (size_t i = 0; i < at; i++) {
		const char *label = f->log->errors[i].label, *blank = strchr(label, ' ');
		size_t len = blank ? (size_t)(blank - label) : 0;
		if (!blank || !f->of[i])
			continue;
		if ((*table && strlen(table) == len && memcmp(label, table, len) == 0) ||
		    (*key && text_equal(blank + 1, key)))
			return f->of[i];
	}
	return 0;
}

/* What only follows from another error; 0 when it stands for itself. */
static size_t cause_before(const struct folding *f, size_t at)
{
	const struct restore_error *e = &f->log->errors[at];
	char label[140], table[140] = "";
	const char *unique = strstr(e->text, "no unique constraint matching given keys");
	read_relation(e, label, sizeof label);
	size_t cause = *label ? cause_of_label(f, at, label) : 0;
	if (unique)
		take_quoted(unique, table, sizeof table);
	if (!cause && (*label || *table))
		cause = cause_of_key(f, at, table, label);
	/* The job that could not go on has said why; a row whose parent is missing, when parents were lost.
	 */
	if (!cause && (strstr(e->text, "worker process died") || strstr(e->text, "violates foreign key")))
		cause = f->out->n;
	return cause;
}

static void fold_error(struct folding *f, size_t at)
{
	const struct restore_error *e = &f->log->errors[at];
	char what[130];
	if (e->harmless)
		return;
	size_t cause = cause_before(f, at);
	if (!cause) {
		enum restore_why why = read_error(e, what, sizeof what);
		cause = cause_behind(f, at, why, what);
		if (!cause)
			cause = cause_of(f, why, what, e);
	}
	f->of[at] = cause;
	f->out->list[cause - 1].errors++;
	f->out->errors++;
}

/* A table that could not be made fails again at its rows: one table. */
static bool table_failed(const struct folding *f, const struct restore_item *item)
{
	if (item->state != RESTORE_FAILED || (item->kind != RESTORE_TABLE && item->kind != RESTORE_DATA))
		return false;
	const struct restore_error *first = first_at(f, item->label);
	return item->kind == RESTORE_TABLE || !first || !text_equal(first->type, "TABLE");
}

static void fold_lost(struct folding *f)
{
	for (size_t i = 0; i < f->log->n; i++) {
		const struct restore_item *item = &f->log->items[i];
		if (!table_failed(f, item))
			continue;
		size_t cause = cause_of_label(f, f->log->n_errors, item->label);
		f->out->tables++;
		if (!cause)
			continue;
		struct restore_cause *c = &f->out->list[cause - 1];
		if (c->tables++ < 4)
			text_copyf(c->lost + strlen(c->lost), sizeof c->lost - strlen(c->lost), "%s%s",
				   c->tables > 1 ? ", " : "", item->label);
	}
	for (size_t i = 0; i < f->out->n; i++) {
		struct restore_cause *c = &f->out->list[i];
		if (c->tables > 4)
			text_copyf(c->lost + strlen(c->lost), sizeof c->lost - strlen(c->lost),
				   " and %zu more", c->tables - 4);
	}
}

void restore_autopsy(struct restore_log *log, struct restore_autopsy *out)
{
	struct folding f = {.log = log, .out = out, .of = xcalloc(log->n_errors + 1, sizeof *f.of)};
	f.by_label = xcalloc(log->n_errors + 1, sizeof *f.by_label);
	for (size_t i = 0; i < log->n_errors; i++)
		f.by_label[i] = &log->errors[i];
	qsort(f.by_label, log->n_errors, sizeof *f.by_label, label_order);
	*out = (struct restore_autopsy){0};
	for (size_t i = 0; i < log->n_errors; i++)
		fold_error(&f, i);
	fold_lost(&f);
	free(f.by_label);
	free(f.of);
}

void restore_autopsy_done(struct restore_autopsy *autopsy)
{
	free(autopsy->list);
	*autopsy = (struct restore_autopsy){0};
}

void restore_autopsy_say(const struct restore_autopsy *a, char *out, size_t size)
{
	char name[200];
	text_copyf(out, size, "%zu error%s, %zu cause%s: ", a->errors, a->errors == 1 ? "" : "s", a->n,
		   a->n == 1 ? "" : "s");
	for (size_t i = 0; i < a->n && i < 3 && strlen(out) + 60 < size; i++) {
		const struct restore_cause *c = &a->list[i];
		restore_cause_name(c, name, sizeof name);
		text_copyf(out + strlen(out), size - strlen(out), "%s%s", i ? "; " : "", name);
		if (c->tables)
			text_copyf(out + strlen(out), size - strlen(out), " → %zu table%s lost: %s",
				   c->tables, c->tables == 1 ? "" : "s", c->lost);
		else
			text_copyf(out + strlen(out), size - strlen(out), " → no table lost");
	}
	if (a->n > 3)
		text_copyf(out + strlen(out), size - strlen(out), "; and %zu more", a->n - 3);
}
