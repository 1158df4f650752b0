/* The only place that asks for the time. NIGHTFERRY_CLOCK="START_MS,SPEED" scales both clocks, in children
 * too: START_MS is the wall time at which the scaled clock began (0: now), SPEED how many times faster it
 * runs. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* for events, since the epoch */
int64_t clock_life_ms(void); /* for budgets and timeouts: runs on while the machine sleeps, never jumps */
/* Real milliseconds to wait so that `ms` of our time pass; at least 1 for ms > 0. */
int64_t clock_real_ms(int64_t ms);
void clock_sleep_ms(int64_t ms);

#endif
