#!/bin/bash
# The tests' own docker, the real one and its stand-in: containers by Kamal's names, a host before it, nothing left.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
if [ -z "${DOCKER_STAND_IN:-}" ]; then
	DOCKER_STAND_IN=1 bash "${BASH_SOURCE[0]}" || exit 1
	DOCKER_STAND_IN=
fi
docker_start
host_start

docker_app web 4f2c91a -- sh -c 'trap "exit 3" TERM; n=0; while :; do echo "line $((n = n + 1))"; sleep 0.1; done' >/dev/null
docker_app job 4f2c91a --log-opt max-size=10k -- sh -c 'exit 7' >/dev/null
docker_accessory db -- sleep 1000 >/dev/null
docker_proxy -- sleep 1000 >/dev/null

on() {
	ssh -F none -i "$SSH_KEY" -p "$SSH_PORT" -o UserKnownHostsFile="$SSH_KNOWN_HOSTS" -o BatchMode=yes "$SSH_USER@127.0.0.1" "$@" </dev/null
}
eventually 20 docker_is acme-job-4f2c91a '{{gt .RestartCount 0}}' true || fail "A crash is not restarted."
expect_equal "$(on "docker ps -a -f label=service --format '{{.Names}}'" | sort | tr '\n' ' ')" "acme-db acme-job-4f2c91a acme-web-4f2c91a " "containers over ssh"
expect_equal "$(on 'pwd')" "$HOST_HOME" "the home of a session"
logged() { [ "$(on 'docker logs --tail 1 acme-web-4f2c91a' | cut -d' ' -f1)" = line ]; }
eventually 20 logged || fail "The container's log does not come."
on 'docker logs -f acme-web-4f2c91a' >/dev/null 2>&1 &
client=$!
followed() { [ "$(host_left 'docker logs -f')" -gt 0 ]; }
eventually 20 followed || fail "The session's command is not found on the host."
host_cut
wait $client 2>/dev/null
docker stop -t 5 acme-web-4f2c91a >/dev/null
docker_is acme-web-4f2c91a '{{.State.Status}} {{.State.ExitCode}}' 'exited 3' ||
	fail "A stopped container says $(docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' acme-web-4f2c91a)."

daemon=$(cat "$HOST/d/pid" 2>/dev/null)
folder=$HOST
docker_stop
none() { ! ls -l /proc/[0-9]*/cwd /proc/[0-9]*/fd 2>/dev/null | grep -qF "$folder/" && ! grep -qF "$folder/" /proc/mounts; }
eventually 15 none || fail "Something of the docker is left: $(ls -l /proc/[0-9]*/cwd /proc/[0-9]*/fd 2>/dev/null | grep -F "$folder/" | head -n 3) $(grep -F "$folder/" /proc/mounts)"
[ -z "$daemon" ] || docker_ended "$daemon" || fail "The daemon did not end."
