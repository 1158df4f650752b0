/* Writing JSON: straight into a buffer, no trees. */
#include "core/base/json.h"
#include "core/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A string with its quotes. Everything that could end it, act in a terminal or be no UTF-8 is escaped or
 * replaced. */
static void add_string(struct buf *buf, const char *text, size_t len)
{
	static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";

	buf_addc(buf, '"');
	while (len) {
		uint32_t code;
		size_t n = text_decode(text, len, &code);
		const char *p = code && code < 0x80 ? strchr(plain, (int)code) : NULL;

		/* Our own reader refuses NUL characters. */
		if (!code)
			code = 0xfffd;
		if (p && *p) {
			buf_addc(buf, '\\');
			buf_addc(buf, letter[p - plain]);
		} else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
			buf_addf(buf, "\\u%04x", (unsigned)code);
		} else {
			char bytes[4];

			buf_add(buf, bytes, text_encode(code, bytes));
		}
		text += n;
		len -= n;
	}
	buf_addc(buf, '"');
}

static void add_number(struct buf *buf, double value)
{
	char text[40], *comma;

	if (!isfinite(value)) {
		buf_adds(buf, "null");
		return;
	}
	if (fabs(value) < 9007199254740992.0 && value == trunc(value)) {
		buf_addf(buf, "%lld", (long long)value);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	/* The locale's decimal point may be a comma. */
	comma = strchr(text, ',');
	if (comma)
		*comma = '.';
	buf_adds(buf, text);
}

static void add_node(struct buf *buf, const struct json *node)
{
	bool object = json_is_object(node);

	if (json_is_string(node)) {
		add_string(buf, json_text(node), strlen(json_text(node)));
	} else if (json_is_number(node)) {
		add_number(buf, json_number(node));
	} else if (json_is_bool(node)) {
		buf_adds(buf, json_true(node) ? "true" : "false");
	} else if (object || json_is_array(node)) {
		buf_addc(buf, object ? '{' : '[');
		for (const struct json *n = json_first(node); n; n = json_next(n)) {
			if (n != json_first(node))
				buf_addc(buf, ',');
			if (object) {
				add_string(buf, json_key(n), strlen(json_key(n)));
				buf_addc(buf, ':');
			}
			add_node(buf, n);
		}
		buf_addc(buf, object ? '}' : ']');
	} else {
		buf_adds(buf, "null");
	}
}

/* The comma and the key before a value. */
static void begin(struct jw *w, const char *key)
{
	if (w->comma)
		buf_addc(&w->buf, ',');
	w->comma = true;
	if (key) {
		add_string(&w->buf, key, strlen(key));
		buf_addc(&w->buf, ':');
	}
}

static void push(struct jw *w, char open, char close)
{
	if (w->depth >= sizeof(w->close)) {
		fputs(
		    "nightferry: a JSON text was to be nested too deeply; this is a bug, please report it\n",
		    stderr);
		abort();
	}
	buf_addc(&w->buf, open);
	w->close[w->depth++] = close;
	w->comma = false;
}

void jw_open(struct jw *w)
{
	*w = (struct jw){0};
	push(w, '{', '}');
}

void jw_str(struct jw *w, const char *key, const char *value)
{
	if (value)
		jw_strn(w, key, value, strlen(value));
	else
		jw_null(w, key);
}

void jw_strf(struct jw *w, const char *key, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	jw_strn(w, key, buf_text(&text), text.len);
	buf_done(&text);
}

void jw_strn(struct jw *w, const char *key, const char *value, size_t len)
{
	begin(w, key);
	add_string(&w->buf, value, len);
}

void jw_int(struct jw *w, const char *key, int64_t value)
{
	begin(w, key);
	buf_addf(&w->buf, "%lld", (long long)value);
}

void jw_num(struct jw *w, const char *key, double value)
{
	begin(w, key);
	add_number(&w->buf, value);
}

void jw_bool(struct jw *w, const char *key, bool value)
{
	begin(w, key);
	buf_adds(&w->buf, value ? "true" : "false");
}

void jw_null(struct jw *w, const char *key)
{
	begin(w, key);
	buf_adds(&w->buf, "null");
}

void jw_json(struct jw *w, const char *key, const struct json *node)
{
	begin(w, key);
	add_node(&w->buf, node);
}

void jw_raw(struct jw *w, const char *key, const char *json_text, size_t len)
{
	begin(w, key);
	buf_add(&w->buf, json_text, len);
}

void jw_obj(struct jw *w, const char *key)
{
	begin(w, key);
	push(w, '{', '}');
}

void jw_arr(struct jw *w, const char *key)
{
	begin(w, key);
	push(w, '[', ']');
}

void jw_end(struct jw *w)
{
	if (!w->depth)
		return;
	buf_addc(&w->buf, w->close[--w->depth]);
	w->comma = true;
}

const char *jw_finish(struct jw *w)
{
	while (w->depth)
		jw_end(w);
	return buf_text(&w->buf);
}

void jw_done(struct jw *w)
{
	buf_done(&w->buf);
	*w = (struct jw){0};
}
