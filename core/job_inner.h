/* A job from the inside. For core/job*.c only. */
#ifndef CORE_JOB_INNER_H
#define CORE_JOB_INNER_H

#include "core/job.h"

#define JOB_LINE_MAX_BYTES (64u << 20)

struct job {
	int fd;            /* -1: by hand, without an engine */
	bool shows_events; /* by hand: prints them */
	struct buf in;
	struct json *hello, *secrets;
	const char *role, *verb;
	int spool_fd; /* attempts/ID.jsonl, -1 for none */
	int64_t records;
	int64_t acked; /* newest ack */
	bool ack_ok;
	char ack_text[320];
	struct json **fresh; /* facts recorded since hello: a watch outlives many steps */
	size_t n_fresh;
	struct json *answer; /* to the newest question, NULL until it comes */
	int64_t asked;
	bool cancelled, gone, woken;
	int64_t progress_at_ms;
	struct {
		char name[32];
		char *text;
		int64_t life_ms;
	} kept[4];        /* what job_keep() was given */
	int64_t ok_at_ms; /* of the newest good look: a late seat gets only the newest beat */
};

int job_write_all(int fd, const char *data, size_t len);
/* One message to the engine; by hand it goes to stdout. Takes what the writer holds. */
int job_send(struct job *job, struct jw *w);

#endif
