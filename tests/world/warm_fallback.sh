#!/bin/bash
# The warm way that cannot be gone to its end: a migration came in between, and the last delta refuses in the middle of the
# window. The page stays up, NEW is emptied and copied again as a whole, by the same steps and gates, and in the end every table
# is equal.
# timeout: 900
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=20000
sed -i 's/^  quiet: .*/  quiet: {for: 3s}/; s/^  quiet-10m: .*/  quiet-10m: {for: 5s}/' "$CONFIG"

night() { # run's own options
	timeout 400 "$NF" run --quiet \
		--yes wipe-target=shop_production --waive "wipe-target:rows=rows of db:seed" --yes warm-copy=shop_production \
		--yes delta-live=shop_production --yes maintenance-on=acme-production --yes scale-to-zero=acme-production \
		--yes delta=shop_production  --yes dns-point=acme-production \
		--done "freeze-deploys=nobody deploys" --done "webhooks=no webhook" "$@" >"$T/out" 2>"$T/err" </dev/null
}
ends() { # STATUS OPTIONS...
	local wanted=$1 status=0
	shift
	night "$@" || status=$?
	expect_equal "$status" "$wanted" "exit status of run $* ($(tail -n 4 "$T/err" "$T/out"))"
}

echo "playbook: heroku-to-kamal-warm" >>"$CONFIG"
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
