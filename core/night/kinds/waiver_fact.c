/* What a waiver is tied to, by what the state knows: the engine judges by it, and a seat sends what it
 * showed. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/night/state.h"
#include <string.h>

static const struct seen_line *worst_of(const struct seen_line *lines, size_t n, int verdict)
{
	for (size_t i = 0; i < n; i++)
		if (lines[i].verdict == verdict)
			return &lines[i];
	return n ? &lines[0] : NULL;
}

static void line_fact(const struct seen_line *line, char *out, size_t size)
{
	text_copy(out, size, *line->fact ? line->fact : verdict_name((enum verdict)line->verdict));
}

/* A line of the open gate by name; a check's newest look where no gate shows it. */
static bool line_now(const struct state *s, const char *name, char *out, size_t size)
{
	const struct gate_seen *gate = &s->steps.gate;
	for (size_t i = 0; gate->open && i < gate->n_seen; i++)
		if (text_equal(gate->seen[i].name, name)) {
			line_fact(&gate->seen[i], out, size);
			return true;
		}
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		const struct check_seen *check = &s->watching.checks[i];
		const struct seen_line *line = worst_of(check->lines, check->n, check->verdict);
		if (!text_equal(check->name, name))
			continue;
		if (line)
			line_fact(line, out, size);
		else
			text_copy(out, size, verdict_name((enum verdict)check->verdict));
		return true;
	}
	return false;
}

static const struct rows_table *table_of(const struct state *s, const char *name)
{
	for (size_t i = 0; i < s->rows.n; i++)
		if (text_equal(s->rows.tables[i].table, name))
			return &s->rows.tables[i];
	return NULL;
}

bool waiver_fact(const struct state *s, const char *about, char *out, size_t size)
{
	const char *name = strchr(about, ':');
	if (!name)
		return false;
	name++;
	if (!text_starts(about, "rows:"))
		return line_now(s, name, out, size);
	const struct rows_table *t = table_of(s, name);
	if (t)
		rows_fact(out, size, t->old_rows, t->new_rows, t->old_hash, t->new_hash);
	return t != NULL;
}

void waiver_words(const char *about, char *out, size_t size)
{
	static const struct {
		const char *begin, *words;
	} table[] = {
	    {"check:", "check %s"},
	    {"rows:", "rows of %s"},
	    {"seen:cost", "the price of the way back%s"},
	    {"seen:rows", "rows that were to go%s"},
	    {"seen:", "evidence %s"},
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (text_starts(about, table[i].begin)) {
			const char *rest = about + strlen(table[i].begin);
			/* "seen:cost" is one evidence, "seen:costs" another. */
			if (strstr(table[i].words, " %s") == NULL && *rest)
				continue;
			const char *at = strstr(table[i].words, "%s");
			text_copyf(out, size, "%.*s%s", (int)(at - table[i].words), table[i].words, rest);
			return;
		}
	text_copy(out, size, about);
}
