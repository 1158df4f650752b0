/* An answer: text, JSON, a file or a stream, and what hampers it on purpose. */
#include "demo/http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STREAM_BLOCK_BYTES = 16384 };

void reply_init(struct http_reply *reply)
{
	*reply = (struct http_reply){.status = 204, .fd = -1};
}

/* Forgets the body and keeps the headers. */
static void body_clear(struct http_reply *reply)
{
	free(reply->type);
	free(reply->body);
	if (reply->fd >= 0)
		close(reply->fd);
	if (reply->done)
		reply->done(reply->state);
	reply->type = reply->body = NULL;
	reply->size = 0;
	reply->fd = -1;
	reply->stream = NULL;
	reply->state = NULL;
	reply->done = NULL;
}

void reply_done(struct http_reply *reply)
{
	body_clear(reply);
	for (size_t i = 0; i < reply->headers_count; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	reply->headers_count = 0;
}

void http_reply_bytes(struct http_reply *reply, int status, const char *type, const void *data, size_t size)
{
	char *copy = malloc(size + 1);

	body_clear(reply);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	copy[size] = '\0';
	reply->status = status;
	reply->type = strdup(type);
	reply->body = copy;
	reply->size = size;
}

void http_reply_text(struct http_reply *reply, int status, const char *type, const char *text)
{
	http_reply_bytes(reply, status, type, text, strlen(text));
}

void http_reply_json(struct http_reply *reply, int status, cJSON *take_json)
{
	char *text = cJSON_PrintUnformatted(take_json);

	http_reply_text(reply, status, "application/json", text ? text : "null");
	free(text);
	cJSON_Delete(take_json);
}

void http_reply_file(struct http_reply *reply, int status, const char *type, int take_fd, uint64_t offset,
		     uint64_t size)
{
	body_clear(reply);
	reply->status = status;
	reply->type = strdup(type);
	reply->fd = take_fd;
	reply->offset = offset;
	reply->size = size;
}

void http_reply_stream(struct http_reply *reply, int status, const char *type, http_stream *stream,
		       void *state, void (*done)(void *state))
{
	body_clear(reply);
	reply->status = status;
	reply->type = strdup(type);
	reply->stream = stream;
	reply->state = state;
	reply->done = done;
}

void http_reply_drop(struct http_reply *reply)
{
	reply->drop = true;
}

void http_reply_header_add(struct http_reply *reply, const char *name, const char *value)
{
	if (reply->headers_count == HTTP_HEADERS_MAX)
		return;
	reply->headers[reply->headers_count].name = strdup(name);
	reply->headers[reply->headers_count++].value = strdup(value);
}

void http_reply_header(struct http_reply *reply, const char *name, const char *format, ...)
{
	char value[4096];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	for (size_t i = 0; i < reply->headers_count; i++) {
		if (strcasecmp(reply->headers[i].name, name) == 0) {
			free(reply->headers[i].value);
			reply->headers[i].value = strdup(value);
			return;
		}
	}
	http_reply_header_add(reply, name, value);
}

int http_reply_status(const struct http_reply *reply)
{
	return reply->status;
}

const char *http_reply_body(const struct http_reply *reply, size_t *size)
{
	*size = reply->body ? reply->size : 0;
	return reply->body;
}

/* A stream outlives its reply: the library calls it while it sends. */
struct stream {
	http_stream *stream;
	void *state;
	void (*done)(void *state);
};

static ssize_t stream_read(void *cls, uint64_t pos, char *out, size_t size)
{
	struct stream *s = cls;
	size_t got = s->stream(s->state, out, size);

	(void)pos;
	return got > 0 ? (ssize_t)got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *cls)
{
	struct stream *s = cls;

	if (s->done)
		s->done(s->state);
	free(s);
}

static struct MHD_Response *stream_response(struct http_reply *reply)
{
	struct stream *s = malloc(sizeof *s);

	if (!s)
		abort();
	*s = (struct stream){reply->stream, reply->state, reply->done};
	reply->done = NULL;
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, stream_read, s,
						 stream_free);
}

/* A body that is slow or ends too early. */
struct hampered {
	char *body;
	int fd;
	uint64_t offset, cut, rate;
	struct timespec start;
};

static ssize_t hampered_read(void *cls, uint64_t pos, char *out, size_t size)
{
	struct hampered *h = cls;
	struct timespec now, nap = {.tv_nsec = 20 * 1000000L};

	if (h->cut && pos >= h->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (h->cut && size > h->cut - pos)
		size = (size_t)(h->cut - pos);
	while (h->rate) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		double s =
		    (double)(now.tv_sec - h->start.tv_sec) + (double)(now.tv_nsec - h->start.tv_nsec) / 1e9;
		uint64_t allowed = (uint64_t)(s * (double)h->rate);
		if (allowed > pos) {
			size = size < allowed - pos ? size : (size_t)(allowed - pos);
			break;
		}
		nanosleep(&nap, NULL);
	}
	if (h->fd >= 0)
		return pread(h->fd, out, size, (off_t)(h->offset + pos));
	memcpy(out, h->body + pos, size);
	return (ssize_t)size;
}

static void hampered_free(void *cls)
{
	struct hampered *h = cls;

	free(h->body);
	if (h->fd >= 0)
		close(h->fd);
	free(h);
}

static struct MHD_Response *hampered_response(struct http_reply *reply)
{
	struct hampered *h = malloc(sizeof *h);

	if (!h)
		abort();
	*h = (struct hampered){reply->body, reply->fd, reply->offset, reply->cut, reply->rate, {0}};
	clock_gettime(CLOCK_MONOTONIC, &h->start);
	reply->body = NULL;
	reply->fd = -1;
	return MHD_create_response_from_callback(reply->size, STREAM_BLOCK_BYTES, hampered_read, h,
						 hampered_free);
}

static struct MHD_Response *response_make(struct http_reply *reply)
{
	struct MHD_Response *response;

	if (reply->stream)
		return stream_response(reply);
	if (reply->cut || reply->rate)
		return hampered_response(reply);
	if (reply->fd >= 0) {
		response = MHD_create_response_from_fd_at_offset64(reply->size, reply->fd, reply->offset);
		reply->fd = -1;
		return response;
	}
	response = MHD_create_response_from_buffer(reply->size, reply->body, MHD_RESPMEM_MUST_FREE);
	reply->body = NULL;
	return response;
}

/* A zero linger turns the close into a reset, which is what a dying router looks like from outside. */
static enum MHD_Result connection_reset(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (info)
		setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	return MHD_NO;
}

enum MHD_Result reply_send(struct http_reply *reply, struct MHD_Connection *connection)
{
	struct MHD_Response *response;
	enum MHD_Result result;

	if (reply->drop) {
		reply_done(reply);
		return connection_reset(connection);
	}
	response = response_make(reply);
	if (reply->type)
		MHD_add_response_header(response, "Content-Type", reply->type);
	for (size_t i = 0; i < reply->headers_count; i++)
		MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
	result = MHD_queue_response(connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	reply_done(reply);
	return result;
}
