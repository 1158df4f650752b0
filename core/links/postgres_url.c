/* What a URL says, without its secrets. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/postgres_inner.h"
#include <string.h>

static bool is_loopback(const char *host)
{
	return !*host || *host == '/' || text_equal(host, "localhost") || text_starts(host, "127.") ||
	       text_equal(host, "::1");
}

static bool is_weak(const char *sslmode)
{
	return !*sslmode || text_equal(sslmode, "disable") || text_equal(sslmode, "allow") ||
	       text_equal(sslmode, "prefer");
}

int pg_where(const char *url, const char *side, struct pg_where *out, struct err *err)
{
	*out = (struct pg_where){.port = "5432"};
	/* libpq's message would repeat the URL, so it is not looked at. */
	PQconninfoOption *options =
	    url && (text_starts(url, "postgres://") || text_starts(url, "postgresql://"))
		? PQconninfoParse(url, NULL)
		: NULL;
	if (!options)
		return err_set(err, ERR_CONFIG,
			       "The URL of the %s database is no PostgreSQL URL; it looks like "
			       "postgres://user:password@host:5432/database.",
			       side);
	for (PQconninfoOption *o = options; o->keyword; o++) {
		const char *value = o->val ? o->val : "";
		if (!*value)
			continue;
		if (text_equal(o->keyword, "host"))
			text_clean(out->host, sizeof out->host, value, strlen(value));
		else if (text_equal(o->keyword, "port"))
			text_copy(out->port, sizeof out->port, value);
		else if (text_equal(o->keyword, "dbname"))
			text_clean(out->database, sizeof out->database, value, strlen(value));
		else if (text_equal(o->keyword, "user"))
			text_clean(out->user, sizeof out->user, value, strlen(value));
		else if (text_equal(o->keyword, "sslmode"))
			text_copy(out->sslmode, sizeof out->sslmode, value);
	}
	PQconninfoFree(options);
	out->loopback = is_loopback(out->host);
	if (!out->loopback && text_equal(side, "OLD") && is_weak(out->sslmode))
		text_copy(out->sslmode, sizeof out->sslmode, "require");
	if (!*out->sslmode)
		text_copy(out->sslmode, sizeof out->sslmode, "prefer");
	return 0;
}

int pg_url_at(const char *url, const char *host, int port, char *out, size_t size, struct err *err)
{
	const char *start = strstr(url, "://");
	start = start ? start + 3 : url;
	size_t authority = strcspn(start, "/?"), login = 0;
	for (size_t i = 0; i < authority; i++)
		if (start[i] == '@')
			login = i + 1;
	bool v6 = strchr(host, ':') != NULL;
	if (!text_copyf(out, size, "%.*s%s%s%s:%d%s", (int)((size_t)(start - url) + login), url,
			v6 ? "[" : "", host, v6 ? "]" : "", port, start + authority))
		return err_set(err, ERR_CONFIG, "The URL of the database is too long to be one.");
	return 0;
}

int pg_environment(const char *url, const char *side, struct buf *out, struct err *err)
{
	struct pg_where where;
	if (pg_where(url, side, &where, err) < 0)
		return -1;
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		bool ours = text_equal(o->keyword, "sslmode");
		if (o->envvar && o->val && *o->val && !ours && !strchr(o->val, '\n'))
			buf_addf(out, "%s=%s\n", o->envvar, o->val);
	}
	PQconninfoFree(options);
	buf_addf(out, "PGSSLMODE=%s\n", where.sslmode);
	return 0;
}

/* A password may be spelt %-encoded in the URL; what libpq sends is the other spelling of the same secret. */
void pg_learn(struct job *job, const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	for (PQconninfoOption *o = options; o && o->keyword; o++) {
		if (text_equal(o->keyword, "password"))
			job_learn_secret(job, o->val);
	}
	PQconninfoFree(options);
	job_learn_secret(job, url);
}
