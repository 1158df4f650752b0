#include "core/steps/restore_log.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <stdlib.h>
#include <string.h>

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
	set_item(restore_log_item(log, id), state);
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

/* What belongs to Heroku's own schema is of no use elsewhere; what only a superuser may make holds no row,
 * and compare tells that it is missing. */
static bool is_beside(const struct restore_item *item)
{
	return item && (text_equal(item->type, "COMMENT") || text_equal(item->type, "ACL") ||
			text_equal(item->type, "DEFAULT ACL") || text_equal(item->type, "EVENT TRIGGER") ||
			text_equal(item->type, "SUBSCRIPTION") || text_equal(item->schema, "_heroku"));
}

/* Only a statement that was refused is about its entry: that a job died, or the dump could not be read on, is
 * said behind whatever entry was named last. */
static bool harmless(const struct restore_item *item, const char *text)
{
	if (!text_starts(text, "could not execute query: "))
		return false;
	if (is_beside(item))
		return true;
	if (item && (text_equal(item->type, "EXTENSION") || text_equal(item->type, "SCHEMA")) &&
	    strstr(text, "already exists"))
		return true;
	return strstr(text, "unrecognized configuration parameter") != NULL;
}

static void add_error(struct restore_log *log, const char *text, size_t len)
{
	log->errors = xrealloc(log->errors, log->n_errors + 1, sizeof *log->errors);
	struct restore_error *e = &log->errors[log->n_errors++];
	struct restore_item *item = restore_log_item(log, log->about);
	*e = (struct restore_error){.id = log->about};
	log->n_parallel += log->parallel;
	text_clean(e->text, sizeof e->text, text, len);
	text_copy(e->type, sizeof e->type, item ? item->type : "");
	text_copy(e->label, sizeof e->label, item ? item->label : "");
	e->harmless = harmless(item, e->text);
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
	if (log->parallel || log->entries || len <= sizeof head || memcmp(line, head, sizeof head - 1) != 0)
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
	for (size_t h = 0; !log->parallel && !log->entries && heads[h]; h++) {
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

static bool starts(const char *line, size_t len, const char *head)
{
	size_t n = strlen(head);
	return len >= n && memcmp(line, head, n) == 0;
}

/* How an error goes on; no statement that is quoted in the log begins a line like this. */
static bool is_error_text(const char *line, size_t len)
{
	return starts(line, len, "could not execute query: ") || starts(line, len, "COPY failed for table ");
}

/* Lines of a quoted statement stand between, and are nobody's rest. */
static bool is_own_text(const char *line, size_t len)
{
	static const char *const begins[] = {
	    "launching item ", "finished item ", "processing ", "from TOC entry ", "creating ",
	    "executing ",      "warning: ",      "entering ",   "finished main ",  "while "};
	for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
		if (starts(line, len, begins[i]))
			return true;
	return is_error_text(line, len);
}

/* The jobs write into one log, each line in pieces ("pg_restore:", a blank, its kind, its text): the
 * beginnings of several lines may stand before the text of one, and the text of another then follows on a
 * line without a beginning, perhaps behind lines of a statement that is quoted. errors: how many lines of
 * this kind have begun here. */
static const char *strip_heads(struct restore_log *log, const char *line, size_t *len, int *errors)
{
	static const char name[] = "pg_restore:";
	static const char *const kinds[] = {"error: ", "detail: ", "hint: "};
	int names = 0;
	*errors = 0;
	size_t head = starts(line, *len, " error: ") ? 8 : starts(line, *len, kinds[0]) ? 7 : 0;
	if (head && is_error_text(line + head, *len - head))
		log->owed += log->owed == 0;
	for (bool more = true; more;) {
		size_t n = starts(line, *len, name) ? strlen(name) : 0;
		names += n > 0;
		n += !n && (names || log->owed) && starts(line, *len, " ");
		for (size_t k = 0; !n && (names || log->owed) && k < sizeof kinds / sizeof *kinds; k++)
			if (starts(line, *len, kinds[k])) {
				n = strlen(kinds[k]);
				*errors += k == 0;
			}
		more = n > 0;
		line += n;
		*len -= n;
	}
	if (!names && (log->owed == 0 || (!*errors && !is_own_text(line, *len))))
		return NULL;
	log->owed += names - 1;
	return line;
}

/* It is said before each error of another entry. While jobs run side by side, the text that follows may be
 * that of another job, but the number is true: so the number decides what has failed. */
static void feed_about(struct restore_log *log, int id)
{
	struct restore_item *item = restore_log_item(log, id);
	log->about = id;
	if (log->parallel && item && !is_beside(item))
		item->state = RESTORE_FAILED;
}

void restore_log_finish(struct restore_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		set_item(&log->items[i], RESTORE_DONE);
}

static void feed_line(struct restore_log *log, const char *line, size_t len)
{
	int errors, id;
	line = strip_heads(log, line, &len, &errors);
	if (!line)
		return;
	/* Behind the beginning of an error stands another job's word: what the error says comes on a line of
	 * its own. */
	bool says = is_error_text(line, len);
	if (errors && !says && is_own_text(line, len)) {
		log->untold += errors;
		errors = 0;
	} else if (!errors && says && log->untold > 0) {
		log->untold--;
		errors = 1;
	}
	if ((id = number_after(line, len, "launching item "))) {
		serial_to(log, 0);
		log->parallel = true;
		set_state(log, id, RESTORE_UNDER_WAY);
	} else if ((id = number_after(line, len, "finished item "))) {
		set_state(log, id, RESTORE_DONE);
	} else if ((id = number_after(line, len, "processing item "))) {
		serial_to(log, id);
		log->entries = true;
	} else if ((id = number_after(line, len, "from TOC entry "))) {
		feed_about(log, id);
	} else if (len > 27 && memcmp(line, "warning: errors ignored on ", 27) == 0) {
		const char *colon = memrchr(line, ':', len);
		log->ignored = colon ? units_parse_int(colon + 1, -1) : -1;
		restore_log_finish(log);
	} else if (errors) {
		while (errors-- > 0)
			add_error(log, line, len);
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

bool restore_log_names_all(const struct restore_log *log)
{
	return log->ignored == (int64_t)log->n_errors ||
	       log->ignored == (int64_t)(log->n_errors + log->n_parallel);
}

bool restore_log_whole(const struct restore_log *log, int rc)
{
	if (restore_log_harm(log, NULL))
		return false;
	return rc == 0 || (rc == 1 && log->n_errors && restore_log_names_all(log));
}

void restore_log_again(struct restore_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->items[i].state == RESTORE_FAILED)
			log->items[i].state = RESTORE_WAITING;
	log->n_errors = log->n_parallel = 0;
	log->about = log->serial = log->owed = log->untold = 0;
	log->parallel = log->entries = false;
	log->ignored = 0;
}

void restore_log_done(struct restore_log *log)
{
	free(log->items);
	free(log->errors);
	free(log->place);
	free(log->tables);
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
