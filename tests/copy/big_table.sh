#!/bin/bash
# One table of 5 GB, straight: it goes in pieces by its pages, no process grows with it, the pane stays readable on both
# sizes of screen while it moves, and every row is there.
# timeout: 2400
# alone
# long
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
MB=${BIG_MB:-5120}
copy_world DEMO_ROWS=2500
need_kb=$((MB * 1024 * 5 / 2))
[ "$(df -Pk "$T" | awk 'NR == 2 { print $4 }')" -gt $need_kb ] || fail "There is not room for two tables of $MB MB."
freeze_old
# Four rows a page, and no log: what is filled is a table, and not a disk three times over.
owner=${OLD_DATABASE_URL#*://}
old_super "CREATE UNLOGGED TABLE public.big (id bigint, grp int, t text)" >/dev/null
for ((i = 0; i < MB; i += 256)); do
	old_super "INSERT INTO public.big SELECT $i * 512::bigint + g, g % 1000, repeat(md5(g::text), 60) FROM generate_series(1, 256 * 512) g" >/dev/null ||
		fail "The table could not be filled."
done
old_super "ALTER TABLE public.big OWNER TO \"${owner%%:*}\"; ALTER TABLE public.big ADD PRIMARY KEY (id); ANALYZE public.big" >/dev/null
size=$(old_super "SELECT pg_relation_size('public.big') / 1024 / 1024")
[ "$size" -ge "$MB" ] || fail "The table has $size MB only."
echo "the table has $size MB"

book big record-source wipe-target prepare-target stream count-rows
ends 0 big --until prepare-target
export NIGHT_SECONDS=1800
night big --yes stream=shop_production &
run=$!
at_end 'kill $run 2>/dev/null'
tenth() { have_sample '.table == "big" and (.bytes | tonumber) > '$((size * 1024 * 100)); }
have_sample() { jq -e "select(.kind == \"transfer.table\" and $1)" "$(dirname "$(journal)")/trace.jsonl"; }
eventually 600 tenth || fail "The table does not come across: $(cat "$T/err")"
at_once() { [ "$(new_super "SELECT count(*) FROM pg_stat_progress_copy WHERE relid = to_regclass('public.big')")" -ge 2 ]; }
eventually 60 at_once || fail "The table does not go in several pieces at once."
tells_pace() { screen | grep -qE 'big +[0-9.,M]+ .*[0-9]+% [0-9.]+ [MG]B/s'; }
look() {
	for screen in 80x24 200x50; do
		SCREEN=s$screen screen_start $screen "$NF" attach --as ana
		SCREEN=s$screen
		wait_text 60 "R next"
		keys 3
		wait_text 60 "big"
		expect_frame
		eventually 30 tells_pace || fail "The pane does not tell how fast the table comes."
		echo "--- $screen"
		screen
		keys q
	done
}
look
pids=$(worker)
peaks() { for pid in $pids $(pgrep -P "$pids"); do awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null; done; }
over() { peaks >"$T/peaks.now"; [ ! -s "$T/peaks.now" ] || mv "$T/peaks.now" "$T/peaks"; ! kill -0 "$run" 2>/dev/null; }
eventually 1700 over || fail "The night does not end."
status=0
wait "$run" || status=$?
expect_equal "$status" 0 "the night ($(tail -n 3 "$T/err"))"
echo "peaks of worker and lanes in kB: $(paste -sd' ' "$T/peaks")"
[ "$(sort -n "$T/peaks" | tail -n 1)" -lt 150000 ] || fail "A process of the copy grew with the table: $(cat "$T/peaks") kB."
result=$(cat "$(events fact 'select(.name == "stream-started") | .data.base' | tail -n 1 | tr -d '"').log" | jq -c 'select(.kind == "result")')
echo "$result"
expect_equal "$(new_super "SELECT count(*) || ' ' || sum(id) || ' ' || sum(grp) FROM public.big")" \
	"$(old_super "SELECT count(*) || ' ' || sum(id) || ' ' || sum(grp) FROM public.big")" "the rows"
echo "ok  a table of $size"
