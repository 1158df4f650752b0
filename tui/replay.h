/* A recorded night: journal and trace, merged by seq and given to the fold at their recorded times. */
#ifndef TUI_REPLAY_H
#define TUI_REPLAY_H

#include "core/base/err.h"
#include "core/night/state.h"

struct replay;

/* `trace` may be NULL or absent: replay_traced() tells. NULL: `err` names the file and the mend. */
struct replay *replay_open(const char *journal, const char *trace, struct err *err);
void replay_close(struct replay *replay);
bool replay_traced(const struct replay *replay);
int64_t replay_first_ms(const struct replay *replay);
int64_t replay_last_ms(const struct replay *replay);
/* Time of the newest event that has been folded; 0 before the first. */
int64_t replay_at_ms(const struct replay *replay);

/* Folds up to and with `at_ms`. Going back starts a new state: `*state` is then replaced. True when anything
 * changed. */
bool replay_seek(struct replay *replay, struct state **state, int64_t at_ms);
/* Time of the next (`step` 1) or previous (-1) event of the kind of the newest folded one; `kind` gets its
 * name. -1: there is none. */
int64_t replay_same_kind_ms(struct replay *replay, int step, char *kind, size_t size);
/* "01:14:07" on the night's own day in local time, or "+10m" from its begin; -1: not understood. */
int64_t replay_parse_at_ms(const struct replay *replay, const char *text);

#endif
