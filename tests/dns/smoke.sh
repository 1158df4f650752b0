#!/bin/bash
# What a smoke test can ask of an answer, against a real server: each wish fulfilled, and each one not.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"

dns_world manual
cat >"$T/night.yml" <<-'YAML'
	name: smoke
	help: Only the looking.
	phases:
	  - phase: try
	    steps:
	      - {id: smoke, do: smoke, with: {side: new}}
	      - {id: end, do: note, with: {text: the end}}
	rollback:
	  - {id: back, do: note, with: {text: nothing}}
YAML
printf 'HTTP/1.0 200 OK\r\nX-Served-By: kamal\r\nContent-Type: application/json\r\n\r\n{"data": {"status": "ready"}}' >"$T/answer"
spawn "$T/web.pid" "$T/web.log" socat "TCP-LISTEN:$HTTP_PORT,bind=127.0.1.2,reuseaddr,fork" "SYSTEM:read line; sleep 0.05; cat $T/answer"
at_end 'kill_pidfile "$T/web.pid" 2'
eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No server: $(cat "$T/web.log")"

N=0
smoke() { # EXIT-STATUS WISHES REGEX
	N=$((N + 1))
	export NIGHTFERRY_STATE=$T/state.$N
	sed -i '/^smoke:/d' "$CONFIG"
	echo "smoke: [{get: /status, $2}]" >>"$CONFIG"
	expect_status "$1" timeout 60 "$NF" run --quiet --until smoke
	expect_match "$(jq -r 'select(.kind == "attempt.ended") | .seen[].text' "$(journal)")" "$3" "$2"
	engine_stop >/dev/null 2>&1
	echo "ok  $2"
}
smoke 0 'expect: 200, json: data.status, answers: "X-Served-By: kamal", within: 30s' '1/1 by address'
smoke 1 'json: data.nothing' '200, but without "data.nothing" in its JSON'
smoke 1 'answers: "X-Served-By: heroku"' '200, but without the header "X-Served-By: heroku"'
smoke 1 'contains: "all is well"' '200, but without "all is well"'
smoke 1 'expect: 204' '200 instead of 204'
smoke 1 'expect: 200, within: 1ms' '200, but after [0-9]+ ms instead of 1'
sed -i '/^smoke:/d' "$CONFIG"
echo 'smoke: [{get: /, within: soon}]' >>"$CONFIG"
expect_status 2 timeout 60 "$NF" run --quiet
expect_match "$OUTPUT" '"within"' "a span that is none"
printf 'HTTP/1.0 200 OK\r\n\r\nno JSON' >"$T/answer"
smoke 1 'json: data.status' '200, but without "data.status" in its JSON'

# All sides beside each other: the old one answers otherwise, and that is told first; the new one decides.
printf 'HTTP/1.0 200 OK\r\n\r\ngood' >"$T/answer"
spawn "$T/old.pid" "$T/old.log" socat "TCP-LISTEN:$HTTP_PORT,bind=127.0.1.1,reuseaddr,fork" "SYSTEM:read line; sleep 0.05; cat $T/old.answer"
at_end 'kill_pidfile "$T/old.pid" 2'
printf 'HTTP/1.0 404 Not Found\r\n\r\nbad' >"$T/old.answer"
eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.1/$HTTP_PORT" || fail "No old server: $(cat "$T/old.log")"
sed -i 's/side: new/side: all/' "$T/night.yml"
smoke 0 'expect: 200' 'GET www.acme.example/status: OLD 404 instead of 200; NEW 200 in [0-9]+ ms; PUBLIC 404 instead of 200'
expect_match "$(events attempt.ended '.seen[0].text')" 'OLD 404 instead of 200' "what differs comes first"
printf 'HTTP/1.0 503 Down\r\n\r\nbad' >"$T/answer"
smoke 1 'expect: 200' 'NEW: 0 of 1 as expected'

# The quiet timer: it holds, and begins again at each look that fails, until the new side has been good for long enough.
N=$((N + 1))
export NIGHTFERRY_STATE=$T/state.$N
sed -i '/^smoke:/d' "$CONFIG"
echo 'smoke: [{get: /status, expect: 200}]' >>"$CONFIG"
sed -i 's/{id: smoke, do: smoke.*/{id: hold, do: quiet-timer, with: {for: 3s, look: address}}/' "$T/night.yml"
printf 'HTTP/1.0 500 Oh no\r\n\r\nbroken' >"$T/answer"
spawn "$T/night.pid" "$T/night.log" timeout 100 "$NF" run --quiet --until hold
at_end 'kill_pidfile "$T/night.pid" 2'
again() { [ "$(cat "$NIGHTFERRY_STATE"/*/*/trace.jsonl "$(journal)" 2>/dev/null | grep -c 'quiet-timer: again from .*500 instead of 200')" -ge "$1" ]; }
eventually 60 again 2 || fail "The timer did not begin again: $(cat "$T/night.log")"
! have_event attempt.ended '.step == "hold"' || fail "The timer ended although the new side fails."
printf 'HTTP/1.0 200 OK\r\n\r\ngood' >"$T/answer"
wait_event 60 attempt.ended '.step == "hold" and .outcome == "done"'
expect_match "$(events attempt.ended 'select(.step == "hold") | .seen[].text')" '0:[0-9][3-9] without a new error, 0:03 needed' "the timer's proof"
echo "ok  the quiet timer holds until it is quiet"
