# shellcheck shell=bash
# What the tests of the SSH connection share: real sshds of a test's own, and a hand that plays the engine for one
# child. Sourced after ../lib.sh.
#
#   sshd_start NAME [CONFIG-LINE...]    an sshd on loopback; PORT[NAME]; keys and log in $T/NAME; ended with the test
#   sshd_stop NAME
#   client_key NAME TYPE [PASSPHRASE]   a key pair $T/NAME, let in by every sshd of the test
#   known NAME...                       $T/known holds the host keys of these
#   host_json NAME KEY [MORE]           `host:` of the config, as JSON
#   night_yml NAME KEY                  the same as a configuration file for commands by hand: $T/nightferry.yml
#   job_start ID ROLE NAME HOST-JSON    a child with its job line held by this test; LINE=1 tells it of the line
#   job_says ID JQ-CONDITION            whether it has sent such a message; job_get ID JQ
#   job_answer ID TEXT                  answers its newest question
#   job_pid ID                          the process of the child itself
#   job_end ID                          the end of its job line, and waits for it
#   left                                processes of the host's side that carry this test's mark
declare -gA PORT=() JOB_FD=() JOB_PID=()
SSHD=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || fail "There is no sshd."
[ -d /run/sshd ] || mkdir -m 755 /run/sshd
ME=$(id -un)

host_key() { # NAME TYPE
	rm -f "$T/$1/host" "$T/$1/host.pub"
	ssh-keygen -q -t "$2" -N '' -C "$1" -f "$T/$1/host"
}

sshd_start() { # NAME [CONFIG-LINE...]
	local name=$1 line
	shift
	mkdir -p "$T/$name" "$T/bin"
	[ -s "$T/$name/host" ] || host_key "$name" "${HOST_KEY:-ed25519}"
	PORT[$name]=${PORT[$name]:-$(free_port)}
	touch "$T/authorized"
	# A file is read before the lines that follow it: the first word counts.
	{
		for line in "$@"; do printf '%s\n' "$line"; done
		printf '%s\n' "Port ${PORT[$name]}" 'ListenAddress 127.0.0.1' "HostKey $T/$name/host" \
			"AuthorizedKeysFile $T/authorized" "PidFile $T/$name/pid" 'UsePAM no' 'StrictModes no' 'UseDNS no' \
			'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'PrintMotd no' 'PrintLastLog no' \
			"SetEnv PATH=$T/bin:/usr/local/bin:/usr/bin:/bin SSH_TEST=$T"
	} >"$T/$name/config"
	: >"$T/$name/log"
	"$SSHD" -D -e -f "$T/$name/config" 2>>"$T/$name/log" &
	printf '%s\n' "$!" >"$T/$name/own.pid"
	at_end "sshd_stop $name"
	eventually 60 grep -q "Server listening" "$T/$name/log" || fail "sshd $name does not start: $(cat "$T/$name/log")"
}

# The children of a listener that is gone go on: they are the connections.
sshd_stop() {
	local pid
	pid=$(cat "$T/$1/own.pid" 2>/dev/null) || return 0
	rm -f "$T/$1/own.pid"
	kill -CONT "$pid" 2>/dev/null
	sshd_drop "$1" "$pid"
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

# Ends the connections of an sshd: its processes, not its listener.
sshd_drop() { # NAME [LISTENER]
	local listener=${2:-$(cat "$T/$1/own.pid")} pids
	pids=$(pgrep -P "$listener") || return 0
	# shellcheck disable=SC2086
	kill -CONT $pids $(for p in $pids; do pgrep -P "$p"; done) 2>/dev/null
	# shellcheck disable=SC2086
	kill -KILL $pids $(for p in $pids; do pgrep -P "$p" -x sshd; done) 2>/dev/null
	return 0
}

client_key() { # NAME TYPE [PASSPHRASE]
	ssh-keygen -q -t "$2" -N "${3:-}" -C "$1" -f "$T/$1"
	cat "$T/$1.pub" >>"$T/authorized"
}

known() { # NAME...
	local name
	: >"$T/known"
	for name in "$@"; do
		printf '[127.0.0.1]:%s %s\n' "${PORT[$name]}" "$(cut -d' ' -f1,2 "$T/$name/host.pub")" >>"$T/known"
	done
}

host_json() { # NAME KEY [MORE]
	jq -nc --arg key "$2" --arg user "$ME" --arg known "$T/known" --argjson port "${PORT[$1]}" \
		"{address: \"127.0.0.1\", port: \$port, user: \$user, key: \$key, known_hosts: \$known} + ${3:-{\}}"
}

night_yml() { # NAME KEY
	cat >"$T/nightferry.yml" <<-FILE
		app: acme
		heroku: {app: acme-production}
		kamal: {service: acme, accessory: db}
		host: {address: 127.0.0.1, port: ${PORT[$1]}, user: $ME, key: "$2", known_hosts: "$T/known"}
		database: {accessory: db}
		dns: {provider: manual, names: [www.acme.example]}
	FILE
}

job_start() { # ID ROLE NAME HOST-JSON
	local id=$1 fd lines='{}'
	[ -z "${LINE:-}" ] || lines="{\"ssh\":\"$T/line/ctl\"}"
	mkdir -p "$T/line"
	rm -f "$T/$id.in"
	mkfifo "$T/$id.in"
	: >"$T/$id.out"
	# The other end of the child's fd 3 is this test: what it says goes to ID.out, what it is told comes by ID.in.
	# It holds no other job's line open: their ends are what is tested.
	(
		for fd in "${JOB_FD[@]}"; do exec {fd}>&-; done
		SSH_TEST_JOB=$id exec socat -t 60 - EXEC:"$NF __job $id",fdin=3,fdout=3 <"$T/$id.in" >"$T/$id.out" 2>"$T/$id.err"
	) &
	JOB_PID[$id]=$!
	exec {fd}>"$T/$id.in"
	JOB_FD[$id]=$fd
	at_end "job_end $id"
	jq -nc --arg role "$2" --arg name "$3" --argjson host "$4" --argjson lines "$lines" --arg attempt "${ATTEMPT:-}" \
		'{t: "hello", proto: 1, role: $role, name: $name, verb: "run", step: "", attempt: $attempt, spool: "",
		  config: {app: "acme", kamal: {service: "acme", accessory: "db", roles: ["web"]}, host: $host, database: {}},
		  lines: $lines, facts: []}, {t: "secrets", values: {}}' >&"$fd"
}

job_get() { # ID JQ
	jq -rR "fromjson? | $2" "$T/$1.out"
}

job_says() { # ID CONDITION
	[ -n "$(job_get "$1" "select($2) | 1" 2>/dev/null)" ]
}

wait_says() { # SECONDS ID CONDITION
	eventually "$1" job_says "$2" "$3" || fail "Job $2 did not say $3: $(tail -n 5 "$T/$2.out") $(cat "$T/$2.err")"
}

job_answer() { # ID TEXT
	local n
	n=$(job_get "$1" 'select(.t == "ask") | .n' | tail -n 1)
	jq -nc --argjson n "$n" --arg text "$2" '{t: "answer", n: $n, text: $text, refused: ($text == "")}' >&"${JOB_FD[$1]}"
}

job_pid() { # ID
	pgrep -P "${JOB_PID[$1]}"
}

job_end() { # ID
	local fd=${JOB_FD[$1]:-} pid=${JOB_PID[$1]:-}
	[ -n "$fd" ] || return 0
	exec {fd}>&-
	unset "JOB_FD[$1]" "JOB_PID[$1]"
	wait "$pid" 2>/dev/null
}

line_start() { # HOST-JSON
	LINE=1 job_start line line ssh "$1"
}

# One check over the line or by itself: its verdict and sentence.
check_says() { # ID HOST-JSON
	job_start "$1" check host-clock "$2"
	wait_says 200 "$1" '.t == "end"'
	job_get "$1" 'select(.t == "end") | "\(.verdict) \(.text)"'
	job_end "$1"
}

left() {
	grep -lzs "^SSH_TEST=$T$" /proc/[0-9]*/environ | sed 's,^/proc/\([0-9]*\)/.*,\1,'
}
nothing_left() {
	[ -z "$(left)" ]
}
expect_nothing_left() { # SECONDS WHAT
	eventually "$1" nothing_left || fail "$2 left on the host: $(for p in $(left); do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done)"
}
