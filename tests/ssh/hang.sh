#!/bin/bash
# An sshd that hangs while its kernel still answers: found out within half a minute, said, and mended when it wakes.
# timeout: 600
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
export SSH_AUTH_SOCK=
mkdir -p "$T/bin"
sshd_start one
client_key ed ed25519
client_key rsa rsa
known one
for key in ed rsa; do
	host=$(host_json one "$T/$key")
	line_start "$host"
	wait_says 200 line '.kind == "watch.beat" and .ok'
	# shellcheck disable=SC2046
	kill -STOP $(pgrep -P "$(cat "$T/one/own.pid")") $(for p in $(pgrep -P "$(cat "$T/one/own.pid")"); do pgrep -P "$p" -x sshd; done)
	LINE=1 job_start stuck check host-clock "$host"
	wait_says 200 stuck '.t == "end"'
	expect_match "$(job_get stuck 'select(.t == "end") | "\(.verdict) \(.text)"')" '^UNKNOWN .*(lost|no channel|no end)' "a command to an sshd that hangs"
	wait_says 200 line '.kind == "watch.beat" and .ok == false'
	job_end stuck
	sshd_drop one
	expect_match "$(LINE=1 check_says "after-$key" "$host")" '^PASS ' "after it hung"
	job_end line
done
# It hangs before it has said a word.
kill -STOP "$(cat "$T/one/own.pid")"
expect_match "$(check_says greeting "$(host_json one "$T/ed")")" '^UNKNOWN .*(said nothing for 20 s|does not answer)' "an sshd that does not greet"
kill -CONT "$(cat "$T/one/own.pid")"
