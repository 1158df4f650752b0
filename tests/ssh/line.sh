#!/bin/bash
# The line: one connection and one question for all, ten borrowers at once, and nothing left on the host whoever dies.
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
export SSH_AUTH_SOCK=
mkdir -p "$T/bin"
sshd_start one 'MaxSessions 40'
client_key ed ed25519 'a long word'
client_key rsa rsa 'a long word'
known one

# A docker of one container whose log goes on; its events never come.
cat >"$T/bin/docker" <<'FILE'
#!/bin/sh
case $1 in
ps) echo 0123456789ab ;;
inspect)
	echo '0123456789ab0123456789ab|acme-web-v1|acme|web||running||0|false|0|2026-11-20T12:00:00Z|0001-01-01T00:00:00Z|acme:v|172.18.0.2 |{}'
	;;
logs) exec tail -n +1 -F "$SSH_TEST/app.log" ;;
events) exec sleep 100000 ;;
esac
FILE
chmod 755 "$T/bin/docker"
printf '2026-11-20T12:00:00.000000001Z hello one\n' >"$T/app.log"

connections() {
	pgrep -c -P "$(cat "$T/one/own.pid")"
}
streams() {
	left | while read -r p; do tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline"; echo; done | grep -c '^tail -n'
}
streams_are() {
	[ "$(streams)" = "$1" ]
}
ups() {
	job_get line 'select(.kind == "watch.beat" and .ok) | 1' | wc -l
}
is_up_again() { # BEFORE
	[ "$(ups)" -gt "$1" ]
}

for key in ed rsa; do
	host=$(host_json one "$T/$key")
	line_start "$host"
	# ---- ten at once, before anybody has answered: one question, asked once ----
	for i in 1 2 3 4 5 6 7 8 9 10; do LINE=1 job_start "c$i" check host-clock "$host"; done
	wait_says 200 line '.t == "ask"'
	expect_match "$(job_get line 'select(.t == "ask") | .question')" "^Passphrase of the key $T/$key " "the question with $key"
	expect_equal "$(job_get line 'select(.t == "ask") | .hidden')" true "hiding the answer"
	job_answer line 'a wrong word'
	wait_says 200 line '.t == "ask" and .n == 2'
	expect_match "$(job_get line 'select(.t == "ask" and .n == 2) | .question')" '^That was not it' "the second question"
	job_answer line 'a long word'
	for i in 1 2 3 4 5 6 7 8 9 10; do
		wait_says 200 "c$i" '.t == "end"'
		expect_equal "$(job_get "c$i" 'select(.t == "end") | .verdict')" PASS "borrower $i with $key"
		expect_equal "$(job_get "c$i" 'select(.t == "ask") | .n')" '' "questions of borrower $i"
		job_end "c$i"
	done
	expect_equal "$(job_get line 'select(.t == "ask") | .n' | wc -l)" 2 "questions for ten"
	expect_equal "$(connections)" 1 "connections for ten, with $key"
	job_says line '.t == "secret" and .value == "a long word"' || fail "The passphrase is not cut from what is shown."
	! grep -rls 'a long word' /proc/[0-9]*/cmdline >/dev/null || fail "The passphrase is in an argument list."

	# ---- a borrower that is killed: its stream on the host ends, the line stays ----
	LINE=1 job_start logs watch container-logs "$host"
	wait_says 200 logs '.kind == "log.lines" and (.lines[0].text | contains("hello one"))'
	expect_equal "$(streams)" 1 "streams"
	kill -KILL "$(job_pid logs)"
	eventually 100 streams_are 0 || fail "The stream of a killed watch goes on, with $key."
	job_end logs

	# ---- the connection is dropped in the midst of a stream: said, made again, attached again, nothing twice ----
	LINE=1 job_start logs watch container-logs "$host"
	wait_says 200 logs '.kind == "log.lines" and (.lines[0].text | contains("hello one"))'
	up=$(ups)
	sshd_drop one
	wait_says 200 line '.kind == "watch.beat" and .ok == false and (.text | contains("lost"))'
	wait_says 200 logs '.kind == "watch.beat" and .ok == false and (.text | contains("lost"))'
	eventually 200 is_up_again "$up" || fail "The line was not made again."
	printf '2026-11-20T12:00:01.000000001Z hello two\n' >>"$T/app.log"
	wait_says 200 logs '.kind == "log.lines" and any(.lines[]; .text | contains("hello two"))'
	expect_equal "$(job_get logs 'select(.kind == "log.lines") | .lines[] | select(.text | contains("hello one")) | 1' | wc -l)" 1 "the first line"
	expect_equal "$(job_get line 'select(.t == "ask") | .n' | wc -l)" 2 "questions after the loss"
	eventually 100 streams_are 1 || fail "The lost connection's stream goes on beside the new one."

	# ---- the line itself is killed ----
	kill -KILL "$(job_pid line)"
	wait_says 200 logs '.kind == "watch.beat" and .ok == false and (.text | contains("line"))'
	kill -KILL "$(job_pid logs)"
	job_end logs
	job_end line
	expect_nothing_left 100 "A killed line ($key)"
	expect_equal "$(pgrep -f "ControlPath=/tmp/nf-ssh.*$T/known" || true)" '' "ssh programs of a killed line"
	sed -i '$d' "$T/app.log"
done

# ---- the end of the engine is the end of the line, sockets and all ----
for key in ed rsa; do ssh-keygen -q -p -P 'a long word' -N '' -f "$T/$key" >/dev/null; done
for key in ed rsa; do
	host=$(host_json one "$T/$key")
	line_start "$host"
	LINE=1 job_start logs watch container-logs "$host"
	wait_says 200 logs '.kind == "log.lines"'
	expect_equal "$(stat -c %a "$T/line/ctl")" 600 "the mode of the line's socket"
	job_end line
	job_end logs
	expect_nothing_left 100 "The engine's end ($key)"
	expect_equal "$(ls -A "$T/line")" pg "what the line leaves in the night's folder"
	expect_equal "$(ls -A "$T/line/pg")" '' "what it leaves beside it"
done
