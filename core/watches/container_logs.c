/* container-logs: what the app, its proxy and its database say on the new host, line by line. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/watches/over_ssh.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int container_logs_run(struct job *job, struct err *err);

const struct watch container_logs_watch = {
    .name = "container-logs",
    .help = "the logs of the app's containers, its proxy and its database on the new host",
    .run = container_logs_run,
};

enum { LOOK_MS = 3000, BATCH_MS = 50, BATCH_BYTES = 64 << 10, TEXT_BYTES = 2000, SEEN_MAX = 256 };

/* What was told of one container, for all its streams one after the other. */
struct source {
	char id[72], name[160], label[20]; /* label: web job proxy pg */
	bool is_proxy, is_db;
	struct ssh_stream *stream;
	struct logs *logs;
	char last[40];           /* newest timestamp told; text, nanoseconds do not fit a double */
	char replay[40];         /* on a stream opened again: lines up to this one were told before */
	uint64_t seen[SEEN_MAX]; /* hashes of the newest lines of a source whose timestamps are not its own */
	size_t n_seen;
	int64_t retry_at_ms;
	bool wanted;
};
struct logs {
	struct job *job;
	struct docker_names names;
	struct source **list;
	size_t n;
	struct jw batch;
	size_t lines;
	int64_t batch_at_ms;
};

/* ---- lines ---- */

static void flush(struct logs *logs)
{
	if (!logs->lines)
		return;
	jw_end(&logs->batch);
	job_event(logs->job, &logs->batch);
	logs->lines = 0;
}

static void add(struct logs *logs, const struct source *s, int64_t at_ms, const char *level, const char *text)
{
	if (!logs->lines) {
		jw_event(&logs->batch, "log.lines");
		jw_arr(&logs->batch, "lines");
		logs->batch_at_ms = clock_life_ms();
	}
	jw_obj(&logs->batch, NULL);
	jw_int(&logs->batch, "at_ms", at_ms);
	jw_str(&logs->batch, "side", "NEW");
	jw_str(&logs->batch, "source", s->label);
	jw_str(&logs->batch, "level", level);
	jw_str(&logs->batch, "text", text);
	jw_end(&logs->batch);
	logs->lines++;
	if (logs->batch.buf.len > BATCH_BYTES - 2 * TEXT_BYTES)
		flush(logs);
}

static const char *level_of(const char *text)
{
	static const char *const bad[] = {
	    "FATAL", "PANIC", "ERROR", "Error:", "Exception", "Error performing", "StatementInvalid", NULL};
	for (size_t i = 0; bad[i]; i++)
		if (strstr(text, bad[i]))
			return "error";
	return strstr(text, "WARN") ? "warn" : "";
}

/* {"msg":"Request",...} becomes "www.acme.example GET /products 200 12 ms". */
static bool proxy_line(const char *line, size_t len, char *out, size_t size, const char **level)
{
	struct json *j = json_parse(line, len, NULL);
	if (!json_is_object(j)) {
		json_free(j);
		return false;
	}
	const char *msg = json_str(j, "msg", "");
	int64_t status = json_int(j, "status", 0);
	char raw[TEXT_BYTES];
	if (text_equal(msg, "Request"))
		text_copyf(raw, sizeof raw, "%s %s %s%s%s %lld %lld ms", json_str(j, "host", "-"),
			   json_str(j, "method", "-"), json_str(j, "path", "-"),
			   *json_str(j, "query", "") ? "?" : "", json_str(j, "query", ""), (long long)status,
			   (long long)(json_int(j, "duration", 0) / 1000000));
	else
		text_copyf(raw, sizeof raw, "%s%s%s%s%s%s%s", msg, *json_str(j, "service", "") ? " " : "",
			   json_str(j, "service", ""), *json_str(j, "path", "") ? " " : "",
			   json_str(j, "path", ""), *json_str(j, "error", "") ? ": " : "",
			   json_str(j, "error", ""));
	*level = status >= 500 || text_equal(json_str(j, "level", ""), "ERROR") ? "error"
		 : text_equal(json_str(j, "level", ""), "WARN")                 ? "warn"
										: "";
	json_free(j);
	text_clean(out, size, raw, strlen(raw));
	return true;
}

static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 1099511628211u;
	return h;
}

/* Docker stamps a line when it gets it; on a stream opened again, what is not newer was told before. A log
 * that docker does not keep itself may be stamped anew, so for the database the text decides too: it has
 * times of its own. */
static bool told_before(struct source *s, const char *stamp, const char *text, size_t len)
{
	bool replaying = *s->replay != 0;
	if (replaying && strcmp(stamp, s->replay) <= 0)
		return true;
	uint64_t hash = hash_of(text, len);
	if (s->is_db && replaying)
		for (size_t i = 0; i < SEEN_MAX; i++)
			if (s->seen[i] == hash)
				return true;
	s->seen[s->n_seen++ % SEEN_MAX] = hash;
	if (!s->is_db)
		*s->replay = 0;
	return false;
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct source *s = ctx;
	const char *space = memchr(line, ' ', len);
	char stamp[40] = "", text[TEXT_BYTES];
	const char *level = "";
	if (space && isdigit((unsigned char)*line) && space - line < (ptrdiff_t)sizeof stamp)
		text_copyf(stamp, sizeof stamp, "%.*s", (int)(space - line), line);
	const char *body = *stamp ? space + 1 : line;
	size_t body_len = len - (size_t)(body - line);
	if (*stamp && told_before(s, stamp, body, body_len))
		return;
	if (strcmp(stamp, s->last) > 0)
		text_copy(s->last, sizeof s->last, stamp);
	if (!s->is_proxy || !proxy_line(body, body_len, text, sizeof text, &level)) {
		text_clean(text, sizeof text, body, body_len < TEXT_BYTES ? body_len : TEXT_BYTES - 1);
		level = level_of(text);
	}
	if (!*text)
		return;
	int64_t at_ms = *stamp ? docker_time_ms(stamp) : 0;
	add(s->logs, s, at_ms ? at_ms : clock_wall_ms(), level, text);
}

/* ---- containers come and go ---- */

static struct source *source_of(struct logs *logs, const struct docker_container *c,
				const struct docker_names *names)
{
	for (size_t i = 0; i < logs->n; i++)
		if (text_equal(logs->list[i]->id, c->id))
			return logs->list[i];
	struct source *s = xcalloc(1, sizeof *s);
	logs->list = xrealloc(logs->list, logs->n + 1, sizeof *logs->list);
	logs->list[logs->n++] = s;
	s->logs = logs;
	s->is_proxy = c->kind == DOCKER_PROXY;
	s->is_db = text_equal(c->name, names->accessory);
	text_copy(s->id, sizeof s->id, c->id);
	text_copy(s->name, sizeof s->name, c->name);
	text_copy(s->label, sizeof s->label,
		  s->is_proxy ? "proxy"
		  : s->is_db  ? "pg"
		  : *c->role  ? c->role
			      : c->name);
	return s;
}

static int attach(struct ssh *ssh, struct source *s, struct err *err)
{
	char *command = *s->last ? xasprintf("docker logs -f -t --tail 200 --since %s %.64s", s->last, s->id)
				 : xasprintf("docker logs -f -t --tail 200 %.64s", s->id);
	text_copy(s->replay, sizeof s->replay, s->last);
	s->stream = ssh_stream(ssh, command, on_line, s, err);
	free(command);
	return s->stream ? 0 : -1;
}

static int follow(struct ssh *ssh, struct logs *logs, const struct docker_names *names, struct err *err)
{
	struct docker_container *list;
	size_t n;
	if (docker_containers(ssh, names, &list, &n, err) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < logs->n; i++)
		logs->list[i]->wanted = false;
	for (size_t i = 0; i < n && rc == 0; i++) {
		bool ours = list[i].kind == DOCKER_APP || list[i].kind == DOCKER_PROXY ||
			    text_equal(list[i].name, names->accessory);
		if (!ours || !list[i].running)
			continue;
		struct source *s = source_of(logs, &list[i], names);
		s->wanted = true;
		if (s->stream && ssh_stream_ended(s->stream, NULL)) {
			ssh_stream_close(s->stream);
			s->stream = NULL;
			s->retry_at_ms = clock_life_ms() + 1000;
		}
		if (!s->stream && clock_life_ms() >= s->retry_at_ms)
			rc = attach(ssh, s, err);
	}
	for (size_t i = 0; i < logs->n; i++)
		if (!logs->list[i]->wanted && logs->list[i]->stream &&
		    ssh_stream_ended(logs->list[i]->stream, NULL)) {
			ssh_stream_close(logs->list[i]->stream);
			logs->list[i]->stream = NULL;
		}
	free(list);
	return rc;
}

/* Lines wait for company until the batch is 50 ms old. */
static int pump(struct ssh *ssh, struct logs *logs, struct err *err)
{
	int64_t until_ms = clock_life_ms() + LOOK_MS;
	while (clock_life_ms() < until_ms) {
		int64_t ms = logs->lines ? BATCH_MS - (clock_life_ms() - logs->batch_at_ms)
					 : until_ms - clock_life_ms();
		if (ms <= 0) {
			flush(logs);
			continue;
		}
		if (job_stopping(logs->job))
			return -1;
		if (ssh_pump(ssh, (int)clock_real_ms(ms), err) < 0)
			return -1;
	}
	return 0;
}

static void serve(void *ctx, struct ssh *ssh, struct err *err)
{
	struct logs *logs = ctx;
	int rc = 0;
	while (rc == 0) {
		rc = follow(ssh, logs, &logs->names, err);
		ssh_hush(ssh, true);
		if (rc == 0) {
			job_beat(logs->job, LOOK_MS, true, "");
			rc = pump(ssh, logs, err);
		}
	}
	flush(logs);
	for (size_t i = 0; i < logs->n; i++) {
		ssh_stream_close(logs->list[i]->stream);
		logs->list[i]->stream = NULL;
	}
	flush(logs);
}

static int container_logs_run(struct job *job, struct err *err)
{
	struct logs logs = {.job = job};
	if (docker_names(job, &logs.names, err) < 0)
		return -1;
	over_ssh(job, LOOK_MS, serve, &logs);
	for (size_t i = 0; i < logs.n; i++)
		free(logs.list[i]);
	free(logs.list);
	return 0;
}
