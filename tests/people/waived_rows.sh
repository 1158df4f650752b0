#!/bin/bash
# Rows that differ after the copy: the step fails; a missing table cannot be waived; a difference can, by name and with a
# reason, and the step run again is done; the flip's gate and the report say who waived what; a changed fact revives it.
# What copy.skip_data leaves out is skipped everywhere, and equal nowhere.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../world/rollback.part"

export DEMO_ROWS=5000
world_of_rollback
printf 'copy: {skip_data: [audits]}\n' >>"$CONFIG"
mkdir -p "$NIGHTFERRY_STATE/acme"
# What a rehearsal let pass.
printf '{"night":"r","at_ms":1,"what":"waiver","about":"rows:events","by":"raj","reason":"three of the load test"}\n' >"$NIGHTFERRY_STATE/acme/rehearsed.jsonl"
go_to repair

armed() { screen | head -n 1 | grep -q "ARMED ana"; }

ends() { # N OUTCOME: attempts of count-rows that ended so
	[ "$(events attempt.ended "select(.step == \"count-rows\" and .outcome == \"$2\") | .seq" | wc -l)" -ge "$1" ]
}

run_count() { # OUTCOME: R, until this attempt has ended so
	local n
	n=$(events attempt.ended "select(.step == \"count-rows\" and .outcome == \"$1\") | .seq" | wc -l)
	keys R
	eventually 40 ends $((n + 1)) "$1" || fail "count-rows did not end as $1: $(events attempt.ended 'select(.step == "count-rows")' | tail -n 1)"
}

to_row() { # TABLE: its row in Rows is the selected one
	keys 4
	wait_text 5 " 4 Rows"
	keys g /
	fill_line "$1"
	wait_text 5 "/ $1"
}

world_sql new "ALTER TABLE settings RENAME TO away"
world_sql new "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT 3)"

screen_start 120x40 "$NF" --as ana
wait_text 20 "count-rows"
keys A
eventually 10 armed || fail "The seat was not armed."
run_count failed
expect_frame

# Missing: refused, with what to do.
to_row settings
keys W
wait_text 5 "settings is missing on NEW, and rows that are missing stay missing"
expect_equal "$(events waiver.given 'select(.by == "ana")')" "" "waivers"
echo "ok  a missing table cannot be waived"
world_sql new "ALTER TABLE away RENAME TO settings"
run_count failed

# Three rows fewer are let pass by name, with the reason that the rehearsal offers and more words; a fourth is another
# fact, and nobody has let that pass.
to_row events
keys W
wait_text 5 "waive rows:events, because (waived by raj in the rehearsal)"
wait_text 5 "three of the load test"
expect_equal "$(events waiver.given 'select(.by == "ana")')" "" "waivers of tonight, before Enter and y"
fill_line ", raj saw them"
wait_text 5 "It stands in every later gate"
box_settles
keys y
wait_event 10 waiver.given '.reason == "three of the load test, raj saw them"'
wait_event 10 waiver.given '.about == "rows:events" and .by == "ana"'
world_sql new "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT 1)"
run_count failed
wait_event 10 waiver.fallen '.about == "rows:events"'
echo "ok  another difference revives what was waived"
to_row events
keys W
wait_text 5 "waived by raj in the rehearsal"
keys C-u
fill_line "four of the load test, raj saw them"
wait_text 5 "It stands in every later gate"
box_settles
keys y
wait_event 10 waiver.given '.reason | startswith("four")'
run_count done
seen=$(events attempt.ended 'select(.step == "count-rows" and .outcome == "done") | .seen[] | select(.name == "rows") | .text')
expect_match "$seen" '25/27 tables equal.*, 1 skipped by copy.skip_data, 1 waived' "evidence"
to_row audits
wait_text 5 "skipped"
wait_text 5 "25/27 tables equal"
expect_equal "$(screen | grep -c 'skipped  *audits')" 1 "rows of audits that say skipped"
expect_equal "$(screen | grep -cE 'waived  *events')" 1 "rows of events that say waived"
! screen | grep -qE 'PASS  *(audits|events)' || fail "A skipped or waived table is drawn as equal."
expect_frame
"$NF" report "$(journal)" >"$T/report.md" # the night is open: its status says so
expect_file_has "$T/report.md" "25 of 27 tables equal, 1 skipped by copy.skip_data, 1 waived"
expect_file_has "$T/report.md" "four of the load test"
echo "ok  a difference is waived by name, and a skipped table is skipped"

# The flip's gate shows it, by name.
wait_event 60 attempt.ended '.step == "smoke" and .outcome == "done"'
wait_text 10 "dns-point (asks for a phrase)"
keys R
wait_event 30 gate.opened '.step == "dns-point" and (.seen | any(.name == "rows:events" and .waived and .verdict == "WARN"))'
wait_text 5 "waived by ana"
expect_frame
keys Escape
