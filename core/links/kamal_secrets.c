#include "core/links/kamal_secrets.h"
#include "core/base/buf.h"
#include "core/base/text.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MOST = 4 << 20 };

const struct kamal_secret *kamal_secrets_find(const struct kamal_secrets *secrets, const char *name)
{
	for (size_t i = 0; i < secrets->n; i++)
		if (text_equal(secrets->list[i].name, name))
			return &secrets->list[i];
	return NULL;
}

static void put(struct kamal_secrets *out, const char *name, size_t len, enum env_style style, bool empty)
{
	struct kamal_secret secret = {.style = style, .empty = empty};
	text_clean(secret.name, sizeof secret.name, name, len);
	for (size_t i = 0; i < out->n; i++)
		if (text_equal(out->list[i].name, secret.name)) {
			out->list[i] = secret;
			return;
		}
	out->list = xrealloc(out->list, out->n + 1, sizeof *out->list);
	out->list[out->n++] = secret;
}

/* Behind the closing quote, when only blanks and a comment follow it on its line; NULL: no quoted value. */
static const char *quoted_end(const char *text)
{
	const char *at = text + 1;
	while (*at && *at != *text)
		at += at[0] == '\\' && at[1] == *text ? 2 : 1;
	if (!*at)
		return NULL;
	const char *rest = at + 1 + strspn(at + 1, " \t\r");
	return !*rest || *rest == '\n' || *rest == '#' ? at + 1 : NULL;
}

static bool has_command(const char *text, const char *end)
{
	for (const char *at = text; at + 1 < end; at++)
		if (at[0] == '$' && at[1] == '(' && (at == text || at[-1] != '\\'))
			return true;
	return false;
}

/* The value's style; returns where its line ends. */
static const char *take_value(const char *text, enum env_style *style, bool *empty)
{
	text += strspn(text, " \t");
	const char *end = *text == '\'' || *text == '"' ? quoted_end(text) : NULL;
	*style = !end ? ENV_BARE : *text == '\'' ? ENV_SINGLE : ENV_DOUBLE;
	if (!end)
		end = text + strcspn(text, "#\n");
	*empty = *style == ENV_BARE ? text + strspn(text, " \t\r") >= end : end - text == 2;
	if (*style != ENV_SINGLE && has_command(text, end))
		*style = ENV_COMMAND;
	return end + strcspn(end, "\n");
}

void kamal_secrets_read(struct kamal_secrets *out, const char *text)
{
	while (*text) {
		const char *at = text + strspn(text, " \t\r\n");
		if (text_starts(at, "export") && (at[6] == ' ' || at[6] == '\t'))
			at += 6 + strspn(at + 6, " \t");
		size_t len = 0;
		while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == '.')
			len++;
		const char *sign = at + len + strspn(at + len, " \t");
		bool assigns = *sign == '=' || (at[len] == ':' && isspace((unsigned char)at[len + 1]));
		enum env_style style;
		bool empty;
		if (len && assigns) {
			const char *next = take_value(sign + 1, &style, &empty);
			put(out, at, len, style, empty);
			text = next;
		} else {
			text = at + strcspn(at, "\n");
		}
		text += *text == '\n';
	}
}

static int load_one(struct kamal_secrets *out, const char *folder, const char *name, struct err *err)
{
	char chunk[8192];
	struct buf text = {0};
	size_t got;
	char *path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	free(path);
	if (!file && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!file)
		return err_set(err, ERR_IO, "%s cannot be read: %s", name, strerror(errno));
	while ((got = fread(chunk, 1, sizeof chunk, file)) > 0 && text.len < FILE_MOST)
		buf_add(&text, chunk, got);
	int failed = ferror(file) ? err_set(err, ERR_IO, "%s cannot be read: %s", name, strerror(errno)) : 0;
	fclose(file);
	if (!failed) {
		text_copy(out->files[out->n_files++], sizeof out->files[0], name);
		kamal_secrets_read(out, buf_text(&text));
	}
	explicit_bzero(chunk, sizeof chunk);
	if (text.data)
		explicit_bzero(text.data, text.len);
	buf_done(&text);
	return failed;
}

int kamal_secrets_load(struct kamal_secrets *out, const char *folder, const char *path,
		       const char *destination, struct err *err)
{
	*out = (struct kamal_secrets){0};
	char *common = xasprintf("%s-common", path);
	char *own = *destination ? xasprintf("%s.%s", path, destination) : xstrdup(path);
	int rc = load_one(out, folder, common, err);
	if (rc == 0)
		rc = load_one(out, folder, own, err);
	free(common);
	free(own);
	if (rc < 0)
		kamal_secrets_done(out);
	return rc;
}

void kamal_secrets_done(struct kamal_secrets *secrets)
{
	free(secrets->list);
	*secrets = (struct kamal_secrets){0};
}
