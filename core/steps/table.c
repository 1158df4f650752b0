/* Every step, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct step maintenance_step;
extern const struct step scale_step;

const struct step *const step_table[] = {
    &maintenance_step,
    &scale_step,
    NULL,
};
