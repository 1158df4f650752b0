/* The trace beside the journal: what came too often to be journalled (samples, streams). No fsync, no
 * promise: a replay without it says "not recorded". Numbered together with the journal. */
#ifndef CORE_NIGHT_TRACE_H
#define CORE_NIGHT_TRACE_H

#include "core/base/err.h"
#include <stddef.h>

#define TRACE_MAX_BYTES \
	(256u << 20) /* then it goes on in a new file and the one before the last is dropped */

struct trace;

struct trace *trace_open(const char *path, struct err *err);
void trace_close(struct trace *trace);
void trace_write(struct trace *trace, const char *line,
		 size_t len); /* buffered; a full disk drops lines, counted */
void trace_flush(struct trace *trace);
unsigned long long trace_dropped(const struct trace *trace);

#endif
