#!/bin/bash
# The whole night of the demo at 80x24, by keys as a person presses them: at most twelve keys that act and two typed
# phrases. At every phase every panel is read, and every line of every screen is as wide as the screen. An onlooker sits
# beside at 120x40; in the end the record is replayed, and draws every picture of both seats again, cell by cell.
# LOOKS=DIR keeps each screen that was looked at, and what the replay is held against.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

ACTS=0 PHRASES=0 LOOKED=0

# ---- a person at the keyboard ----

act() { # KEY: a capital, or the y of a box
	ACTS=$((ACTS + 1))
	keys "$1"
}

# Every picture is looked at in the same way: its frame first.
look() { # NAME
	LOOKED=$((LOOKED + 1))
	expect_frame
	[ -z "${LOOKS:-}" ] || screen >"$LOOKS/$(printf '%03d' $LOOKED)-$1.txt"
}

says() { # SECONDS REGEX WHAT: until one line of the screen is like it
	eventually "$1" screen_like "$2" || fail "$3: no line like \"$2\" within $1 seconds."
	look "$3"
}

screen_like() {
	screen | grep -qE -- "$1"
}

panel() { # DIGIT TITLE REGEX...: the panel on the whole screen, and what must stand in it
	local digit=$1 title=$2 want
	shift 2
	keys "$digit"
	eventually 5 screen_like "─ $digit $title" || fail "$PHASE: panel $digit does not come."
	# In the view it shares the screen; + makes it half, then all of it.
	eventually 5 whole "$digit $title" || fail "$PHASE: panel $digit does not become large."
	look "$PHASE-$digit"
	for want in "$@"; do
		says 8 "$want" "$PHASE-$digit"
	done
}

whole() {
	screen_like "^─ $1" && return
	keys +
	sleep 0.2
	screen_like "^─ $1"
}

in_view() {
	screen_like "^─ 1 Playbook .* [0-9]+/30 ─┬" && return
	keys v
	sleep 0.3
	screen_like "^─ 1 Playbook .* [0-9]+/30 ─┬"
}

back_to_view() {
	eventually 5 in_view || fail "$PHASE: the view of the phase does not come back."
	says 5 "^─ 1 Playbook .* [0-9]+/30 ─┬" "$PHASE-view"
}

box() { # TEXT in its frame
	wait_text 20 "$1"
	look "gate"
	box_settles
}

yes_to() { # TEXT in the frame of the box
	act R
	box "$1"
	act y
	wait_gone 5 "$1"
}

# The phrase is read from the screen, as a person reads it.
phrase_of_screen() {
	screen | sed -n 's/.*│ type  \([a-z0-9_.-]* [0-9a-f]\{4\}\) .*/\1/p'
}

phrase_for() { # TEXT in the frame of the box
	act R
	box "$1"
	PHRASES=$((PHRASES + 1))
	hands "$(phrase_of_screen)"
	says 5 "STARTS IN [123]" "count"
	wait_gone 10 "$1"
}

by_hand() { # ID WORDS
	act M
	says 5 "BY HAND   [0-9]+ $1" "card"
	fill_line "$2"
	wait_gone 5 "BY HAND"
}

# All ten, on the whole screen, whatever the hour; what each must say now is asked for by the caller before.
every_panel() {
	local digit titles=(Traffic Playbook Dynos Transfer Rows Logs Writers Host DNS Checks)
	for digit in 1 2 3 4 5 6 7 8 9 0; do
		panel "$digit" "${titles[digit]}"
	done
}

# ---- the night ----

PHASE=start
scratch
export TMPDIR=$T
at_end 'stop_demo'
stop_demo() {
	local world socket
	for world in "$T"/nf-demo-*; do
		[ -d "$world" ] || continue
		# the engine first: STATE/acme/NIGHT/seat.sock
		socket=$(find "$T/state" -name seat.sock -print -quit 2>/dev/null)
		[ -z "$socket" ] || NIGHTFERRY_STATE=${socket%/*/*/*} timeout 20 "$NF" stop --config "$world/nightferry.yml" >/dev/null 2>&1 </dev/null
		"$ROOT/demo/world" stop "$world" >/dev/null 2>&1
	done
}
export NIGHTFERRY_FRAMES=$T/frames.driver
screen_start 80x24 "$NF" demo
says 10 "Starting" "starting"
says 40 "A arms this seat.  Next: R 1 preflight" "first"

socket=$(find "$T/state" -name seat.sock -print -quit)
SCREEN=onlooker
screen_start 120x40 env NIGHTFERRY_STATE="${socket%/*/*/*}" NIGHTFERRY_FRAMES="$T/frames.onlooker" "$NF" attach --as raj --observer \
	--config "$(echo "$T"/nf-demo-*/nightferry.yml)"
wait_text 20 "WATCHES raj"
SCREEN=main

PHASE=prepare
every_panel
panel 8 DNS "ns1.* OLD  auth" "answers  NEW 0   OLD [1-8] "
panel 2 Dynos "^ web .* 2 +2 .* 2 up" "way back +not recorded yet"
panel 6 Writers "QUIET FOR  0 s: somebody writes" "last written row: .* by "
panel 0 Traffic "NEW .* 0% " "OLD .*100% " "WAY BACK  FREE"
back_to_view
act A
says 5 "ARMED" "armed"
act R
says 40 "PASS [34][0-9]   WARN [0-9]   FAIL 0   UNKNOWN 0" "preflight"
says 20 "^ Next: M 2 freeze-deploys" "preflight"
panel 9 Checks "WARN +target-empty" "PASS +extensions"
by_hand freeze-deploys "told in the channel, CI is paused"
# R runs on by itself to the next gate.
box "4 pause-backups   PAUSES BACKUPS   OLD"
act y

PHASE=freeze
says 10 "FREEZE 5/30" "phase"
yes_to "5 maintenance-on   CLOSES THE SHOP   OLD"
says 20 "DOWN 0[0-9]:[0-9][0-9]" "down"
panel 2 Dynos "maintenance ON since"
says 20 "^ router +[0-9.]+ requests/s .*H80 [0-9]+ " "router"
panel 5 Logs "OLD router +H80 Maintenance mode"
yes_to "6 scale-to-zero   STOPS ALL DYNOS   OLD"
panel 2 Dynos "^ web .* 0 +0 +2  all gone" "^ worker .* 0 +0 +1  all gone" "way back +web=2 worker=1"
panel 6 Writers "QUIET FOR"
every_panel
back_to_view

PHASE=copy
says 40 "^ Next: R 13 wipe-target" "before-wipe"
panel 3 Transfer "^ OK   capture " "^ OK   download "
panel 4 Rows "OLD  27 of 27 tables"
panel 1 Playbook "OK quiet|OK freeze +4/4"
back_to_view
phrase_for "13 wipe-target   WIPES   NEW"
says 20 "^ Next: R 15 restore" "wiped"
every_panel
back_to_view
yes_to "15 restore   RESTORES   NEW"
says 60 "FLIP 22/30 " "restored"

PHASE=verify
panel 3 Transfer "^ restore .*100%" "tables 2[79]/2[79]" "^ orders +3,[0-9]{3} .*done"
panel 4 Rows "^ 27/27 tables equal, content too" "OLD  27 of 27 tables" "NEW  27 of 27 tables" "^ PASS +orders +([0-9,]+) +\1 +0"
panel 1 Playbook "OK verify +2/2" "OK boot +3/3"
panel 7 Host "^ acme-web-[0-9a-f]{7} +[0-9a-f]{7} +(running|healthy)" "^ acme-db "
panel 9 Checks "PASS +/up .*NEW 200"
every_panel
back_to_view

PHASE=flip
phrase_for "22 dns-point   MOVES TRAFFIC   NEW"
says 20 "(FLIP 23|WATCH (24|25))/30" "flipped"
panel 8 DNS "flipped [0-9:]+ " "^ ns1.* NEW  auth +NEW  auth"
says 40 "WAS DOWN 0[0-9]:[0-9][0-9]" "up again"
panel 0 Traffic "NEW .* [1-9][0-9]?%" "WAY BACK  (COSTS [0-9,]+ ROWS|ONE-WAY)"
panel 5 Logs "NEW proxy +[a-z]+.acme.example GET "
every_panel
keys 8
says 30 "answers  NEW [1-8]   OLD 0 " "all new"
back_to_view

PHASE=after
says 60 "^ Next: M 27 webhooks" "webhooks"
by_hand webhooks "stripe and postmark, each tried once"
says 40 "THE NIGHT IS CLOSED: done" "closed"
every_panel
panel 1 Playbook "OK after +4/4"
panel 4 Rows "27/27 tables equal"
panel 0 Traffic "NEW .* [0-9]+%"
keys '@'
says 5 "COMMANDS" "commands"
keys Escape
says 5 "^─ 0 Traffic" "back"

[ $ACTS -le 13 ] || fail "It took $ACTS keys that act, more than 13."
[ $PHRASES -le 2 ] || fail "It took $PHRASES typed phrases, more than 2."

# ---- leaving ----

JOURNAL=$(journal)
keys q
says 5 "Stop the demo world, too" "leave"
box_settles
keys y
wait_end 30
expect_equal "$(screen_status)" 0 "exit status"
screen >"$T/goodbye"
expect_file_has "$T/goodbye" "The demo world is stopped."
"$NF" report --format json "$JOURNAL" >"$T/report.json" || fail "There is no report."
expect_equal "$(jq -r .verdict "$T/report.json")" "done" "verdict"
expect_equal "$(jq '[.steps[] | select(.state != "done" and .state != "byhand" and .id != null)] | map(select(.id | startswith("back-") | not)) | length' "$T/report.json")" 0 "steps that are not done"
expect_equal "$(jq '[.tables[] | select(.source_rows != .target_rows)] | length' "$T/report.json")" 0 "tables that differ"
[ -z "${LOOKS:-}" ] || cp "$JOURNAL" "${JOURNAL%/*}/trace.jsonl" "$T"/frames.* "$LOOKS"
for seat in driver onlooker; do
	"$ROOT/build/tests/screens/same_night" "$JOURNAL" "${JOURNAL%/*}/trace.jsonl" "$T/frames.$seat" >"$T/same.$seat" ||
		fail "The record does not draw what the $seat saw: $(cat "$T/same.$seat")"
	expect_match "$(cat "$T/same.$seat")" "^pictures [0-9]{3,} gates [0-9]{2,} .* prepare .* freeze .* copy .* flip .* watch .* after" \
		"what the record drew again for the $seat"
	echo "ok  the record draws what the $seat saw: $(cat "$T/same.$seat")"
done
"$NF" verify "$JOURNAL" >"$T/verify" || fail "The journal does not verify: $(cat "$T/verify")"
[ -z "$(find "$T" -maxdepth 1 -name 'nf-demo-*')" ] || fail "The demo world left its folder."
echo "ok  the whole night: $ACTS keys that act, $PHRASES phrases, $LOOKED looks"
