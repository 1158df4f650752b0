#!/bin/bash
# Heroku wants a second factor before a change: a seat is asked, what is typed is not shown, a wrong code is asked for once
# more, the right one does it, once. No code is kept anywhere. Who leaves the question has changed nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000
cat >"$T/factor.yml" <<'YML'
name: factor
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
YML
# The step of README's own words.
grep -o -m 1 -- '- {id: read-only, do: config-set, .*}}' "$ROOT/README.md" | sed 's/^/      /' >>"$T/factor.yml"
grep -q config-set "$T/factor.yml" || fail "README shows no step config-set."
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/factor.yml" >>"$CONFIG"
RIGHT=123456 WRONG=740853 LOG=$W/heroku/requests.log

factor() { # account | app | nothing
	curl -sf -o /dev/null -X POST -d "{\"two_factor\":\"$1\"}" "$HEROKU_HOST/__heroku" || fail "Heroku was not told."
}
patches() { # PATH: the answers to requests that would change it, since the mark
	tail -n "+$((mark + 1))" "$LOG" | sed -n "s,^PATCH $1 ,,p" | paste -sd ' '
}
begin() { # WORDS of the gate
	mark=$(wc -l <"$LOG")
	keys R
	wait_text 20 "$1"
	box_settles
	keys y
	wait_text 20 "Heroku asks for a second factor"
}
answer() { # CODE
	# No faster than a hand, or it is a paste.
	sleep 0.1
	hands "$1"
	screen_lacks "$1" || fail "The code stands on the screen."
	sleep 0.3
	keys Enter
}
ended() { # N
	[ "$(events attempt.ended .seq | wc -l)" = "$1" ]
}

screen_start 100x30 "$NF" --as ana
wait_text 30 "R next"
keys A
wait_text 10 "ARMED"

factor account
begin "CLOSES THE SHOP"
keys Escape
eventually 30 ended 1 || fail "The step waits for an answer that will not come."
expect_match "$(events attempt.ended .text)" 'second factor' "how the step ended"
expect_equal "$(patches /apps/acme-production)" 403 "a question that was left"
wait_gone 10 "second factor: type"
echo "ok  nobody answers: nothing is changed"

# The account wants the code with the request, an app once before it.
begin "CLOSES THE SHOP"
answer $WRONG
wait_text 20 "did not take that code"
answer $RIGHT
wait_event 30 attempt.ended '.step == "maintenance-on" and .outcome == "done"'
expect_equal "$(patches /apps/acme-production)" "403 403 200" "the account's factor"
wait_text 20 "Next: R 2 read-only"
# Another seat, by a configuration that names no Heroku app: the night's own is taken, another one is turned away.
sed 's/app: acme-production, //' "$CONFIG" >"$W/no-app.yml"
for command in attach start status stop run; do
	expect_status 2 env -u HEROKU_APP "$NF" $command --app acme-staging --config "$W/no-app.yml"
	expect_match "$OUTPUT" '--app acme-staging is not the app of the night that is open \(.*\), which is acme-production' "$command with another app"
done
OUTPUT=$(env -u HEROKU_APP "$NF" status --line --app acme-production --config "$W/no-app.yml" 2>&1 </dev/null)
expect_match "$OUTPUT" "^acme " "status with the app of the night"
screen_has "ARMED" || fail "The first seat is gone: $(screen)"
echo "ok  a seat with another app is turned away"

factor app
begin "RESTARTS ALL DYNOS"
answer $WRONG
wait_text 20 "did not take that code"
answer $RIGHT
wait_event 30 attempt.ended '.step == "read-only" and .outcome == "done"'
expect_equal "$(patches /apps/acme-production/config-vars)" "403 403 200" "the app's factor"
echo "ok  a wrong code, the right one, one change"

keys '@'
wait_text 5 "COMMANDS"
screen_lacks $RIGHT && screen_lacks $WRONG || fail "A code stands among the commands."
keys q
keys q
wait_end 10
timeout 20 "$NF" stop --config "$CONFIG" >"$T/stop" 2>&1 </dev/null || fail "$(cat "$T/stop")"
# Digits of their own, not those within a hash or a time.
! grep -rlE "(^|[^0-9a-f])($RIGHT|$WRONG)([^0-9a-f]|$)" "$NIGHTFERRY_STATE" >"$T/found" || fail "A code is kept in $(cat "$T/found")."
[ -s "$(journal)" ] || fail "There is no journal to look through."
echo "ok  no code in any file of the night"
