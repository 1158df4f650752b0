/* One line of a Heroku log taken apart. */
#include "core/base/text.h"
#include "core/links/heroku.h"
#include "core/links/heroku_logs.h"
#include "core/links/heroku_words.h"
#include <stdlib.h>
#include <string.h>

/* The six digits behind the second; heroku_time_ms() knows only three. */
static int64_t micros(const char *stamp)
{
	const char *dot = strchr(stamp, '.');
	int64_t us = 0;
	int64_t scale = 100000;
	for (const char *p = dot ? dot + 1 : ""; *p >= '0' && *p <= '9' && scale; p++, scale /= 10)
		us += (*p - '0') * scale;
	return us;
}

bool heroku_log_parse(const char *line, size_t len, struct heroku_log_line *out, char *text, size_t size)
{
	char stamp[48];
	*out = (struct heroku_log_line){.text = text};
	const char *end = line + len, *blank = memchr(line, ' ', len);
	if (!blank || (size_t)(blank - line) >= sizeof stamp)
		return false;
	memcpy(stamp, line, (size_t)(blank - line));
	stamp[blank - line] = '\0';
	int64_t ms = heroku_time_ms(stamp);
	const char *open = memchr(blank, '[', (size_t)(end - blank)),
		   *close = open ? memchr(open, ']', (size_t)(end - open)) : NULL;
	if (!ms || !close || close + 1 >= end || close[1] != ':')
		return false;
	out->at_us = ms / 1000 * 1000000 + micros(stamp);
	text_clean(out->source, sizeof out->source, blank + 1, (size_t)(open - blank - 1));
	text_clean(out->process, sizeof out->process, open + 1, (size_t)(close - open - 1));
	const char *words = close + 2;
	if (words < end && *words == ' ')
		words++;
	text_clean(text, size, words, (size_t)(end - words));
	return *out->source && *out->process;
}

/* The value of key= with or without quotes; false when the line has none. */
static bool value_of(const char *text, const char *key, char *out, size_t size)
{
	size_t len = strlen(key);
	out[0] = '\0';
	for (const char *at = text; (at = strstr(at, key)); at += len) {
		/* A path may hold "status=500" too, but never behind a blank that is outside of its quotes.
		 */
		if ((at != text && at[-1] != ' ') || at[len] != '=')
			continue;
		const char *from = at + len + 1;
		bool quoted = *from == '"';
		from += quoted;
		text_copyf(out, size, "%.*s", (int)strcspn(from, quoted ? "\"" : " "), from);
		return true;
	}
	return false;
}

static int number_of(const char *text, const char *key)
{
	char value[32];
	return value_of(text, key, value, sizeof value) ? (int)heroku_number(value, "ms", -1) : -1;
}

bool heroku_router_parse(const char *text, struct heroku_router_line *out)
{
	char bytes[32];
	*out = (struct heroku_router_line){.status = number_of(text, "status")};
	if (!value_of(text, "method", out->method, sizeof out->method) || !text_starts(text, "at="))
		return false;
	value_of(text, "host", out->host, sizeof out->host);
	value_of(text, "path", out->path, sizeof out->path);
	value_of(text, "dyno", out->dyno, sizeof out->dyno);
	value_of(text, "code", out->code, sizeof out->code);
	out->connect_ms = number_of(text, "connect");
	out->service_ms = number_of(text, "service");
	out->bytes = value_of(text, "bytes", bytes, sizeof bytes) ? heroku_number(bytes, "", -1) : -1;
	return true;
}
