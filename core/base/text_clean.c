/* Text from outside, made harmless before it reaches an event, a journal or a terminal. */
#include "core/base/text.h"

#include <string.h>

enum { MARKS_MAX = 4 }; /* combining marks on one character; more of them climb over the lines above */

struct input {
	const char *text;
	size_t len, at;
};

/* The code point at `in->at`, without moving; 0 with *used = 0 at the end. */
static uint32_t peek(const struct input *in, size_t *used)
{
	uint32_t code = 0;

	*used = in->at < in->len ? text_decode(in->text + in->at, in->len - in->at, &code) : 0;
	return code;
}

static void skip_between(struct input *in, uint32_t low, uint32_t high)
{
	size_t used;
	uint32_t code = peek(in, &used);

	while (used && code >= low && code <= high) {
		in->at += used;
		code = peek(in, &used);
	}
}

static void skip_one(struct input *in, uint32_t low, uint32_t high)
{
	size_t used;
	uint32_t code = peek(in, &used);

	if (used && code >= low && code <= high)
		in->at += used;
}

/* After "ESC [": parameters, intermediates, one final byte. */
static void skip_csi(struct input *in)
{
	skip_between(in, 0x30, 0x3f);
	skip_between(in, 0x20, 0x2f);
	skip_one(in, 0x40, 0x7e);
}

/* After "ESC ]" and its kin: up to BEL or ST. One without an end loses only its head: its text cannot act any
 * more, and a hostile line must not be able to hide what comes after it. */
static void skip_string(struct input *in)
{
	struct input look = *in;
	size_t used;
	uint32_t code = peek(&look, &used);

	for (; used && code != '\n'; code = peek(&look, &used)) {
		look.at += used;
		if (code == 0x07 || code == 0x9c) {
			*in = look;
			return;
		}
		if (code == 0x1b) {
			if (look.at < look.len && look.text[look.at] == '\\')
				look.at++;
			*in = look;
			return;
		}
	}
}

/* After ESC, or for the C1 control with the same meaning. */
static void skip_escape(struct input *in, uint32_t kind)
{
	if (kind == '[') {
		skip_csi(in);
	} else if (kind && strchr("]PX^_", (int)kind)) {
		skip_string(in);
	} else if (kind >= 0x20 && kind <= 0x2f) {
		skip_between(in, 0x20, 0x2f);
		skip_one(in, 0x30, 0x7e);
	}
}

static bool is_dropped(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0x200b ||
	       code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
	       (code >= 0xe0000 && code <= 0xe0fff);
}

static bool is_space(uint32_t code)
{
	return (code >= '\t' && code <= '\r') || code == 0x85 || code == 0x2028 || code == 0x2029;
}

/* The next harmless code point, 0 at the end. */
static uint32_t next_code(struct input *in)
{
	size_t used;
	uint32_t code;

	while ((code = peek(in, &used)), used) {
		in->at += used;
		if (code == 0x1b) {
			uint32_t kind = peek(in, &used);

			/* What cannot belong to an escape sequence is text of its own. */
			if (kind < 0x20 || kind > 0x7e)
				continue;
			in->at += used;
			skip_escape(in, kind);
		} else if (code == '\r' && in->at < in->len && in->text[in->at] == '\n') {
			continue;
		} else if (is_space(code)) {
			return ' ';
		} else if (code >= 0x80 && code < 0xa0) {
			skip_escape(in, code == 0x9d || code == 0x90 || code == 0x98 || code == 0x9b ||
						code == 0x9e || code == 0x9f
					    ? code - 0x40
					    : 0);
		} else if (!is_dropped(code)) {
			return code;
		}
	}
	return 0;
}

size_t text_clean(char *out, size_t size, const char *text, size_t len)
{
	struct input in = {.text = text, .len = len};
	size_t at = 0;
	int marks = 0;
	uint32_t code;

	if (!size)
		return 0;
	while ((code = next_code(&in))) {
		char bytes[4];
		size_t n;

		marks = text_code_width(code) ? 0 : marks + 1;
		if (marks > MARKS_MAX)
			continue;
		n = text_encode(code, bytes);
		if (at + n >= size)
			break;
		memcpy(out + at, bytes, n);
		at += n;
	}
	out[at] = '\0';
	return at;
}
