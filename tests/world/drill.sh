#!/bin/bash
# One night with five faults in it, without a screen: each is noticed, each is over, nothing was done twice, no row is
# lost, and the card says so on the screen, as JSON, in the journal and in the report. Then what a drill refuses, and one
# that is broken off: nothing of its world is left.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
export TMPDIR=$T DEMO_ROWS=10000

# ---- what is typed ----

expect_status 2 "$NF" drill con-drop
expect_match "$OUTPUT" 'there is no fault "con-drop"; there are api-500, ' "an unknown fault"
expect_status 2 "$NF" drill conn-drop@nowhere
expect_match "$OUTPUT" 'no step "nowhere"; its steps are preflight' "an unknown step"
expect_status 2 "$NF" drill conn-drop --seed 3
expect_status 2 "$NF" drill --seed three
expect_status 0 "$NF" drill --list
[ "$(wc -l <<<"$OUTPUT")" -ge 20 ] || fail "Not twenty faults: $OUTPUT"

# ---- the night ----

status=0
timeout 250 "$NF" drill answer-lost,writer,url-dead,conn-drop,row-changed --until compare --headless --json "$T/card.json" >"$T/out" 2>"$T/err" </dev/null ||
	status=$?
[ $status = 0 ] || fail "The drill ended with $status: $(tail -n 60 "$T/out" "$T/err")"
sed -n '/^DRILL/,$p' "$T/out"
expect_file_has "$T/out" "DRILL PASSED: 5 of 5 faults noticed and recovered from"
journal=$(tail -n 1 "$T/out" | awk '{print $NF}')
[ -f "$journal" ] || fail "The last word of the last line is no file: $(tail -n 1 "$T/out")"
card() { # JQ WHAT
	jq -e "$1" "$T/card.json" >/dev/null || fail "$2: $(cat "$T/card.json")"
}
card '.passed and .equal and .judge == "equal" and .night_done and .tables == .tables_equal and .tables == 27' "the card's head"
card '[.faults[] | select(.verdict != "passed" or .noticed.after_ms < 0 or .recovered.after_ms < .noticed.after_ms)] == []' "the faults"
card '[.faults[] | .fault] == ["answer-lost", "writer", "url-dead", "conn-drop", "row-changed"]' "their order"
# What a person had to decide, and what the cockpit mends by itself.
card '[.faults[] | select(.fault == "row-changed") | .decided.text] == ["runs count-rows"]' "who decided"
card '[.faults[] | select(.decided != null) | .fault] - ["row-changed", "conn-drop"] == []' "what needs nobody"
"$NF" verify "$journal" >"$T/verify" || fail "$(cat "$T/verify")"
expect_equal "$(jq -c 'select(.kind == "drill.card") | .faults' "$journal")" "$(jq -c .faults "$T/card.json")" "the card in the journal"
"$NF" report --format json "$journal" | jq -e '.drill.passed' >/dev/null || fail "The report knows nothing of the drill."
"$NF" report "$journal" >"$T/report.md"
expect_file_has "$T/report.md" "## Drill"
# The answer was lost after the act: one request, and no second one.
expect_equal "$(jq -r 'select(.kind == "command.seen") | .text' "$(dirname "$journal")/trace.jsonl" | grep -c 'PATCH /apps/acme-production/formation')" 1 "changes of the formation"
[ -z "$(find "$T" -maxdepth 1 -name 'nf-demo-*')" ] || fail "The world is still there: $(ls "$T")"

# ---- broken off ----

rm -rf "$NIGHTFERRY_STATE"
"$NF" drill backup-stuck --headless >"$T/out" 2>"$T/err" </dev/null &
pid=$!
at_end 'kill $pid 2>/dev/null'
begun() { grep -qs '"attempt.started"' "$(journal)"; }
eventually 60 begun || fail "The night did not begin: $(cat "$T/out" "$T/err")"
kill -INT $pid
status=0
wait $pid || status=$?
expect_equal $status 3 "the exit status of a drill that was stopped ($(tail -n 20 "$T/out" "$T/err"))"
expect_file_has "$T/out" "stopped by a person"
expect_file_has "$T/out" "its moment never came: the night did not get to"
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
[ -z "$(find "$T" -maxdepth 1 -name 'nf-demo-*')" ] || fail "The world of a drill that was stopped is still there."
