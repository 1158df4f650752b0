/* From two values back to what happened between them: every way is gone with the old value, and the one that
 * ends at the new value is the answer. */
#include "core/links/env_value.h"
#include "core/base/text.h"
#include "core/links/env_ways.h"
#include <ctype.h>
#include <string.h>

/* What people do to a value before it stands in the file. */
enum writing { AS_IS, LINE_ENDS, BACKSLASHES, QUOTES, WRAP_SINGLE, WRAP_DOUBLE };
/* How it goes on from dotenv. `env: clear` never comes past it. */
enum carrier { SECRET, VERBATIM, CLEAR };

static const struct {
	enum writing writing;
	enum env_style style;
} routes[] = {
    {AS_IS, ENV_SINGLE},       {AS_IS, ENV_BARE},         {AS_IS, ENV_COMMAND}, {AS_IS, ENV_DOUBLE},
    {LINE_ENDS, ENV_SINGLE},   {LINE_ENDS, ENV_DOUBLE},   {QUOTES, ENV_SINGLE}, {BACKSLASHES, ENV_SINGLE},
    {WRAP_SINGLE, ENV_SINGLE}, {WRAP_DOUBLE, ENV_SINGLE},
};

static void write_down(enum writing how, const char *value, unsigned *causes, struct buf *out)
{
	static const unsigned of[] = {[LINE_ENDS] = ENV_CONTROL,
				      [BACKSLASHES] = ENV_TWICE,
				      [QUOTES] = ENV_QUOTE,
				      [WRAP_SINGLE] = ENV_QUOTED,
				      [WRAP_DOUBLE] = ENV_QUOTED};
	const char *wrap = how == WRAP_SINGLE ? "'" : how == WRAP_DOUBLE ? "\"" : "";
	size_t before = strlen(value);
	buf_adds(out, wrap);
	for (; *value; value++) {
		if (how == LINE_ENDS && (*value == '\n' || *value == '\r')) {
			buf_adds(out, *value == '\n' ? "\\n" : "\\r");
			continue;
		}
		if ((how == BACKSLASHES && *value == '\\') || (how == QUOTES && strchr("'\"", *value)))
			buf_addc(out, '\\');
		buf_addc(out, *value);
	}
	buf_adds(out, wrap);
	*causes = out->len != before ? of[how] : 0;
}

enum { ANY_MOST = 8192 }; /* beyond it the search would take seconds */

/* `pattern` with ENV_ANY for anything. Where nearly everything could be anything, nothing is explained. */
static bool fits(const char *pattern, const char *text, bool any)
{
	if (!any)
		return strcmp(pattern, text) == 0;
	size_t fixed = 0, len = strlen(text);
	const char *star = NULL, *resume = NULL;
	for (const char *p = pattern; *p; p++)
		fixed += strncmp(p, ENV_ANY, 3) == 0 ? (size_t)(p += 2, 0) : 1;
	if (fixed < 4 || fixed * 3 < len || len > ANY_MOST)
		return false;
	while (*text) {
		if (strncmp(pattern, ENV_ANY, 3) == 0) {
			star = pattern += 3;
			resume = text;
		} else if (*pattern == *text) {
			pattern++, text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (strncmp(pattern, ENV_ANY, 3) == 0)
		pattern += 3;
	return !*pattern;
}

struct search {
	const char *old, *is;
	env_known *known;
	void *ctx;
	unsigned best;
};

static void weigh(struct search *s, unsigned causes)
{
	if (causes && (!s->best || __builtin_popcount(causes) < __builtin_popcount(s->best)))
		s->best = causes;
}

static void go(struct search *s, size_t route, enum carrier carrier, enum env_vars vars)
{
	struct env_way way = {.vars = vars, .known = s->known, .ctx = s->ctx};
	struct buf written = {0}, read = {0}, arrived = {0};
	unsigned causes;
	write_down(routes[route].writing, s->old, &causes, &written);
	if (carrier == CLEAR) {
		env_way_clear(&way, buf_text(&written), &arrived);
	} else {
		env_way_dotenv(&way, routes[route].style, buf_text(&written), &read);
		if (carrier == SECRET)
			env_way_secret(&way, buf_text(&read), &arrived);
		else
			buf_add(&arrived, read.data, read.len);
	}
	/* Without a variable on the way, this is the way that was gone already. */
	bool twice = vars != ENV_VARS_GONE && !(way.causes & ENV_EXPANDED);
	if (!twice && fits(buf_text(&arrived), s->is, vars == ENV_VARS_ANY))
		weigh(s, way.causes | causes);
	buf_done(&written);
	buf_done(&read);
	buf_done(&arrived);
}

static bool is_base64_of(const char *old, const char *is)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(old);
	for (size_t i = 0; i < len; i += 3) {
		unsigned word = 0;
		for (size_t k = 0; k < 3; k++)
			word = word << 8 | (i + k < len ? (unsigned char)old[i + k] : 0);
		for (size_t k = 0; k < 4; k++) {
			char want = i + k > len ? '=' : digits[word >> (18 - 6 * k) & 63];
			/* base64 of coreutils breaks its lines. */
			while (*is == '\n')
				is++;
			if (*is != want)
				return false;
			is++;
		}
	}
	while (*is == '\n')
		is++;
	return len && !*is;
}

unsigned env_explain(const char *old, const char *is, env_known *known, void *ctx)
{
	struct search s = {.old = old, .is = is, .known = known, .ctx = ctx};
	bool vars = strchr(old, '$') != NULL;
	if (!*is)
		return ENV_EMPTY;
	for (size_t r = 0; r < sizeof routes / sizeof *routes; r++)
		for (int v = ENV_VARS_GONE; v <= (vars ? ENV_VARS_ANY : ENV_VARS_GONE); v++) {
			go(&s, r, SECRET, (enum env_vars)v);
			go(&s, r, VERBATIM, (enum env_vars)v);
			if (r == 0)
				go(&s, r, CLEAR, (enum env_vars)v);
		}
	if (!s.best && is_base64_of(old, is))
		return ENV_BASE64;
	if (!s.best && strncmp(old, is, strlen(is)) == 0)
		return ENV_SHORT;
	return s.best;
}

unsigned env_predict(const char *value, enum env_style style)
{
	struct env_way way = {.vars = ENV_VARS_GONE};
	struct buf read = {0}, arrived = {0};
	env_way_dotenv(&way, style, value, &read);
	env_way_secret(&way, buf_text(&read), &arrived);
	unsigned causes = strcmp(buf_text(&arrived), value) == 0 ? 0 : way.causes;
	buf_done(&read);
	buf_done(&arrived);
	return causes;
}

void env_say(unsigned causes, char *out, size_t size)
{
	static const char *const words[ENV_CAUSES] = {
	    "backslashes doubled by Kamal's env file",
	    "its backslashes had been doubled by hand",
	    "backslashes eaten by dotenv",
	    "$NAME taken for a variable and left out",
	    "$NAME replaced by a variable's value",
	    "cut at its #",
	    "only its first line came",
	    "blanks or line ends at its ends are gone",
	    "line breaks or other control characters turned into text such as \\n",
	    "the file's quotes are in it",
	    "its own quotes are gone",
	    "a backslash stands before its quotes",
	    "#{ gained a backslash from Kamal's env: clear",
	    "empty",
	    "only its beginning came",
	    "the same, in base64",
	};
	*out = 0;
	for (size_t i = 0; i < ENV_CAUSES; i++)
		if (causes & 1u << i)
			text_copyf(out + strlen(out), size - strlen(out), "%s%s", *out ? ", " : "", words[i]);
}

const char *env_mend(const char *old, unsigned causes)
{
	struct buf carried = {0};
	env_file_text(&carried, old);
	bool whole = strcmp(buf_text(&carried), old) == 0;
	buf_done(&carried);
	if (causes & ENV_BASE64)
		return "the app has to decode it";
	if (causes & ENV_EMPTY)
		return "look what .kamal/secrets or its command gives for it";
	if (!causes)
		return "look where each side has it from";
	/* No quoting brings a backslash or a line break through Kamal's env file. */
	if (!whole)
		return "store it in base64 and decode it in the app";
	if (causes & (ENV_QUOTED | ENV_QUOTE))
		return "write it in single quotes, with nothing added";
	if (causes & (ENV_SHORT | ENV_HASH))
		return "make it a secret in single quotes";
	if (causes & (ENV_GONE | ENV_EXPANDED))
		return "write it in single quotes; as the output of $(...) it needs base64";
	return "write it in single quotes in .kamal/secrets";
}

void env_file_text(struct buf *out, const char *value)
{
	struct env_way way = {0};
	env_way_secret(&way, value, out);
}

const char *env_classes(const char *value, char *out, size_t size)
{
	bool digits = true, hex = true, alnum = true, base64 = true, blank = false, control = false,
	     wide = false;
	for (const char *p = value; *p; p++) {
		unsigned char c = (unsigned char)*p;
		digits = digits && isdigit(c);
		hex = hex && isxdigit(c);
		alnum = alnum && isalnum(c);
		base64 = base64 && (isalnum(c) || strchr("+/=-_", c));
		blank = blank || c == ' ';
		control = control || c < 0x20 || c == 0x7f;
		wide = wide || c >= 0x80;
	}
	if (!*value)
		text_copy(out, size, "nothing");
	else
		text_copyf(out, size, "%s%s%s%s%s",
			   digits   ? "digits"
			   : hex    ? "hex"
			   : alnum  ? "letters and digits"
			   : base64 ? "letters, digits, + / = - _"
				    : "text",
			   strchr(value, '\\') ? " with backslashes" : "", blank ? " with blanks" : "",
			   control ? " with control characters" : "", wide ? " beyond ASCII" : "");
	return out;
}
