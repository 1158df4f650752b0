#!/bin/bash
# Ten thousand tables: the whole copy goes through, the transfer pane stays readable on both sizes of screen, and neither
# the engine nor its step nor the seat grows beyond bounds.
# timeout: 1500
# long
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
TABLES=${TABLES:-10000}
copy_world DEMO_ROWS=2500
freeze_old
many_tables "$TABLES" 1024
export NIGHT_SECONDS=1200
book whole record-source capture download wipe-target prepare-target restore repair count-rows compare
ends 0 whole --until prepare-target
hold_indexes
night whole &
NIGHT=$!
at_end 'kill $NIGHT 2>/dev/null'
eventually 600 is_held || fail "The restore did not come to its indexes: $(cat "$T/err")"

for size in 80x24 200x50; do
	SCREEN=s$size screen_start $size "$NF" attach --as ana
	SCREEN=s$size
	wait_text 60 "R next"
	wait_text 60 "tables "
	expect_frame
	screen | grep -qE '[0-9]{4,5} tables: [0-9]+ done' || fail "The pane does not count its tables."
	echo "--- $size"
	screen
	for pid in $(pgrep -P "$(tm list-panes -t "$SCREEN" -F '#{pane_pid}')") $(tm list-panes -t "$SCREEN" -F '#{pane_pid}'); do
		small "$pid" 150000 "seat at $size"
	done
	keys q
done
small "$(engine_pid)" 300000 "engine"
for pid in $(pgrep -P "$(engine_pid)"); do
	small "$pid" 150000 "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | sed 's/.*__job //' | cut -c1-40)"
done
let_go
engine=$(engine_pid)
(while kill -0 "$engine" 2>/dev/null; do rss_kb "$engine" >"$T/rss.new" && mv "$T/rss.new" "$T/rss"; sleep 1; done) &
status=0
wait $NIGHT || status=$?
expect_equal "$status" 0 "the night of many tables ($(tail -n 3 "$T/err"))"
echo "engine at its end: $(cat "$T/rss") kB"
[ "$(cat "$T/rss")" -lt 300000 ] || fail "The engine has grown to $(cat "$T/rss") kB."
expect_equal "$(new_super "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'many%'")" "$TABLES" "tables"
took() { jq -rs --arg s "$1" '[.[] | select(.step == $s)] | (map(select(.kind == "attempt.ended"))[-1].at - map(select(.kind == "attempt.started"))[-1].at) / 1000 | "\($s): \(.) s"' "$(journal)"; }
for step in record-source restore repair count-rows compare; do took $step; done

# Rows, drawn from the whole night.
all=$((TABLES + 27))
for size in 80x24 200x50; do
	began=$(now_ms)
	"$NF" replay --frame $size --view verify "$(journal)" >"$T/frame" 2>"$T/err" || fail "The night cannot be drawn: $(cat "$T/err")"
	echo "--- the whole night drawn in $(($(now_ms) - began)) ms"
	cat "$T/frame"
	expect_exact_width "${size%x*}" "$T/frame"
	expect_file_has "$T/frame" "$all/$all tables equal"
done
began=$(now_ms)
timeout 300 "$NF" rows >"$T/rows" 2>&1 </dev/null || fail "nightferry rows ended with $?: $(tail -n 3 "$T/rows")"
echo "nightferry rows: $(($(now_ms) - began)) ms"
tail -n 2 "$T/rows"
echo "ok  $TABLES tables are across"
