/* Between stream.c (the run), stream_plan.c, stream_speed.c, stream_tell.c (what the worker says, as events),
 * stream_pulse.c and stream_prove.c. */
#ifndef CORE_STEPS_STREAM_H
#define CORE_STEPS_STREAM_H

#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include "core/steps/copy_worker.h"
#include "core/steps/host_copy.h"

#define STREAM_FACT "stream-started"
#define STREAMED_FACT "streamed" /* {bytes, ms, at_ms}: the database's size, and what its copy took */

struct stream_copy {
	struct job *job;
	struct copy_worker worker;
	struct pg *pg; /* NEW; NULL when it was not reached */
	struct pg_source source;
	bool has_source;
	int lanes;
	char database[64], container[128]; /* container "" : NEW is in none that we know */
	/* what was told last */
	struct copy_total total;
	char total_text[160], eta_why[80];
	int64_t told_at_ms;
	struct copy_rate rate;
	int64_t work, work_total, bytes, last_sum, moved_at_ms;
	char why[200];  /* why nothing moves; "" : it does, or is not known to stand still */
	char waits[64]; /* what NEW was seen to wait for, looks_alike times one after the other */
	int looks_alike;
	int64_t old_at_ms; /* when OLD was asked last why it gives nothing; 0: not yet */
};

/* What the target holds: tables of others, and whether they are an unfinished copy of tonight's. */
struct stream_found {
	size_t tables;
	bool marked; /* a copy began there and was not finished */
	bool ours;   /* tonight's */
};
int stream_find(struct stream_copy *s, struct stream_found *out, struct err *err);
/* By which an unfinished copy of this attempt is known again. */
void stream_token(const struct job *job, const char *attempt, char *out, size_t size);
int stream_fill_plan(struct stream_copy *s, struct plan *plan, struct err *err);
int stream_prove_all(struct stream_copy *s, struct evidence *ev, struct err *err);
/* The worker's lines as events of the transfer. */
void stream_hear(void *ctx, const struct json *line);
/* The newest total once more, with what is known by now of why it stands still. */
void stream_tell(struct stream_copy *s);
/* stream_pulse.c: `sum` is of everything that grows while the copy moves. */
void stream_pulse_take(struct stream_copy *s, int64_t sum);
void stream_idle(void *ctx);
/* What OLD says of those who read there, as `why`. pg NULL: it was not reached, and `why_not` tells the
 * reason. */
void stream_pulse_old(struct stream_copy *s, struct pg *pg, const struct err *why_not);
/* stream_speed.c: what the copy may take, and where that is known from. */
void stream_fill_speed(struct stream_copy *s, struct plan *plan);
/* "14 tables, 9,300,000 rows" of the worker's result. */
void stream_result_text(const struct json *result, char *out, size_t size);

#endif
