/* What a night was, from its journal alone. */
#ifndef CORE_NIGHT_REPORT_H
#define CORE_NIGHT_REPORT_H

#include "core/night/journal.h"
#include "core/night/state.h"

struct report {
	struct state *state;
	struct journal_check check; /* how far the journal holds */
	struct buf timeline;        /* Markdown list items, made while reading */
	struct json *opened;        /* the body of night.opened */
	int64_t first_ms, last_ms;
};
/* Reads and folds a journal. -1 when it cannot be read; a journal with a bad line is folded up to it. */
int report_read(const char *journal, struct report *report, struct err *err);
void report_done(struct report *report);
/* "done", "failed", "aborted", "rolled-back", "open" */
const char *report_verdict(const struct report *report);
/* Seconds visitors saw the maintenance page; -1 when it never began. */
double report_downtime_s(const struct state *state, int64_t now_ms);
void report_json(const struct report *report, struct jw *w);
void report_markdown(const struct report *report, struct buf *out);

#endif
