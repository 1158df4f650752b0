/* Every step, one line each, in alphabetical order. */
#include "core/job.h"

extern const struct step accessory_boot_step;
extern const struct step app_boot_step;
extern const struct step app_stop_step;
extern const struct step canaries_step;
extern const struct step cancel_transfer_step;
extern const struct step capture_step;
extern const struct step certificates_step;
extern const struct step command_step;
extern const struct step config_set_step;
extern const struct step compare_step;
extern const struct step count_rows_step;
extern const struct step delta_step;
extern const struct step dns_point_step;
extern const struct step dns_ttl_step;
extern const struct step dns_weight_step;
extern const struct step download_step;
extern const struct step end_session_step;
extern const struct step export_new_rows_step;
extern const struct step fence_writers_step;
extern const struct step first_backup_step;
extern const struct step forget_copy_step;
extern const struct step kamal_lock_step;
extern const struct step kamal_step;
extern const struct step kamal_unlock_step;
extern const struct step maintenance_step;
extern const struct step manual_step;
extern const struct step note_step;
extern const struct step pause_backups_step;
extern const struct step preflight_step;
extern const struct step prepare_target_step;
extern const struct step prune_step;
extern const struct step quiet_timer_step;
extern const struct step record_source_step;
extern const struct step rehearsal_create_step;
extern const struct step rehearsal_drop_step;
extern const struct step repair_step;
extern const struct step restore_step;
extern const struct step run_step;
extern const struct step scale_step;
extern const struct step service_step;
extern const struct step smoke_step;
extern const struct step stop_one_offs_step;
extern const struct step stream_step;
extern const struct step wait_propagation_step;
extern const struct step wait_quiet_step;
extern const struct step warm_copy_step;
extern const struct step wipe_target_step;

/* One line each, so that two changes do not meet. */
/* clang-format off */
const struct step *const step_table[] = {
    &accessory_boot_step,
    &app_boot_step,
    &app_stop_step,
    &canaries_step,
    &cancel_transfer_step,
    &capture_step,
    &certificates_step,
    &command_step,
    &config_set_step,
    &compare_step,
    &count_rows_step,
    &delta_step,
    &dns_point_step,
    &dns_ttl_step,
    &dns_weight_step,
    &download_step,
    &end_session_step,
    &export_new_rows_step,
    &fence_writers_step,
    &first_backup_step,
    &forget_copy_step,
    &kamal_lock_step,
    &kamal_step,
    &kamal_unlock_step,
    &maintenance_step,
    &manual_step,
    &note_step,
    &pause_backups_step,
    &preflight_step,
    &prepare_target_step,
    &prune_step,
    &quiet_timer_step,
    &record_source_step,
    &rehearsal_create_step,
    &rehearsal_drop_step,
    &repair_step,
    &restore_step,
    &run_step,
    &scale_step,
    &service_step, &smoke_step,
    &stop_one_offs_step,
    &stream_step,
    &wait_propagation_step,
    &wait_quiet_step,
    &warm_copy_step,
    &wipe_target_step,
    NULL,
};
/* clang-format on */
