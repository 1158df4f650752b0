/* The demo without a screen. The demo with a screen is tui/flight.c. */
#ifndef CORE_CMDS_DEMO_H
#define CORE_CMDS_DEMO_H

#include "core/cmds/cmds.h"

/* World, night with the demo's own answers, world gone. The last word printed is the journal. Exit status. */
int demo_headless(void);

#endif
