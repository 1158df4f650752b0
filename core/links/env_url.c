#include "core/links/env_url.h"
#include "core/base/text.h"
#include <string.h>

static const struct {
	const char *scheme, *port;
	bool database;
} schemes[] = {
    {"postgres", "5432", true}, {"postgresql", "5432", true}, {"postgis", "5432", true},
    {"mysql", "3306", true},    {"mysql2", "3306", true},     {"redis", "6379", true},
    {"rediss", "6379", true},   {"http", "80", false},        {"https", "443", false},
};

static bool ends_with(const char *text, const char *end)
{
	size_t a = strlen(text), b = strlen(end);
	return a >= b && strcmp(text + a - b, end) == 0;
}

static void read_sslmode(const char *query, char *out, size_t size)
{
	while (query && *query) {
		query++;
		if (text_starts(query, "sslmode="))
			text_clean(out, size, query + 8, strcspn(query + 8, "&#"));
		query = strchr(query, '&');
	}
}

static bool read_place(const char *place, size_t len, struct env_url *out)
{
	const char *end = place + len, *colon;
	bool bracket = len && *place == '[';
	const char *close = bracket ? memchr(place, ']', len) : NULL;
	const char *rest = close ? close + 1 : place;
	colon = memchr(rest, ':', (size_t)(end - rest));
	if (close)
		text_clean(out->host, sizeof out->host, place + 1, (size_t)(close - place - 1));
	else
		text_clean(out->host, sizeof out->host, place, (size_t)((colon ? colon : end) - place));
	text_lower(out->host);
	if (!colon || colon + 1 == end)
		return true;
	text_clean(out->port, sizeof out->port, colon + 1, (size_t)(end - colon - 1));
	return strspn(colon + 1, "0123456789") == (size_t)(end - colon - 1);
}

bool env_url_read(const char *text, struct env_url *out)
{
	*out = (struct env_url){0};
	const char *at = strstr(text, "://");
	if (!at || at == text || (size_t)(at - text) >= sizeof out->scheme)
		return false;
	text_clean(out->scheme, sizeof out->scheme, text, (size_t)(at - text));
	text_lower(out->scheme);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (text_equal(schemes[i].scheme, out->scheme)) {
			out->database = schemes[i].database;
			text_copy(out->port, sizeof out->port, schemes[i].port);
		}
	const char *start = at + 3, *place = start;
	size_t authority = strcspn(start, "/?#");
	for (size_t i = 0; i < authority; i++)
		if (start[i] == '@')
			place = start + i + 1;
	if (place > start) {
		const char *colon = memchr(start, ':', (size_t)(place - 1 - start));
		text_clean(out->user, sizeof out->user, start, (size_t)((colon ? colon : place - 1) - start));
		out->password = colon ? colon + 1 : NULL;
		out->password_len = colon ? (size_t)(place - 1 - colon - 1) : 0;
	}
	/* A / or ? in a password that nobody escaped: then no part is what it seems, and may be the password.
	 */
	const char *path = start + authority;
	if (!read_place(place, authority - (size_t)(place - start), out) ||
	    (place == start && strchr(path, '@')))
		return false;
	if (*path == '/')
		text_clean(out->path, sizeof out->path, path + 1, strcspn(path + 1, "?#"));
	read_sslmode(strchr(path, '?'), out->sslmode, sizeof out->sslmode);
	return *out->host;
}

bool env_url_same_place(const struct env_url *a, const struct env_url *b)
{
	return text_equal(a->host, b->host) && text_equal(a->port, b->port);
}

bool env_url_heroku(const struct env_url *url, bool *certain)
{
	static const char *const own[] = {".herokuapp.com", ".heroku.com", ".herokudns.com", ".herokussl.com",
					  ".herokuspace.com"};
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (ends_with(url->host, own[i]))
			return *certain = true;
	*certain = false;
	return text_starts(url->host, "ec2-") && ends_with(url->host, ".amazonaws.com");
}

bool env_url_local(const struct env_url *url)
{
	return !strchr(url->host, '.') || text_starts(url->host, "127.") || text_equal(url->host, "::1");
}

static void add(char *out, size_t size, const char *what, const char *a, const char *b)
{
	size_t len = strlen(out);
	if (!text_equal(a, b))
		text_copyf(out + len, size - len, "%s%s %s -> %s", len ? ", " : "", what, *a ? a : "none",
			   *b ? b : "none");
}

void env_url_compare(const struct env_url *a, const struct env_url *b, char *out, size_t size)
{
	char from[220], to[220];
	bool shown = a->database && b->database;
	*out = 0;
	add(out, size, "scheme", a->scheme, b->scheme);
	text_copyf(from, sizeof from, "%s:%s", a->host, a->port);
	text_copyf(to, sizeof to, "%s:%s", b->host, b->port);
	add(out, size, "host", from, to);
	/* Elsewhere a key may stand in the place of the user, or be part of the path. */
	if (shown) {
		add(out, size, "database", a->path, b->path);
		add(out, size, "user", a->user, b->user);
		add(out, size, "sslmode", *a->sslmode ? a->sslmode : "not said",
		    *b->sslmode ? b->sslmode : "not said");
	} else if (!text_equal(a->path, b->path) || !text_equal(a->user, b->user)) {
		text_copyf(out + strlen(out), size - strlen(out), "%sanother path or user", *out ? ", " : "");
	}
	if (a->password_len != b->password_len ||
	    (a->password_len && strncmp(a->password, b->password, a->password_len) != 0))
		text_copyf(out + strlen(out), size - strlen(out), "%sanother password", *out ? ", " : "");
}
