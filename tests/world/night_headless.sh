#!/bin/bash
# The whole night without a screen, as `make demo HEADLESS=1` plays it: every step done, every table equal (the worker
# wrote until the freeze), the journal as the last word of the last line, and nothing of the world left behind.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch

status=0
"$NF" demo --headless >"$T/out" 2>"$T/err" </dev/null || status=$?
[ $status = 0 ] || fail "The demo ended with $status: $(tail -n 15 "$T/err" "$T/out")"
journal=$(tail -n 1 "$T/out" | awk '{print $NF}')
[ -f "$journal" ] || fail "The last word of the last line is no file: $(tail -n 1 "$T/out")"

"$NF" verify "$journal" >"$T/verify" || fail "$(cat "$T/verify")"
"$NF" report --format json "$journal" >"$T/report.json" || fail "The report does not say done: $(cat "$T/report.json")"
has() { # JQ-CONDITION WHAT
	jq -e "$1" "$T/report.json" >/dev/null || fail "$2: $(jq -c "${3:-.}" "$T/report.json")"
}
has '.app == "acme" and .playbook == "heroku-to-kamal" and .verdict == "done"' "head of the report" '{app, playbook, verdict}'
has '(.started_at | fromdate) < (.ended_at | fromdate)' "times" '{started_at, ended_at}'
has '.downtime_s > 0 and .downtime_s < 300' "downtime" .downtime_s
has '[.steps[] | select(.state != "done" and .state != "byhand")] == []' "steps that are not done" '[.steps[] | select(.state != "done")]'
has '[.steps[].id] | length >= 20' "all steps of the playbook" '[.steps[].id]'
has '[.steps[] | select(.gate != "none" and .gate != "yes") | .id] | contains(["dns-point"])' "typed gates" '[.steps[] | {id, gate}]'
has '(.tables | length) == 27' "number of tables" '[.tables[].name]'
has '[.tables[] | select(.verdict != "PASS" or .source_rows != .target_rows)] == []' "tables that differ" '[.tables[] | select(.verdict != "PASS")]'
has '([.tables[].source_rows] | add) > 50000' "rows written until the freeze" '[.tables[].source_rows] | add'
has '(.checks | length) > 5 and ([.checks[] | select(.verdict == "FAIL" or .verdict == "UNKNOWN")] == [])' "checks" '[.checks[] | {name, verdict}]'

# Every event is one line, and the night is told in them.
grep -q 'attempt.ended.*dns-point.*outcome=done' "$T/out" || fail "The flip is not among the events."
grep -q 'traffic.first' "$T/out" || fail "The first public answer of the new side is not among the events."
"$NF" report "$journal" >"$T/report.md" || fail "The Markdown report failed."
expect_file_has "$T/report.md" "27 of 27 tables equal"
