#!/bin/bash
# Eight hours of a night in fast time, every watch running and every pane looked at, stay inside Heroku's rate limit: the
# server, whose bucket fills by the night's own clock, turns nothing away and never has less than the steps may need.
# HOURS=1 is the short form.
# long
# timeout: 700
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
SPEED=${SPEED:-60} HOURS=${HOURS:-8}
# The world runs by this clock, too, where Heroku counts minutes and hours.
export NIGHTFERRY_CLOCK=0,$SPEED
world_start DEMO_ROWS=3000
LOG=$W/heroku/requests.log

screen_start 200x50 "$NF" --as ana
wait_text 30 "R next"
since() { # PATTERN: requests since the mark
	tail -n "+$((mark + 1))" "$LOG" | grep -Ec "$1"
}
limit() { # FIELD
	curl -sf -X POST -d '{}' "$HEROKU_HOST/__heroku" | jq ".$1"
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
minutes=$((($(now_ms) - began) * SPEED / 60000))
looks=$(since '^GET /apps/acme-production/dynos ')
sessions=$(since '^POST /apps/acme-production/log-sessions ')
# The data API and the log stream cost nothing; everything else does.
all=$(since '^[A-Z]+ ') free=$(since '^[A-Z]+ (/client/|/postgres/|/data/|/stream|/xfrtu|/api/v4|/account/rate-limits|/__)')
requests=$((all - free))
echo "$requests requests in $minutes minutes ($all with those that are free), $looks looks at the dynos, $sessions log sessions;" \
	"lowest $(limit rate_lowest) of 4500, refused $(limit rate_refused)"
screen_has "acme-production" || fail "The cockpit is gone."

expect_equal "$(limit rate_refused)" 0 "requests that met an empty bucket"
[ "$(limit rate_lowest)" -ge 4000 ] || fail "Only $(limit rate_lowest) of 4500 requests were left at one time."
[ "$sessions" -ge "$HOURS" ] || fail "Only $sessions log sessions in $HOURS hours: they were not renewed, and their price was not seen."
# There is a look every three seconds. What a busy machine left out is counted as if it had been made: the figure must
# tell of the program, not of the machine.
[ "$looks" -ge $((minutes * 20 / 2)) ] || fail "Only $looks looks at the dynos in $minutes minutes: this machine is too slow for speed $SPEED."
whole=$((requests * minutes * 20 / looks))
[ "$looks" -lt $((minutes * 20)) ] || whole=$requests
[ $whole -le $((minutes * 75)) ] || fail "$whole requests in $minutes minutes are more than the 75 a minute that Heroku gives back."
