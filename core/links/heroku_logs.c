/* The tail. Heroku ends every session sooner or later; a new one begins with the lines of the buffer, and
 * those that were told already are known by their time and text. */
#include "core/links/heroku_logs.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_LINES = 1500, /* as many as Heroku keeps */
	KNOWN = 4096,        /* more than that, so that all of a buffer is known */
	IDLE_MS = 300000, /* a silent app and a dead connection look alike; a new session costs one request */
	LINE_MAX_BYTES = 12000,
	/* A session that begins with so many new lines and none that is known has not been joined to the one
	 * before: some stragglers come out of their order. */
	UNJOINED_LINES = 100,
	PAUSE_MIN_MS = 1000,
	PAUSE_MAX_MS = 30000,
};

struct tail {
	struct job *job;
	struct heroku *heroku;
	const struct heroku_log_ears *ears;
	struct buf part;     /* the begun line */
	bool events, enough; /* text/event-stream; an ear said stop */
	bool told;           /* the ears know that it runs */
	int status;
	uint64_t known[KNOWN];
	size_t n_known;
	int64_t newest_us, first_us; /* of all lines told */
	int64_t mark_us;             /* newest_us when this session was opened */
	bool joined;    /* this session to the one before, by a line that was known; or told that not */
	int64_t new_us; /* its first new line */
	int new_lines;
};

static uint64_t line_hash(const char *line, size_t len)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)line[i]) * 1099511628211u;
	return hash;
}

static bool is_known(const struct tail *tail, uint64_t hash)
{
	size_t n = tail->n_known < KNOWN ? tail->n_known : KNOWN;
	for (size_t i = 0; i < n; i++)
		if (tail->known[i] == hash)
			return true;
	return false;
}

static void join_or_tell(struct tail *tail, int64_t at_us)
{
	if (tail->joined || !tail->mark_us)
		return;
	if (!tail->new_lines || at_us < tail->new_us)
		tail->new_us = at_us;
	if (++tail->new_lines < UNJOINED_LINES)
		return;
	tail->joined = true;
	if (tail->ears->gap)
		tail->ears->gap(tail->ears->ctx, tail->mark_us, tail->new_us);
}

static void take_line(struct tail *tail, const char *line, size_t len)
{
	char text[2400];
	struct heroku_log_line out;
	if (tail->enough || !len || !heroku_log_parse(line, len, &out, text, sizeof text))
		return;
	uint64_t hash = line_hash(line, len);
	/* Only what the buffer may hold can come twice; lines of one moment come in any order. */
	if (tail->mark_us && out.at_us <= tail->mark_us &&
	    (out.at_us < tail->first_us || is_known(tail, hash))) {
		tail->joined = true;
		return;
	}
	join_or_tell(tail, out.at_us);
	tail->known[tail->n_known++ % KNOWN] = hash;
	if (out.at_us > tail->newest_us)
		tail->newest_us = out.at_us;
	if (!tail->first_us || (!tail->mark_us && out.at_us < tail->first_us))
		tail->first_us = out.at_us;
	tail->enough = !tail->ears->line(tail->ears->ctx, &out);
}

/* A line of the answer: in an event stream only "data:" holds one of the log. */
static void take_raw(struct tail *tail, const char *raw, size_t len)
{
	if (len && raw[len - 1] == '\r')
		len--;
	if (!tail->events) {
		take_line(tail, raw, len);
		return;
	}
	if (len < 5 || memcmp(raw, "data:", 5) != 0)
		return;
	size_t skip = len > 5 && raw[5] == ' ' ? 6 : 5;
	take_line(tail, raw + skip, len - skip);
}

static bool on_head(void *ctx, const struct http_reply *reply)
{
	struct tail *tail = ctx;
	char type[80];
	tail->status = reply->status;
	/* What was asked for decides nothing: Heroku may answer plain text to either. */
	tail->events = http_head(reply, "content-type", type, sizeof type) && text_find(type, "event-stream");
	if (reply->status == 200 && !tail->told && tail->ears->trouble)
		tail->ears->trouble(tail->ears->ctx, NULL);
	tail->told = tail->told || reply->status == 200;
	return reply->status == 200;
}

static bool on_data(void *ctx, const char *data, size_t len)
{
	struct tail *tail = ctx;
	buf_add(&tail->part, data, len);
	size_t used = 0;
	const char *nl;
	while (used < tail->part.len && (nl = memchr(tail->part.data + used, '\n', tail->part.len - used))) {
		size_t size = (size_t)(nl - tail->part.data) - used;
		take_raw(tail, tail->part.data + used, size);
		used += size + 1;
	}
	buf_cut(&tail->part, used);
	if (tail->part.len > LINE_MAX_BYTES)
		buf_reset(&tail->part);
	return !tail->enough;
}

static bool on_tick(void *ctx)
{
	struct tail *tail = ctx;
	if (tail->ears->tick && !tail->ears->tick(tail->ears->ctx))
		tail->enough = true;
	return !tail->enough;
}

/* One session, to its end. 0: it ran and ended; -1: it could not be opened or broke with an error. */
static int session(struct tail *tail, int lines, struct err *err)
{
	char url[2000];
	static const char *const headers[] = {"Accept: text/event-stream, text/plain", NULL};
	if (heroku_log_session(tail->heroku, lines, true, url, sizeof url, err) < 0)
		return -1;
	tail->mark_us = tail->newest_us;
	tail->joined = false;
	tail->new_lines = 0;
	tail->status = 0;
	buf_reset(&tail->part);
	struct http_request request = {.url = url,
				       .headers = headers,
				       .head = on_head,
				       .sink = on_data,
				       .tick = on_tick,
				       .ctx = tail,
				       .idle_ms = IDLE_MS};
	struct http_reply reply;
	int rc = http_once(tail->job, &request, &reply, err);
	http_reply_done(&reply);
	explicit_bzero(url, sizeof url);
	/* A stream that has run ends without a word when Heroku closes, resets or forgets it. */
	if (rc < 0 && tail->status == 200 && err->kind == ERR_NET)
		rc = 0;
	if (rc == 0 && tail->status != 200)
		return err_set(err, ERR_NET, "heroku gave no log stream (%d); trying again", tail->status);
	return rc;
}

/* Waits with the ears still ticking. True: stop. */
static bool pause_tail(struct tail *tail, int64_t ms)
{
	for (int64_t until = clock_life_ms() + ms; clock_life_ms() < until;) {
		if (!on_tick(tail) || job_wait(tail->job, 200))
			return true;
	}
	return tail->enough;
}

int heroku_log_stream(struct job *job, int lines, const struct heroku_log_ears *ears, struct err *err)
{
	struct tail *tail = xcalloc(1, sizeof *tail);
	int64_t pause_ms = PAUSE_MIN_MS;
	*tail = (struct tail){.job = job, .heroku = heroku_open(job, HEROKU_BRISK, err), .ears = ears};
	int rc = tail->heroku ? 0 : -1;
	if (tail->heroku)
		heroku_hush(tail->heroku, true);
	while (rc == 0 && !tail->enough && !job_stopping(job)) {
		struct err own = {0};
		int64_t began = clock_life_ms();
		if (session(tail, tail->newest_us ? BUFFER_LINES : lines, &own) < 0) {
			if (own.kind == ERR_CANCELLED)
				break;
			tail->told = false;
			if (ears->trouble)
				ears->trouble(ears->ctx, own.text);
			pause_ms = pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : pause_ms * 2;
		} else if (clock_life_ms() - began > 10000) {
			pause_ms = PAUSE_MIN_MS;
		}
		if (tail->enough || pause_tail(tail, pause_ms))
			break;
	}
	heroku_close(tail->heroku);
	buf_done(&tail->part);
	free(tail);
	return rc;
}
