#!/bin/bash
# A seat that is killed at a gate, and one that is killed when its step has begun: the night goes on without them, nothing
# is done twice, and whoever comes next sees what the one sees who sat there all the time.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start DEMO_ROWS=5000
cat >"$T/small.yml" <<'YML'
name: small
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: tell, do: manual, with: {card: "Tell support."}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/small.yml" >>"$CONFIG"

patches() {
	grep -cE 'PATCH /apps/acme-production 200' "$W/heroku/requests.log"
}

engine_lives() { # WHEN
	kill -0 "$ENGINE" || fail "The engine has ended $1."
	expect_equal "$(events engine.started .seq | wc -l)" 1 "engines $1"
}

killed() { # WHEN
	wait_end 15
	expect_equal "$(screen_status)" 137 "the seat $1"
	engine_lives "$1"
}

arm() {
	keys A
	wait_text 10 "ARMED ana"
}

# ---- at the gate ----

screen_start 120x30 env NIGHTFERRY_DIE_AT=gate.opened@seat "$NF" --as ana
wait_text 20 "R next"
ENGINE=$(events engine.started .pid)
arm
SCREEN=stays screen_start 120x30 "$NF" attach --as bea --observer
SCREEN=stays wait_text 10 "H hold"
keys R
killed "that died at a gate"
wait_event 5 seat.left '.name == "ana"'
wait_event 5 wheel.lost '.name == "ana"'
expect_equal "$(patches) $(events gate.passed .seq | wc -l)" "0 0" "changes and passed gates"
echo "ok  a seat dies at a gate"

# ---- when the step has begun ----

SCREEN=second screen_start 120x30 env NIGHTFERRY_DIE_AT=attempt.started@seat "$NF" attach --as ana
SCREEN=second
wait_text 20 "y does it."
box_settles
keys y
sleep 0.3
expect_equal "$(events gate.passed .seq | wc -l)" 0 "gates passed by a seat that came back and is not armed"
keys Escape
wait_event 10 gate.closed
arm
keys R
wait_text 15 "y does it."
box_settles
keys y
killed "that died when its step had begun"
wait_event 30 attempt.ended '.step == "maintenance-on" and .outcome == "done"'
expect_equal "$(patches) $(events attempt.started .seq | wc -l)" "1 1" "changes and attempts"
echo "ok  a seat dies when its step has begun"

# ---- who comes next ----

SCREEN=third screen_start 120x30 "$NF" attach --as bea --observer
steps() { # the playbook as this screen shows it, without ages
	SCREEN=$1 screen | grep -oE '[0-9] (maintenance-on|tell)[^│|]*' | sed -E 's/[0-9]+ (s|min|ms)\b//g; s/ +/ /g; s/ +$//'
}
same() {
	[ -n "$(steps third)" ] && [ "$(steps third)" = "$(steps stays)" ] && steps third | grep -q done
}
SCREEN=third wait_text 20 "maintenance-on"
eventually 10 same || fail "The two do not see the same: $(steps third) / $(steps stays)"
SCREEN=third expect_frame
SCREEN=stays expect_frame
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
engine_lives "at last"
echo "ok  who comes next sees what the one sees who stayed"
