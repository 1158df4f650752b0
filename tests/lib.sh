# shellcheck shell=bash
# What tests share. Sourced first thing by every script below tests/:
#   . "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
#
#   fail TEXT...                    one sentence on stderr, exit 1
#   eventually SECONDS CMD...       poll CMD until it succeeds; 1 when the time is over
#   expect_equal GOT WANTED WHAT    also expect_match GOT REGEX WHAT, expect_file_has FILE TEXT, expect_status N CMD...
#   free_port                       a port that nothing listens on, and that no other test is given meanwhile
#   scratch                         sets T: a short folder of this test, removed at its end
#   world_start [NAME=VALUE...]     a demo world in $W (its env sourced, CONFIG, NIGHTFERRY_STATE set), stopped at the end
#   world_sql old|new SQL           one answer of a database, unaligned
#   journal                         the path of the newest night's journal; journal_of DIR below a state folder
#   events KIND [JQ]                events of a kind from the journal, through a jq filter
#   wait_event SECONDS KIND [JQ-CONDITION]
#   screen_start WxH CMD...         CMD in a tmux of its own; SCREEN names another screen beside `main`
#   keys KEY...                     tmux key names; type_text TEXT for literal text; paste_text TEXT is bracketed
#   hands TEXT                      types at eight keys a second
#   fill_line TEXT                  types into the line that has just been opened, and Enter
#   enter_line                      Enter at the end of a typed line, as late as a person's
#   screen, screen_colour           what is on it: as text, as text with its escapes
#   wait_text SECONDS TEXT          until the screen shows TEXT (a fixed string); wait_gone SECONDS TEXT; wait_end SECONDS
#                                   (these and wait_event have 20 seconds of patience at least: the machine may be busy)
#   box_settles                     until a box that is on the screen takes keys
#   resize WxH, screen_status       the exit status of CMD once it ended
#   expect_frame WxH                right number of lines, none wider than the screen, no torn last column
set -u
ROOT=${ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
NF=$ROOT/build/nightferry
# The program under test may be the one with sanitizers: SAN=1 tests/people/x.sh
[ -z "${SAN:-}" ] || NF=$ROOT/build-san/nightferry
export LC_ALL=C.UTF-8 TZ=UTC DEMO_ROWS=${DEMO_ROWS:-50000}
cleanups=()

fail() {
	printf '%s\n' "$*" >&2
	if [ -n "${TMUX_LABEL:-}" ]; then
		printf 'The screen shows:\n' >&2
		screen >&2
	fi
	exit 1
}

at_end() { # COMMAND: run at the end, the newest first
	[ ${#cleanups[@]} -gt 0 ] || trap run_cleanups EXIT
	trap 'exit 130' INT TERM HUP
	cleanups=("$1" "${cleanups[@]}")
}

run_cleanups() {
	local status=$? command
	trap - EXIT
	for command in "${cleanups[@]}"; do eval "$command"; done
	cleanups=()
	exit $status
}

now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	printf '%s\n' "${t:0:${#t}-3}"
}

eventually() {
	local deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

free_port() {
	(. "$ROOT/demo/lib.sh" && free_ports 1)
}

patience() { # SECONDS: what a wait has that fails its test
	printf '%d\n' $(($1 < 20 ? 20 : $1))
}

# ---- assertions ----

expect_equal() {
	[ "$1" = "$2" ] || fail "${3:-value}: expected \"$2\", got \"$1\"."
}

expect_match() {
	[[ $1 =~ $2 ]] || fail "${3:-value}: expected something like \"$2\", got \"$1\"."
}

expect_file_has() {
	grep -qF -- "$2" "$1" || fail "$1 does not have \"$2\"."
}

expect_status() { # N CMD...: its output is left in $OUTPUT
	local wanted=$1 status=0
	shift
	OUTPUT=$("$@" 2>&1 </dev/null) || status=$?
	[ $status = "$wanted" ] || fail "\"$*\" ended with $status instead of $wanted: $OUTPUT"
}

# ---- folders and worlds ----

scratch() {
	[ -n "${T:-}" ] && return
	T=$(mktemp -d "${TMPDIR:-/tmp}/XXXX") || fail "No scratch folder could be made."
	chmod 755 "$T"
	export NIGHTFERRY_STATE=$T/state
	at_end 'rm -rf "$T"'
}

world_start() {
	local pair
	scratch
	for pair in "$@"; do export "${pair?}"; done
	W=$T/w
	at_end 'world_stop'
	"$ROOT/demo/world" start "$W" >"$T/world.log" 2>&1 </dev/null || fail "The world did not start: $(tail -n 20 "$T/world.log")"
	set -a
	# shellcheck disable=SC1091
	. "$W/env"
	set +a
	export CONFIG=${CONFIG:-$W/nightferry.yml}
}

engine_stop() {
	timeout 20 "$NF" stop --config "${CONFIG:-$W/nightferry.yml}" </dev/null
}

# The night's engine first: it is the one that would miss the world. A driver's seat that has just died still holds
# the wheel for a moment, and then nobody else may stop it.
world_stop() {
	[ -d "$W" ] || return 0
	[ ! -e "$W/nightferry.yml" ] || eventually 15 engine_stop
	"$ROOT/demo/world" stop "$W" >/dev/null 2>&1
}

world_sql() { # old|new SQL: one answer of a database, as the app's own role
	local side=${1^^}_DATABASE_URL url user password
	url=${!side}
	user=${url#*://} user=${user%%:*} password=${url#*://*:} password=${password%%@*}
	PGPASSWORD=$password psql -XAtq -d "postgres://$user@${url#*@}" -c "$2" </dev/null
}

# ---- the journal ----

# The newest by when it was opened: of two nights of one minute, or of a rehearsal and a night, the names do not tell.
journal_of() { # DIR
	find "$1" -name journal.jsonl -exec awk \
		'match($0, /"at":[0-9]+/) { print substr($0, RSTART + 5, RLENGTH - 5), FILENAME } { nextfile }' {} + | sort -n | tail -n 1 | cut -d' ' -f2-
}

journal() {
	journal_of "$NIGHTFERRY_STATE"
}

events() { # KIND [JQ]
	jq -c --arg kind "$1" "select(.kind == \$kind) | ${2:-.}" "$(journal)"
}

have_event() { # KIND [CONDITION]
	[ -n "$(events "$1" "select(${2:-true})" 2>/dev/null)" ]
}

wait_event() { # SECONDS KIND [CONDITION]
	eventually "$(patience "$1")" have_event "$2" "${3:-true}" || fail "There was no event $2 with ${3:-anything} within $(patience "$1") seconds."
}

# ---- a screen ----

SCREEN=main
declare -A SCREEN_SIZE=()

tm() {
	tmux -L "$TMUX_LABEL" -f /dev/null "$@"
}

new_session() { # WxH CMD...
	local size=$1
	shift
	# The status is written by the wrapper, and the pane stays so that the last picture can be read.
	tm new-session -d -s "$SCREEN" -x "${size%x*}" -y "${size#*x}" \
		"bash -c '\"\$@\"; echo \$? >\"\$0\"; exec sleep 1000' $(printf '%q ' "$T/status.$SCREEN" "$@")" \; \
		set -g status off \; set -g default-terminal "${SCREEN_TERM:-tmux-256color}" \; set -sg escape-time 0
}

screen_start() { # WxH CMD...
	local size=$1
	shift
	scratch
	if [ -z "${TMUX_LABEL:-}" ]; then
		TMUX_LABEL=nf$$
		export TMUX_TMPDIR=$T
		at_end 'tm kill-server 2>/dev/null'
	fi
	SCREEN_SIZE[$SCREEN]=$size
	# A server that was just told to go may still be going.
	eventually 10 new_session "$size" "$@" || fail "tmux could not start."
}

keys() {
	tm send-keys -t "$SCREEN" "$@"
}

type_text() {
	tm send-keys -t "$SCREEN" -l "$1"
}

hands() { # TEXT: as fingers do, about eight keys a second; a phrase that comes at once is a paste
	local i
	for ((i = 0; i < ${#1}; i++)); do
		type_text "${1:i:1}"
		sleep 0.12
	done
}

# Into a line that has just been opened, no faster than a hand: what opens, fills and ends it at once is taken for a paste.
fill_line() { # TEXT
	sleep 0.1
	type_text "$1"
	sleep 0.3
	keys Enter
}

# A box takes no key in its first quarter of a second: what was on its way was not meant for it.
box_settles() {
	sleep 0.35
}

enter_line() {
	sleep 0.3
	keys Enter
}

paste_text() {
	tm set-buffer -b nf "$1" \; paste-buffer -p -d -b nf -t "$SCREEN"
}

screen() {
	tm capture-pane -p -t "$SCREEN" 2>/dev/null
}

screen_colour() {
	tm capture-pane -pe -t "$SCREEN"
}

screen_has() {
	screen | grep -qF -- "$1"
}

screen_lacks() {
	! screen_has "$1"
}

wait_text() { # SECONDS TEXT
	eventually "$(patience "$1")" screen_has "$2" || fail "The screen did not show \"$2\" within $(patience "$1") seconds."
}

wait_gone() { # SECONDS TEXT
	eventually "$(patience "$1")" screen_lacks "$2" || fail "The screen still shows \"$2\" after $(patience "$1") seconds."
}

wait_end() { # SECONDS
	eventually "$(patience "$1")" test -s "$T/status.$SCREEN" || fail "The program on the screen did not end within $(patience "$1") seconds."
}

screen_status() {
	cat "$T/status.$SCREEN" 2>/dev/null
}

resize() { # WxH
	SCREEN_SIZE[$SCREEN]=$1
	tm resize-window -t "$SCREEN" -x "${1%x*}" -y "${1#*x}"
}

# -N keeps the blanks at the ends: what is drawn must reach the last column of every line and not one further.
expect_frame() { # WxH, or the screen's own size
	local size=${1:-${SCREEN_SIZE[$SCREEN]}} lines line n=0
	mapfile -t lines < <(tm capture-pane -pN -t "$SCREEN")
	expect_equal "${#lines[@]}" "${size#*x}" "lines on the screen"
	for line in "${lines[@]}"; do
		n=$((n + 1))
		[ ${#line} -le "${size%x*}" ] || fail "Line $n is ${#line} wide, the screen ${size%x*}: $line"
	done
}

# The picture as the program itself draws it, where every line must be exactly as wide as asked for.
expect_exact_width() { # WIDTH FILE: text without wide characters
	local line n=0
	while IFS= read -r line || [ -n "$line" ]; do
		n=$((n + 1))
		[ ${#line} = "$1" ] || fail "Line $n of $2 is ${#line} wide instead of $1: $line"
	done <"$2"
	[ $n -gt 0 ] || fail "There is no frame in $2."
}
