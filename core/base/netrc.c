#include "core/base/netrc.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The next word; a word that begins with # ends its line. */
static bool next_word(const char **at, char *out, size_t size)
{
	for (;;) {
		while (isspace((unsigned char)**at))
			++*at;
		if (**at != '#')
			break;
		*at += strcspn(*at, "\n");
	}
	size_t len = strcspn(*at, " \t\r\n");
	text_copyf(out, size, "%.*s", (int)len, *at);
	*at += len;
	return len > 0;
}

bool netrc_find(const char *text, const char *machine, char *out, size_t size)
{
	char word[512], value[512];
	bool here = false;
	while (next_word(&text, word, sizeof word)) {
		if (text_equal(word, "machine")) {
			if (!next_word(&text, value, sizeof value))
				break;
			here = text_equal(value, machine);
		} else if (text_equal(word, "default")) {
			here = false;
		} else if (text_equal(word, "login") || text_equal(word, "account") ||
			   text_equal(word, "password")) {
			if (!next_word(&text, value, sizeof value))
				break;
			if (here && text_equal(word, "password"))
				return text_copy(out, size, value) && *out;
		}
	}
	return false;
}

bool netrc_password(const char *machine, char *out, size_t size)
{
	const char *home = getenv("HOME");
	char path[512];
	FILE *f = home && text_copyf(path, sizeof path, "%s/.netrc", home) ? fopen(path, "re") : NULL;
	struct buf text = {0};
	char chunk[4096];
	size_t n;
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&text, chunk, n);
	if (f)
		fclose(f);
	bool found = netrc_find(buf_text(&text), machine, out, size);
	if (text.data)
		memset(text.data, 0, text.len);
	buf_done(&text);
	return found;
}
