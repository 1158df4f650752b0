#include "core/links/redis.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/redis_wire.h"
#include <ctype.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 10000, WORDS_MAX = 16, ANSWER_MAX = 8 << 20, ELEMENTS_MAX = 100000, ANSWER_WAITS = 6 };
#if HIREDIS_MAJOR >= 1
#define ELEMENTS size_t
#else
#define ELEMENTS int
#endif

struct redis {
	struct job *job;
	struct redis_wire *wire;
	redisReader *reader;
	redisReplyObjectFunctions makers; /* the library's own, but for arrays */
	struct buf out;
	int wait_ms;
	bool dead;
	char name[280];
};

/* ---- URLs ---- */

static int hex(char c)
{
	return isdigit((unsigned char)c)             ? c - '0'
	       : isxdigit((unsigned char)c) && c > 0 ? (tolower(c) - 'a') + 10
						     : -1;
}

static bool unescape(char *out, size_t size, const char *text, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (c == '%' && i + 2 < len && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
			c = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			i += 2;
		}
		if (!c || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static bool read_place(const char *text, size_t len, struct redis_where *out)
{
	const char *end = text + len, *close = len && *text == '[' ? memchr(text, ']', len) : NULL;
	const char *rest = close ? close + 1 : text, *colon = memchr(rest, ':', (size_t)(end - rest));
	const char *from = close ? text + 1 : text, *to = close ? close : colon ? colon : end;
	if (to == from || !unescape(out->host, sizeof out->host, from, (size_t)(to - from)))
		return false;
	if (!colon)
		return true;
	size_t digits = (size_t)(end - colon - 1);
	out->port = digits && strspn(colon + 1, "0123456789") >= digits && digits < 6
			? (int)units_parse_int(colon + 1, 0)
			: 0;
	return out->port > 0 && out->port < 65536;
}

bool redis_where(const char *url, struct redis_where *out)
{
	*out = (struct redis_where){.port = 6379};
	if (!text_starts(url, "redis://") && !text_starts(url, "rediss://"))
		return false;
	out->tls = text_starts(url, "rediss://");
	const char *start = strstr(url, "://") + 3, *place = start;
	size_t len = strcspn(start, "/?#");
	for (size_t i = 0; i < len; i++)
		if (start[i] == '@')
			place = start + i + 1;
	if (place > start) {
		size_t login = (size_t)(place - 1 - start);
		const char *colon = memchr(start, ':', login);
		size_t user = colon ? (size_t)(colon - start) : login;
		if (!unescape(out->user, sizeof out->user, start, user) ||
		    (colon && !unescape(out->password, sizeof out->password, colon + 1, login - user - 1)))
			return false;
	}
	if (!read_place(place, len - (size_t)(place - start), out))
		return false;
	char number[8] = "";
	const char *path = start + len + (start[len] == '/');
	size_t digits = strspn(path, "0123456789");
	if (!digits || !text_copyf(number, sizeof number, "%.*s", (int)digits, path))
		return !digits;
	out->db = (int)units_parse_int(number, -1);
	return out->db >= 0 && out->db < 100000;
}

/* ---- a connection ---- */

static int login(struct redis *r, const struct redis_where *where, struct err *err)
{
	char number[12];
	struct redis_answer *answer = NULL;
	text_copyf(number, sizeof number, "%d", where->db);
	if (*where->password) {
		/* Heroku writes a user there that its servers do not know. */
		bool named =
		    *where->user && !text_equal(where->user, "default") && !text_equal(where->user, "h");
		answer = redis_ask(r,
				   named ? REDIS_WORDS("AUTH", where->user, where->password)
					 : REDIS_WORDS("AUTH", where->password),
				   err);
		if (!answer && redis_alive(r) && !text_find(err->text, "max number of clients"))
			return err_set(err, ERR_AUTH,
				       "%s does not take the password of its URL; look at the variable that "
				       "holds it",
				       r->name);
		if (!answer)
			return -1;
		redis_free(answer);
	}
	answer = redis_ask(r, where->db ? REDIS_WORDS("SELECT", number) : REDIS_WORDS("PING"), err);
	redis_free(answer);
	return answer ? 0 : -1;
}

/* The library would take an array of thousands of millions at its word, and make room for it. */
static void *make_array(const redisReadTask *task, ELEMENTS n)
{
	if ((long long)n < 0 || (long long)n > ELEMENTS_MAX)
		return NULL;
	redisReply *reply = calloc(1, sizeof *reply);
	if (!reply)
		abort();
	reply->type = task->type;
	reply->elements = (size_t)n;
	reply->element = n ? calloc((size_t)n, sizeof(redisReply *)) : NULL;
	if (n && !reply->element)
		abort();
	if (task->parent)
		((redisReply *)task->parent->obj)->element[task->idx] = reply;
	return reply;
}

struct redis *redis_open(struct job *job, const struct redis_where *where, const struct redis_way *way,
			 struct err *err)
{
	struct redis *r = xcalloc(1, sizeof *r);
	r->job = job;
	text_copyf(r->name, sizeof r->name, "%s Redis at %s:%d", way->side, where->host, where->port);
	r->reader = redisReaderCreate();
	if (!r->reader)
		abort();
	r->makers = *r->reader->fn;
	r->makers.createArray = make_array;
	r->reader->fn = &r->makers;
	r->wait_ms = way->wait_ms ? way->wait_ms : WAIT_MS;
	r->wire = redis_wire_open(job, way->ssh, where->host, where->port, r->wait_ms, err);
	int rc = r->wire ? 0 : -1;
	if (rc == 0 && where->tls)
		rc = redis_wire_tls(r->wire, where->host, way->verify, err);
	if (rc == 0)
		rc = login(r, where, err);
	if (rc == 0)
		return r;
	redis_close(r);
	return NULL;
}

void redis_close(struct redis *r)
{
	if (!r)
		return;
	redis_wire_close(r->wire);
	redisReaderFree(r->reader);
	if (r->out.data)
		explicit_bzero(r->out.data, r->out.cap);
	buf_done(&r->out);
	free(r);
}

bool redis_alive(const struct redis *r)
{
	return r && !r->dead;
}

const char *redis_name(const struct redis *r)
{
	return r->name;
}

/* ---- questions and answers ---- */

void redis_add(struct redis *r, const char *const *words)
{
	const char *argv[WORDS_MAX];
	size_t lens[WORDS_MAX];
	int argc = 0;
	char *text = NULL;
	for (; words[argc] && argc < WORDS_MAX; argc++) {
		argv[argc] = words[argc];
		lens[argc] = strlen(words[argc]);
	}
	long long n = redisFormatCommandArgv(&text, argc, argv, lens);
	if (n < 0)
		abort();
	buf_add(&r->out, text, (size_t)n);
	explicit_bzero(text, (size_t)n);
	redisFreeCommand(text);
}

static int lost(struct redis *r)
{
	r->dead = true;
	return -1;
}

static int flush(struct redis *r, struct err *err)
{
	int rc = r->out.len ? redis_wire_write(r->wire, r->out.data, r->out.len, err) : 0;
	if (r->out.len)
		explicit_bzero(r->out.data, r->out.len);
	buf_reset(&r->out);
	return rc < 0 ? lost(r) : 0;
}

/* Not its protocol, too much of it, or too slow: nothing that comes after can be told from the rest. */
static int unheard(struct redis *r, int64_t began_ms, size_t got, struct err *err)
{
	if (got > ANSWER_MAX)
		err_set(err, ERR_NET, "%s answers far too much; nothing more was asked", r->name);
	else if (clock_real_ms(clock_life_ms() - began_ms) > ANSWER_WAITS * (int64_t)r->wait_ms)
		err_set(err, ERR_NET, "%s does not come to the end of an answer; nothing more was asked",
			r->name);
	else
		return 0;
	return lost(r);
}

static int read_reply(struct redis *r, redisReply **reply, struct err *err)
{
	char chunk[16384];
	size_t got = 0;
	int64_t began_ms = clock_life_ms();
	*reply = NULL;
	for (;;) {
		void *found = NULL;
		if (redisReaderGetReply(r->reader, &found) != REDIS_OK) {
			lost(r);
			return err_set(err, ERR_NET,
				       "%s answers something that is not Redis' protocol, or far too much; "
				       "nothing more was asked",
				       r->name);
		}
		*reply = found;
		if (found)
			return 0;
		if (unheard(r, began_ms, got, err) < 0)
			return -1;
		ssize_t n = redis_wire_read(r->wire, chunk, sizeof chunk, err);
		if (n <= 0)
			return lost(r);
		got += (size_t)n;
		redisReaderFeed(r->reader, chunk, (size_t)n);
	}
}

struct redis_answer *redis_take(struct redis *r, struct err *err)
{
	redisReply *reply;
	char said[160];
	if (flush(r, err) < 0 || read_reply(r, &reply, err) < 0)
		return NULL;
	if (reply->type != REDIS_REPLY_ERROR)
		return (struct redis_answer *)reply;
	text_clean(said, sizeof said, reply->str, (size_t)reply->len);
	freeReplyObject(reply);
	err_set(err, text_starts(said, "WRONGTYPE") ? ERR_REFUSED : ERR_WORLD, "%s refused: %s", r->name,
		said);
	return NULL;
}

struct redis_answer *redis_ask(struct redis *r, const char *const *words, struct err *err)
{
	redis_add(r, words);
	return redis_take(r, err);
}

void redis_free(struct redis_answer *answer)
{
	if (answer)
		freeReplyObject(answer);
}

static const redisReply *reply_of(const struct redis_answer *answer)
{
	return (const redisReply *)answer;
}

const char *redis_text(const struct redis_answer *answer, size_t *len)
{
	const redisReply *reply = reply_of(answer);
	bool text = reply && (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
	if (len)
		*len = text ? (size_t)reply->len : 0;
	return text ? reply->str : "";
}

int64_t redis_int(const struct redis_answer *answer, int64_t otherwise)
{
	const redisReply *reply = reply_of(answer);
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		return reply->integer;
	return units_parse_int(redis_text(answer, NULL), otherwise);
}

bool redis_nil(const struct redis_answer *answer)
{
	return answer && reply_of(answer)->type == REDIS_REPLY_NIL;
}

size_t redis_count(const struct redis_answer *answer)
{
	const redisReply *reply = reply_of(answer);
	return reply && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
}

const struct redis_answer *redis_at(const struct redis_answer *answer, size_t i)
{
	return i < redis_count(answer) ? (const struct redis_answer *)reply_of(answer)->element[i] : NULL;
}
