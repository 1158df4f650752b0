/* Every step, one line each, in alphabetical order. */
#include "core/job.h"

const struct step *const step_table[] = {
    NULL,
};
