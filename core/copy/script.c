#include "core/copy/script.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- the scanner ---- */

struct scan {
	const char *at, *end;
	int parens, bodies; /* open parentheses; BEGIN ATOMIC and CASE inside */
	char words[5];      /* first letters of a statement's first words, as far as they matter */
	size_t n_words;
	bool inside; /* in a statement */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 128;
}

/* After an opening quote. `escapes`: backslashes count, as in E'...'. */
static void skip_quoted(struct scan *s, char quote, bool escapes)
{
	for (s->at++; s->at < s->end; s->at++) {
		if (escapes && *s->at == '\\') {
			s->at++;
		} else if (*s->at == quote) {
			if (s->at + 1 >= s->end || s->at[1] != quote)
				break;
			s->at++;
		}
	}
	s->at += s->at < s->end;
}

static void skip_line(struct scan *s)
{
	const char *stop = memchr(s->at, '\n', (size_t)(s->end - s->at));
	s->at = stop ? stop + 1 : s->end;
}

static void skip_comment(struct scan *s)
{
	int depth = 0;
	do {
		bool open = s->end - s->at > 1 && s->at[0] == '/' && s->at[1] == '*',
		     shut = s->end - s->at > 1 && s->at[0] == '*' && s->at[1] == '/';
		depth += open - shut;
		s->at += open || shut ? 2 : 1;
	} while (depth && s->at < s->end);
}

/* $$ or $tag$. False when it is no dollar quote. */
static bool skip_dollars(struct scan *s)
{
	const char *tag = s->at + 1;
	while (tag < s->end && is_word(*tag) && *tag != '$')
		tag++;
	if (tag >= s->end || *tag != '$' || isdigit((unsigned char)s->at[1]))
		return false;
	size_t len = (size_t)(tag + 1 - s->at);
	const char *shut = memmem(tag + 1, (size_t)(s->end - tag - 1), s->at, len);
	s->at = shut ? shut + len : s->end;
	return true;
}

static bool word_is(const char *at, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(at, word, len) == 0;
}

/* A function's body may stand there as SQL itself, with semicolons that end nothing. */
static void take_word(struct scan *s, const char *at, size_t len)
{
	static const char *const counted[] = {"create", "function", "procedure", "or", "replace"};
	if (s->n_words < sizeof s->words) {
		s->words[s->n_words] = '.';
		for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
			if (word_is(at, len, counted[i]))
				s->words[s->n_words] = counted[i][0];
		s->n_words++;
	}
	const char *w = s->words;
	bool routine = w[0] == 'c' && (w[1] == 'f' || w[1] == 'p' ||
				       (w[1] == 'o' && w[2] == 'r' && (w[3] == 'f' || w[3] == 'p')));
	if (!routine || s->parens)
		return;
	if (word_is(at, len, "begin") || (s->bodies && word_is(at, len, "case")))
		s->bodies++;
	else if (s->bodies && word_is(at, len, "end"))
		s->bodies--;
}

/* One token. True when it was the semicolon that ends a statement. */
static bool step(struct scan *s)
{
	char c = *s->at;
	if (c == '-' && s->end - s->at > 1 && s->at[1] == '-') {
		skip_line(s);
	} else if (c == '/' && s->end - s->at > 1 && s->at[1] == '*') {
		skip_comment(s);
	} else if (c == '\'' || c == '"') {
		skip_quoted(s, c, false);
	} else if ((c == 'E' || c == 'e') && s->end - s->at > 1 && s->at[1] == '\'') {
		s->at++;
		skip_quoted(s, '\'', true);
	} else if (c == '$' && skip_dollars(s)) {
		return false;
	} else if (is_word(c)) {
		const char *from = s->at;
		while (s->at < s->end && is_word(*s->at))
			s->at++;
		take_word(s, from, (size_t)(s->at - from));
	} else {
		s->parens += (c == '(') - (c == ')' && s->parens > 0);
		s->at++;
		return c == ';' && !s->parens && !s->bodies;
	}
	return false;
}

/* ---- entries ---- */

static char *text_of(const char *from, size_t len)
{
	return xasprintf("%.*s", (int)len, from);
}

static struct copy_entry *entry_add(struct copy_script *out, char *name, char *type, char *schema)
{
	if ((out->n & (out->n - 1)) == 0)
		out->list = xrealloc(out->list, out->n ? out->n * 2 : 1, sizeof *out->list);
	out->list[out->n] = (struct copy_entry){.name = name, .type = type, .schema = schema};
	return &out->list[out->n++];
}

/* The last `mark` before `end`: a name may hold any text, what follows it may not. */
static const char *last_mark(const char *from, const char *end, const char *mark)
{
	const char *found = NULL;
	size_t len = strlen(mark);
	for (const char *at = from; (at = memmem(at, (size_t)(end - at), mark, len)); at++)
		found = at;
	return found;
}

/* "-- Name: x; Type: y; Schema: z; Owner: -" between statements. */
static bool take_heading(struct scan *s, struct copy_script *out)
{
	static const char begins[] = "-- Name: ";
	const char *line = s->at, *stop = memchr(line, '\n', (size_t)(s->end - line));
	stop = stop ? stop : s->end;
	if ((size_t)(stop - line) < sizeof begins || memcmp(line, begins, sizeof begins - 1) != 0)
		return false;
	const char *name = line + sizeof begins - 1, *owner = last_mark(name, stop, "; Owner: "),
		   *schema = owner ? last_mark(name, owner, "; Schema: ") : NULL,
		   *type = schema ? last_mark(name, schema, "; Type: ") : NULL;
	if (!type)
		return false;
	entry_add(out, text_of(name, (size_t)(type - name)), text_of(type + 8, (size_t)(schema - type - 8)),
		  text_of(schema + 10, (size_t)(owner - schema - 10)));
	return true;
}

static void statement_add(struct copy_script *out, const char *from, size_t len)
{
	struct copy_entry *e =
	    out->n ? &out->list[out->n - 1] : entry_add(out, xstrdup(""), xstrdup(""), xstrdup(""));
	e->list = xrealloc(e->list, e->n + 1, sizeof *e->list);
	e->list[e->n] = xmalloc(len + 1);
	memcpy(e->list[e->n], from, len);
	e->list[e->n++][len] = 0;
}

int copy_script_read(const char *text, size_t len, struct copy_script *out, struct err *err)
{
	struct scan s = {.at = text, .end = text + len};
	const char *from = NULL;
	*out = (struct copy_script){0};
	while (s.at < s.end) {
		if (!from && isspace((unsigned char)*s.at)) {
			s.at++;
		} else if (!from && (*s.at == '\\' || (*s.at == '-' && s.end - s.at > 1 && s.at[1] == '-'))) {
			take_heading(&s, out);
			skip_line(&s);
		} else {
			from = from ? from : s.at;
			if (!step(&s))
				continue;
			statement_add(out, from, (size_t)(s.at - 1 - from));
			from = NULL;
			s.n_words = 0;
			memset(s.words, 0, sizeof s.words);
		}
	}
	if (!from)
		return 0;
	copy_script_done(out);
	return err_set(err, ERR_WORLD,
		       "pg_dump's script ends in the middle of a statement; nothing of it is used");
}

void copy_script_done(struct copy_script *script)
{
	for (size_t i = 0; i < script->n; i++) {
		struct copy_entry *e = &script->list[i];
		for (size_t k = 0; k < e->n; k++)
			free(e->list[k]);
		free(e->list);
		free(e->name);
		free(e->type);
		free(e->schema);
	}
	free(script->list);
	*script = (struct copy_script){0};
}

/* ---- whose it is ---- */

/* "name" with "" for each quote inside. Returns what follows, NULL when there is none. */
static const char *read_name(const char *at, char out[64])
{
	size_t n = 0;
	if (*at++ != '"')
		return NULL;
	for (; *at; at++) {
		if (*at == '"' && *++at != '"')
			break;
		if (n + 1 < 64)
			out[n++] = *at;
	}
	out[n] = 0;
	return at;
}

static bool read_qualified(const char *at, char schema[64], char name[64])
{
	at = read_name(at, schema);
	return at && *at == '.' && read_name(at + 1, name);
}

/* What follows a word outside of quotes; NULL when it does not occur. */
static const char *after_word(const char *sql, const char *word)
{
	struct scan s = {.at = sql, .end = sql + strlen(sql)};
	size_t len = strlen(word);
	while (s.at < s.end) {
		const char *from = s.at;
		step(&s);
		if (s.at <= from)
			break;
		if (strncmp(from, word, len) == 0 && from[len] == ' ')
			return from + len + 1;
	}
	return NULL;
}

bool copy_entry_table(const struct copy_entry *entry, char schema[64], char name[64], bool *only)
{
	const char *sql = entry->n ? entry->list[0] : "";
	const char *at = after_word(sql, text_starts(sql, "ALTER TABLE") ? "TABLE" : "ON");
	*only = at && text_starts(at, "ONLY ");
	return at && read_qualified(*only ? at + 5 : at, schema, name);
}

bool copy_entry_index(const struct copy_entry *entry, char name[64])
{
	const char *at = entry->n ? after_word(entry->list[0], "INDEX") : NULL;
	return at && read_name(at, name);
}

bool copy_entry_constraint(const struct copy_entry *entry, char name[64])
{
	const char *at = entry->n ? after_word(entry->list[0], "CONSTRAINT") : NULL;
	return at && read_name(at, name);
}

bool copy_entry_references(const struct copy_entry *entry, char schema[64], char name[64])
{
	const char *at = entry->n ? after_word(entry->list[0], "REFERENCES") : NULL;
	return at && read_qualified(at, schema, name);
}
