#!/bin/bash
# What the Host pane is told, against a real docker: roles, versions, a crash loop, an exit, a container that a broken boot
# left, the proxy's true target, Kamal's lock and audit log, disks; at once when something changes.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
docker_start
host_start
export NEW_DATABASE_URL=postgres://shop:s@127.0.0.1:1/shop
V=4f2c91a07d1138e6b5a9c2f40e7d8b13a6c5f902

docker_app web $V -- sleep 1000 >/dev/null
docker_app job $V -- sleep 1000 >/dev/null
docker_accessory db --publish 0.0.0.0:0:5432 -- sleep 1000 >/dev/null
docker_proxy -- sleep 1000 >/dev/null
target() { docker inspect -f '{{.ID}}' "$1" | cut -c 1-12; }
state=/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state
routes() { # STATE CONTAINER
	local json='[{"name":"acme-web","options":{"hosts":["www.acme.com"],"tls_enabled":true},"target_options":{"health_check_config":{"path":"/up"}},"active_targets":["'$(target "$2")':80"],"pause_controller":{"state":'$1'}}]'
	if [ $DOCKER = real ]; then
		docker exec kamal-proxy sh -c "mkdir -p ${state%/*} && printf '%s' '$json' >$state"
	else
		mkdir -p "$HOST/containers/kamal-proxy/home/kamal-proxy/.config/kamal-proxy"
		printf '%s' "$json" >"$HOST/containers/kamal-proxy$state"
	fi
}
routes 0 acme-web-$V
printf '[2026-11-20T12:04:45Z] [ann@acme.example] [web] Booted app version %s\n' $V >"$HOST_HOME/.kamal/acme-audit.log"

"$NF" watch host --config "$CONFIG" >"$T/log" 2>&1 </dev/null &
watch=$!
at_end 'kill -KILL $watch 2>/dev/null'
seen() { # JQ: a condition on the newest look
	grep '"kind":"host.seen"' "$T/log" | tail -n 1 | jq -e "$1" >/dev/null 2>&1
}
expect_seen() { # WHAT JQ
	eventually 60 seen "$2" || fail "$1: $(grep '"kind":"host.seen"' "$T/log" | tail -n 1 | cut -c 1-1500) $(tail -n 1 "$T/log" | cut -c 1-300)"
}
expect_seen "web runs" '.containers[] | select(.role == "web") | .version == "'$V'" and .status == "running" and .log == "web" and .started_ms > 1700000000000'
expect_seen "four containers" '.containers | length == 4'
expect_seen "the database's port is open" '[.containers[] | select(.role == "db") | .open][0] | startswith("0.0.0.0:")'
[ $DOCKER = stand-in ] || expect_seen "the target is a container" '.routes[0] | .container == "acme-web-'$V'" and .version == "'$V'" and .state == "running" and .tls and .path == "/up"'
expect_seen "no lock" '.lock.held == false'
newest() { grep "\"kind\":\"$1\"" "$T/log" | tail -n 1; }
newest host.audit | jq -e '.lines[0] | contains("Booted app version")' >/dev/null || fail "The audit log is not told: $(newest host.audit)"
newest host.load | jq -e '.disk_total > 0 and (.disks | length) >= 1 and .mem_total > 0 and .disks[0].total == .disk_total' >/dev/null ||
	fail "The disks are not told: $(grep host.load "$T/log" | head -n 1)"

# Kamal's lock: base64 as Kamal writes it, another service's, and the folder that a crash leaves.
mkdir "$HOST_HOME/.kamal/lock-other"
mkdir "$HOST_HOME/.kamal/lock-acme"
printf 'Locked by: ana at 2026-11-20T12:05:57Z\nVersion: %s\nMessage: the night' $V | base64 -w 60 >"$HOST_HOME/.kamal/lock-acme/details"
expect_seen "the lock" '.lock | .held and .by == "ana" and .why == "the night" and .since_ms > 1700000000000'
rm "$HOST_HOME/.kamal/lock-acme/details"
expect_seen "an empty lock folder" '.lock | .held and (.why | contains("rmdir"))'
rmdir "$HOST_HOME/.kamal/lock-acme"
expect_seen "the lock of another service" '.lock.held == false'

# A boot that was broken off: the old one is renamed and runs, the new one too; the proxy still sends to the old one.
docker rename acme-web-$V acme-web-${V}_replaced_0123456789abcdef
docker_app web $V -- sleep 1000 >/dev/null
expect_seen "both run" '[.containers[] | select(.role == "web")] | length == 2 and .[0].stale == false and .[1].stale and .[1].replaced and .[1].log == "web stale"'
[ $DOCKER = stand-in ] || expect_seen "the old one serves" '.routes[0].container == "acme-web-'$V'_replaced_0123456789abcdef"'
[ $DOCKER = stand-in ] || { routes 2 acme-web-$V && expect_seen "maintenance of the proxy" '.routes[0] | .state == "stopped" and .container == "acme-web-'$V'"'; }
docker stop -t 1 acme-web-${V}_replaced_0123456789abcdef >/dev/null
expect_seen "the stopped one" '[.containers[] | select(.replaced)][0] | .status == "exited" and .stale == false and .finished_ms > 1700000000000'

# A crash loop, and one that the kernel ends for its memory.
docker_app loop $V -- sh -c 'exit 7' >/dev/null
expect_seen "a crash loop" '.containers[] | select(.role == "loop") | .looping and .restarts > 1'
[ $DOCKER = stand-in ] || expect_seen "its exit status" '.containers[] | select(.role == "loop") | .exit_code == 7'
if [ $DOCKER = real ] && docker_app big $V --restart no --memory 8m --memory-swap 8m -- sh -c 'x=x; while :; do x=$x$x; done' >/dev/null 2>&1; then
	expect_seen "out of memory" '.containers[] | select(.role == "big") | .status == "exited" and .exit_code == 137 and .oom == '"$(docker inspect -f '{{.State.OOMKilled}}' acme-big-$V)"
fi

# Told at once, not at the next look's time: both looks are in the log with their time.
looks() { grep -c '"kind":"host.seen"' "$T/log"; }
pushed=no
for _ in 1 2 3 4 5; do
	eventually 60 test "$(looks)" -gt 0
	before=$(looks) began=$(now_ms)
	docker restart -t 0 acme-job-$V >/dev/null
	more() { [ "$(looks)" -gt "$before" ]; }
	eventually 60 more || fail "No look came."
	[ $(($(now_ms) - began)) -ge 3500 ] || { pushed=yes && break; }
done
expect_equal $pushed yes "a look sooner than the next turn after a restart"
kill -TERM $watch
wait $watch 2>/dev/null
left() { [ "$(host_left 'docker events')" = 0 ]; }
eventually 60 left || fail "docker events is left on the host."
