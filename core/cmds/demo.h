/* The demo without a screen, and its independent judge. The demo with a screen is tui/flight.c. */
#ifndef CORE_CMDS_DEMO_H
#define CORE_CMDS_DEMO_H

#include "core/cmds/cmds.h"

/* World, night with the demo's own answers, judge, world gone. The last word printed is the journal. Exit
 * status. */
int demo_headless(void);
/* Compares old and new by a way that shares no code with the night. 0: equal. */
int demo_judge(const struct demo *demo);

#endif
