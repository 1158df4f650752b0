# shellcheck shell=bash
# What the parts of the demo world share. Sourced, never run.
#
#   load_world DIR              read DIR/ports; sets DEMO_USER when the file does not
#   say TEXT...                 one line of progress
#   die TEXT...                 one sentence on stderr, exit 1
#   wait_for SECONDS CMD...     poll CMD every 50 ms until it succeeds; 1 when the time is over
#   spawn PIDFILE LOG CMD...    CMD in its own session, detached, output appended to LOG
#   pid_alive PIDFILE           0 when the process of spawn still runs
#   kill_pidfile PIDFILE [SEC]  TERM to its whole group, KILL after SEC (default 5) seconds
#   as_user CMD...              CMD as $DEMO_USER when we are root, else directly; also as `spawn P L as_user CMD...`
#   open_path DIR               let $DEMO_USER pass through DIR and the folders between it and $WORLD
#   random_hex N                N random hex digits
#   free_ports N                N ports that nothing on this machine listens on, one per line
#   parse_database_url URL      sets DB_USER DB_PASSWORD DB_HOST DB_PORT DB_NAME
#   stamp                       milliseconds since the epoch

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

stamp() {
	# The decimal sign of EPOCHREALTIME follows the locale, so both are cut.
	local t=${EPOCHREALTIME/[.,]/}
	printf '%s\n' "${t:0:${#t}-3}"
}

load_world() {
	[ -r "$1/ports" ] || die "There is no readable $1/ports: start the world with demo/world start $1."
	# shellcheck disable=SC1091
	. "$1/ports"
	WORLD=${WORLD:-$(cd "$1" && pwd)}
	if [ -z "${DEMO_USER:-}" ]; then
		DEMO_USER=$(id -un)
		[ "$(id -u)" != 0 ] || DEMO_USER=postgres
	fi
}

wait_for() {
	local deadline=$(($(stamp) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(stamp)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

as_user_argv() {
	AS_USER=()
	if [ "$(id -u)" = 0 ] && [ "${DEMO_USER:-root}" != root ]; then
		AS_USER=(setpriv --reuid="$DEMO_USER" --regid="$(id -g "$DEMO_USER")" --init-groups --)
	fi
}

as_user() {
	as_user_argv
	"${AS_USER[@]}" "$@"
}

# The folders above the world belong to somebody else and are never opened.
open_path() {
	local dir
	dir=$(cd "$1" && pwd) || return 1
	as_user test -x "$dir" && return 0
	while :; do
		chmod o+x "$dir" || return 1
		[ "$dir" != "$WORLD" ] && [ "$dir" != / ] || break
		dir=$(dirname "$dir")
	done
	as_user test -x "$1" ||
		die "The user $DEMO_USER may not enter $1: start the world in a folder that everybody may pass, such as one below /tmp."
}

spawn() {
	local pidfile=$1 log=$2
	shift 2
	if [ "$1" = as_user ]; then
		shift
		as_user_argv
		set -- "${AS_USER[@]}" "$@"
	fi
	rm -f "$pidfile"
	# The inner shell writes its own id before it becomes CMD, so the id is right whether or not setsid had
	# to fork. Descriptors above 2 are closed: a caller that waits for the end of a pipe (a job line)
	# would otherwise wait for the whole night.
	# shellcheck disable=SC2016
	setsid bash -c '
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null
		done
		printf "%s\n" $$ >"$0.new" && mv "$0.new" "$0"
		exec "$@"' "$pidfile" "$@" </dev/null >>"$log" 2>&1 &
	disown "$!" 2>/dev/null || true
	wait_for 5 test -s "$pidfile"
}

# A spawned process leads its session. One that took over the number after a crash hardly ever does, so a
# stale pid file cannot kill a stranger.
pid_alive() {
	local pid stat
	pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] || return 1
	stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ "$1" != Z ] && [ "$4" = "$pid" ]
}

kill_pidfile() {
	local pidfile=$1 seconds=${2:-5} pid
	if pid_alive "$pidfile"; then
		pid=$(cat "$pidfile")
		kill -TERM -- "-$pid" 2>/dev/null
		if ! wait_for "$seconds" pid_gone "$pidfile"; then
			kill -KILL -- "-$pid" 2>/dev/null
			wait_for 5 pid_gone "$pidfile"
		fi
		# Children that outlived their leader.
		kill -KILL -- "-$pid" 2>/dev/null
	fi
	rm -f "$pidfile"
	return 0
}

pid_gone() {
	! pid_alive "$1"
}

random_hex() {
	local bytes
	bytes=$(od -An -vtx1 -N "$((($1 + 1) / 2))" /dev/urandom | tr -d ' \n')
	printf '%s\n' "${bytes:0:$1}"
}

# Below the range the kernel hands out to clients, so that no connection takes the port before its server does.
# A port is claimed for a few minutes: worlds that start at the same moment would both see it free.
free_ports() {
	local wanted=$1 taken port line hex claims
	claims=${TMPDIR:-/tmp}/nightferry-ports.$(id -u)
	mkdir -p "$claims" && find "$claims" -type f -mmin +3 -delete 2>/dev/null
	taken=" "
	for line in $(cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null |
		awk '$2 ~ /:/ { split($2, a, ":"); print a[2] }'); do
		taken+="$line "
	done
	while [ "$wanted" -gt 0 ]; do
		port=$((12000 + (RANDOM * 32768 + RANDOM) % 20000))
		printf -v hex '%04X' "$port"
		case $taken in *" $hex "*) continue ;; esac
		taken+="$hex "
		# Made only if it is not there, in one act.
		(set -C && : >"$claims/$port") 2>/dev/null || [ ! -e "$claims/$port" ] || continue
		printf '%s\n' "$port"
		wanted=$((wanted - 1))
	done
}

# Percent escapes are not decoded: the demo's names and passwords have none.
parse_database_url() {
	local rest=${1#*://}
	rest=${rest%%\?*}
	DB_NAME=${rest##*/}
	rest=${rest%/*}
	DB_USER=${rest%%:*}
	DB_PASSWORD=${rest#*:}
	DB_PASSWORD=${DB_PASSWORD%@*}
	rest=${rest##*@}
	DB_HOST=${rest%%:*}
	DB_PORT=${rest##*:}
	[ -n "$DB_USER" ] && [ -n "$DB_PORT" ] && [ -n "$DB_NAME" ]
}

# Heroku's config vars as the team carried them over to the new host (demo/heroku/fixture.json), but for the database's.
carried_vars() {
	cat <<-ENV
		REDIS_URL=redis://acme-redis:6379/0
		RAILS_ENV=production
		RACK_ENV=production
		RAILS_LOG_TO_STDOUT=enabled
		RAILS_SERVE_STATIC_FILES=enabled
		RAILS_MAX_THREADS=5
		SECRET_KEY_BASE=d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0
		SMTP_ADDRESS=smtp.example.net
		WEB_CONCURRENCY=2
		LANG=en_US.UTF-8
	ENV
}
