/* Every line, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct line ssh_line;

const struct line *const line_table[] = {
    &ssh_line,
    NULL,
};
