/* kamal-proxy's request log, followed over ssh. */
#ifndef CORE_LINKS_PROXY_LOG_H
#define CORE_LINKS_PROXY_LOG_H

#include "core/base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct proxy_tail;

struct proxy_request {
	int64_t at_ms; /* wall time by the host's clock; 0 unknown */
	char method[12], host[160], path[300];
	int status;
	double ms;
	bool ours; /* a request of nightferry's own */
};
/* False for lines that are no requests. */
bool proxy_log_parse(const char *line, size_t len, struct proxy_request *out);
/* "GET /orders/# 500": what makes two errors one kind of error. */
void proxy_signature(const struct proxy_request *request, char *out, size_t size);

/* Opens nothing yet. `request` is called from proxy_tail_pump() for every request since then (wall time). */
struct proxy_tail *proxy_tail_open(struct job *job, int64_t since_ms,
				   void (*request)(void *ctx, const struct proxy_request *), void *ctx);
void proxy_tail_close(struct proxy_tail *tail);
/* Takes what has come, waiting up to `ms` real milliseconds; connects and connects again when it must, with
 * back-off. False while there is no connection; err then says why. */
bool proxy_tail_pump(struct proxy_tail *tail, int ms, struct err *err);

#endif
