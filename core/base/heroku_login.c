#include "core/base/heroku_login.h"
#include "core/base/buf.h"
#include "core/base/json.h"
#include "core/base/netrc.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 15000, SAID_MAX = 65536 };

static void wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->len);
	buf_done(buf);
}

/* One line without what surrounds it; a token has no blank in it. */
static bool take_token(const struct buf *said, char *out, size_t size)
{
	const char *text = buf_text(said), *end;
	text += strspn(text, " \t\r\n");
	end = text + strcspn(text, " \t\r\n");
	bool one = end > text && !end[strspn(end, " \t\r\n")];
	return one && text_copyf(out, size, "%.*s", (int)(end - text), text);
}

static bool ask(const char *const *argv, char *out, size_t size)
{
	struct buf said = {0};
	const struct program program = {.argv = argv, .timeout_real_ms = ASK_MS, .output_max = SAID_MAX};
	bool found = program_run(&program, &said, NULL) == 0 && take_token(&said, out, size);
	wipe(&said);
	return found;
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "re");
	char chunk[4096];
	size_t n;
	while (f && (n = fread(chunk, 1, sizeof chunk, f)) > 0 && out->len < SAID_MAX)
		buf_add(out, chunk, n);
	if (f)
		fclose(f);
	return f != NULL;
}

/* The CLI writes the account's name there when, and only when, it has put the token into the keychain. */
static bool keychain_account(char *out, size_t size)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME"),
		   *netrc = getenv("HEROKU_NETRC_WRITE");
	char path[512];
	struct buf text = {0};
	if (netrc && text_equal(netrc, "true"))
		return false;
	bool named = data && *data
			 ? text_copyf(path, sizeof path, "%s/heroku/login.json", data)
			 : home && text_copyf(path, sizeof path, "%s/.local/share/heroku/login.json", home);
	bool found = named && read_file(path, &text);
	struct json *login = found ? json_parse(buf_text(&text), text.len, NULL) : NULL;
	text_copy(out, size, json_str(login, "account", ""));
	json_free(login);
	buf_done(&text);
	return *out != '\0';
}

static bool from_keychain(char *out, size_t size)
{
	char account[256];
	if (!keychain_account(account, sizeof account))
		return false;
#ifdef __APPLE__
	return ask((const char *const[]){"security", "find-generic-password", "-a", account, "-s",
					 "heroku-cli", "-w", NULL},
		   out, size);
#else
	return ask(
	    (const char *const[]){"secret-tool", "lookup", "service", "heroku-cli", "account", account, NULL},
	    out, size);
#endif
}

/* "http://127.0.0.1:5187/x" is entered as "127.0.0.1:5187". */
static void machine_of(const char *api, char *out, size_t size)
{
	const char *host = api ? strstr(api, "://") : NULL;
	if (!host || text_starts(api, "https://api.heroku.com"))
		text_copy(out, size, "api.heroku.com");
	else
		text_copyf(out, size, "%.*s", (int)strcspn(host + 3, "/"), host + 3);
}

static const char *from_netrc(const char *machine, char *out, size_t size)
{
	const char *home = getenv("HOME");
	char path[512];
	struct buf text = {0};
	bool sealed = home && text_copyf(path, sizeof path, "%s/.netrc.gpg", home);
	FILE *f = sealed ? fopen(path, "re") : NULL;
	if (!f)
		return netrc_password(machine, out, size) ? "~/.netrc" : NULL;
	fclose(f);
	const char *const argv[] = {"gpg", "--batch", "--quiet", "--decrypt", path, NULL};
	const struct program program = {.argv = argv, .timeout_real_ms = ASK_MS, .output_max = SAID_MAX};
	bool found =
	    program_run(&program, &text, NULL) == 0 && netrc_find(buf_text(&text), machine, out, size);
	wipe(&text);
	return found ? "~/.netrc.gpg" : NULL;
}

const char *heroku_login(const char *api, char *out, size_t size)
{
	const char *given = getenv("HEROKU_API_KEY"), *where;
	char machine[280];
	*out = '\0';
	if (given && *given)
		return text_copy(out, size, given) ? "HEROKU_API_KEY" : NULL;
	if (from_keychain(out, size))
		return "the keychain";
	machine_of(api, machine, sizeof machine);
	where = from_netrc(machine, out, size);
	if (!where && !text_equal(machine, "api.heroku.com"))
		where = from_netrc("api.heroku.com", out, size);
	if (!where && ask((const char *const[]){"heroku", "auth:token", NULL}, out, size))
		where = "`heroku auth:token`";
	if (!where)
		*out = '\0';
	return where;
}

bool heroku_remote_app(const char *url, char *out, size_t size)
{
	static const char *const hosts[] = {"https://git.heroku.com/",
					    "git@heroku.com:", "ssh://git@heroku.com/"};
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		const char *app = strstr(url, hosts[i]);
		if (app != url)
			continue;
		app += strlen(hosts[i]);
		size_t len = strcspn(app, "/ \t\r\n");
		if (len > 4 && memcmp(app + len - 4, ".git", 4) == 0)
			len -= 4;
		for (size_t k = 0; k < len; k++)
			if (!isalnum((unsigned char)app[k]) && app[k] != '-')
				return false;
		return len && text_copyf(out, size, "%.*s", (int)len, app);
	}
	return false;
}

const char *heroku_app_here(const char *folder, char *out, size_t size, char *why, size_t why_size)
{
	static const char *const argv[] = {"git", "config", "--get-regexp", "^remote\\..*\\.url$", NULL};
	const struct program git = {
	    .argv = argv, .folder = folder, .timeout_real_ms = ASK_MS, .output_max = SAID_MAX};
	const char *given = getenv("HEROKU_APP");
	struct buf said = {0};
	char app[64];
	*out = *why = '\0';
	if (given && *given)
		return text_copy(out, size, given) ? out : NULL;
	program_run(&git, &said, NULL);
	for (const char *line = buf_text(&said); *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *url = line + strcspn(line, " \n");
		if (*url != ' ' || !heroku_remote_app(url + 1, app, sizeof app) || text_equal(app, out))
			continue;
		if (*out)
			text_copyf(why, why_size, "the git remotes lead to %s and to %s", out, app);
		else
			text_copy(out, size, app);
	}
	buf_done(&said);
	if (!*out)
		text_copy(why, why_size, "HEROKU_APP is not set and no git remote leads to Heroku");
	return *why ? NULL : out;
}
