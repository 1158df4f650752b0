#!/bin/bash
# A restore that stands still says why within half a minute: whose lock it waits for, and that pg_restore itself is
# stopped; both screens show it whole. Then the engine stands still for five minutes in the middle (STOP_SECONDS): nothing
# is lost.
# timeout: 900
# long
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
STOP_SECONDS=${STOP_SECONDS:-300}
copy_world DEMO_ROWS=3000
freeze_old
export NIGHT_SECONDS=800
book whole record-source capture download wipe-target prepare-target restore repair count-rows
ends 0 whole --until prepare-target
hold_indexes
night whole &
NIGHT=$!
at_end 'kill $NIGHT 2>/dev/null'
eventually 60 is_held || fail "The restore did not come to its indexes: $(cat "$T/err")"
why() { jq -r 'select(.kind == "transfer.total" and .stage == "restore") | .stalled_why' "$(dirname "$(journal)")/trace.jsonl" | tail -n 1; }
says_why() { [[ $(why) =~ $1 ]]; }
holder=$(new_super "SELECT pid FROM pg_stat_activity WHERE application_name = 'holder'")
eventually 90 says_why "lock held by session $holder \(holder, idle" || fail "It does not say who is in its way: $(why)"
for size in 80x24 200x50; do
	SCREEN=s$size screen_start $size "$NF" attach --as ana
	SCREEN=s$size
	wait_text 60 "lock held by session $holder"
	expect_frame
	echo "--- $size"
	screen
	keys q
done
restore_pid() { cat "$W"/host/containers/acme-db/tmp/nightferry-restore-*.pid | tail -n 1; }
workers=$(pgrep -P "$(restore_pid)"; restore_pid)
# shellcheck disable=SC2086
kill -STOP $workers
let_go
eventually 120 says_why 'pg_restore is stopped \(SIGSTOP\)' || fail "It does not say that pg_restore is stopped: $(why)"
# shellcheck disable=SC2086
kill -CONT $workers
kill -STOP "$(engine_pid)"
at_end 'kill -CONT "$(engine_pid)" 2>/dev/null'
over() { [ "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_restore'")" = 0 ]; }
eventually 120 over || fail "pg_restore did not end."
sleep "$STOP_SECONDS"
kill -CONT "$(engine_pid)"
status=0
wait $NIGHT || status=$?
expect_equal "$status" 0 "the night after it ($(tail -n 3 "$T/err"))"
expect_equal "$(restores_started)" 1 "pg_restores"
new_super 'DROP EVENT TRIGGER hold; DROP FUNCTION public.hold()'
both_sides_equal
echo "ok  a restore that stands still says why, and nothing is lost"
