#!/bin/bash
# T in the Writers panel ends exactly the session that stood there: by process and begin, at a gate that asks y, also
# while the night waits for quiet; a process that is another session by now is left alone.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
cat >"$T/wait.yml" <<'YML'
name: wait
phases:
  - phase: freeze
    steps:
      - {id: quiet, do: wait-quiet, with: {for: 300s}}
YML
sed -i '/^playbook:/d; /^steps:/,/^[^ ]/{/^steps:/d; /^ /d}' "$CONFIG"
echo "playbook: $T/wait.yml" >>"$CONFIG"

# A writer that would hold its transaction for ever.
PGAPPNAME=stayer world_sql old "BEGIN; CREATE TABLE IF NOT EXISTS stays (n int); INSERT INTO stays VALUES (1); SELECT pg_sleep(1000)" \
	>"$T/writer" 2>&1 &
writer=$!
at_end "kill $writer 2>/dev/null"

session() { # COLUMN
	world_sql old "SELECT $1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1000)%' AND pid <> pg_backend_pid()"
}
has_session() { # WHO
	[ "$(world_sql old "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1'")" != 0 ]
}
writes() { [ -n "$(session pid)" ]; }
eventually 10 writes || fail "The writer did not connect: $(cat "$T/writer")"
pid=$(session pid)
start=$(session '(extract(epoch FROM backend_start) * 1000)::bigint')

screen_start 100x30 "$NF" start --as ana
wait_text 30 "quiet"
keys A
wait_text 10 "ARMED ana"
keys R
wait_event 20 attempt.started '.step == "quiet"'

# Another seat cannot end it: not the driver. Nor is a process ended whose begin is not the one that was seen.
socket=$(dirname "$(journal)")/seat.sock
said=$(printf '%s\n' '{"t":"hello","proto":1,"name":"bea"}' \
	"{\"t\":\"cmd\",\"cmd\":\"end-session\",\"pid\":$pid,\"start_ms\":$start}" | timeout 5 socat -t 2 - "UNIX:$socket" | grep said)
expect_match "$said" "only the driver" "what an onlooker is told"

# Panel 6: rows come and go there, the search finds the one that is meant, and it stays the one.
keys 6
wait_event 20 writers.seen '[.writers[].who] | index("stayer") != null'
wait_text 20 "stayer"
# Its transaction is open, so no counter knows of its row; two that write to one table are not told apart. All three write.
for who in pair_a pair_b; do
	printf "SET client_min_messages = error;\nCREATE TABLE IF NOT EXISTS both_write (n int);\nINSERT INTO both_write VALUES (1) \\\\watch 0.2\n" |
		PGAPPNAME=$who psql -XAtq "$OLD_DATABASE_URL" >/dev/null 2>&1 &
	at_end "kill $! 2>/dev/null"
	eventually 10 has_session $who || fail "$who did not connect."
done
wait_event 20 writers.seen '[.writers[] | select(.who == "stayer" and .writes)] != []'
wait_event 30 writers.seen '[.writers[] | select(.who | startswith("pair_")) | select(.writes and .rows == -1 and .table == "both_write")] | length == 2'
keys z
wait_text 10 "shared"
wait_text 10 "stayer"
keys z
keys /
fill_line stayer
wait_text 5 "/ stayer"
keys T
wait_text 20 "ENDS A SESSION"
wait_text 5 "stayer from 127.0.0.1"
[ -n "$(session pid)" ] || fail "The session was ended before anybody said y."
box_settles
keys y
wait_event 20 attempt.ended '.step == "end-session" and .outcome == "done"'
[ -z "$(session pid)" ] || fail "The session is still there."
# The step that waits has waited on.
expect_equal "$("$NF" status --json | jq -r '.steps[] | select(.id == "quiet") | .state')" running "the waiting step"

expect_equal "$(events gate.opened 'select(.step == "end-session") | .level' | sort -u)" '"yes"' "its gate"
expect_equal "$(events fact 'select(.name == "session-ended") | .data.start_ms')" "\"$start\"" "the recorded session"
keys X
wait_text 5 "CANCEL"
box_settles
keys y
wait_event 20 attempt.ended '.step == "quiet" and .outcome == "cancelled"'
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
