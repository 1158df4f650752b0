/* A recorded night: journal and trace, merged by seq and given to the fold at their recorded times. */
#ifndef TUI_REPLAY_H
#define TUI_REPLAY_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/night/state.h"

struct replay;

/* `trace` may be NULL or absent: replay_traced() tells. NULL: `err` names the file and the mend. */
struct replay *replay_open(const char *journal, const char *trace, struct err *err);
void replay_close(struct replay *replay);
/* Whether the trace tells of this moment: there may be none, or its begin may have been dropped. */
bool replay_traced(const struct replay *replay, int64_t at_ms);
int64_t replay_first_ms(const struct replay *replay);
int64_t replay_last_ms(const struct replay *replay);
/* Time of the newest event that has been folded; 0 before the first. */
int64_t replay_at_ms(const struct replay *replay);

/* Folds up to and with `at_ms`. Going back starts a new state: `*state` is then replaced. True when anything
 * changed. */
bool replay_seek(struct replay *replay, struct state **state, int64_t at_ms);
/* The same up to and with an event's number. */
bool replay_seek_seq(struct replay *replay, struct state **state, uint64_t seq);

/* What a person looks for in the record: events of one kind, or lines with a text in them, in any case. Both
 * empty: what a report's timeline would tell (steps, gates, people, trouble). */
struct replay_wish {
	char kind[48], text[80];
};
/* One event on (`step` 1) or back (-1): the next of the journal, or with a `wish` the next that it is for.
 * Nothing behind it is folded, not even what came in the same millisecond. `said` gets its words. False:
 * there is none, and nothing moved. */
bool replay_move(struct replay *replay, struct state **state, int step, const struct replay_wish *wish,
		 char *said, size_t size);
/* Every kind of event that is in the journal, once, separated by blanks. */
void replay_kinds(struct replay *replay, struct buf *out);
/* "01:14:07" on the night's own day in local time, "2026-11-21 01:14" on another, "+10m" from its begin or
 * "-10m" before its end; -1: not understood. */
int64_t replay_parse_at_ms(const struct replay *replay, const char *text);

#endif
