#!/bin/bash
# The warm night without a screen, the shop open until the freeze: copied live, two deltas, every table proved equal, and
# pg_dump of both sides says the same. The worker is killed in the middle of the copy and of the delta before; what a delta
# must not touch it refuses.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/warm_lib.sh"
DEMO_ROWS=${WARM_ROWS:-60000}
warm_world "$DEMO_ROWS"

worker() { # VERB: the pid of this world's newest one, once it runs
	local pid
	pid=$(cat "$(events fact "select(.name == \"$1-started\") | .data.base" | tail -n 1 | tr -d '"').pid" 2>/dev/null) &&
		[ "$(ps -o comm= -p "$pid")" = nightferry ] && echo "$pid"
}

# ---- the worker dies in the middle: no warm copy, and the next attempt needs no hand, whatever it finds there ----
# A name on NEW that an open transaction holds keeps it at the keys of a table: what is killed is sure to be at work.
ends 0 --until wipe-target
coproc HOLD { psql -XAtq "$NEW_DATABASE_URL" 2>&1; }
echo "BEGIN; CREATE TABLE public.events_pkey (); SELECT 'held';" >&"${HOLD[1]}"
read -r -t 60 said <&"${HOLD[0]}" || fail "Nothing could be held on NEW."
expect_equal "$said" held "the name on NEW"
(
	eventually 100 worker warm || exit 1
	kill -KILL "$(worker warm)"
) &
killer=$!
ends 1 --until warm-copy
wait $killer || fail "No worker was seen to run."
echo "ROLLBACK; \\q" >&"${HOLD[1]}"
expect_match "$(events attempt.ended 'select(.step == "warm-copy") | .text' | tail -n 1)" "ended badly|without a word" "what is said of it"
expect_equal "$(world_sql new "SELECT count(*) FROM pg_class WHERE relname = 'warm_table' AND to_regclass('nightferry.unfinished_stream') IS NULL")" 0 "a warm copy that is none"
! worker warm >/dev/null || fail "A worker still runs."
echo "ok  a killed copy"

# ---- the shop is open: copied, and brought up to date once ----
ends 0 --until delta-live
expect_equal "$(world_sql new "SELECT count(*) > 20 FROM nightferry.warm_table")" t "the state of the copy"
[ "$(events fact 'select(.name == "delta") | .data.changed')" -gt 0 ] || fail "The shop is open, and the live delta found nothing."

# ---- a schema that was changed is refused, with the way out; as it was, it goes on ----
world_sql old "ALTER TABLE coupons ADD COLUMN late int"
ends 1 --until delta
expect_match "$(cat "$T/err")" "table coupons were changed on OLD since it was copied.*backup way" "the refusal"
world_sql old "ALTER TABLE coupons DROP COLUMN late"
echo "ok  a changed schema is refused"

# ---- the worker dies in the middle of the last delta: each table is as it was or as it shall be, and it is run again ----
ends 0 --until record-source
coproc HOLD { psql -XAtq "$NEW_DATABASE_URL" 2>&1; }
echo "BEGIN; LOCK TABLE public.events IN ROW EXCLUSIVE MODE; SELECT 'held';" >&"${HOLD[1]}"
read -r -t 60 said <&"${HOLD[0]}" || fail "Nothing could be held on NEW."
expect_equal "$said" held "the table on NEW"
waits() { [ "$(world_sql new "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ShareRowExclusiveLock' AND relation = 'public.events'::regclass")" -gt 0 ]; }
(
	eventually 100 waits || exit 1
	kill -KILL "$(worker delta)"
) &
killer=$!
ends 1 --until delta
wait $killer || fail "No delta was seen to wait."
echo "ROLLBACK; \\q" >&"${HOLD[1]}"
expect_match "$(events attempt.ended 'select(.step == "delta") | .text' | tail -n 1)" "ended badly|without a word" "what is said of the delta"
echo "ok  a killed delta"

# ---- the night ----
ends 0
J=$(journal)
"$NF" report --format json "$J" >"$T/report.json" || fail "The report does not say done: $(cat "$T/report.json")"
jq -e '.playbook == "heroku-to-kamal-warm" and .verdict == "done"' "$T/report.json" >/dev/null || fail "$(cat "$T/report.json")"
expect_equal "$(events rows.compared '{tables, equal, content, step}' | head -n 1)" \
	'{"tables":27,"equal":27,"content":true,"step":"delta"}' "the proof"
expect_match "$(events fact 'select(.name == "delta") | .data | {live, tables, equal, replaced}' | tail -n 1)" '"live":false' "the last delta"
expect_match "$(events transfer.ended 'select(.stage == "delta") | .text' | tail -n 1)" "removed, .* copied again; OLD's vacuum held back" \
	"what the pane says"
expect_equal "$(world_sql new "SELECT count(*) FROM pg_namespace WHERE nspname = 'nightferry'")" 0 "our schema after the night"
# No proof was measured before: what is foretold says from which reading.
grep -q '"stage":"delta".*window so far [0-9:]*, projected [0-9:]* (at [0-9]' "$(dirname "$J")/trace.jsonl" ||
	fail "The pane does not say when the window will end: $(grep -o '"stage":"delta".*"text":"[^"]*' "$(dirname "$J")/trace.jsonl" | tail -n 2)"
! grep -rqF "${NEW_DATABASE_URL#*://}" "$NIGHTFERRY_STATE" || fail "The database's address is in the night's folder."
echo "ok  a warm night, down for $(jq .downtime_s "$T/report.json") s"
