/* OLD by Heroku's config vars, NEW by the secret NEW_DATABASE_URL, or as its container tells. */
#include "core/links/pg_sides.h"
#include "core/base/text.h"
#include "core/links/docker.h"
#include "core/links/docker_pg.h"
#include "core/links/heroku.h"
#include "core/links/pg_accessory.h"
#include "core/links/ssh.h"
#include <stdlib.h>
#include <string.h>

#define URL_MAX 2048

/* The same login at another database of that server. Its name needs no quoting: we made it. */
static int set_database(char url[URL_MAX], const char *database, struct err *err)
{
	char changed[URL_MAX];
	const char *authority = strstr(url, "://");
	const char *path = authority ? authority + 3 + strcspn(authority + 3, "/?") : NULL;
	bool fits = path && text_copyf(changed, sizeof changed, "%.*s/%s%s", (int)(path - url), url, database,
				       path + strcspn(path, "?"));
	if (fits)
		text_copy(url, URL_MAX, changed);
	explicit_bzero(changed, sizeof changed);
	return fits
		   ? 0
		   : err_set(err, ERR_CONFIG,
			     "The URL of the NEW database is none in which the rehearsal's database could be "
			     "put; write it as postgres://USER:PASSWORD@HOST/DATABASE.");
}

/* From the environment of whoever started nightferry; else from the container itself. The caller wipes it. */
static int target_url(struct job *job, char url[URL_MAX], struct err *err)
{
	const char *given = job_secret(job, "NEW_DATABASE_URL");
	if (given && text_copy(url, URL_MAX, given))
		return 0;
	if (!given && !*job_config_str(job, "database.url", "") &&
	    (*job_config_str(job, "database.accessory", "") ||
	     *job_config_str(job, "database.container", "")))
		return pg_accessory_url(job, url, URL_MAX, err);
	return err_set(err, ERR_CONFIG,
		       given ? "The URL of the NEW database is longer than 2,000 bytes; that cannot be right."
			     : "The URL of the NEW database is not known; put database: {url: "
			       "\"env:NEW_DATABASE_URL\"} into "
			       "nightferry.yml and set that variable where nightferry starts. It may be the "
			       "URL that the app itself "
			       "uses: a container's name in it is reached through the host.");
}

/* In a rehearsal, whoever asks for the new database gets the rehearsal's: there is no other way to a URL. */
static int new_url(struct job *job, char url[URL_MAX], struct err *err)
{
	const char *rehearsal = job_config_str(job, "rehearsal.database", "");
	int rc = target_url(job, url, err);
	return rc < 0 || !*rehearsal ? rc : set_database(url, rehearsal, err);
}

struct pg *pg_open_old(struct job *job, struct err *err)
{
	char url[URL_MAX] = "";
	struct pg *pg = NULL;
	if (heroku_database_url(job, url, sizeof url, err) == 0)
		pg = pg_open(job, "OLD", url, PG_LOOK, err);
	explicit_bzero(url, sizeof url);
	return pg;
}

/* A container's name is one that only its host's docker knows: the way there is the SSH connection. Any other
 * host of the URL is taken at its word. */
static bool is_tunnelled(struct job *job, const struct pg_where *where)
{
	struct docker_names names;
	return docker_names(job, &names, NULL) == 0 && *names.accessory &&
	       text_equal(where->host, names.accessory);
}

static int where_new(struct job *job, const char *url, struct pg_where *out, struct err *err)
{
	if (pg_where(url, "NEW", out, err) < 0)
		return -1;
	out->tunnel = is_tunnelled(job, out);
	return 0;
}

int pg_where_new(struct job *job, struct pg_where *out, struct err *err)
{
	char url[URL_MAX];
	int rc = new_url(job, url, err) < 0 ? -1 : where_new(job, url, out, err);
	explicit_bzero(url, sizeof url);
	return rc;
}

static struct pg *open_new_url(struct job *job, const char *url, const char *database, enum pg_mode mode,
			       struct err *err)
{
	char folder[120];
	struct pg_where where;
	if (where_new(job, url, &where, err) < 0)
		return NULL;
	if (!where.tunnel)
		return database ? pg_open_at(job, "NEW", url, database, mode, err)
				: pg_open(job, "NEW", url, mode, err);
	if (docker_tunnel(job, folder, sizeof folder, err) < 0)
		return NULL;
	return pg_open_tunnel(job, folder, url, database, mode, err);
}

struct pg *pg_open_new_at(struct job *job, const char *database, enum pg_mode mode, struct err *err)
{
	char url[URL_MAX];
	struct pg *pg = new_url(job, url, err) < 0 ? NULL : open_new_url(job, url, database, mode, err);
	explicit_bzero(url, sizeof url);
	return pg;
}

struct pg *pg_open_new(struct job *job, enum pg_mode mode, struct err *err)
{
	return pg_open_new_at(job, NULL, mode, err);
}

int pg_where_target(struct job *job, struct pg_where *out, struct err *err)
{
	char url[URL_MAX];
	int rc = target_url(job, url, err) < 0 ? -1 : where_new(job, url, out, err);
	explicit_bzero(url, sizeof url);
	return rc;
}

int pg_where_old(struct job *job, struct pg_where *out, struct err *err)
{
	char url[URL_MAX] = "";
	int rc = heroku_database_url(job, url, sizeof url, err);
	if (rc == 0)
		rc = pg_where(url, "OLD", out, err);
	explicit_bzero(url, sizeof url);
	return rc;
}

int pg_url_old(struct job *job, char *out, size_t size, struct err *err)
{
	struct pg_where where;
	if (heroku_database_url(job, out, size, err) < 0)
		return -1;
	return pg_where(out, "OLD", &where, err);
}

int pg_url_new(struct job *job, char *out, size_t size, struct err *err)
{
	char url[URL_MAX];
	struct pg_where where;
	int rc = new_url(job, url, err) < 0 ? -1 : pg_where(url, "NEW", &where, err);
	if (rc == 0 && !text_copy(out, size, url))
		rc = err_set(err, ERR_CONFIG, "The URL of the NEW database is too long to be one.");
	explicit_bzero(url, sizeof url);
	return rc;
}

int pg_url_new_there(struct job *job, struct ssh *ssh, char *out, size_t size, struct err *err)
{
	char url[URL_MAX], host[64];
	struct docker_names names;
	struct buf text = {0};
	int port = 0, rc = pg_url_new(job, url, sizeof url, err);
	if (rc == 0 && (docker_names(job, &names, NULL) < 0 || !*names.accessory)) {
		text_copy(out, size, url);
		explicit_bzero(url, sizeof url);
		return 0;
	}
	char *look = rc == 0 ? docker_pg_command(names.accessory) : NULL;
	if (rc == 0)
		rc = ssh_run(ssh, &text, err, "%s", look);
	if (rc == 0)
		rc = docker_pg_read(buf_text(&text), host, sizeof host, &port, err);
	if (rc == 0)
		rc = pg_url_at(url, host, port, out, size, err);
	if (rc == 0)
		job_learn_secret(job, out);
	free(look);
	buf_done(&text);
	explicit_bzero(url, sizeof url);
	return rc;
}

size_t pg_lanes_open(struct pg *first, struct pg_lane *lanes, size_t most)
{
	int used = 0, limit = 0;
	lanes[0] = (struct pg_lane){.pg = first};
	int room = pg_room(first, &used, &limit, NULL);
	size_t n = 1;
	/* A connection that is refused now only makes the count slower. */
	for (; n < most && (int)n <= room / 2; n++) {
		lanes[n] = (struct pg_lane){.pg = pg_open_like(first, NULL, PG_LOOK, NULL)};
		if (!lanes[n].pg)
			break;
	}
	return n;
}

void pg_lanes_close(struct pg_lane *lanes, size_t n)
{
	for (size_t i = 1; i < n; i++)
		pg_close(lanes[i].pg);
}
