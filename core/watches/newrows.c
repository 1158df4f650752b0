/* newrows: what was written on the new database since its app started on tonight's copy. It is what the way
 * back costs: rows, by the server's counters, and jobs that have run there. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/http.h"
#include "core/links/pg_since.h"
#include "core/watches/pg_loop.h"
#include <stdlib.h>

#define INTERVAL_MS 2000
#define CERTIFICATE_MS 600000
#define ENCRYPTED_MS 10000

static int newrows_run(struct job *job, struct err *err);

static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct watch newrows_watch = {
    .name = "newrows",
    .help = "rows written and jobs run on the new side since its app started",
    .secrets = secrets,
    .run = newrows_run,
};

struct newrows {
	struct pg_since since;
	int64_t certificate_ms, certificate_life_ms; /* when it ends; when it was looked at */
	int64_t encrypted, encrypted_life_ms;        /* rows; -1 not looked at */
	char encrypted_where[200];
};

/* A watch that starts again must go on from the same line, so the line is a fact. The app's start records it;
 * where somebody else has started the app, the flip does. */
static int find_boundary(struct job *job, struct newrows *n, struct pg *pg, struct err *err)
{
	struct jw w;
	int64_t was = n->since.xmin;
	pg_since_done(&n->since);
	bool known = pg_since_read(job, &n->since);
	/* Another copy: what was written on the one before it is gone. */
	if (n->since.xmin != was) {
		n->encrypted = -1;
		n->encrypted_life_ms = 0;
		n->encrypted_where[0] = '\0';
	}
	if (known)
		return 0;
	const struct json *pointed = job_fact_at(job, "dns-pointed", 0);
	if (!pointed || text_equal(json_str(pointed, "to", ""), "old"))
		return 0;
	if (pg_since_look(pg, &n->since, err) < 0)
		return -1;
	jw_fact(&w, "boundary", "");
	pg_since_write(&w, &n->since);
	return job_record(job, &w, err);
}

static const char *text_of(const struct json *object, const char *key)
{
	return json_str(object, key, "");
}

/* How long Heroku's certificate still lasts: without it nobody can be sent back there. */
static void look_certificate(struct job *job, struct newrows *n)
{
	const char *name = json_text(json_first(json_path(job_config(job), "dns.names")));
	char to[300] = "";
	if (!name || !text_equal(job_config_str(job, "web.scheme", "https"), "https") ||
	    (n->certificate_life_ms && clock_life_ms() - n->certificate_life_ms < CERTIFICATE_MS))
		return;
	n->certificate_life_ms = clock_life_ms();
	const char *was = text_of(json_get(job_fact(job, "dns-before", name), "record"), "content");
	text_copy(to, sizeof to, job_config_str(job, "web.old", ""));
	if (!*to && *was)
		text_copyf(to, sizeof to, "%s:443", was);
	char *url = xasprintf("https://%s/", name);
	struct http_request request = {.url = url,
				       .connect_to = *to ? to : NULL,
				       .timeout_ms = 5000,
				       .body_max = 1 << 16,
				       .insecure = true};
	struct http_reply reply;
	struct err unseen = {0};
	if (http_once(job, &request, &reply, &unseen) == 0 && reply.cert_until_ms > 0)
		n->certificate_ms = reply.cert_until_ms;
	http_reply_done(&reply);
	free(url);
}

static int by_rows(const void *a, const void *b)
{
	const struct pg_counted *x = a, *y = b;
	int64_t p = x->inserted + x->updated + x->deleted, q = y->inserted + y->updated + y->deleted;
	return p < q ? 1 : p > q ? -1 : 0;
}

static int64_t tell(struct job *job, const struct newrows *n, struct pg_since *now, int64_t jobs)
{
	struct jw w;
	int64_t rows = 0, updated = 0, deleted = 0;
	if (now->n)
		qsort(now->tables, now->n, sizeof *now->tables, by_rows);
	for (size_t i = 0; i < now->n; i++) {
		updated += now->tables[i].updated;
		deleted += now->tables[i].deleted;
		rows += now->tables[i].inserted + now->tables[i].updated + now->tables[i].deleted;
	}
	jw_event(&w, "newrows.seen");
	jw_int(&w, "rows", rows);
	jw_int(&w, "updated", updated);
	jw_int(&w, "deleted", deleted);
	jw_int(&w, "jobs", jobs);
	jw_int(&w, "encrypted", n->encrypted);
	jw_str(&w, "encrypted_where", n->encrypted_where);
	if (n->certificate_ms)
		jw_int(&w, "old_certificate_ms", n->certificate_ms);
	jw_arr(&w, "tables");
	for (size_t i = 0; i < now->n; i++) {
		const struct pg_counted *t = &now->tables[i];
		jw_obj(&w, NULL);
		jw_str(&w, "table", t->label);
		jw_int(&w, "rows", t->inserted + t->updated + t->deleted);
		jw_end(&w);
	}
	jw_end(&w);
	job_event(job, &w);
	return rows;
}

/* Reads what was written, so not at every look. Once there is one such row there is nothing more to find out.
 */
static int look_encrypted(struct newrows *n, struct pg *pg, const struct pg_since *changed, struct err *err)
{
	if (n->encrypted > 0 ||
	    (n->encrypted_life_ms && clock_life_ms() - n->encrypted_life_ms < ENCRYPTED_MS))
		return 0;
	n->encrypted_life_ms = clock_life_ms();
	return pg_since_encrypted(pg, &n->since, changed, &n->encrypted, n->encrypted_where,
				  sizeof n->encrypted_where, err);
}

static int look(struct job *job, void *ctx, struct pg *old_pg, struct pg *new_pg, char text[200],
		struct err *err)
{
	struct newrows *n = ctx;
	struct pg_since now = {0};
	char rows[UNITS_MAX], table[64];
	int64_t jobs = -1;
	(void)old_pg;
	if (find_boundary(job, n, new_pg, err) < 0)
		return -1;
	if (!n->since.xmin) {
		text_copy(text, 200, "waits for the new app's start");
		return 0;
	}
	look_certificate(job, n);
	int rc = pg_since_counters(new_pg, &n->since, &now, err);
	if (rc == 0)
		rc = pg_since_jobs(new_pg, &n->since, &jobs, table, sizeof table, err);
	if (rc == 0)
		rc = look_encrypted(n, new_pg, &now, err);
	if (rc == 0)
		text_copyf(text, 200, "%s rows since the new app started",
			   units_count(rows, tell(job, n, &now, jobs)));
	pg_since_done(&now);
	return rc;
}

static int newrows_run(struct job *job, struct err *err)
{
	struct newrows n = {.encrypted = -1};
	(void)err;
	const struct pg_loop loop = {.new_side = true, .interval_ms = INTERVAL_MS, .look = look, .ctx = &n};
	int rc = pg_loop_run(job, &loop);
	pg_since_done(&n.since);
	return rc;
}
