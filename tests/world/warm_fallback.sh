#!/bin/bash
# The warm way that cannot be gone to its end: a migration came in between, and the last delta refuses in the middle of the
# window. The page stays up, NEW is emptied and copied again as a whole, by the same steps and gates, and in the end every table
# is equal.
# timeout: 900
# long
. "$(dirname "${BASH_SOURCE[0]}")/warm_lib.sh"
warm_world 20000

ends 0 --until delta-live
world_sql old "ALTER TABLE coupons ADD COLUMN late int DEFAULT 7"
ends 1
expect_match "$(cat "$T/err")" "table coupons were changed on OLD since it was copied.*backup way" "the refusal"
expect_equal "$(events fact 'select(.name == "maintenance") | .data.set' | tail -n 1)" true "the maintenance page"
echo "ok  the delta refuses in the middle of the window"

ends 0 --again wipe-target
J=$(journal)
"$NF" report --format json "$J" >"$T/report.json" || fail "The report does not say done: $(cat "$T/report.json")"
jq -e '.playbook == "heroku-to-kamal-warm" and .verdict == "done"' "$T/report.json" >/dev/null || fail "$(jq '{playbook, verdict}' "$T/report.json")"
expect_equal "$(events attempt.ended 'select(.step == "warm-copy") | .outcome' | tr '\n' ' ')" '"done" "done" ' "the copies"
expect_equal "$(events rows.compared '{tables, equal, content}' | tail -n 1)" '{"tables":27,"equal":27,"content":true}' "the proof"
expect_equal "$(world_sql new "SELECT count(*) FROM coupons WHERE late = 7")" "$(world_sql old "SELECT count(*) FROM coupons")" "the new column's rows"
[ "$(world_sql old "SELECT count(*) FROM coupons")" -gt 0 ] || fail "There are no coupons to tell by."
echo "ok  copied again behind the page: every table equal, down for $(jq .downtime_s "$T/report.json") s"
