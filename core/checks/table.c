/* Every check, one line each, in alphabetical order. */
#include "core/job.h"

const struct check *const check_table[] = {
    NULL,
};
