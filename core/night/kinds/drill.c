/* A drill's night ends with its score card.
 *
 * drill.card RECORD {passed, equal, judge, tables, tables_equal, rows, closed, engines, ms, stopped,
 * faults[{fault, what, step, offset_ms, verdict: passed|not-struck|not-noticed|not-recovered, struck_ms,
 * noticed{after_ms, by, text}, decided{}, mended_after_ms, recovered{}, why}]} written when no engine runs
 * any more */
#include "core/night/kinds/fold.h"

static void fold_drill_card(struct state *state, const struct event *event)
{
	free(state->drill);
	state->drill = json_print(event->body);
}

const struct kind drill_card_kind = {
    .name = "drill.card", .keep = KEEP_RECORD, .since = 1, .fold = fold_drill_card};
