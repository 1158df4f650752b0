#!/bin/bash
# The app booted by the repository's kamal: what its words hide, what a broken boot leaves and how the next attempt mends
# it, and that nobody's death stops it or starts it twice.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/rollback.part"

world_start DEMO_ROWS=3000
"$ROOT/demo/visitors/part" stop "$W" >/dev/null 2>&1
sed -i '/^steps:/,$d; /^smoke:/,/^  - .*search/d' "$CONFIG"
echo 'smoke: [{get: "/up?again=1", expect: 200}]' >>"$CONFIG"
cat >"$T/boot.yml" <<'YML'
name: boot
phases:
  - phase: boot
    steps:
      - {id: deploy-lock, do: kamal-lock}
      - {id: stop, do: app-stop}
      - {id: start, do: app-boot}
YML
cat >"$T/again.yml" <<'YML'
name: again
phases: [{phase: boot, steps: [{id: stop, do: app-stop}, {id: start, do: app-boot}]}]
YML

BOOK=boot
night() { # run's own options
	timeout 200 "$NF" run --playbook "$T/$BOOK.yml" "$@" </dev/null
}
new_night() {
	timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null
	rm -rf "$NIGHTFERRY_STATE"
	on_host "rm -rf .kamal/lock-acme"
}
running() { # ROLE: names of its running containers
	on_host "docker ps --filter label=role=$1 --format '{{.Names}}'"
}
ends() { # STATUS WORDS OPTIONS...
	local wanted=$1 words=$2 status=0
	shift 2
	night "$@" >"$T/out" 2>&1 || status=$?
	expect_equal "$status" "$wanted" "exit status ($(tail -n 2 "$T/out"))"
	expect_file_has "$T/out" "$words"
}
expect_one_each() { # WHEN
	local role
	for role in web job; do
		expect_match "$(running $role)" "^acme-$role-[0-9a-f]{40}$" "$1: what runs of $role"
	done
}
logs() { cat "$(dirname "$(journal)")"/attempts/*.kamal.log; }
kamal_pid() { cut -d' ' -f1 "$(dirname "$(journal)")"/attempts/*.kamal.pid 2>/dev/null | tail -n 1; }
in_delay() { grep -qs "waiting for readiness delay" "$(dirname "$(journal)")"/attempts/*.kamal.log; }
readiness() { sed -i "s/^readiness_delay:.*/readiness_delay: $1/" "$W/config/deploy.yml"; }

# ---- as it should be: under the night's lock, with the version that was stopped, and no secret anywhere ----
password=${NEW_DATABASE_URL#*://*:} password=${password%%@*}
ends 0 "step=start outcome=done"
expect_one_each "a whole boot"
expect_match "$(logs)" "Booted|docker run" "kamal's words"
! logs | grep -q "Acquiring the deploy lock" || fail "Kamal took a lock of its own under the night's."
expect_match "$(on_host 'base64 -d .kamal/lock-acme/details')" "nightferry night" "the lock after the boot"
expect_equal "$(events fact 'select(.name == "kamal-run") | .data.command')" \
	"\"bin/kamal app boot --version $(running web | sed 's/acme-web-//')\"" "the call"
! grep -rqF "$password" "$NIGHTFERRY_STATE" || fail "The database's password is in the night's folder."
# A secret that .kamal/secrets takes from the environment has come through.
on_host "docker exec \$(docker ps -q -f label=role=web) sh -c 'cat /proc/1/environ' | tr '\\0' '\\n'" | grep -qxF "DATABASE_URL=$NEW_DATABASE_URL" ||
	fail "DATABASE_URL in the new container is not what .kamal/secrets takes from the environment."
expect_file_has "$T/out" "step.progress"
echo "ok  a whole boot"

# ---- a secret is missing: found in the middle, when the stopped container has been renamed ----
new_night
sed -i.bak '/^DATABASE_URL=/d' "$W/.kamal/secrets"
ends 1 "Secret 'DATABASE_URL' not found in .kamal/secrets"
mv "$W/.kamal/secrets.bak" "$W/.kamal/secrets"
ends 0 "step=start outcome=done"
expect_one_each "after the missing secret"
echo "ok  a missing secret, mended by the next attempt"

# ---- a target that does not become healthy: the status is told, the proof is the proxy's ----
new_night
sed -i.bak 's,^    path: /up$,    path: /nowhere,; s/^readiness_delay/deploy_timeout: 3\nreadiness_delay/' "$W/config/deploy.yml"
ends 1 "failed to become healthy"
mv "$W/config/deploy.yml.bak" "$W/config/deploy.yml"
ends 0 "step=start outcome=done"
expect_one_each "after the unhealthy target"
echo "ok  an unhealthy target"

# ---- kamal is killed in the middle: two generations run, the lock stays, and the next attempt mends both ----
new_night
on_host "docker ps --format '{{.Names}}'" >"$T/before"
BOOK=again
readiness 60
"$NF" run --playbook "$T/again.yml" --until stop >"$T/out" 2>&1 </dev/null || fail "The app did not stop: $(tail -n 3 "$T/out")"
# An older worker that nobody knows of runs on beside it all.
on_host "docker start \$(docker ps -aq -f label=role=job -f status=exited | tail -n 1)" >/dev/null
night >"$T/out" 2>&1 &
runner=$!
eventually 90 in_delay || fail "Kamal did not come to its delay: $(tail -n 3 "$T/out")"
kill -KILL "$(kamal_pid)"
readiness 1
wait $runner && fail "A boot that was killed passed as done: $(tail -n 3 "$T/out")"
expect_file_has "$T/out" "kamal was broken off in the middle (signal 9)"
[ "$(running job | wc -l)" -gt 1 ] || fail "There are not two workers to mend: $(running job)"
expect_match "$(on_host 'base64 -d .kamal/lock-acme/details')" "Automatic deploy lock" "the lock Kamal left"
ends 1 "Automatic deploy lock"
on_host "rm -r .kamal/lock-acme"
ends 0 "step=start outcome=done"
expect_one_each "after the broken boot"
echo "ok  kamal killed in the middle"

# ---- the engine and its step are killed: kamal goes on, is found again, and is not started twice ----
BOOK=boot
new_night
readiness 8
night >"$T/out" 2>&1 &
runner=$!
eventually 90 in_delay || fail "Kamal did not come to its delay: $(tail -n 3 "$T/out")"
kamal=$(kamal_pid)
pkill -KILL -P "$(pgrep -P $runner -f "$NF" | head -n 1)" 2>/dev/null
kill -KILL $(pgrep -P $runner) 2>/dev/null
wait $runner 2>/dev/null
kill -0 "$kamal" 2>/dev/null || fail "Kamal died with the engine."
ends 0 "step=start outcome=done"
expect_one_each "after the engine's death"
expect_equal "$(events attempt.started 'select(.step == "start") | .attempt' | wc -l)" 1 "attempts of the boot"
expect_equal "$(logs | grep -c 'Running docker run')" 2 "containers made"
echo "ok  kamal outlives the engine"
