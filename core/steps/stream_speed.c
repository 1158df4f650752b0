/* What the copy may take. The way from OLD is measured with some MB of its largest table, where the copy will
 * run; writing and indexes by the last good copy of this app. What neither tells is guessed, and said to be.
 *
 * A gate that is open plans again every few seconds: what was measured is kept in the night's folder for some
 * minutes, so that OLD is not asked each time. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/earlier.h"
#include "core/steps/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEPT_MS = 600000, SAMPLE_MS = 15000, SAMPLE_LEAST_BYTES = 1 << 20 };
/* A table costs its definitions, twice, whatever is in it. */
#define GUESS_WORK 25e6
enum { GUESS_TABLE_MS = 10 };

struct speed {
	double rate;        /* bytes per second of one session; <= 0: not measured */
	int64_t data_bytes; /* of all tables, without indexes */
	char why[200];      /* why it was not measured */
};

/* The same SELECT twice: what a few rows take is the way to the server and in, and is no speed. */
static const char samples_sql[] =
    "SELECT format(q, least(r, greatest(r * 131072 / s, 1))::bigint), format(q, least(r, greatest(r * "
    "8388608 "
    "/ s, 1))::bigint), s, t FROM (SELECT format('COPY (SELECT * FROM ONLY %I.%I LIMIT %%s) TO STDOUT "
    "(FORMAT "
    "binary)', n.nspname, c.relname) AS q, c.reltuples::float8 AS r, greatest(pg_table_size(c.oid), 1) AS s, "
    "sum(pg_table_size(c.oid)) OVER () AS t FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('information_schema', "
    "'_heroku', 'nightferry') AND n.nspname !~ '^pg_') x ORDER BY r > 0 DESC, s DESC LIMIT 1";

/* ---- one sample ---- */

/* The login and the statement go in by standard input: no list of processes shows them. */
static const char reader[] = "sh -c 'while IFS= read -r l && [ -n \"$l\" ]; do export \"$l\"; done; IFS= "
			     "read -r q; exec psql -XAtq -v "
			     "ON_ERROR_STOP=1 -c \"$q\" </dev/null' | wc -c";

static int sample_there(struct stream_copy *s, const struct buf *login, const char *sql, int64_t *bytes,
			int64_t *ms, struct err *err)
{
	struct buf input = {0}, command = {0};
	struct ssh_reply reply;
	char said[160];
	buf_add(&input, login->data, login->len);
	buf_addf(&input, "\n%s\n", sql);
	buf_addf(&command, "docker exec -i %s %s", s->container, reader);
	int rc = ssh_exec(s->worker.ssh,
			  &(struct ssh_call){.command = buf_text(&command),
					     .say = "psql (some MB of OLD's largest table, to see how fast "
						    "they come)",
					     .input = input.data,
					     .input_len = input.len,
					     .timeout_ms = SAMPLE_MS},
			  &reply, err);
	*bytes = rc == 0 ? strtoll(buf_text(&reply.out), NULL, 10) : 0;
	*ms = reply.ms;
	if (rc == 0 && *bytes <= 0) {
		text_clean(said, sizeof said, buf_text(&reply.err), strcspn(buf_text(&reply.err), "\n"));
		rc = err_set(err, ERR_NET, "psql in %s brought no row: %s", s->container,
			     *said ? said : "it gave no reason");
	}
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	buf_done(&command);
	ssh_reply_done(&reply);
	return rc;
}

static int measure_there(struct stream_copy *s, const struct pg_result *r, struct speed *out, struct err *err)
{
	char url[2048] = "";
	struct buf login = {0};
	int64_t bytes[2] = {0}, ms[2] = {0};
	if (!*s->container)
		return err_set(err, ERR_WORLD, "there is no container of a database whose psql could read");
	int rc = pg_url_old(s->job, url, sizeof url, err);
	if (rc == 0)
		rc = pg_environment(url, "OLD", &login, err);
	explicit_bzero(url, sizeof url);
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = sample_there(s, &login, pg_get(r, 0, i), &bytes[i], &ms[i], err);
	if (login.data)
		explicit_bzero(login.data, login.len);
	buf_done(&login);
	if (rc == 0 && ms[1] > ms[0] + 1 && bytes[1] > bytes[0])
		out->rate = (double)(bytes[1] - bytes[0]) * 1000 / (double)(ms[1] - ms[0]);
	else if (rc == 0 && ms[1] > 0)
		out->rate = (double)bytes[1] * 1000 / (double)ms[1];
	return rc;
}

static int measure_here(struct pg *pg, const struct pg_result *r, struct speed *out, struct err *err)
{
	struct buf rows = {0};
	int64_t began_ms = clock_life_ms(), bytes = 0, ms = 0;
	if (pg_copy_out(pg, pg_get(r, 0, 1), err) < 0)
		return -1;
	int more = 1;
	while (more == 1 && ms < SAMPLE_MS / 3) {
		buf_reset(&rows);
		more = pg_copy_read(pg, &rows, 256 << 10, err);
		bytes += (int64_t)rows.len;
		ms = clock_real_ms(clock_life_ms() - began_ms);
	}
	if (more == 1)
		pg_copy_stop(pg);
	buf_done(&rows);
	out->rate = (double)bytes * 1000 / (double)(ms > 0 ? ms : 1);
	return more < 0 ? -1 : 0;
}

static int measure(struct stream_copy *s, struct speed *out, struct err *err)
{
	struct pg *pg = pg_open_old(s->job, err);
	struct pg_result *r = pg ? pg_query(pg, samples_sql, NULL, err) : NULL;
	int rc = r ? 0 : -1;
	if (rc == 0 && !pg_rows(r))
		rc = err_set(err, ERR_WORLD, "OLD holds no table");
	if (rc == 0) {
		out->data_bytes = pg_get_int(r, 0, 3);
		if (pg_get_int(r, 0, 2) < SAMPLE_LEAST_BYTES)
			rc = err_set(err, ERR_WORLD, "OLD's largest table is too small for that");
	}
	if (rc == 0)
		rc = s->worker.ssh ? measure_there(s, r, out, err) : measure_here(pg, r, out, err);
	pg_result_free(r);
	pg_close(pg);
	return rc;
}

/* ---- kept for a while ---- */

static char *kept_path(const struct stream_copy *s)
{
	return *job_dir(s->job) ? xasprintf("%s/stream-speed", job_dir(s->job)) : NULL;
}

static bool read_kept(const struct stream_copy *s, const char *path, struct speed *out)
{
	long long at_ms = 0, data_bytes = 0;
	int here = 0;
	char why[sizeof out->why] = "";
	FILE *f = path ? fopen(path, "re") : NULL;
	bool read =
	    f && fscanf(f, "%lld %d %lf %lld\n%199[^\n]", &at_ms, &here, &out->rate, &data_bytes, why) >= 4;
	if (f)
		fclose(f);
	out->data_bytes = data_bytes;
	text_clean(out->why, sizeof out->why, why, strlen(why));
	return read && here == !s->worker.ssh && clock_real_ms(clock_wall_ms() - at_ms) < KEPT_MS &&
	       clock_wall_ms() >= at_ms;
}

/* A loss of it costs a measurement, nothing else. */
static void keep(const struct stream_copy *s, const char *path, const struct speed *speed)
{
	char *next = path ? xasprintf("%s.%ld", path, (long)getpid()) : NULL;
	FILE *f = next ? fopen(next, "wxe") : NULL;
	bool whole = f && fprintf(f, "%lld %d %.0f %lld\n%s\n", (long long)clock_wall_ms(), !s->worker.ssh,
				  speed->rate, (long long)speed->data_bytes, speed->why) > 0;
	if (f)
		whole = fclose(f) == 0 && whole;
	if (f && (!whole || rename(next, path) < 0))
		unlink(next);
	free(next);
}

static void find_speed(struct stream_copy *s, struct speed *out)
{
	struct err err = {0};
	char *path = kept_path(s);
	*out = (struct speed){0};
	if (!read_kept(s, path, out)) {
		*out = (struct speed){0};
		if (measure(s, out, &err) < 0) {
			out->rate = 0;
			text_copyf(out->why, sizeof out->why, "%.190s", err.text);
		}
		keep(s, path, out);
	}
	free(path);
}

/* ---- the plan ---- */

static int64_t work_ms(struct stream_copy *s, struct plan *plan)
{
	struct earlier_pace pace;
	char size[UNITS_MAX], took[UNITS_MAX], rate[UNITS_MAX];
	if (earlier_pace(s->job, STREAMED_FACT, &pace)) {
		evidence_add(&plan->seen, VERDICT_PASS, "pace", "measured",
			     "the last good copy of this app brought %s in %s", units_size(size, pace.bytes),
			     units_duration(took, pace.ms));
		return earlier_ms(&pace, s->source.size_bytes);
	}
	evidence_add(&plan->seen, VERDICT_PASS, "pace", "guessed",
		     "writing and indexes were not measured yet: guessed at %s",
		     units_rate(rate, GUESS_WORK));
	return (int64_t)((double)s->source.size_bytes * 1000 / GUESS_WORK) +
	       (int64_t)s->source.tables.n * GUESS_TABLE_MS;
}

void stream_fill_speed(struct stream_copy *s, struct plan *plan)
{
	struct speed speed;
	char rate[UNITS_MAX], said[240];
	find_speed(s, &speed);
	if (speed.rate > 0)
		text_copyf(said, sizeof said, "%s measured with one session", units_rate(rate, speed.rate));
	else
		text_copyf(said, sizeof said, "not measured: %s", speed.why);
	copy_worker_evidence(&s->worker, plan, said);
	if (!s->has_source)
		return;
	int64_t work = work_ms(s, plan),
		line = speed.rate > 0 ? (int64_t)((double)speed.data_bytes * 1000 / speed.rate) : 0;
	plan->estimate_ms = (work > line ? work : line) + 3000;
}
