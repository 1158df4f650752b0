/* Every watch, one line each, in alphabetical order. */
#include "core/job.h"

const struct watch *const watch_table[] = {
    NULL,
};
