/* The log: its newest lines, sessions, and streams that are filtered and may end. */
#include "demo/heroku/heroku.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LINE_MAX_BYTES = 10000,
	SESSION_OPEN_MS = 5 * 60 * 1000,
	TAIL_MAX_MS = 60 * 60 * 1000,
	KEEPALIVE_MS = 15000,
};

struct line {
	char *text;
	char source[8], process[32];
};

static struct {
	struct line ring[HEROKU_LOG_LINES];
	uint64_t next; /* number of the next line; line n lives at n % HEROKU_LOG_LINES */
} logs = {.next = 1};

struct session {
	char token[41], source[16], process[32];
	int lines;
	bool tail;
	int64_t made_ms;
};

static struct session sessions[HEROKU_SESSIONS_MAX];
static size_t sessions_next;

void log_add(const char *source, const char *process, const char *format, ...)
{
	struct line *line = &logs.ring[logs.next % HEROKU_LOG_LINES];
	char text[LINE_MAX_BYTES + 1], at[HEROKU_STAMP_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	free(line->text);
	stamp_micro(at);
	if (asprintf(&line->text, "%s %s[%s]: %s", at, source, process, text) < 0)
		abort();
	snprintf(line->source, sizeof line->source, "%s", source);
	snprintf(line->process, sizeof line->process, "%s", process);
	logs.next++;
}

void handle_log_session(struct http_request *req, struct http_reply *reply)
{
	struct session *s = &sessions[sessions_next++ % HEROKU_SESSIONS_MAX];
	const char *dyno = http_json_string(req, "dyno"), *source = http_json_string(req, "source");
	const char *host = http_header(req, "Host"), *app = json_text(fixture_get("app"), "id");
	char id[HEROKU_UUID_SIZE], url[1024], at[HEROKU_STAMP_SIZE];
	cJSON *json = cJSON_CreateObject();

	*s = (struct session){.lines = (int)http_json_number(req, "lines", 100), .made_ms = now_ms()};
	if (!dyno)
		dyno = http_json_string(req, "dyno_name");
	if (!dyno)
		dyno = http_json_string(req, "type");
	hex_make(s->token, 40);
	snprintf(s->process, sizeof s->process, "%s", dyno ? dyno : "");
	snprintf(s->source, sizeof s->source, "%s", source ? source : "");
	s->tail = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(req->json, "tail"));
	snprintf(url, sizeof url,
		 "http://%s/stream?channel_id=app-%s&num=%d&ps=%s&region=us&source=%s&tail=%s&timestamp=%lld"
		 "&token=%s",
		 host ? host : "127.0.0.1", app, s->lines, s->process, s->source, s->tail ? "true" : "false",
		 (long long)(s->made_ms / 1000), s->token);
	uuid_make(id);
	stamp_rfc(at, s->made_ms);
	cJSON_AddStringToObject(json, "id", id);
	cJSON_AddStringToObject(json, "logplex_url", url);
	cJSON_AddStringToObject(json, "created_at", at);
	cJSON_AddStringToObject(json, "updated_at", at);
	http_reply_json(reply, 201, json);
}

/* One open stream. */
struct reader {
	struct session session;
	uint64_t next, until; /* until: where a stream that is no tail ends */
	bool events;
	int64_t opened_ms, said_ms;
	unsigned tails_cut;
	char out[LINE_MAX_BYTES + 128];
	size_t out_at, out_size;
};

/* "web" also stands for web.1 and web.2; "heroku" and "app" are sources. */
static bool line_wanted(const struct session *s, const struct line *line)
{
	size_t length = strlen(s->process);

	if (*s->source && strcmp(s->source, line->source) != 0)
		return false;
	return length == 0 || (strncmp(s->process, line->process, length) == 0 &&
			       (line->process[length] == '\0' || line->process[length] == '.'));
}

static uint64_t oldest(void)
{
	return logs.next > HEROKU_LOG_LINES ? logs.next - HEROKU_LOG_LINES : 1;
}

static uint64_t first_of_last(const struct session *s)
{
	uint64_t at = logs.next;
	int left = s->lines;

	while (at > oldest() && left > 0)
		if (line_wanted(s, &logs.ring[--at % HEROKU_LOG_LINES]))
			left--;
	return at;
}

/* Puts the next wanted line in the reader's buffer. */
static bool reader_fill(struct reader *r)
{
	if (r->next < oldest())
		r->next = oldest();
	while (r->next < logs.next && r->next < r->until) {
		const struct line *line = &logs.ring[r->next % HEROKU_LOG_LINES];
		uint64_t id = r->next++;
		if (!line_wanted(&r->session, line))
			continue;
		int size = r->events ? snprintf(r->out, sizeof r->out, "id: %llu\ndata: %s\n\n",
						(unsigned long long)id, line->text)
				     : snprintf(r->out, sizeof r->out, "%s\n", line->text);
		r->out_at = 0;
		r->out_size = (size_t)size < sizeof r->out ? (size_t)size : sizeof r->out - 1;
		return true;
	}
	return false;
}

static size_t reader_drain(struct reader *r, char *out, size_t size)
{
	size_t part = r->out_size - r->out_at;

	if (part > size)
		part = size;
	memcpy(out, r->out + r->out_at, part);
	r->out_at += part;
	r->said_ms = now_ms();
	return part;
}

static bool reader_ended(const struct reader *r)
{
	return !r->session.tail || H.stopping || r->tails_cut != H.control.tails_cut ||
	       (double)(now_ms() - r->opened_ms) * night_speed() > TAIL_MAX_MS;
}

static size_t reader_read(void *state, char *out, size_t size)
{
	struct reader *r = state;
	struct timespec nap = {.tv_nsec = 50 * 1000000L};

	for (;;) {
		http_lock();
		bool ready = r->out_at < r->out_size || reader_fill(r), ended = reader_ended(r);
		http_unlock();
		if (ready)
			return reader_drain(r, out, size);
		if (ended)
			return 0;
		if (r->events && now_ms() - r->said_ms > KEEPALIVE_MS && size > 3) {
			r->said_ms = now_ms();
			memcpy(out, ":\n\n", 3);
			return 3;
		}
		nanosleep(&nap, NULL);
	}
}

static const struct session *session_find(const char *token)
{
	for (size_t i = 0; token && i < HEROKU_SESSIONS_MAX; i++)
		if (*sessions[i].token && strcmp(sessions[i].token, token) == 0)
			return &sessions[i];
	return NULL;
}

void handle_log_stream(struct http_request *req, struct http_reply *reply)
{
	const struct session *s = session_find(http_query(req, "token"));
	const char *accept = http_header(req, "Accept"), *last = http_header(req, "Last-Event-ID");
	struct reader *r;

	if (!s || now_ms() - s->made_ms > SESSION_OPEN_MS) {
		http_reply_text(reply, 403, "text/plain", "Forbidden\n");
		return;
	}
	r = calloc(1, sizeof *r);
	if (!r)
		abort();
	r->session = *s;
	r->events = accept && strstr(accept, "text/event-stream") && !H.control.logs_plain;
	r->next = last ? strtoull(last, NULL, 10) + 1 : first_of_last(s);
	r->until = s->tail ? UINT64_MAX : logs.next;
	r->opened_ms = r->said_ms = now_ms();
	r->tails_cut = H.control.tails_cut;
	http_reply_stream(reply, 200, r->events ? "text/event-stream" : "text/plain", reader_read, r, free);
	http_reply_header(reply, "Cache-Control", "no-cache");
}
