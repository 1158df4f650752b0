#!/bin/bash
# Every line of every container once: over lost connections, restarts, a crash loop, a replacement, rotation; and nothing is
# left running on the host, whatever ends the watch.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
docker_start
host_start
export NEW_DATABASE_URL=postgres://shop:s@127.0.0.1:1/shop

# Its numbers go on over its restarts.
# shellcheck disable=SC2016
counts='trap "ends=yes" TERM; n=$(cat n.$WORD 2>/dev/null || echo 0); while [ -z "$ends" ]; do n=$((n + 1)); echo "$WORD line $n ."; echo $n >n.$WORD; sleep $PAUSE; [ $((n % ${DIES:-1000000})) != 0 ] || exit 7; done'
docker_app web 4f2c91a --env WORD=web --env PAUSE=0.02 -- sh -c "$counts" >/dev/null
docker_app job 4f2c91a --env WORD=job --env PAUSE=0.02 --env DIES=25 -- sh -c "$counts" >/dev/null
docker_accessory db --env WORD=pg --env PAUSE=0.05 -- sh -c "$counts" >/dev/null
docker_proxy -- sh -c 'while :; do echo "{\"level\":\"INFO\",\"msg\":\"Request\",\"host\":\"www.acme.com\",\"method\":\"GET\",\"path\":\"/up\",\"status\":200,\"duration\":12000000}"; sleep 1; done' >/dev/null

watch_start() {
	"$NF" watch container-logs --config "$CONFIG" >>"$T/log" 2>&1 </dev/null &
	watch=$!
}
at_end 'kill -KILL $watch 2>/dev/null'
: >"$T/log"
watch_start
said() { grep -q "$1" "$T/log"; }
newest() { # WORD: the highest number that came
	grep -o "\"$1 line [0-9]* \.\"" "$T/log" | cut -d' ' -f3 | sort -n | tail -n 1
}
reaches() { [ "$(newest "$1")" -ge "$2" ]; }
goes_on() { # WORD: thirty more lines of it come
	eventually 60 reaches "$1" $(($(newest "$1") + 30)) || fail "No more lines of $1 come: $(tail -n 3 "$T/log" | cut -c 1-300)"
}
# Each number from the first that was told to the newest exactly once.
once() { # WORD
	grep -o "\"$1 line [0-9]* \.\"" "$T/log" | cut -d' ' -f3 | awk -v word="$1" '
		{ seen[$1]++; if (NR == 1 || $1 < low) low = $1; if ($1 > high) high = $1 }
		END { for (i = low; i <= high; i++) if (seen[i] != 1) { printf "%s line %d came %d times (%d to %d)\n", word, i, seen[i], low, high; bad = 1; if (++n > 5) break }
		      exit bad || high - low < 20 }' || fail "Lines of $1 are lost or doubled."
}

eventually 60 said '"web line ' || fail "No line came: $(tail -n 5 "$T/log")"
goes_on web
eventually 60 said 'www.acme.com GET /up 200 12 ms' || fail "The proxy's request is not read."
for source in web job pg proxy; do
	eventually 60 said "\"source\":\"$source\"" || fail "No line of $source came: $(tail -n 3 "$T/log" | cut -c 1-300)"
done

# The connection is lost, thrice, once with the host gone for a while.
for _ in 1 2; do
	host_cut
	goes_on web
done
host_stop
written=$(newest web)
sleep_until() { [ "$(docker logs --tail 1 acme-web-4f2c91a | cut -d' ' -f3)" -ge "$1" ]; }
eventually 60 sleep_until $((written + 150)) || fail "The container writes no more."
host_start
goes_on web
once web
once pg

# A restart by hand, and a container that dies every 25 lines and comes back.
docker restart -t 20 acme-web-4f2c91a >/dev/null
goes_on web
eventually 60 reaches job 80 || fail "The crash loop's lines do not come: $(newest job)"
once web

# `kamal app boot` of the same version: the old one is renamed, and writes until it is stopped.
docker rename acme-web-4f2c91a acme-web-4f2c91a_replaced_0123456789abcdef
docker_app web 4f2c91a --env WORD=fresh --env PAUSE=0.02 -- sh -c "$counts" >/dev/null
eventually 60 said '"fresh line 1 \."' || fail "The first line of the new container is missing."
goes_on fresh
docker stop -t 20 acme-web-4f2c91a_replaced_0123456789abcdef >/dev/null
last=$(docker logs --tail 1 acme-web-4f2c91a_replaced_0123456789abcdef | cut -d' ' -f3)
eventually 60 reaches web "$last" || fail "The last line of the stopped container, $last, is missing; $(newest web) came."

# Docker throws away what is over 10 kB while we read.
docker_app tick 4f2c91a --env WORD=tick --env PAUSE=0.01 --log-opt max-size=10k -- sh -c "$counts" >/dev/null
eventually 60 reaches tick 600 || fail "A log that is rotated does not come: $(newest tick)"

kill -TERM $watch
wait $watch 2>/dev/null
for word in web job pg fresh tick; do once $word; done
clean() { [ "$(host_left 'docker logs')" = 0 ] && [ "$(host_left 'docker events')" = 0 ]; }
eventually 60 clean || fail "Processes are left on the host after the end: $(host_left 'docker logs') docker logs."

# Killed, it leaves nothing either.
: >"$T/log"
watch_start
followed() { [ "$(host_left 'docker logs')" -ge 4 ]; }
eventually 60 followed || fail "The logs are not followed again."
kill -KILL $watch
wait $watch 2>/dev/null
eventually 60 clean || fail "A killed watch leaves $(host_left 'docker logs') docker logs on the host."

# What was rotated away while nobody could read is said.
: >"$T/log"
watch_start
eventually 60 said '"tick line ' || fail "No line of tick."
host_stop
written=$(docker logs --tail 1 acme-tick-4f2c91a | cut -d' ' -f3)
ticks() { [ "$(docker logs --tail 1 acme-tick-4f2c91a | cut -d' ' -f3)" -ge $((written + 400)) ]; }
eventually 60 ticks || fail "tick writes no more."
host_start
eventually 60 said 'lines are missing before this one' || fail "Lines were rotated away, and nobody said so."
kill -TERM $watch
wait $watch 2>/dev/null
exit 0
