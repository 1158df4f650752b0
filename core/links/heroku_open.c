/* Where the token comes in and where it may go. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku_inner.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool heroku_trusted(const char *url)
{
	static const char *const own[] = {"heroku.com", "herokai.com", "herokuspace.com", "herokudev.com"};
	struct http_where where;
	if (!http_where(url, &where))
		return false;
	if (where.loopback)
		return true;
	size_t len = strlen(where.host);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		size_t tail = strlen(own[i]);
		if (len >= tail && strcasecmp(where.host + len - tail, own[i]) == 0 &&
		    (len == tail || where.host[len - tail - 1] == '.'))
			return text_equal(where.scheme, "https");
	}
	return false;
}

static int read_base(struct job *job, const char *key, const char *otherwise, char *out, size_t size,
		     struct err *err)
{
	const char *base = job_config_str(job, key, otherwise);
	if (!heroku_trusted(base))
		return err_set(err, ERR_CONFIG,
			       "%s in nightferry.yml is neither one of Heroku's own https addresses nor on "
			       "this machine, so the "
			       "token does not go there; take the line out",
			       key);
	text_copy(out, size, base);
	size_t len = strlen(out);
	while (len && out[len - 1] == '/')
		out[--len] = '\0';
	return 0;
}

/* Names go into paths, so nothing but what Heroku allows in them may come by. */
static bool name_safe(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.' && *p != '_')
			return false;
	return *name && !strstr(name, "..");
}

static int read_token(struct heroku *heroku, struct err *err)
{
	const char *token = job_secret(heroku->job, "HEROKU_API_KEY");
	if (!token)
		return err_set(
		    err, ERR_AUTH,
		    "heroku: there is no token; make one with `heroku authorizations:create` and set "
		    "HEROKU_API_KEY");
	for (const char *p = token; *p; p++)
		if (!isgraph((unsigned char)*p))
			return err_set(
			    err, ERR_AUTH,
			    "heroku: the token in HEROKU_API_KEY holds a blank or a line end; set it anew");
	heroku->auth = xasprintf(HEROKU_BEARER "%s", token);
	return 0;
}

struct heroku *heroku_open(struct job *job, enum heroku_manner manner, struct err *err)
{
	struct heroku *heroku = xcalloc(1, sizeof *heroku);
	const char *app = job_config_str(job, "heroku.app", "");
	heroku->job = job;
	heroku->manner = manner;
	heroku->remaining = -1;
	heroku->http = http_open(job);
	text_copy(heroku->app, sizeof heroku->app, app);
	int rc = 0;
	if (!name_safe(app) || !text_equal(app, heroku->app))
		rc = err_set(err, ERR_CONFIG,
			     "heroku.app in nightferry.yml is missing or is no app's name; write it as in "
			     "the dashboard");
	if (rc == 0)
		rc = read_base(job, "heroku.api", "https://api.heroku.com", heroku->api, sizeof heroku->api,
			       err);
	if (rc == 0)
		rc = read_base(job, "heroku.data", "https://api.data.heroku.com", heroku->data,
			       sizeof heroku->data, err);
	if (rc == 0)
		rc = read_token(heroku, err);
	if (rc == 0)
		return heroku;
	heroku_close(heroku);
	return NULL;
}

void heroku_close(struct heroku *heroku)
{
	if (!heroku)
		return;
	if (heroku->auth)
		explicit_bzero(heroku->auth, strlen(heroku->auth));
	free(heroku->auth);
	heroku_etags_done(heroku);
	http_reply_done(&heroku->reply);
	http_close(heroku->http);
	free(heroku);
}

const char *heroku_app(const struct heroku *heroku)
{
	return heroku->app;
}

const char *heroku_warning(const struct heroku *heroku)
{
	return heroku->warning;
}

int heroku_remaining(const struct heroku *heroku)
{
	return heroku->remaining;
}

int64_t heroku_skew_ms(const struct heroku *heroku)
{
	return heroku->skew_ms;
}

bool heroku_lost(const struct heroku *heroku)
{
	return heroku->lost;
}

struct job *heroku_job(const struct heroku *heroku)
{
	return heroku->job;
}

void heroku_despite_cancel(struct heroku *heroku, bool despite)
{
	heroku->despite = despite;
}

void heroku_hush(struct heroku *heroku, bool hush)
{
	heroku->hush = hush;
}

bool heroku_head(const struct heroku *heroku, const char *name, char *out, size_t size)
{
	return http_head(&heroku->reply, name, out, size);
}
