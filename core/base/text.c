/* UTF-8 and cells. */
#include "core/base/text.h"
#include "core/base/buf.h"

#include <stdarg.h>
#include <string.h>

size_t text_decode(const char *text, size_t len, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need = p[0] < 0x80   ? 1
		      : p[0] < 0xc2 ? 0
		      : p[0] < 0xe0 ? 2
		      : p[0] < 0xf0 ? 3
		      : p[0] < 0xf5 ? 4
				    : 0;
	uint32_t value;

	*code = 0xfffd;
	if (need == 1)
		*code = p[0];
	if (need <= 1)
		return 1;
	value = p[0] & (0x7fu >> need);
	for (size_t i = 1; i < need; i++) {
		/* What is no continuation may begin the next character, so it is not swallowed. */
		if (i >= len || (p[i] & 0xc0) != 0x80)
			return i;
		value = value << 6 | (p[i] & 0x3fu);
	}
	if (value >= least[need] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff))
		*code = value;
	return need;
}

size_t text_encode(uint32_t code, char out[4])
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n;

	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		code = 0xfffd;
	n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(unsigned char)(0x80 | (code & 0x3f));
	out[0] = (char)(unsigned char)(lead[n] | code);
	return n;
}

size_t text_width(const char *text)
{
	size_t width = 0, len = strlen(text);

	while (len) {
		uint32_t code;
		size_t n = text_decode(text, len, &code);

		width += (size_t)text_code_width(code);
		text += n;
		len -= n;
	}
	return width;
}

/* The longest part of text that fits both limits and ends between code points. */
static size_t fitting(const char *text, size_t bytes, size_t cells)
{
	size_t at = 0, len = strlen(text), width = 0;

	while (at < len) {
		uint32_t code;
		size_t n = text_decode(text + at, len - at, &code);

		width += (size_t)text_code_width(code);
		if (at + n > bytes || width > cells)
			break;
		at += n;
	}
	return at;
}

bool text_copy(char *out, size_t size, const char *text)
{
	size_t n;
	bool all;

	if (!size)
		return false;
	n = fitting(text, size - 1, SIZE_MAX);
	/* Before the move: `text` may be a part of `out`. */
	all = text[n] == '\0';
	memmove(out, text, n);
	out[n] = '\0';
	return all;
}

bool text_copyf(char *out, size_t size, const char *fmt, ...)
{
	struct buf whole = {0};
	va_list ap;
	bool all;

	/* Not straight into `out`: an argument may point there. */
	va_start(ap, fmt);
	buf_vaddf(&whole, fmt, ap);
	va_end(ap);
	all = text_copy(out, size, buf_text(&whole));
	buf_done(&whole);
	return all;
}

void text_fit(char *out, size_t size, const char *text, size_t cells)
{
	static const char ellipsis[] = "\xe2\x80\xa6";
	size_t n;

	if (!size)
		return;
	n = fitting(text, size - 1, cells);
	if (text[n]) {
		n = cells > 0 && size >= sizeof(ellipsis) ? fitting(text, size - sizeof(ellipsis), cells - 1)
							  : 0;
		memmove(out, text, n);
		if (cells > 0 && size >= sizeof(ellipsis)) {
			memcpy(out + n, ellipsis, sizeof(ellipsis) - 1);
			n += sizeof(ellipsis) - 1;
		}
	} else {
		memmove(out, text, n);
	}
	out[n] = '\0';
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts(const char *text, const char *prefix)
{
	return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *text_find(const char *text, const char *needle)
{
	for (;; text++) {
		size_t i = 0;

		while (needle[i] && lower(text[i]) == lower(needle[i]))
			i++;
		if (!needle[i])
			return text;
		if (!*text)
			return NULL;
	}
}

bool text_like(const char *text, const char *pattern)
{
	for (;;) {
		size_t len = strcspn(pattern, "*");
		const char *at = len ? memmem(text, strlen(text), pattern, len) : text;

		if (!at)
			return false;
		if (!pattern[len])
			return true;
		text = at + len;
		pattern += len + 1;
	}
}

void text_lower(char *text)
{
	for (; *text; text++)
		*text = lower(*text);
}

void text_hex(char *out, const unsigned char *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

size_t text_place(const void *list, size_t n, size_t size, const char *name, bool *found)
{
	size_t low = 0, high = n;

	*found = false;
	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = strcmp((const char *)list + mid * size, name);

		if (order == 0) {
			*found = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
