/* Every check, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct check collation_check;
extern const struct check connections_check;
extern const struct check extensions_check;
extern const struct check heroku_database_check;
extern const struct check heroku_domains_check;
extern const struct check heroku_maintenance_check;
extern const struct check heroku_releases_check;
extern const struct check heroku_token_check;
extern const struct check heroku_transfers_check;
extern const struct check sslmode_check;
extern const struct check target_empty_check;
extern const struct check versions_check;

const struct check *const check_table[] = {
    &collation_check,
    &connections_check,
    &extensions_check,
    &heroku_database_check,
    &heroku_domains_check,
    &heroku_maintenance_check,
    &heroku_releases_check,
    &heroku_token_check,
    &heroku_transfers_check,
    &sslmode_check,
    &target_empty_check,
    &versions_check,
    NULL,
};
