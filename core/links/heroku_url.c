/* The old database's address, out of the app's config vars. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/heroku_words.h"
#include "core/links/http.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where "postgres://user:password@host:port/db?…" has its parts; lengths 0 when it has none. */
struct parts {
	const char *password, *host, *query;
	size_t password_len, host_len;
};

static bool url_split(const char *url, struct parts *out)
{
	*out = (struct parts){0};
	if (!text_starts(url, "postgres://") && !text_starts(url, "postgresql://"))
		return false;
	const char *start = strstr(url, "://") + 3;
	size_t authority = strcspn(start, "/?");
	const char *at = NULL;
	for (size_t i = 0; i < authority; i++)
		if (start[i] == '@')
			at = start + i;
	const char *host = at ? at + 1 : start;
	const char *colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
	if (colon) {
		out->password = colon + 1;
		out->password_len = (size_t)(at - colon - 1);
	}
	out->host = *host == '[' ? host + 1 : host;
	out->host_len = strcspn(out->host, *host == '[' ? "]" : ":/?");
	out->query = strchr(start, '?');
	return out->host_len > 0;
}

static bool is_pooled(const struct json *vars, const char *url, const struct parts *parts)
{
	for (const struct json *var = json_first(vars); var; var = json_next(var)) {
		const char *key = json_key(var);
		if (key && text_find(key, "CONNECTION_POOL_URL") && text_equal(json_text(var), url))
			return true;
	}
	return parts->query && text_find(parts->query, "pgbouncer=true");
}

int heroku_pick_url(const struct json *vars, const char *app, char *out, size_t size, struct err *err)
{
	const char *url = json_str(vars, "DATABASE_URL", "");
	struct parts parts;
	char host[256];
	if (!*url)
		return err_set(
		    err, ERR_WORLD,
		    "%s has no DATABASE_URL among its config vars; attach its database as DATABASE first",
		    app);
	if (!url_split(url, &parts))
		return err_set(
		    err, ERR_WORLD,
		    "DATABASE_URL of %s is no PostgreSQL address; nightferry copies PostgreSQL only", app);
	if (is_pooled(vars, url, &parts))
		return err_set(
		    err, ERR_WORLD,
		    "DATABASE_URL of %s goes through a connection pool, which breaks a copy; let it name the "
		    "database itself: `heroku pg:promote`",
		    app);
	text_copyf(host, sizeof host, "%.*s", (int)parts.host_len, parts.host);
	bool add = !http_loopback(host) && !(parts.query && strstr(parts.query, "sslmode="));
	if (!text_copyf(out, size, "%s%s", url,
			!add          ? ""
			: parts.query ? "&sslmode=require"
				      : "?sslmode=require"))
		return err_set(err, ERR_WORLD, "DATABASE_URL of %s is too long to be one", app);
	return 0;
}

static void learn_password(struct job *job, const char *url)
{
	struct parts parts;
	if (!url_split(url, &parts) || !parts.password_len)
		return;
	char *raw = xasprintf("%.*s", (int)parts.password_len, parts.password), *plain = xstrdup(raw),
	     *to = plain;
	for (const char *from = raw; *from; from++) {
		/* A "%" that no two digits follow stands for itself. */
		bool coded =
		    *from == '%' && isxdigit((unsigned char)from[1]) && isxdigit((unsigned char)from[2]);
		char digits[3] = {coded ? from[1] : '0', coded ? from[2] : '0', '\0'};
		long code = strtol(digits, NULL, 16);
		if (code) {
			*to++ = (char)code;
			from += 2;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	job_learn_secret(job, raw);
	if (!text_equal(raw, plain))
		job_learn_secret(job, plain);
	explicit_bzero(raw, strlen(raw));
	explicit_bzero(plain, strlen(plain));
	free(raw);
	free(plain);
}

static int vars_get(struct heroku *heroku, const char *path, struct json **out, struct err *err)
{
	if (heroku_call(heroku, &(struct heroku_call){.secret = true}, path, out, err) < 0)
		return -1;
	if (json_is_object(*out))
		return 0;
	json_wipe(*out);
	*out = NULL;
	return err_set(err, ERR_NET, "heroku's answer to %s holds no config vars; try again", path);
}

int heroku_vars(struct heroku *heroku, struct json **out, struct err *err)
{
	char path[160];
	text_copyf(path, sizeof path, "/apps/%s/config-vars", heroku_app(heroku));
	return vars_get(heroku, path, out, err);
}

int heroku_release_vars(struct heroku *heroku, int64_t version, struct json **out, struct err *err)
{
	char path[200];
	text_copyf(path, sizeof path, "/apps/%s/releases/%lld/config-vars", heroku_app(heroku),
		   (long long)version);
	return vars_get(heroku, path, out, err);
}

int heroku_var_set(struct heroku *heroku, const char *name, const char *value, struct err *err)
{
	char path[160];
	struct jw w = {0};
	text_copyf(path, sizeof path, "/apps/%s/config-vars", heroku_app(heroku));
	jw_open(&w);
	jw_str(&w, name, value);
	struct heroku_call call = {.method = "PATCH", .body = jw_finish(&w), .secret = true};
	int rc = heroku_call(heroku, &call, path, NULL, err);
	explicit_bzero(w.buf.data, w.buf.len);
	jw_done(&w);
	return rc;
}

int heroku_database_url(struct job *job, char *out, size_t size, struct err *err)
{
	struct heroku *heroku = heroku_open(job, HEROKU_PATIENT, err);
	if (!heroku)
		return -1;
	struct json *vars;
	int rc = heroku_vars(heroku, &vars, err);
	if (rc == 0) {
		const char *url = json_str(vars, "DATABASE_URL", "");
		job_learn_secret(job, url);
		learn_password(job, url);
		rc = heroku_pick_url(vars, heroku_app(heroku), out, size, err);
		if (rc == 0 && !text_equal(out, url))
			job_learn_secret(job, out);
		json_free(vars);
	}
	heroku_close(heroku);
	return rc;
}
