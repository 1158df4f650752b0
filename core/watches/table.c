/* Every watch, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct watch bisect_watch;
extern const struct watch container_logs_watch;
extern const struct watch counts_watch;
extern const struct watch dns_watch;
extern const struct watch dynos_watch;
extern const struct watch heroku_logs_watch;
extern const struct watch host_watch;
extern const struct watch jobs_watch;
extern const struct watch newrows_watch;
extern const struct watch notify_watch;
extern const struct watch traffic_watch;
extern const struct watch writers_watch;

/* One line each, so that two changes do not meet. */
/* clang-format off */
const struct watch *const watch_table[] = {
    &bisect_watch,
    &container_logs_watch,
    &counts_watch,
    &dns_watch,
    &dynos_watch,
    &heroku_logs_watch,
    &host_watch,
    &jobs_watch,
    &newrows_watch,
    &notify_watch,
    &traffic_watch,
    &writers_watch,
    NULL,
};
/* clang-format on */
