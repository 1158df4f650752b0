#!/bin/bash
# Kills engine and step at every record, before and after it, starts again, and finds that the night finishes, nothing
# is done twice, nothing is lost, and the journal holds.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
cat >"$T/small.yml" <<'YML'
name: small
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: stop}}
      - {id: tell, do: manual, with: {card: "Tell support."}}
YML
api() { # METHOD PATH BODY
	curl -sS -o "$T/answer" -X "$1" -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' \
		"$HEROKU_HOST/apps/$HEROKU_APP$2" -d "$3"
}

dynos_up() {
	api GET /dynos '' && [ "$(jq '[.[] | select(.type != "run" and .state == "up")] | length' "$T/answer")" = 3 ]
}

reset_world() {
	api PATCH '' '{"maintenance":false}'
	api PATCH /formation '{"updates":[{"type":"web","quantity":2},{"type":"worker","quantity":1}]}'
	eventually 20 dynos_up || fail "The dynos did not come back: $(cat "$T/answer")"
	rm -rf "$NIGHTFERRY_STATE"
	: >"$W/heroku/requests.log"
}

count() { # REGEX: requests the fake Heroku has seen
	grep -cE "$1" "$W/heroku/requests.log"
}

night() {
	"$NF" run --playbook "$T/small.yml" --yes maintenance-on=acme-production --yes scale-to-zero=acme-production --done tell=told
}

dies_at() { # POINT
	reset_world
	local status=0
	NIGHTFERRY_DIE_AT=$1 night >"$T/first" 2>&1 </dev/null || status=$?
	case $1 in
	*@engine*) [ $status = 137 ] || fail "$1: the engine did not die there but ended with $status: $(tail -n 5 "$T/first")" ;;
	*) [ $status = 1 ] || [ $status = 0 ] || fail "$1: the engine ended with $status: $(tail -n 5 "$T/first")" ;;
	esac
	# A step that died is taken up by the same command; what it could not prove is looked at, never guessed.
	if [ $status != 0 ]; then
		# the dead engine's step goes on to its next record; the new one waits for it by its lock
		night >"$T/second" 2>&1 </dev/null || fail "$1: the second run failed: $(tail -n 5 "$T/second")"
	fi
	expect_equal "$(count 'PATCH /apps/acme-production 200')" 1 "$1: PATCHes of maintenance"
	expect_equal "$(count 'PATCH /apps/acme-production/formation 200')" 1 "$1: PATCHes of the formation"
	expect_equal "$(events fact 'select(.name == "formation") | .data.web.quantity' | sort -u | tr '\n' ' ')" "2 " "$1: recorded formation"
	"$NF" verify "$(journal)" >"$T/verify" || fail "$1: $(cat "$T/verify")"
	"$NF" report --format json "$(journal)" >"$T/report.json" || fail "$1: the report says $(jq .verdict "$T/report.json")"
	expect_equal "$(jq -r '[.steps[].state] | join(" ")' "$T/report.json")" "done done byhand" "$1: steps"
	echo "ok  $1"
}

for point in night.opened@engine engine.started@engine step.state@engine gate.opened@engine gate.passed@engine \
	attempt.started@engine fact:maintenance@engine fact:formation@engine attempt.ended@engine step.byhand@engine \
	fact:maintenance@step:before fact:maintenance@step fact:formation@step:before fact:formation@step; do
	dies_at "$point"
done
