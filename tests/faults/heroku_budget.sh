#!/bin/bash
# Eight hours of a night in fast time with every watch running and every pane looked at: the requests stay within what
# Heroku gives back to an account, 75 a minute, so that its first 4,500 are there for the steps.
# long
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
SPEED=${SPEED:-120} HOURS=${HOURS:-8}
world_start DEMO_ROWS=3000
export NIGHTFERRY_CLOCK=0,$SPEED
LOG=$W/heroku/requests.log

screen_start 200x50 "$NF" --as ana
wait_text 30 "R next"
# The data API and the log stream cost nothing; everything else does.
counted() {
	tail -n "+$((mark + 1))" "$LOG" | grep -Evc '^[A-Z]+ (/client/|/postgres/|/data/|/stream|/xfrtu|/api/v4|/account/rate-limits|/__)'
}
looks() {
	tail -n "+$((mark + 1))" "$LOG" | grep -c '^GET /apps/acme-production/dynos '
}
mark=$(wc -l <"$LOG") began=$(now_ms)
over() {
	[ $((($(now_ms) - began) * SPEED)) -ge $((HOURS * 3600000)) ]
}
while ! over; do
	for key in 1 2 3 4 5 6 7 8 9 0 v; do
		keys $key
		sleep 0.3
	done
done
minutes=$((($(now_ms) - began) * SPEED / 60000)) requests=$(counted) seen=$(looks)
echo "$requests requests in $minutes minutes, of them $seen looks at the dynos"
# A look every three seconds, or the figure would only say how slow this machine is.
[ "$seen" -ge $((minutes * 20 * 7 / 10)) ] || fail "Only $seen looks at the dynos in $minutes minutes: this machine is too slow for speed $SPEED."
[ "$requests" -le $((minutes * 75)) ] || fail "$requests requests in $minutes minutes are more than the 75 a minute that Heroku gives back."
