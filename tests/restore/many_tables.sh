#!/bin/bash
# Ten thousand tables: the whole copy goes through, the transfer pane stays readable on both sizes of screen, and neither
# the engine nor its step nor the seat grows beyond bounds.
# timeout: 1500
# long
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
TABLES=${TABLES:-10000}
copy_world DEMO_ROWS=2500
freeze_old
password=$(sed -n 's/.*:postgres://p' "$W/postgres/old.pgpass")
PGPASSWORD=$password psql -XAtq "host=127.0.0.1 port=$(sed -E 's,.*:([0-9]+)/.*,\1,' <<<"$OLD_DATABASE_URL") user=postgres sslmode=require dbname=postgres" \
	-c "ALTER SYSTEM SET max_locks_per_transaction = 1024" </dev/null || fail "The old server takes no setting."
"$ROOT/demo/postgres/part" stop "$W" && "$ROOT/demo/postgres/part" start "$W" >"$T/part.log" 2>&1 || fail "The old server did not come back."
for ((i = 0; i < TABLES; i += 500)); do
	world_sql old "DO \$\$ BEGIN FOR i IN $i..$((i + 499)) LOOP EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, t text)', lpad(i::text, 5, '0')); EXECUTE format('INSERT INTO many_%s SELECT g, g::text FROM generate_series(1, 3) g', lpad(i::text, 5, '0')); END LOOP; END \$\$" || fail "The tables could not be made."
done
export NIGHT_SECONDS=1200
book whole record-source capture download wipe-target prepare-target restore repair count-rows
ends 0 whole --until prepare-target
hold_indexes
night whole &
NIGHT=$!
at_end 'kill $NIGHT 2>/dev/null'
eventually 600 is_held || fail "The restore did not come to its indexes: $(cat "$T/err")"

rss_kb() { awk '/^VmHWM/ {print $2}' "/proc/$1/status"; }
for size in 80x24 200x50; do
	SCREEN=s$size screen_start $size "$NF" attach --as ana
	SCREEN=s$size
	wait_text 60 "R next"
	wait_text 60 "tables "
	expect_frame
	screen | grep -qE '[0-9]{4,5} tables: [0-9]+ done' || fail "The pane does not count its tables."
	screen >"$T/pane.$size"
	echo "--- $size"
	screen
	seat=$(tm list-panes -t "$SCREEN" -F '#{pane_pid}')
	for pid in $(pgrep -P "$seat"); do
		expect_match "$(awk -v kb="$(rss_kb "$pid")" 'BEGIN { print kb < 300000 ? "small" : kb }')" small "the seat's memory in kB"
		echo "seat $(rss_kb "$pid") kB"
	done
	keys q
done
for pid in $(engine_pid) $(step_pid); do
	echo "$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-60) $(rss_kb "$pid") kB"
	expect_match "$(awk -v kb="$(rss_kb "$pid")" 'BEGIN { print kb < 400000 ? "small" : kb }')" small "memory in kB of $pid"
done
let_go
status=0
wait $NIGHT || status=$?
expect_equal "$status" 0 "the night of many tables ($(tail -n 3 "$T/err"))"
expect_equal "$(new_super "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'many%'")" "$TABLES" "tables"
echo "ok  $TABLES tables are across"
