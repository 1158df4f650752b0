/* What is wrong with a YAML text, in words that say what to write instead. No library in here. */
#include "core/base/yaml_mend.h"
#include "core/base/text.h"

#include <string.h>

/* The first row whose words are in the message counts. */
static const struct {
	const char *says, *we_say;
} mends[] = {
    {"tab", "a tab is used for indentation; use spaces"},
    {"nested block mapping",
     "there is a second `: ` in this line; put quotes around the text, or begin a new line"},
    {"mapping in plain",
     "there is a second `: ` in this line; put quotes around the text, or begin a new line"},
    {"sequence on the same line", "a list cannot begin behind its key; put each `- ` on a line of its own"},
    {"cannot start with", "a text cannot begin with this character; put quotes around it"},
    {"end of block sequence", "this does not belong to the list above; begin it with `- `, or indent it"},
    {"expected node content", "a value is missing here; write it, or remove the comma or bracket"},
    {"multiline plain",
     "this text runs on into the next line; check the indentation there and the space after each `:`, or put "
     "quotes around the text"},
    {"mapping values",
     "a `: ` is not possible here; put quotes around a text that holds one, or begin a new line"},
    {"invalid multiline",
     "a text over several lines is not possible here; put quotes around it, or use one line"},
    {"flow sequence", "a list or map is not closed properly; check its commas and its `]` or `}`"},
    {"flow mapping", "a list or map is not closed properly; check its commas and its `]` or `}`"},
    {"simple key", "a key needs a `:` and a space after it; check this line and the one above"},
    {"expected key", "a key is expected here; line it up with its neighbours"},
    {"indentation", "this line is indented unlike its neighbours; line it up with them"},
    {"escape", "this escape is unknown; write `\\\\` for a backslash, or use single quotes"},
    {"quoted", "a quoted text is broken or has no end; check its quotes, or use the other kind around it"},
    {"anchor", "the name after `&` or `*` is broken; put quotes around a text that begins with one of them"},
    {"alias", "the name after `*` is broken; put quotes around a text that begins with `*`"},
    {"UTF", "this is not valid UTF-8; save the file as UTF-8"},
};

const char *yaml_mend(const char *says)
{
	for (size_t i = 0; i < sizeof(mends) / sizeof(mends[0]); i++)
		if (text_find(says, mends[i].says))
			return mends[i].we_say;
	return NULL;
}

bool yaml_find_tab(const char *text, int *line, int *column)
{
	const char *p = text;

	for (int at = 1; p && at <= *line + 1; at++) {
		size_t blank = strspn(p, " ");

		if (at >= *line && p[blank] == '\t' && p[blank + strspn(p + blank, " \t\r")] != '\n') {
			*line = at;
			*column = (int)blank + 1;
			return true;
		}
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return false;
}

const char *yaml_find_bad_byte(const char *text, size_t len, int *line, int *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t n = text_decode(text + i, len - i, &code);

		if (code == 0)
			return "there is a NUL byte; this is no text file";
		if (code == 0xfffd && (n != 3 || memcmp(text + i, "\xef\xbf\xbd", 3) != 0))
			return "this is not valid UTF-8; save the file as UTF-8";
		*column = code == '\n' ? 1 : *column + 1;
		*line += code == '\n';
		i += n;
	}
	return NULL;
}
