#!/bin/bash
# An sshd that allows little: two sessions on a connection, one login at a time. Everybody is served all the same.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
export SSH_AUTH_SOCK=
mkdir -p "$T/bin"
printf '#!/bin/sh\ncase $1 in events) exec sleep 100000 ;; esac\n' >"$T/bin/docker"
chmod 755 "$T/bin/docker"
sshd_start small 'MaxSessions 2' 'MaxStartups 1:100:1'
sshd_start none 'MaxSessions 0'
client_key ed ed25519
client_key rsa rsa
known small none
for key in ed rsa; do
	host=$(host_json small "$T/$key")
	line_start "$host"
	wait_says 200 line '.kind == "watch.beat" and .ok'
	# Two that stay take both sessions of the first connection.
	for i in 1 2; do LINE=1 job_start "w$i" watch host "$host"; done
	for i in 1 2; do wait_says 200 "w$i" '.kind == "host.load"'; done
	for i in 1 2 3 4 5 6 7 8 9 10; do LINE=1 job_start "c$i" check host-clock "$host"; done
	for i in 1 2 3 4 5 6 7 8 9 10; do
		wait_says 300 "c$i" '.t == "end"'
		expect_equal "$(job_get "c$i" 'select(.t == "end") | "\(.verdict)\(.text)"')" PASS "borrower $i of ten, with $key"
		job_end "c$i"
	done
	[ "$(pgrep -c -P "$(cat "$T/small/own.pid")")" -gt 1 ] || fail "Twelve sessions on one connection that allows two."
	for i in 1 2; do job_end "w$i"; done
	job_end line
	expect_nothing_left 60 "A small sshd"
done
# None at all: a sentence that names the setting, and no waiting for ever.
expect_match "$(check_says closed "$(host_json none "$T/ed")")" '^UNKNOWN .*MaxSessions' "MaxSessions 0"
expect_match "$(check_says closed-rsa "$(host_json none "$T/rsa")")" '^UNKNOWN .*MaxSessions' "MaxSessions 0 by the ssh program"
