#include "panels/brief.h"
#include "core/base/text.h"
#include "core/base/units.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { HEX_LONG = 12, HEX_SHORT = 7, WORD_LEAST = 12 };

static size_t hex_run(const char *text)
{
	size_t n = 0;

	while ((text[n] >= '0' && text[n] <= '9') || (text[n] >= 'a' && text[n] <= 'f'))
		n++;
	return n;
}

char *brief_ids(char *out, size_t size, const char *text)
{
	size_t used = 0, n;

	for (const char *c = text; *c && used + 1 < size; c += n) {
		bool word = c == text || !isalnum((unsigned char)c[-1]);

		n = hex_run(c);
		if (!word || n < HEX_LONG || isalnum((unsigned char)c[n])) {
			n = 1;
			out[used++] = *c;
			continue;
		}
		for (size_t i = 0; i < HEX_SHORT && used + 1 < size; i++)
			out[used++] = c[i];
	}
	out[used] = '\0';
	return out;
}

/* Digits where the pattern has 9, else the same sign; returns how much of the text the pattern takes. */
static size_t matches(const char *text, const char *pattern)
{
	size_t n = 0;

	for (; pattern[n]; n++)
		if (pattern[n] == '9' ? !isdigit((unsigned char)text[n]) : text[n] != pattern[n])
			return 0;
	return n;
}

/* How much of the line is a time of its own that says nothing new. Hours are left out of the comparison:
 * the zone it is written in is not known. */
static size_t own_time(const char *text, int64_t at_ms)
{
	size_t n = matches(text, "9999-99-99 99:99:99");
	int64_t minute, second, off;

	if (n == 0)
		n = matches(text, "9999-99-99T99:99:99");
	if (n == 0)
		return 0;
	minute = (text[14] - '0') * 10 + text[15] - '0';
	second = (text[17] - '0') * 10 + text[18] - '0';
	off = (at_ms / 1000 % 3600 - minute * 60 - second + 3600) % 3600;
	if (off > 5 && off < 3595)
		return 0;
	if (text[n] == '.' || text[n] == ',')
		for (n++; isdigit((unsigned char)text[n]);)
			n++;
	if (text[n] == 'Z')
		n++;
	else if (text_starts(text + n, " UTC"))
		n += 4;
	else if (matches(text + n, "+99:99") || matches(text + n, "-99:99"))
		n += 6;
	if (text[n] && text[n] != ' ')
		return 0;
	while (text[n] == ' ')
		n++;
	return n;
}

/* key=value or key="some value" of a router's line. */
static bool value_of(const char *text, const char *key, char *out, size_t size)
{
	size_t len = strlen(key), n;

	text_copy(out, size, "");
	for (const char *c = strstr(text, key); c; c = strstr(c + 1, key)) {
		if ((c != text && c[-1] != ' ') || c[len] != '=')
			continue;
		c += len + 1;
		n = *c == '"' ? strcspn(c + 1, "\"") : strcspn(c, " ");
		text_copyf(out, size, "%.*s", (int)n, *c == '"' ? c + 1 : c);
		return true;
	}
	return false;
}

char *brief_log(char *out, size_t size, const char *text, int64_t at_ms)
{
	char code[16], desc[80], method[16], path[200], host[100], status[16], service[24];

	text += own_time(text, at_ms);
	if (!text_starts(text, "at=") || !value_of(text, "method", method, sizeof(method)) ||
	    !value_of(text, "path", path, sizeof(path)) ||
	    !value_of(text, "status", status, sizeof(status))) {
		text_copy(out, size, text);
		return out;
	}
	value_of(text, "code", code, sizeof(code));
	value_of(text, "desc", desc, sizeof(desc));
	value_of(text, "host", host, sizeof(host));
	value_of(text, "service", service, sizeof(service));
	text_copyf(out, size, "%s%s%s%s%s %s  %s  %s  %s", code, code[0] ? " " : "", desc,
		   desc[0] ? "  " : "", method, path, status, host, service);
	return out;
}

char *brief_fit(const struct canvas *canvas, char *out, size_t size, const char *text, int cells)
{
	int over = canvas_width(canvas, text) - cells;
	size_t best = 0, len = 0;

	text_copy(out, size, text);
	if (over <= 0)
		return out;
	for (size_t i = 0, n; text[i]; i += n + (text[i + n] != '\0')) {
		n = strcspn(text + i, " ");
		if (n > len) {
			len = n;
			best = i;
		}
	}
	/* One cell more goes for the ellipsis; letters of several bytes are left whole by not touching them.
	 */
	for (size_t i = best; i < best + len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return out;
	if ((int)len - over - 1 < WORD_LEAST)
		return out;
	text_copyf(out, size, "%.*s…%s", (int)(best + len) - over - 1, text, text + best + len);
	return out;
}

char *brief_took(char *out, size_t size, int64_t ms)
{
	char text[UNITS_MAX];

	text_copy(out, size, ms < 1000 ? "<1 s" : units_duration(text, ms));
	return out;
}
