#!/bin/bash
# All that can die in a warm night dies, first in the copy and then in the delta, each while rows are on their way: the worker,
# our sessions on OLD, our sessions on NEW, the step, the connection to the host, the engine. What fails says so and leaves
# nothing at work, what goes on is found again, the next attempt needs no hand, and in the end both sides give the same dump.
# timeout: 900
# long
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
copy_world DEMO_ROWS=4000
gate_in_old
freeze_old
book warm record-source wipe-target warm-copy delta
export NIGHT_SECONDS=400

at_work() { [[ $(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy' AND wait_event = 'PgSleep'") =~ ^[1-9] ]]; }
at_rest() { [ "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy'")" = 0 ]; }
# Where NEW's table is there, its rows have to be new to stop at the gate.
churn() {
	gate_open
	old_super "UPDATE gate.guarded SET i = i; UPDATE orders SET updated_at = now() WHERE id % 7 = 0; DELETE FROM events WHERE id % 11 = 0" >/dev/null ||
		fail "OLD could not be changed."
}

base_of() { events fact "select(.name == \"$1\") | .data.base" | tail -n 1 | tr -d '"'; }
starts_of() { events fact "select(.name == \"$1\") | .data.base" | sort -u | wc -l; }
worker_pid() { # STARTED: empty when none runs
	local pid
	pid=$(cat "$(base_of "$1").pid" 2>/dev/null) || return 0
	[ "$(ps -o comm= -p "$pid")" != nightferry ] || echo "$pid"
}
no_worker() { [ -z "$(worker_pid "$started")" ]; }
the_step() { pgrep -P "$(engine_pid)" -f "__job step $step\$"; }
step_runs() { [ -n "$(the_step)" ]; }

begin() {
	night "$book" "${yes_to[@]}" &
	run=$!
}
# What the plan of the newest attempt says it does.
planned() { events gate.opened "select(.step == \"$step\") | .plan.does // .does // ." | tail -n 1; }
stand() {
	churn
	gate_shut
	begin
	eventually 90 at_work || fail "$step does not reach the table that waits: $(cat "$T/err" "$T/out")"
	eventually 30 step_runs || fail "No step runs."
}
# The attempt has failed with these words, and nothing of it is at work any more.
broke_off() { # REGEX WHAT
	local status=0 said
	wait "$run" || status=$?
	expect_equal "$status" 1 "exit status after $2"
	said=$(events attempt.ended "select(.step == \"$step\") | .error // .text // ." | tail -n 1)
	expect_match "$said" "$1" "what is said after $2"
	gate_open
	eventually 60 at_rest || fail "Sessions are still at work on NEW after $2."
	eventually 60 no_worker || fail "The worker is still there after $2."
	echo "ok  $step: $2: $said"
}

deaths() { # STEP STARTED
	step=$1 started=$2
	stand
	kill -KILL "$(worker_pid "$started")"
	broke_off "ended badly|without a word" "its worker was killed"

	stand
	[ $step = delta ] || expect_match "$(planned)" '[0-9]+ of [0-9]+ tables are here already \([^)]*\), brought up to date; [0-9]+ to copy' "the plan of the second attempt"
	old_super "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nightferry copy'" >/dev/null
	gate_open
	broke_off "OLD.*(ended our session|closed the|lost)" "OLD ended our sessions"

	stand
	new_super "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nightferry copy'" >/dev/null
	broke_off "NEW.*(ended our session|closed the|lost)" "NEW ended our sessions"

	# The worker outlives the step, the connection and the engine, and is the same in the end.
	stand
	starts=$(starts_of "$started")
	kill -KILL "$(the_step)"
	wait "$run"
	at_work || fail "The worker died with its step."
	begin
	eventually 60 step_runs || fail "The running worker was not joined: $(cat "$T/err")"
	drop_ssh
	at_work || fail "The worker died with the connection."
	# shellcheck disable=SC2046
	kill -KILL $(the_step) "$(engine_pid)"
	wait "$run" 2>/dev/null
	at_work || fail "The worker died with the engine."
	begin
	eventually 60 step_runs || fail "The running worker was not joined by the new engine: $(cat "$T/err")"
	expect_equal "$(starts_of "$started")" "$starts" "workers that were started"
	gate_open
	echo "ok  $step: step, connection and engine were killed, and the worker went on"
}

ends 0 warm --until wipe-target
book=warm yes_to=(--yes warm-copy=shop_production --yes delta=shop_production)
deaths warm-copy warm-started
copied() { [ "$(events attempt.ended 'select(.step == "warm-copy" and .outcome == "done") | .step' | wc -l)" = 1 ]; }
eventually 120 copied || fail "The copy does not come to its end: $(cat "$T/err")"
# This run goes on to the delta, which finds nothing new yet.
status=0
wait "$run" || status=$?
expect_equal "$status" 0 "the night after the copy's deaths ($(tail -n 3 "$T/err"))"

# A night that has ended is not gone on with: the same copy, in a night of its own.
book last record-source delta
book=last yes_to=(--yes delta=shop_production)
deaths delta delta-started
status=0
wait "$run" || status=$?
expect_equal "$status" 0 "the night after the delta's deaths ($(tail -n 3 "$T/err"))"
# Sorted: a row that was written anew stands at another place.
for side in old new; do dump_of $side | LC_ALL=C sort >"$T/sorted.$side" || fail "pg_dump failed."; done
[ "$(wc -l <"$T/sorted.old")" -gt 5000 ] || fail "The dump of OLD is too short to prove anything."
diff "$T/sorted.old" "$T/sorted.new" >"$T/dump.diff" || fail "The sides differ: $(head -n 20 "$T/dump.diff")"
expect_equal "$(events attempt.ended 'select(.step == "delta") | .outcome' | tail -n 1)" '"done"' "the last delta"
no_secrets
echo "ok  nothing is lost, and nothing was done twice"
