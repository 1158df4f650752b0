/* notify: brings each notice of the night to a command or an address of the user's own. Its failures are told
 * and change nothing; a notice is brought once, or given up with its reason. */
#include "core/base/clock.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

static int notify_run(struct job *job, struct err *err);

const struct watch notify_watch = {
    .name = "notify",
    .help = "brings each change of phase, hold, failure and end to a command or webhook of yours",
    .run = notify_run,
};

enum { WAIT_MS = 60000, TRIES = 3, PAUSE_MS = 2000, LIMIT_REAL_MS = 10000, ARGS_MAX = 16 };
/* After so long it is no news: an engine that was away does not report yesterday's phases. */
static const int64_t OLD_MS = 600000;

/* "env:NAME" leads to a secret; an address often is one. */
static const char *address(struct job *job)
{
	const char *text = job_config_str(job, "notify.webhook", "");
	return text_starts(text, "env:") ? job_secret(job, text + 4) : text;
}

static int post(struct job *job, const struct json *notice, const char *url, struct err *err)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct http_reply reply = {0};
	struct jw w = {0};
	char at[UNITS_MAX];
	jw_open(&w);
	jw_str(&w, "app", job_config_str(job, "app", ""));
	jw_str(&w, "night", job_night(job));
	jw_str(&w, "what", json_str(notice, "what", ""));
	jw_str(&w, "text", json_str(notice, "text", ""));
	jw_str(&w, "status", json_str(notice, "status", ""));
	jw_str(&w, "at", units_iso(at, json_int(notice, "at_ms", 0)));
	jw_finish(&w);
	const struct http_request request = {.method = "POST",
					     .url = url,
					     .headers = headers,
					     .body = w.buf.data,
					     .body_len = w.buf.len,
					     .timeout_ms = LIMIT_REAL_MS,
					     .connect_ms = 5000};
	int rc = http_once(job, &request, &reply, err);
	if (rc == 0 && (reply.status < 200 || reply.status >= 300))
		rc = err_set(err, ERR_WORLD, "the webhook answered %d", reply.status);
	http_reply_done(&reply);
	jw_done(&w);
	return rc;
}

/* Told by its environment: a text in an argument would be read by everybody's ps, and by a shell as commands.
 */
static int call(struct job *job, const struct json *notice, const struct json *command, struct err *err)
{
	const char *argv[ARGS_MAX + 1] = {0};
	struct buf out = {0};
	size_t n = 0;
	for (const struct json *x = json_first(command); x && n < ARGS_MAX; x = json_next(x))
		argv[n++] = json_text(x) ? json_text(x) : "";
	setenv("NIGHTFERRY_APP", job_config_str(job, "app", ""), 1);
	setenv("NIGHTFERRY_WHAT", json_str(notice, "what", ""), 1);
	setenv("NIGHTFERRY_TEXT", json_str(notice, "text", ""), 1);
	setenv("NIGHTFERRY_STATUS", json_str(notice, "status", ""), 1);
	const struct program program = {.argv = argv, .timeout_real_ms = LIMIT_REAL_MS, .output_max = 65536};
	int status = program_run(&program, &out, err);
	buf_done(&out);
	if (status > 0)
		err_set(err, ERR_WORLD, "%s ended with %d", argv[0], status);
	return status == 0 ? 0 : -1;
}

/* A command is run once: whether it has told somebody before it failed, nobody knows. */
static int deliver(struct job *job, const struct json *notice, struct err *err)
{
	const struct json *command = json_path(job_config(job), "notify.command");
	const char *url = address(job);
	int rc = json_count(command) ? call(job, notice, command, err) : 0;
	if (!url)
		return err_set(
		    err, ERR_CONFIG,
		    "notify.webhook names a variable that is not set where nightferry was started");
	for (int i = 0; rc == 0 && *url; i++) {
		struct err own = {0};
		if (post(job, notice, url, &own) == 0)
			break;
		if (i + 1 == TRIES || job_wait(job, PAUSE_MS))
			return err_set(err, own.kind ? own.kind : ERR_NET, "%s", own.text);
	}
	return rc;
}

static int record(struct job *job, const struct json *notice, bool ok, const char *text, struct err *err)
{
	struct jw w;
	jw_fact(&w, "notified", json_str(notice, "n", ""));
	jw_bool(&w, "ok", ok);
	jw_str(&w, "text", text);
	return job_record(job, &w, err);
}

static int bring(struct job *job, const struct json *notice, struct err *err)
{
	struct err why = {0};
	bool old = clock_wall_ms() - json_int(notice, "at_ms", 0) > OLD_MS, ok = false;
	if (!old)
		ok = deliver(job, notice, &why) == 0;
	job_beat(job, WAIT_MS, ok || old, ok || old ? "" : why.text);
	return record(job, notice, ok, ok ? "" : old ? "it was too old to be news" : why.text, err);
}

static int notify_run(struct job *job, struct err *err)
{
	job_beat(job, WAIT_MS, true, "");
	do {
		const struct json *notice;
		for (size_t i = 0; (notice = job_fact_at(job, "notice", i)); i++)
			if (!job_fact(job, "notified", json_str(notice, "n", "")) &&
			    bring(job, notice, err) < 0)
				return -1;
	} while (!job_wait(job, WAIT_MS));
	return 0;
}
