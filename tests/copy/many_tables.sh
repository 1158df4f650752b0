#!/bin/bash
# Ten thousand tables, straight: the copy takes no more locks than the old server has, goes through in minutes, its pane
# stays readable on both sizes of screen, and neither worker nor engine, step or seat grow beyond bounds.
# timeout: 2400
# alone
# long
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
TABLES=${TABLES:-10000}
copy_world DEMO_ROWS=2500
gate_in_old
freeze_old
# What one pg_dump of them needs, and little more: a copy that locks them all several times over would not get through.
slots=$(old_super "SELECT current_setting('max_connections')::int + current_setting('autovacuum_max_workers')::int + current_setting('max_worker_processes')::int")
many_tables "$TABLES" $(((TABLES * 6 / 5) / slots + 10))
book many record-source wipe-target prepare-target stream count-rows
ends 0 many --until prepare-target
export NIGHT_SECONDS=1500
gate_shut
night many --yes stream=shop_production &
run=$!
at_end 'kill $run 2>/dev/null'
nearly() { [ "$(tables_done)" -ge $((TABLES * 9 / 10)) ]; }
tables_done() { jq -r 'select(.kind == "transfer.total" and .stage == "stream") | .tables' "$(dirname "$(journal)")/trace.jsonl" | tail -n 1; }
eventually 900 nearly || fail "The tables do not come across: $(tables_done) of $TABLES, $(cat "$T/err")"

for size in 80x24 200x50; do
	SCREEN=s$size screen_start $size "$NF" attach --as ana
	SCREEN=s$size
	wait_text 60 "R next"
	keys 3
	wait_text 60 "guarded"
	expect_frame
	screen | grep -qE '[0-9]{4,5} tables: [0-9]+ done' || fail "The pane does not count its tables."
	echo "--- $size"
	screen
	for pid in $(pgrep -P "$(tm list-panes -t "$SCREEN" -F '#{pane_pid}')"); do small "$pid" 300000 seat; done
	keys q
done
small "$(engine_pid)" 400000 engine
small "$(pgrep -P "$(engine_pid)" -f "__job step stream")" 300000 step
pid=$(worker)
small "$pid" 300000 worker
for lane in $(pgrep -P "$pid"); do small "$lane" 300000 lane; done
gate_open
status=0
wait "$run" || status=$?
expect_equal "$status" 0 "the night of many tables ($(tail -n 3 "$T/err"))"
jq -c 'select(.kind == "result")' <"$(events fact 'select(.name == "stream-started") | .data.base' | tail -n 1 | tr -d '"').log"
expect_equal "$(new_super "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'many%'")" "$TABLES" "tables"
expect_equal "$(events attempt.ended 'select(.step == "count-rows") | .outcome' | tail -n 1)" '"done"' "count-rows"
echo "ok  $TABLES tables are across"
