/* Every check, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct check collation_check;
extern const struct check connections_check;
extern const struct check extensions_check;
extern const struct check sslmode_check;
extern const struct check target_empty_check;
extern const struct check versions_check;

const struct check *const check_table[] = {
    &collation_check,
    &connections_check,
    &extensions_check,
    &sslmode_check,
    &target_empty_check,
    &versions_check,
    NULL,
};
