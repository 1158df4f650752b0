#!/bin/bash
# One restore under everything at once: the step is killed with -9, then the connection to the host, then the engine, then
# the engine is stopped while the restore ends without it. There is one pg_restore all the time, each new start finds it,
# what stands still says why, and at the end every row is there.
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=3000
freeze_old
book whole record-source capture download wipe-target prepare-target restore repair count-rows
ends 0 whole --until prepare-target
hold_indexes

begin() {
	NIGHT_SECONDS=200 night whole &
	NIGHT=$!
}
at_end 'kill $NIGHT 2>/dev/null'
step_runs() { [ -n "$(step_pid)" ]; }
follows() { # since N samples
	[ "$(grep -c '"kind":"transfer.total".*"stage":"restore"' "$(dirname "$(journal)")/trace.jsonl")" -gt "$1" ]
}
samples() { grep -c '"kind":"transfer.total".*"stage":"restore"' "$(dirname "$(journal)")/trace.jsonl"; }

# ---- the step is killed ----

begin
eventually 60 is_held || fail "The restore did not come to its indexes: $(cat "$T/err")"
eventually 30 step_runs || fail "No step runs."
kill -KILL "$(step_pid)"
status=0
wait $NIGHT || status=$?
expect_equal "$status" 1 "the night whose step was killed"
is_held || fail "pg_restore died with the step."
echo "ok  the step is killed: $(tail -n 1 "$T/err")"

# ---- found again, and the connection is lost ----

begin
eventually 60 step_runs || fail "The running restore was not joined: $(cat "$T/err")"
n=$(samples)
eventually 60 follows "$n" || fail "The joined restore is not followed."
drop_ssh
n=$(samples)
eventually 100 follows "$((n + 2))" || fail "After the connection was lost nothing is told any more."
is_held || fail "pg_restore died with the connection."
expect_equal "$(restores_started)" 1 "pg_restores after a lost connection"
echo "ok  the connection is lost and made again"

# ---- the engine is killed, and the step with it ----

# shellcheck disable=SC2046
kill -KILL $(step_pid) "$(engine_pid)"
wait $NIGHT 2>/dev/null
begin
restarted() { have_event engine.started .restarted; }
eventually 60 restarted || fail "The night was not taken up again."
eventually 60 step_runs || fail "The running restore was not joined: $(cat "$T/err")"
n=$(samples)
eventually 60 follows "$n" || fail "The restore is not followed by the new engine."
echo "ok  engine and step are killed, and the next one joins"

# ---- the engine stands still while the restore ends ----

kill -STOP "$(engine_pid)"
let_go
ended() { [ "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_restore'")" = 0 ]; }
eventually 60 ended || fail "pg_restore did not end."
kill -CONT "$(engine_pid)"
status=0
wait $NIGHT || status=$?
expect_equal "$status" 0 "the night after all of it ($(tail -n 3 "$T/err"))"
expect_equal "$(restores_started)" 1 "pg_restores in all"
new_super 'DROP EVENT TRIGGER hold; DROP FUNCTION public.hold()'
both_sides_equal
echo "ok  nothing was done twice, and nothing is lost"
