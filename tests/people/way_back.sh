#!/bin/bash
# B in a seat: the price first, then a phrase, then each step of the way back by R with its own gate; what was looked at
# and left changes nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
cat >"$T/night.yml" <<'YML'
name: way-back
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: stop}}
      - {id: tell, do: manual, with: {card: "Tell support."}}
rollback:
  - {id: back-export, do: export-new-rows}
  - {id: back-scale, do: scale, with: {to: recorded}}
  - {id: back-maintenance, do: maintenance, with: {state: disabled}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/night.yml" >>"$CONFIG"

phrase() { # STEP: types what its newest gate asks for, as fingers do
	local text
	wait_event 15 gate.opened ".step == \"$1\""
	text="acme-production $(events gate.opened "select(.step == \"$1\") | .tag" | tail -n 1 | tr -d '"')"
	wait_text 5 "${text##* }"
	box_settles
	hands "$text"
	wait_event 15 gate.passed ".step == \"$1\" and .how == \"phrase\""
}

"$NF" run --quiet --yes maintenance-on=acme-production --yes scale-to-zero=acme-production --until scale-to-zero >"$T/run" 2>&1 ||
	fail "The night did not begin: $(cat "$T/run")"

screen_start 100x30 "$NF" --as ana
wait_text 20 "H hold"
keys A
wait_text 10 "ARMED ana"

# Looked at, and left: Esc does nothing, and no gate was opened for it.
keys B
wait_text 5 "FREE: the new app has not run on this copy"
wait_text 5 "back-export"
box_settles
keys Escape
wait_gone 5 "FREE: the new app"
expect_equal "$(events gate.opened 'select(.step == "way-back") | .seq' | wc -l)" 0 "gates of the way back after Esc"

keys B
wait_text 5 "FREE: the new app has not run on this copy"
box_settles
keys y
phrase way-back
wait_event 10 night.turned
box_settles

# R runs the export, which has no gate; the next step waits for its own R.
keys R
wait_event 20 attempt.ended '.step == "back-export" and .outcome == "done"'
box_settles
keys R
wait_event 20 gate.opened '.step == "back-scale" and .level == "yes"'
wait_text 5 "back-scale"
box_settles
keys y
wait_event 40 attempt.ended '.step == "back-scale" and .outcome == "done"'
box_settles
keys R
phrase back-maintenance
wait_event 30 attempt.ended '.step == "back-maintenance" and .outcome == "done"'
wait_event 10 night.closed '.verdict == "rolled-back"'
wait_text 10 "rolled-back"
keys q
wait_end 10
expect_status 3 "$NF" status
expect_equal "$(curl -sS -H "Authorization: Bearer $HEROKU_API_KEY" "$HEROKU_HOST/apps/$HEROKU_APP" | jq .maintenance)" false "maintenance"
