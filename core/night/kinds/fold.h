/* What the folds share. Only core/night/ includes this. */
#ifndef CORE_NIGHT_KINDS_FOLD_H
#define CORE_NIGHT_KINDS_FOLD_H

#include "core/base/text.h"
#include "core/night/state.h"
#include <stdlib.h>
#include <string.h>

/* text from a field of the event's body into a fixed array */
#define FOLD_TEXT(out, object, key) ((void)text_copy((out), sizeof(out), json_str((object), (key), "")))
/* A new zeroed element at the end of a growing array. */
#define FOLD_PUSH(list, n)                                                                          \
	((list) = xrealloc((list), (n) + 1, sizeof *(list)), memset(&(list)[n], 0, sizeof *(list)), \
	 &(list)[(n)++])

/* Reads an array of evidence lines into a new array; the old one is freed. */
void fold_seen(struct seen_line **lines, size_t *n, const struct json *array, int64_t at_ms);
int fold_verdict(const char *name);
int fold_gate(const char *name);
/* Stations and people of the night's configuration. */
void people_opened(struct state *state, const struct json *config);
/* `rehearsed` of night.opened, after its steps are known. */
void rehearsed_opened(struct state *state, const struct json *rehearsed);
/* Tonight's database has been measured. */
void rehearsed_scale(struct state *state, int64_t bytes);
void fold_plan(struct plan_seen *plan, const struct json *object, int64_t at_ms);

/* Each file's rows. */
extern const struct kind night_opened_kind, night_closed_kind, night_turned_kind, attempt_started_kind,
    attempt_ended_kind, attempt_found_kind, step_skipped_kind, step_byhand_kind, step_state_kind,
    gate_opened_kind, gate_changed_kind, gate_counting_kind, gate_looked_kind, gate_stopped_kind,
    gate_passed_kind, gate_closed_kind, plan_seen_kind, step_progress_kind, fact_kind;
extern const struct kind seat_joined_kind, seat_left_kind, seat_armed_kind, wheel_given_kind,
    wheel_asked_kind, hold_called_kind, hold_released_kind, note_added_kind, vote_given_kind,
    engine_started_kind, wheel_offered_kind, wheel_kept_kind, wheel_lost_kind, vote_fallen_kind,
    shell_opened_kind, shell_closed_kind;
extern const struct kind watch_beat_kind, watch_down_kind, check_seen_kind, check_beat_kind,
    waiver_given_kind, waiver_fallen_kind, clock_jumped_kind;
extern const struct kind heroku_seen_kind, heroku_budget_kind, router_seen_kind;
extern const struct kind dynos_seen_kind, writers_seen_kind, writers_quiet_kind, jobs_seen_kind;
extern const struct kind host_seen_kind, host_load_kind, host_audit_kind;
extern const struct kind transfer_total_kind, transfer_table_kind, transfer_ended_kind, rows_side_kind,
    rows_progress_kind, rows_verdict_kind, rows_compared_kind, rows_bisected_kind;
extern const struct kind dns_cell_kind, dns_plan_kind, traffic_seen_kind, traffic_first_kind, smoke_seen_kind,
    quiet_seen_kind, newrows_seen_kind;
extern const struct kind log_lines_kind, command_seen_kind, log_signature_kind, log_again_kind;

extern const struct kind drill_card_kind;

void steps_done(struct state *state);
void logs_done(struct state *state);
void hosts_done(struct state *state);
void jobs_done(struct state *state);

#endif
