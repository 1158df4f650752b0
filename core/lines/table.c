/* Every line, one line each, in alphabetical order. */
#include "core/job.h"

const struct line *const line_table[] = {
    NULL,
};
