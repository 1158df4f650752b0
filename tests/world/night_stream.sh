#!/bin/bash
# The night without a backup, whole and without a screen, with objects of every kind in the old database and the shop open
# until the freeze: the copy runs on the new host, pg_dump says the same of both sides, count-rows agrees, and the night
# goes on to its end.
. "$(dirname "${BASH_SOURCE[0]}")/../copy/copy_lib.sh"
world_start DEMO_ROWS="${STREAM_ROWS:-30000}"
sed -i 's/^  quiet: .*/  quiet: {for: 3s}/; s/^  quiet-10m: .*/  quiet-10m: {for: 5s}/' "$CONFIG"
echo "playbook: heroku-to-kamal-stream" >>"$CONFIG"
old_objects

# shellcheck disable=SC2317
night() { # run's own options
	timeout 200 "$NF" run --quiet \
		--yes wipe-target=shop_production --waive "wipe-target:rows=rows of db:seed" --yes stream=shop_production \
		--yes pause-backups=postgresql-cubed-41827 --yes maintenance-on=acme-production --yes scale-to-zero=acme-production --yes dns-point=acme-production \
		--done "freeze-deploys=nobody deploys" --done "webhooks=no webhook" "$@" >"$T/out" 2>"$T/err" </dev/null
}

ends 0 --until count-rows
same_dumps
expect_equal "$(events fact 'select(.name == "restored-by-us") | .data.by' | tail -n 1)" '"stream"' "who has copied"
expect_equal "$(events fact 'select(.name == "stream-started") | .data.here' | tail -n 1)" false "the copy ran on the host"
# No trigger has fired while rows came, and nothing of ours is left in NEW or running on the host.
expect_equal "$(new_super "SELECT count(*) FROM zoo.fired")" "$(old_super "SELECT count(*) FROM zoo.fired")" "rows that a trigger would have made"
expect_equal "$(new_super "SELECT count(*) FROM pg_namespace WHERE nspname = 'nightferry'")" 0 "our schema in NEW"
expect_equal "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy'")" 0 "sessions of the copy"
# What the gate said of the way was measured, and so will the next night's estimate be.
expect_match "$(events gate.opened 'select(.step == "stream") | .plan.seen' | tail -n 1)" \
	"OLD → .* → NEW, [0-9.]+ [kM]?B/s measured with one session: the bytes do not pass this machine" "the way of the bytes"
[ "$(events fact 'select(.name == "streamed") | .data.ms' | tr -d '"')" -gt 0 ] || fail "How long it took is not known to the next night."
echo "ok  copied, and pg_dump says the same of both"

ends 0
J=$(journal)
"$NF" report --format json "$J" >"$T/report.json" || fail "The report does not say done: $(cat "$T/report.json")"
has() { # JQ-CONDITION WHAT
	jq -e "$1" "$T/report.json" >/dev/null || fail "$2: $(jq -c "${3:-.}" "$T/report.json")"
}
has '.playbook == "heroku-to-kamal-stream" and .verdict == "done"' "head of the report" '{playbook, verdict}'
has '[.steps[] | select(.state != "done" and .state != "byhand")] == []' "steps that are not done" '[.steps[] | select(.state != "done")]'
has '(.tables | length) > 27 and [.tables[] | select(.verdict != "PASS" or .source_rows != .target_rows)] == []' "tables that differ" \
	'[.tables[] | select(.verdict != "PASS")]'
has '(.checks | length) > 5 and ([.checks[] | select(.verdict == "FAIL" or .verdict == "UNKNOWN")] == [])' "checks" '[.checks[] | {name, verdict}]'
! grep -q '"kind":"fact".*"name":"\(backup\|dump\)"' "$J" || fail "A backup was taken in a night without one."
no_secrets
echo "ok  a night without a backup, down for $(jq .downtime_s "$T/report.json") s"
