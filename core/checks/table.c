/* Every check, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct check aaaa_check;
extern const struct check caa_check;
extern const struct check collation_check;
extern const struct check connections_check;
extern const struct check cron_check;
extern const struct check delegation_check;
extern const struct check dns_lag_check;
extern const struct check dnssec_check;
extern const struct check env_parity_check;
extern const struct check extensions_check;
extern const struct check git_version_check;
extern const struct check health_path_check;
extern const struct check heroku_around_check;
extern const struct check heroku_database_check;
extern const struct check heroku_domains_check;
extern const struct check heroku_maintenance_check;
extern const struct check heroku_releases_check;
extern const struct check heroku_scheduler_check;
extern const struct check heroku_token_check;
extern const struct check heroku_transfers_check;
extern const struct check heroku_urls_check;
extern const struct check heroku_writers_check;
extern const struct check host_clock_check;
extern const struct check host_containers_check;
extern const struct check host_destinations_check;
extern const struct check host_disk_check;
extern const struct check host_image_check;
extern const struct check host_pg_exposed_check;
extern const struct check host_restart_check;
extern const struct check host_rollback_check;
extern const struct check interception_check;
extern const struct check jobs_check;
extern const struct check kamal_config_check;
extern const struct check kamal_destination_check;
extern const struct check kamal_secrets_check;
extern const struct check kamal_version_check;
extern const struct check lock_check;
extern const struct check mail_check;
extern const struct check new_name_check;
extern const struct check new_tls_check;
extern const struct check old_tls_check;
extern const struct check provider_check;
extern const struct check proxy_tls_check;
extern const struct check repository_check;
extern const struct check secret_values_check;
extern const struct check sslmode_check;
extern const struct check target_empty_check;
extern const struct check ttl_check;
extern const struct check versions_check;
extern const struct check wildcard_check;

const struct check *const check_table[] = {
    &aaaa_check,
    &caa_check,
    &collation_check,
    &connections_check,
    &cron_check,
    &delegation_check,
    &dns_lag_check,
    &dnssec_check,
    &env_parity_check,
    &extensions_check,
    &git_version_check,
    &health_path_check,
    &heroku_around_check,
    &heroku_database_check,
    &heroku_domains_check,
    &heroku_maintenance_check,
    &heroku_releases_check,
    &heroku_scheduler_check,
    &heroku_token_check,
    &heroku_transfers_check,
    &heroku_urls_check,
    &heroku_writers_check,
    &host_clock_check,
    &host_containers_check,
    &host_destinations_check,
    &host_disk_check,
    &host_image_check,
    &host_pg_exposed_check,
    &host_restart_check,
    &host_rollback_check,
    &interception_check,
    &jobs_check,
    &kamal_config_check,
    &kamal_destination_check,
    &kamal_secrets_check,
    &kamal_version_check,
    &lock_check,
    &mail_check,
    &new_name_check,
    &new_tls_check,
    &old_tls_check,
    &provider_check,
    &proxy_tls_check,
    &repository_check,
    &secret_values_check,
    &sslmode_check,
    &target_empty_check,
    &ttl_check,
    &versions_check,
    &wildcard_check,
    NULL,
};
