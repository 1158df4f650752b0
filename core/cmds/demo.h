/* The demo without a screen. The demo with a screen is tui/flight.c. */
#ifndef CORE_CMDS_DEMO_H
#define CORE_CMDS_DEMO_H

#include "core/cmds/cmds.h"
#include "core/cmds/run.h"
#include "core/night/state.h"

/* World, night with the demo's own answers, world gone. The last word printed is the journal. Exit status. */
int demo_headless(void);
/* What a person would type at the demo's gates, and what they would have done by hand. */
extern const struct headless demo_answers;
/* As the night itself compared them, while both sides stood still. */
bool demo_rows_equal(const struct state *state);

#endif
