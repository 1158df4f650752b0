/* The little of TOML that cli.toml has: see hetzner_login.h. */
#include "core/links/hetzner_login.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024 };

/* name = "value" or 'value' */
static bool value_of(const char *line, size_t len, const char *name, char *out, size_t size)
{
	size_t at = strspn(line, " \t"), want = strlen(name);
	if (at + want > len || strncmp(line + at, name, want) != 0)
		return false;
	at += want;
	at += strspn(line + at, " \t");
	if (at >= len || line[at] != '=')
		return false;
	at++;
	at += strspn(line + at, " \t");
	char quote = at < len ? line[at] : 0;
	const char *end = quote == '"' || quote == '\'' ? memchr(line + at + 1, quote, len - at - 1) : NULL;
	if (!end)
		return false;
	text_copyf(out, size, "%.*s", (int)(end - line) - (int)at - 1, line + at + 1);
	return true;
}

bool hetzner_token_of(const char *text, const char *context, char *out, size_t size)
{
	char active[128], name[128] = "", token[200] = "";
	text_copy(active, sizeof active, context ? context : "");
	*out = '\0';
	for (const char *line = text; *line && !*out;) {
		size_t len = strcspn(line, "\n");
		if (text_starts(line + strspn(line, " \t"), "[["))
			name[0] = token[0] = '\0';
		if (!context)
			value_of(line, len, "active_context", active, sizeof active);
		value_of(line, len, "name", name, sizeof name);
		value_of(line, len, "token", token, sizeof token);
		if (*token && *active && text_equal(name, active))
			text_copy(out, size, token);
		line += len + (line[len] == '\n');
	}
	explicit_bzero(token, sizeof token);
	return *out != '\0';
}

bool hetzner_token_find(struct job *job, char *out, size_t size)
{
	const char *path = getenv("HCLOUD_CONFIG"), *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME"),
		   *context = getenv("HCLOUD_CONTEXT");
	char *own = path && *path ? xstrdup(path)
		    : xdg && *xdg ? xasprintf("%s/hcloud/cli.toml", xdg)
				  : xasprintf("%s/.config/hcloud/cli.toml", home ? home : "");
	FILE *file = fopen(own, "re");
	free(own);
	if (!file)
		return false;
	char *text = xcalloc(1, FILE_MAX + 1);
	text[fread(text, 1, FILE_MAX, file)] = '\0';
	fclose(file);
	bool found = hetzner_token_of(text, context && *context ? context : NULL, out, size);
	explicit_bzero(text, FILE_MAX);
	free(text);
	if (found)
		job_learn_secret(job, out);
	return found;
}
