/* Looking at a YAML tree: no library in here. */
#include "core/base/yaml.h"
#include "core/base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml *n = map->first; n; n = n->next)
		if (strcmp(n->key, key) == 0)
			return n;
	return NULL;
}

const char *yaml_str(const struct yaml *map, const char *key, const char *otherwise)
{
	const struct yaml *node = yaml_get(map, key);

	return node && node->kind == YAML_SCALAR && !yaml_is_null(node) ? node->text : otherwise;
}

size_t yaml_count(const struct yaml *node)
{
	size_t n = 0;

	for (const struct yaml *child = node ? node->first : NULL; child; child = child->next)
		n++;
	return n;
}

bool yaml_is_null(const struct yaml *node)
{
	return !node ||
	       (node->kind == YAML_SCALAR && !node->quoted &&
		(!*node->text || strcmp(node->text, "~") == 0 || strcasecmp(node->text, "null") == 0));
}

static bool is_plain(const struct yaml *node)
{
	return node && node->kind == YAML_SCALAR && !node->quoted && *node->text;
}

/* [-+]digits: a leading zero makes it text, as YAML's versions disagree about octal numbers. */
bool yaml_int(const struct yaml *node, int64_t *out)
{
	const char *p;
	int64_t value = 0;
	bool minus;

	if (!is_plain(node))
		return false;
	p = node->text;
	minus = *p == '-';
	p += *p == '-' || *p == '+';
	if (!*p || (p[0] == '0' && p[1]))
		return false;
	for (; *p; p++) {
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return false;
	}
	*out = minus ? -value : value;
	return true;
}

/* Digits and one point, nothing that only some YAML versions call a number. */
bool yaml_num(const struct yaml *node, double *out)
{
	const char *p;
	double value = 0, place = 1;
	int64_t whole;
	bool digits = false, point = false;

	if (yaml_int(node, &whole)) {
		*out = (double)whole;
		return true;
	}
	if (!is_plain(node))
		return false;
	for (p = node->text + (*node->text == '-' || *node->text == '+'); *p; p++) {
		if (*p == '.' && digits && !point) {
			point = true;
		} else if (*p >= '0' && *p <= '9') {
			digits = true;
			value = value * 10 + (*p - '0');
			place *= point ? 10 : 1;
		} else {
			return false;
		}
	}
	if (!point || p[-1] == '.' || !isfinite(value) || (node->text[0] == '0' && node->text[1] != '.'))
		return false;
	*out = (node->text[0] == '-' ? -value : value) / place;
	return true;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(text, *words) == 0)
			return true;
	return false;
}

bool yaml_bool(const struct yaml_doc *doc, const struct yaml *node, bool *out)
{
	static const char *const yes[] = {"true", "yes", "on", NULL}, *const no[] = {"false", "no", "off",
										     NULL};
	bool ruby = doc->mode == YAML_RUBY;

	if (!is_plain(node))
		return false;
	*out = ruby ? is_one_of(node->text, yes) : strcasecmp(node->text, "true") == 0;
	return *out || (ruby ? is_one_of(node->text, no) : strcasecmp(node->text, "false") == 0);
}

static void scalar_json(const struct yaml_doc *doc, const struct yaml *node, struct jw *w, const char *key)
{
	int64_t whole;
	double number;
	bool flag;

	if (yaml_is_null(node))
		jw_null(w, key);
	else if (yaml_bool(doc, node, &flag))
		jw_bool(w, key, flag);
	else if (yaml_int(node, &whole) && whole > -(1LL << 53) && whole < 1LL << 53)
		jw_int(w, key, whole);
	else if (yaml_num(node, &number) && !yaml_int(node, &whole))
		jw_num(w, key, number);
	else
		jw_str(w, key, node->text);
}

void yaml_json(const struct yaml_doc *doc, const struct yaml *node, struct jw *w, const char *key)
{
	if (!node || node->kind == YAML_SCALAR) {
		scalar_json(doc, node, w, key);
		return;
	}
	if (node->kind == YAML_MAP)
		jw_obj(w, key);
	else
		jw_arr(w, key);
	for (const struct yaml *n = node->first; n; n = n->next)
		yaml_json(doc, n, w, n->key);
	jw_end(w);
}

const char *yaml_what(const struct yaml_doc *doc, const struct yaml *node, char *out, size_t size)
{
	char clean[64], shown[64];
	double number;
	bool flag;

	if (yaml_is_null(node))
		return "empty";
	if (node->kind != YAML_SCALAR)
		return node->kind == YAML_MAP ? "a map" : "a list";
	text_clean(clean, sizeof(clean), node->text, strlen(node->text));
	text_fit(shown, sizeof(shown), clean, 40);
	if (yaml_bool(doc, node, &flag))
		text_copy(out, size, flag ? "true" : "false");
	else if (yaml_num(node, &number))
		text_copyf(out, size, "the number %s", shown);
	else
		text_copyf(out, size, "the text \"%s\"", shown);
	return out;
}

static int err_at(const struct yaml_doc *doc, const struct yaml *node, int line, int column, struct err *err,
		  const char *fmt, va_list ap)
{
	struct buf text = {0};

	buf_vaddf(&text, fmt, ap);
	err_set(err, ERR_CONFIG, "%s:%d:%d: %s", node && node->file ? node->file : doc->file, line, column,
		buf_text(&text));
	buf_done(&text);
	return -1;
}

int yaml_err(const struct yaml_doc *doc, const struct yaml *node, struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_at(doc, node, node ? node->line : 1, node ? node->column : 1, err, fmt, ap);
	va_end(ap);
	return -1;
}

int yaml_err_key(const struct yaml_doc *doc, const struct yaml *node, struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_at(doc, node, node->key ? node->key_line : node->line,
	       node->key ? node->key_column : node->column, err, fmt, ap);
	va_end(ap);
	return -1;
}
