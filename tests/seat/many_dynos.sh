#!/bin/bash
# An app of 120 dynos, each a process of our Heroku: the pane at 80x24 and 200x50 counts them all; a step takes the whole
# formation to zero, and none of the processes is left.
# timeout: 300
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000
cat >"$T/many.yml" <<'YML'
name: many
phases:
  - phase: freeze
    steps:
      - {id: scale-to-zero, do: scale, with: {all: 0}}
      - {id: look, do: manual, with: {card: "Look at it."}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/many.yml" >>"$CONFIG"

api() { # PATH [CURL...]
	curl -sf -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' "${@:2}" "$HEROKU_HOST/apps/acme-production$1"
}
dynos_up() { # N: of the formation
	[ "$(api /dynos | jq '[.[] | select(.state == "up" and (.type == "web" or .type == "worker"))] | length')" = "$1" ]
}
processes() { # that were started as dynos, by what only a dyno has
	grep -lzx "HOME=$W/heroku" /proc/[0-9]*/environ 2>/dev/null | wc -l
}
none_left() {
	[ "$(processes)" = 0 ]
}

api /formation -X PATCH -o "$T/patched" -d '{"updates":[{"type":"web","quantity":100},{"type":"worker","quantity":20}]}' ||
	fail "Our Heroku does not scale to 120."
eventually 120 dynos_up 120 || fail "They do not come up: $(api /dynos | jq -c '[.[].state] | group_by(.) | map([.[0], length])')"
[ "$(processes)" -ge 120 ] || fail "120 dynos are $(processes) processes."

counted() { # REGEX: one line of the screen is like it
	screen | grep -qE -- "$1"
}
screen_start 80x24 "$NF" --as ana
wait_text 60 "R next"
keys 2
eventually 60 counted "web +Standard-1X +100 +100 +100 up" || fail "The pane does not count 100 of web: $(screen)"
eventually 20 counted "worker +Standard-1X +20 +20 +20 up" || fail "The pane does not count 20 workers: $(screen)"
expect_frame
resize 200x50
eventually 20 counted "web +Standard-1X +100 +100 +- +100 up" || fail "200x50 does not count 100 of web: $(screen)"
expect_frame 200x50
echo "ok  120 dynos in the pane, at 80x24 and 200x50"

resize 100x30
# No key counts for a moment after a resize.
sleep 0.35
keys A
wait_text 10 "ARMED"
sleep 0.35
keys R
wait_text 30 "STOPS ALL DYNOS"
wait_text 10 "web 100 Standard-1X"
sleep 0.35
keys y
wait_event 120 attempt.ended '.step == "scale-to-zero" and .outcome == "done"'
expect_equal "$(api /dynos | jq length)" 0 "dynos after the step"
eventually 20 none_left || fail "Processes of dynos are left."
eventually 30 counted "web +Standard-1X +0 +0" || fail "The pane does not show that web is at 0: $(screen)"
echo "ok  none of the 120 is left"
keys q
wait_end 10
timeout 20 "$NF" stop --config "$CONFIG" >"$T/stop" 2>&1 </dev/null || fail "$(cat "$T/stop")"
