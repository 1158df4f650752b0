/* dotenv 3 and Kamal 2, rule by rule, as they were measured with the real ones. */
#include "core/links/env_ways.h"
#include "core/base/text.h"
#include <ctype.h>
#include <string.h>

static void take(struct env_way *way, unsigned cause, struct buf *to, struct buf *from)
{
	if (!text_equal(buf_text(to), buf_text(from)))
		way->causes |= cause;
	struct buf was = *to;
	*to = *from;
	*from = was;
	buf_reset(from);
}

/* Ruby's strip. */
static void strip(const char *text, size_t len, struct buf *out)
{
	while (len && (isspace((unsigned char)text[len - 1])))
		len--;
	while (len && isspace((unsigned char)*text))
		text++, len--;
	buf_add(out, text, len);
}

static void cut_bare(struct env_way *way, const char *text, struct buf *out)
{
	size_t len = strcspn(text, "#\n");
	struct buf plain = {0}, stripped = {0};
	if (text[len] == '#')
		way->causes |= ENV_CUT;
	/* A line end at the very end is a blank like others. */
	else if (text[len] && text[len + strspn(text + len, "\r\n")])
		way->causes |= ENV_ONE_LINE;
	else if (text[len])
		way->causes |= ENV_TRIMMED;
	buf_add(&plain, text, len);
	strip(buf_text(&plain), plain.len, &stripped);
	/* What stands before a # or a line's end is trimmed with the cut. */
	bool cut = way->causes & (ENV_CUT | ENV_ONE_LINE);
	take(way, cut ? 0 : ENV_TRIMMED, &plain, &stripped);
	const char *at = buf_text(&plain);
	bool quoted = plain.len > 1 && (*at == '"' || *at == '\'') && at[plain.len - 1] == *at;
	if (quoted)
		way->causes |= ENV_UNQUOTED;
	buf_add(out, at + quoted, plain.len - 2 * quoted);
	buf_done(&plain);
	buf_done(&stripped);
}

/* In double quotes \n and \r keep their backslash through what follows. */
static void keep_line_ends(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '\\' && (text[1] == 'n' || text[1] == 'r'))
			buf_addc(out, '\\');
		buf_addc(out, *text);
	}
}

static void unescape(const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '\\' && text[1] && text[1] != '$')
			text++;
		buf_addc(out, *text);
	}
}

static void put_variable(struct env_way *way, const char *name, size_t len, struct buf *out)
{
	char key[200];
	text_copyf(key, sizeof key, "%.*s", (int)(len < sizeof key ? len : sizeof key - 1), name);
	const char *value = way->vars == ENV_VARS_KNOWN && way->known ? way->known(way->ctx, key) : NULL;
	way->causes |= value || way->vars == ENV_VARS_ANY ? ENV_EXPANDED : ENV_GONE;
	if (way->vars == ENV_VARS_ANY)
		buf_adds(out, ENV_ANY);
	else if (value)
		buf_adds(out, value);
}

static void variables(struct env_way *way, const char *text, struct buf *out)
{
	while (*text) {
		bool escaped = *text == '\\' && text[1] == '$' && text[2] != '(';
		const char *at = text + escaped;
		if (*at != '$' || at[1] == '(') {
			buf_addc(out, *text++);
			continue;
		}
		const char *name = at + 1 + (at[1] == '{'), *end = name;
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
		const char *next = end + (*end == '}');
		if (escaped || end == name) {
			way->causes |= escaped ? ENV_EATEN : 0;
			buf_add(out, at, (size_t)(next - at));
		} else {
			put_variable(way, name, (size_t)(end - name), out);
		}
		text = next;
	}
}

void env_way_dotenv(struct env_way *way, enum env_style style, const char *text, struct buf *out)
{
	struct buf now = {0}, next = {0};
	if (style == ENV_BARE)
		cut_bare(way, text, &now);
	else
		buf_adds(&now, text);
	if (style == ENV_COMMAND && now.len && now.data[now.len - 1] == '\n') {
		buf_add(&next, now.data, now.len - 1);
		take(way, ENV_TRIMMED, &now, &next);
	}
	if (style == ENV_BARE || style == ENV_DOUBLE) {
		struct buf kept = {0};
		if (style == ENV_DOUBLE)
			keep_line_ends(buf_text(&now), &kept);
		unescape(style == ENV_DOUBLE ? buf_text(&kept) : buf_text(&now), &next);
		take(way, ENV_EATEN, &now, &next);
		buf_done(&kept);
	}
	if (style != ENV_SINGLE) {
		variables(way, buf_text(&now), &next);
		take(way, 0, &now, &next);
	}
	buf_add(out, now.data, now.len);
	buf_done(&now);
	buf_done(&next);
}

/* How Ruby prints a control character; false for any other. */
static bool put_control(char c, struct buf *out)
{
	static const char from[] = "\n\r\t\f\v\b\a\x1b", to[] = "nrtfvbae";
	const char *at = c ? strchr(from, c) : NULL;
	if (at)
		buf_addf(out, "\\%c", to[at - from]);
	else if ((unsigned char)c < 0x20 || c == 0x7f)
		buf_addf(out, "\\x%02X", (unsigned)c);
	else
		return false;
	return true;
}

/* Ruby escapes a # only where it would begin an interpolation. */
static bool begins_code(const char *text)
{
	return *text == '#' && text[1] && strchr("{$@", text[1]);
}

void env_way_secret(struct env_way *way, const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text == '\\') {
			/* Taking \# back to # also takes one of the two backslashes that stand before a #. */
			bool single = text[1] == '#' && !begins_code(text + 1);
			buf_adds(out, single ? "\\" : "\\\\");
			way->causes |= single ? 0 : ENV_DOUBLED;
		} else if (put_control(*text, out)) {
			way->causes |= ENV_CONTROL;
		} else {
			buf_addc(out, *text);
		}
	}
}

void env_way_clear(struct env_way *way, const char *text, struct buf *out)
{
	while (*text) {
		const char *end = text[0] == '$' && text[1] == '{' ? strchr(text, '}') : NULL;
		if (end) {
			put_variable(way, text + 2, (size_t)(end - text - 2), out);
			text = end + 1;
			continue;
		}
		if (begins_code(text)) {
			buf_addc(out, '\\');
			way->causes |= ENV_HASH;
		}
		if (put_control(*text, out))
			way->causes |= ENV_CONTROL;
		else
			buf_addc(out, *text);
		text++;
	}
}
