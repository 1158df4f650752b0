/* Ruby's classes of plain YAML scalars: see yaml_ruby.h. The order of the questions is Psych's. */
#include "core/base/yaml_ruby.h"
#include "core/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_word(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(text, *words) == 0)
			return true;
	return false;
}

static size_t span(const char *text, const char *set)
{
	return strspn(text, set);
}

#define DIGITS "0123456789"

/* Digits with marks between them, in `base`; what does not fit an int64 is 0. */
static int64_t value_of(const char *text, int base)
{
	char plain[96];
	size_t n = 0;
	long long value;

	for (; *text && n + 1 < sizeof(plain); text++)
		if (*text != ',' && *text != '_')
			plain[n++] = *text;
	plain[n] = '\0';
	errno = 0;
	value = strtoll(plain, NULL, base);
	return errno ? 0 : value;
}

/* Binary, octal, decimal or hexadecimal, with `_` and `,` between the digits. */
static bool is_int(const char *text, int64_t *value)
{
	const char *p = text + (*text == '-' || *text == '+');
	int base = 10;

	if (p[0] == '0' && p[1]) {
		const char *set = p[1] == 'b'   ? "01_,"
				  : p[1] == 'x' ? "0123456789abcdefABCDEF_,"
						: "01234567_,";

		base = p[1] == 'b' ? 2 : p[1] == 'x' ? 16 : 8;
		p += base == 8 ? 1 : 2;
		if (!*p || p[span(p, set)])
			return false;
	} else {
		if (!isdigit((unsigned char)*p))
			return false;
		for (const char *q = p; *q; q++)
			if (!isdigit((unsigned char)*q) &&
			    ((*q != ',' && *q != '_') || !isdigit((unsigned char)q[1])))
				return false;
	}
	*value = value_of(p, base) * (*text == '-' ? -1 : 1);
	return true;
}

/* 1:30 and 1:30:00 count by sixties; Psych counts two parts as hours and minutes. */
static bool is_sixty(const char *text, int64_t *value)
{
	const char *p = text + (*text == '-' || *text == '+');
	size_t len = isdigit((unsigned char)*p) ? span(p, DIGITS "_") : 0;
	int64_t part = value_of(p, 10), unit = 3600, sum;
	int parts = 1;

	if (!len || p[len] != ':' || part > 1000000000)
		return false;
	sum = (*text == '-' ? -part : part) * unit;
	for (p += len; *p == ':'; p += 1 + len, parts++) {
		len = span(p + 1, DIGITS);
		if (len < 1 || len > 2 || (len == 2 && p[1] > '5') || parts == 3)
			return false;
		unit /= 60;
		sum += value_of(p + 1, 10) * unit;
	}
	*value = sum;
	return *p == '\0';
}

static bool is_float(const char *text)
{
	static const char *const words[] = {".inf", "+.inf", "-.inf", ".nan", NULL};
	const char *p = text + (*text == '-' || *text == '+');
	size_t whole = isdigit((unsigned char)*p) ? span(p, DIGITS "_,") : 0, part;

	if (is_word(text, words))
		return true;
	if (p[whole] != '.')
		return false;
	part = span(p + whole + 1, DIGITS);
	p += whole + 1 + part;
	if ((*p == 'e' || *p == 'E') && (p[1] == '-' || p[1] == '+') && isdigit((unsigned char)p[2]))
		p += 2 + span(p + 2, DIGITS);
	return *p == '\0' && text[0] && strcmp(text, ".") != 0 && strcmp(text, "-.") != 0 &&
	       strcmp(text, "+.") != 0;
}

/* 2026-01-31, alone or with a time behind it. */
static bool is_date(const char *text)
{
	int month, day, end = 0;

	if (span(text, DIGITS) != 4 || sscanf(text + 4, "-%2d-%2d%n", &month, &day, &end) != 2 || month < 1 ||
	    month > 12 || day < 1 || day > 31)
		return false;
	text += 4 + end;
	if (!*text)
		return true;
	text += *text == 'T' || *text == 't' ? 1 : span(text, " \t");
	return span(text, DIGITS) >= 1 && span(text, DIGITS) <= 2 && text[span(text, DIGITS)] == ':';
}

enum ruby_type ruby_type(const struct yaml *node, int64_t *number)
{
	static const char *const flags[] = {"yes", "true", "on", "no", "false", "off", NULL};
	int64_t ignored, *value = number ? number : &ignored;

	*value = 0;
	if (!node)
		return RUBY_NIL;
	if (node->kind != YAML_SCALAR)
		return node->kind == YAML_MAP ? RUBY_MAP : RUBY_LIST;
	if (node->quoted)
		return RUBY_TEXT;
	if (yaml_is_null(node))
		return RUBY_NIL;
	if (is_word(node->text, flags))
		return RUBY_BOOL;
	if (is_date(node->text))
		return RUBY_DATE;
	if (node->text[0] == ':' && node->text[1])
		return RUBY_SYMBOL;
	if (is_sixty(node->text, value) || is_int(node->text, value))
		return RUBY_INT;
	return is_float(node->text) ? RUBY_FLOAT : RUBY_TEXT;
}

bool ruby_true(const struct yaml *node)
{
	enum ruby_type type = ruby_type(node, NULL);

	return type != RUBY_NIL &&
	       (type != RUBY_BOOL || is_word(node->text, (const char *const[]){"yes", "true", "on", NULL}));
}

const char *ruby_text(const struct yaml *node, char *out, size_t size)
{
	int64_t number;
	enum ruby_type type = ruby_type(node, &number);
	char *end;

	switch (type) {
	case RUBY_NIL:
	case RUBY_LIST:
	case RUBY_MAP: text_copy(out, size, ""); break;
	case RUBY_BOOL: text_copy(out, size, ruby_true(node) ? "true" : "false"); break;
	case RUBY_INT: text_copyf(out, size, "%lld", (long long)number); break;
	case RUBY_SYMBOL: text_copy(out, size, node->text + 1); break;
	case RUBY_FLOAT:
		/* 1.10 is 1.1 to Ruby; the shortest form that reads as the same number. */
		for (int digits = 1; digits <= 17; digits++) {
			text_copyf(out, size, "%.*g", digits, strtod(node->text, NULL));
			if (strtod(out, &end) == strtod(node->text, NULL))
				break;
		}
		if (!strpbrk(out, ".einf"))
			text_copyf(out + strlen(out), size - strlen(out), ".0");
		break;
	case RUBY_TEXT:
	case RUBY_DATE: text_copy(out, size, node->text); break;
	}
	return out;
}

bool ruby_blank(const struct yaml *node)
{
	enum ruby_type type = ruby_type(node, NULL);

	if (type == RUBY_LIST || type == RUBY_MAP)
		return !node->first;
	if (type == RUBY_TEXT)
		return !node->text[span(node->text, " \t\r\n\f\v")];
	return !ruby_true(node);
}
