/* kamal-proxy's request log: see proxy_log.h. */
#include "core/links/proxy_log.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/ssh.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BACK_OFF_MS = 3000, BACK_OFF_MOST_MS = 30000 };

struct proxy_tail {
	struct job *job;
	struct ssh *ssh;
	struct ssh_stream *stream;
	void (*request)(void *ctx, const struct proxy_request *);
	void *ctx;
	int64_t from_ms, since_ms, next_ms, back_off_ms;
	struct err why;
};

static void take(char *out, size_t size, const struct json *line, const char *key)
{
	const char *text = json_str(line, key, "");
	text_clean(out, size, text, strlen(text));
}

bool proxy_log_parse(const char *line, size_t len, struct proxy_request *out)
{
	struct json *json = len && line[0] == '{' ? json_parse(line, len, NULL) : NULL;
	bool request = text_equal(json_str(json, "msg", ""), "Request");
	*out = (struct proxy_request){0};
	if (request) {
		take(out->method, sizeof out->method, json, "method");
		take(out->host, sizeof out->host, json, "host");
		take(out->path, sizeof out->path, json, "path");
		out->at_ms = docker_time_ms(json_str(json, "time", ""));
		out->status = (int)json_int(json, "status", 0);
		out->ms = json_num(json, "duration", 0) / 1e6;
		out->ours = text_starts(json_str(json, "user_agent", ""), "nightferry/");
	}
	json_free(json);
	return request;
}

/* Parts of a path with digits are ids: /orders/17 and /orders/18 fail for one reason. */
void proxy_signature(const struct proxy_request *request, char *out, size_t size)
{
	char path[200];
	size_t n = 0;
	for (const char *at = request->path; *at && *at != '?' && n + 2 < sizeof path;) {
		size_t part = strcspn(at + 1, "/?") + 1, digits = 0;
		for (size_t i = 0; i < part; i++)
			digits += isdigit((unsigned char)at[i]) != 0;
		if (digits) {
			path[n++] = '/';
			path[n++] = '#';
		} else {
			for (size_t i = 0; i < part && n + 1 < sizeof path; i++)
				path[n++] = at[i];
		}
		at += part;
	}
	path[n] = '\0';
	text_copyf(out, size, "%s %s %d", request->method, path, request->status);
}

struct proxy_tail *proxy_tail_open(struct job *job, int64_t since_ms,
				   void (*request)(void *ctx, const struct proxy_request *), void *ctx)
{
	struct proxy_tail *tail = xcalloc(1, sizeof *tail);
	tail->job = job;
	tail->request = request;
	tail->ctx = ctx;
	tail->since_ms = since_ms;
	tail->back_off_ms = BACK_OFF_MS;
	err_set(&tail->why, ERR_NET, "kamal-proxy's log is not open yet");
	return tail;
}

static void drop(struct proxy_tail *tail)
{
	if (tail->stream)
		ssh_stream_close(tail->stream);
	ssh_close(tail->ssh);
	tail->stream = NULL;
	tail->ssh = NULL;
	tail->next_ms = clock_life_ms() + tail->back_off_ms;
	tail->back_off_ms =
	    tail->back_off_ms * 2 > BACK_OFF_MOST_MS ? BACK_OFF_MOST_MS : tail->back_off_ms * 2;
}

void proxy_tail_close(struct proxy_tail *tail)
{
	if (!tail)
		return;
	drop(tail);
	free(tail);
}

static void on_line(void *ctx, const char *line, size_t len)
{
	struct proxy_tail *tail = ctx;
	struct proxy_request request;
	if (!proxy_log_parse(line, len, &request))
		return;
	/* After a lost connection the log is read again from the last second. */
	if (request.at_ms && request.at_ms <= tail->from_ms)
		return;
	if (request.at_ms > tail->since_ms)
		tail->since_ms = request.at_ms;
	tail->request(tail->ctx, &request);
}

static bool connect_tail(struct proxy_tail *tail)
{
	char since[UNITS_MAX], command[160];
	tail->why = (struct err){0};
	tail->from_ms = tail->since_ms;
	tail->ssh = ssh_open(tail->job, SSH_SILENT, &tail->why);
	if (!tail->ssh) {
		drop(tail);
		return false;
	}
	text_copyf(command, sizeof command, "docker logs --follow --since %s kamal-proxy",
		   units_iso(since, tail->since_ms));
	tail->stream = ssh_stream(tail->ssh, command, on_line, tail, &tail->why);
	if (!tail->stream) {
		drop(tail);
		return false;
	}
	return true;
}

bool proxy_tail_pump(struct proxy_tail *tail, int ms, struct err *err)
{
	int status = 0;
	if (!tail->stream && clock_life_ms() < tail->next_ms) {
		*err = tail->why;
		return false;
	}
	if (!tail->stream && !connect_tail(tail)) {
		*err = tail->why;
		return false;
	}
	if (ssh_pump(tail->ssh, ms, &tail->why) < 0) {
		drop(tail);
	} else if (ssh_stream_ended(tail->stream, &status)) {
		err_set(&tail->why, ERR_REFUSED,
			"the log of kamal-proxy ended (status %d); look whether the container runs", status);
		drop(tail);
	} else {
		tail->back_off_ms = BACK_OFF_MS;
		return true;
	}
	*err = tail->why;
	return false;
}
