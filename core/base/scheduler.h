/* Heroku Scheduler's times, as its dashboard says them and people write them down; Heroku counts them in UTC.
 */
#ifndef CORE_BASE_SCHEDULER_H
#define CORE_BASE_SCHEDULER_H

#include <stdint.h>

/* `at`: "02:30" each day, ":10" each hour, "10m" every ten minutes. The first time after `after_ms`, in wall
 * milliseconds; 0 when it is none of the three. */
int64_t scheduler_next_ms(const char *at, int64_t after_ms);

#endif
