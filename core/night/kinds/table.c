/* Every kind of event, one line each. The engine decides by this table how an event is kept, never the child.
 */
#include "core/night/kinds/fold.h"

const struct kind *const kind_table[] = {
    &night_opened_kind,   &night_closed_kind,   &night_turned_kind,   &attempt_started_kind,
    &attempt_ended_kind,  &attempt_found_kind,  &step_skipped_kind,   &step_byhand_kind,
    &step_state_kind,     &gate_opened_kind,    &gate_changed_kind,   &gate_counting_kind,
    &gate_looked_kind,    &gate_stopped_kind,   &gate_passed_kind,    &gate_closed_kind,
    &plan_seen_kind,      &step_progress_kind,  &fact_kind,           &seat_joined_kind,
    &seat_left_kind,      &seat_armed_kind,     &wheel_given_kind,    &wheel_asked_kind,
    &hold_called_kind,    &hold_released_kind,  &note_added_kind,     &vote_given_kind,
    &wheel_offered_kind,  &wheel_kept_kind,     &wheel_lost_kind,     &vote_fallen_kind,
    &shell_opened_kind,   &shell_closed_kind,   &engine_started_kind, &watch_beat_kind,
    &watch_down_kind,     &check_seen_kind,     &check_beat_kind,     &waiver_given_kind,
    &waiver_fallen_kind,  &clock_jumped_kind,   &dynos_seen_kind,     &heroku_seen_kind,
    &heroku_budget_kind,  &router_seen_kind,    &writers_seen_kind,   &writers_quiet_kind,
    &jobs_seen_kind,      &host_seen_kind,      &host_load_kind,      &transfer_total_kind,
    &transfer_table_kind, &transfer_ended_kind, &rows_side_kind,      &rows_progress_kind,
    &rows_verdict_kind,   &rows_compared_kind,  &rows_bisected_kind,  &dns_cell_kind,
    &dns_plan_kind,       &traffic_seen_kind,   &traffic_first_kind,  &smoke_seen_kind,
    &quiet_seen_kind,     &newrows_seen_kind,   &log_lines_kind,      &command_seen_kind,
    &log_signature_kind,  &log_again_kind,      &host_audit_kind,     NULL,
};
