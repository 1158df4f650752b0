/* An event: one JSON object on one line, {"seq","at","src","kind", ...its own fields}. What happened, never
 * what to do. */
#ifndef CORE_NIGHT_EVENT_H
#define CORE_NIGHT_EVENT_H

#include "core/base/json.h"
#include <stdint.h>

enum keep {
	KEEP_RECORD, /* journal, fsync before any effect: decisions, gates, attempts, undo data, verdicts */
	KEEP_CHANGE, /* journal when it differs from the last of its key */
	KEEP_SAMPLE, /* trace; seats get the newest per key, at most 4/s; the fold is "the last one wins" */
	KEEP_STREAM, /* trace; in batches; the fold appends to a bounded ring */
};

struct state;

struct event {
	uint64_t seq;    /* the engine's, a total order for all seats */
	int64_t at_ms;   /* wall time at which the engine received it */
	const char *src; /* "engine", "seat:ana", "step:restore", "watch:dynos", "check:ttl" */
	const char *kind;
	const struct json *body; /* the whole object; also holds the four above */
};

struct kind {
	const char *name; /* "dynos.seen" */
	enum keep keep;
	const char
	    *key;  /* comma-separated fields that make the key of CHANGE and SAMPLE; "" for one of its kind */
	int since; /* the release that brought it */
	void (*fold)(struct state *, const struct event *); /* total: no failure, clock, locale, I/O */
};

/* NULL for a kind this build does not know: kept and skipped. */
const struct kind *kind_find(const char *name);
extern const struct kind *const kind_table[]; /* NULL-ended, sorted by name */

/* Parses a line. Free with event_free(). Returns NULL and fills err when it is no event. */
struct event *event_parse(const char *line, size_t len, struct err *err);
void event_free(struct event *event);
/* "kind" + the values of its key fields joined by '|': what CHANGE and SAMPLE are kept by. */
void event_key(const struct event *event, const struct kind *kind, struct buf *out);

#endif
