/* The job line from the child's side: see job.h. Blocking, one line at a time, poll() only where it waits.
 * What it was told: job_told.c; what it tells: job_tell.c. */
#include "core/job.h"
#include "core/base/clock.h"
#include "core/base/heroku_login.h"
#include "core/base/text.h"
#include "core/job_inner.h"
#include "core/job_write.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void die_at(const char *who, const char *kind, const char *fact_name, bool before)
{
	const char *want = getenv("NIGHTFERRY_DIE_AT");
	if (!want || !*want)
		return;
	char here[160];
	bool fact = text_equal(kind, "fact") && fact_name && text_starts(want, "fact:");
	text_copyf(here, sizeof here, "%s%s%s@%s%s", kind, fact ? ":" : "", fact ? fact_name : "", who,
		   before ? ":before" : "");
	if (text_equal(want, here))
		raise(SIGKILL);
}

int job_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int job_send(struct job *job, struct jw *w)
{
	jw_finish(w);
	buf_addc(&w->buf, '\n');
	int rc = 0;
	if (job->fd < 0 && job->shows_events) {
		fwrite(w->buf.data, 1, w->buf.len, stdout);
		fflush(stdout);
	} else if (job->fd < 0) {
		rc = 0;
	} else if (!job->gone && job_write_all(job->fd, w->buf.data, w->buf.len) < 0) {
		job->gone = true;
		rc = -1;
	} else if (job->gone) {
		rc = -1;
	}
	jw_done(w);
	return rc;
}

static void take_message(struct job *job, const char *line, size_t len)
{
	struct json *m = json_parse(line, len, NULL);
	const char *t = json_str(m, "t", "");
	if (text_equal(t, "ack")) {
		job->acked = json_int(m, "n", 0);
		job->ack_ok = json_bool(m, "ok", false);
		text_copy(job->ack_text, sizeof job->ack_text,
			  json_str(m, "text", "the journal could not be written"));
	} else if (text_equal(t, "cancel")) {
		job->cancelled = true;
	} else if (text_equal(t, "probe")) {
		job->woken = true;
	} else if (text_equal(t, "fact")) {
		job->fresh = xrealloc(job->fresh, job->n_fresh + 1, sizeof *job->fresh);
		job->fresh[job->n_fresh++] = m;
		job->woken = true;
		return;
	} else if (text_equal(t, "answer") && json_int(m, "n", 0) == job->asked) {
		json_free(job->answer);
		job->answer = m;
		return;
	}
	json_free(m);
}

/* Waits up to `real_ms` (-1: for ever) for bytes and takes every whole line. False when the engine is gone.
 */
static bool job_read(struct job *job, int real_ms)
{
	if (job->fd < 0 || job->gone)
		return false;
	struct pollfd p = {.fd = job->fd, .events = POLLIN};
	int n = poll(&p, 1, real_ms);
	if (n <= 0)
		return true;
	char chunk[16384];
	ssize_t got = read(job->fd, chunk, sizeof chunk);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0 || job->in.len > JOB_LINE_MAX_BYTES) {
		job->gone = true;
		return false;
	}
	buf_add(&job->in, chunk, (size_t)got);
	char *nl;
	while (job->in.len && (nl = memchr(job->in.data, '\n', job->in.len))) {
		size_t len = (size_t)(nl - job->in.data);
		take_message(job, job->in.data, len);
		buf_cut(&job->in, len + 1);
	}
	return true;
}

void jw_event(struct jw *w, const char *kind)
{
	*w = (struct jw){0};
	jw_open(w);
	jw_str(w, "t", "event");
	jw_str(w, "kind", kind);
}

void jw_fact(struct jw *w, const char *name, const char *key)
{
	jw_event(w, "fact");
	jw_str(w, "name", name);
	jw_str(w, "key", key ? key : "");
	jw_obj(w, "data");
}

int job_event(struct job *job, struct jw *w)
{
	return job_send(job, w);
}

int job_record(struct job *job, struct jw *w, struct err *err)
{
	/* The writer began with "t":"event"; a record differs only by its number, which the wrapper carries.
	 */
	char *body = xstrdup(jw_finish(w));
	jw_done(w);
	struct json *parsed = json_parse(body, strlen(body), NULL);
	char kind[64], fact[64];
	text_copy(kind, sizeof kind, json_str(parsed, "kind", ""));
	text_copy(fact, sizeof fact, json_str(parsed, "name", ""));
	json_free(parsed);

	struct jw out = {0};
	jw_open(&out);
	jw_str(&out, "t", "record");
	jw_int(&out, "n", ++job->records);
	jw_raw(&out, "ev", body, strlen(body));
	jw_finish(&out);
	free(body);
	if (job->fd < 0) {
		jw_done(&out);
		return err_set(err, ERR_REFUSED, "%s: nothing is changed by hand; start it from a night",
			       job_name(job));
	}
	die_at("step", kind, fact, true);
	if (job->spool_fd >= 0) {
		struct buf line = {0};
		buf_add(&line, out.buf.data, out.buf.len);
		buf_addc(&line, '\n');
		int bad =
		    job_write_all(job->spool_fd, line.data, line.len) < 0 || fdatasync(job->spool_fd) < 0;
		buf_done(&line);
		if (bad) {
			jw_done(&out);
			return err_set(
			    err, ERR_IO,
			    "%s: the attempt's own record could not be written (%s); nothing was changed, "
			    "make room on the disk and run the step again",
			    job_step(job), strerror(errno));
		}
	}
	if (job_send(job, &out) == 0)
		while (job->acked < job->records && job_read(job, -1))
			;
	if (job->acked < job->records)
		return err_set(
		    err, ERR_CANCELLED,
		    "%s: the engine is gone, so nothing more was begun; start nightferry again and it "
		    "will look what was done",
		    job_step(job));
	if (!job->ack_ok)
		return err_set(err, ERR_IO, "%s: %s; nothing was changed", job_step(job), job->ack_text);
	die_at("step", kind, fact, false);
	return 0;
}

int job_ask(struct job *job, const char *question, bool hidden, char *out, size_t size, struct err *err)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "ask");
	jw_int(&w, "n", ++job->asked);
	jw_str(&w, "question", question);
	jw_bool(&w, "hidden", hidden);
	if (job_send(job, &w) < 0)
		return err_set(err, ERR_CANCELLED, "the engine is gone before the question was answered");
	while (!job->answer && !job->cancelled)
		if (!job_read(job, -1))
			return err_set(err, ERR_CANCELLED,
				       "the engine is gone before the question was answered");
	if (!job->answer || json_bool(job->answer, "refused", false)) {
		json_free(job->answer);
		job->answer = NULL;
		return err_set(err, ERR_CANCELLED, "nobody answered: %s", question);
	}
	text_copy(out, size, json_str(job->answer, "text", ""));
	json_free(job->answer);
	job->answer = NULL;
	return 0;
}

bool job_cancelled(const struct job *job)
{
	return job->cancelled;
}

int job_cancel_fd(const struct job *job)
{
	return job->fd;
}

bool job_stopping(struct job *job)
{
	job_read(job, 0);
	/* A step outlives its engine up to its next record; everything else ends with it. */
	return job->cancelled || (job->gone && !text_equal(job->role, "step"));
}

bool job_wait(struct job *job, int64_t ms)
{
	int64_t until = clock_life_ms() + ms;
	job->woken = false;
	for (;;) {
		if (job_stopping(job))
			return true;
		int64_t left = until - clock_life_ms();
		if (left <= 0 || job->woken)
			return false;
		int64_t real = clock_real_ms(left);
		if (job->fd < 0 || job->gone)
			clock_sleep_ms(left);
		else
			job_read(job, real > 60000 ? 60000 : (int)real);
	}
}

struct job *job_by_hand(const char *name, const struct json *config, const struct json *params)
{
	struct job *job = xcalloc(1, sizeof *job);
	job->fd = -1;
	job->spool_fd = -1;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "name", name);
	jw_json(&w, "config", config);
	jw_json(&w, "params", params);
	const char *text = jw_finish(&w);
	job->hello = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	jw_open(&w);
	jw_obj(&w, "values");
	static const char *const names[] = {
	    "HEROKU_API_KEY",    "CLOUDFLARE_API_TOKEN", "CF_API_TOKEN",
	    "CF_DNS_API_TOKEN",  "AWS_ACCESS_KEY_ID",    "AWS_SECRET_ACCESS_KEY",
	    "AWS_SESSION_TOKEN", "HCLOUD_TOKEN",         NULL};
	for (size_t i = 0; names[i]; i++)
		if (getenv(names[i]))
			jw_str(&w, names[i], getenv(names[i]));
	char token[256];
	if (!getenv("HEROKU_API_KEY") &&
	    heroku_login(job_config_str(job, "heroku.api", ""), token, sizeof token))
		jw_str(&w, "HEROKU_API_KEY", token);
	explicit_bzero(token, sizeof token);
	const char *url = job_config_str(job, "database.url", "");
	if (text_starts(url, "env:") && getenv(url + 4))
		jw_str(&w, "NEW_DATABASE_URL", getenv(url + 4));
	url = job_config_str(job, "redis.url", "");
	if (text_starts(url, "env:") && getenv(url + 4))
		jw_str(&w, "NEW_REDIS_URL", getenv(url + 4));
	text = jw_finish(&w);
	job->secrets = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	job->role = "";
	job->verb = "";
	return job;
}

void job_show_events(struct job *job)
{
	job->shows_events = true;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	json_free(job->hello);
	json_free(job->secrets);
	json_free(job->answer);
	for (size_t i = 0; i < job->n_fresh; i++)
		json_free(job->fresh[i]);
	free(job->fresh);
	for (size_t i = 0; i < sizeof job->kept / sizeof *job->kept; i++)
		free(job->kept[i].text);
	buf_done(&job->in);
	free(job);
}
