#!/bin/bash
# A drill at 80x24, by keys, to its card: a restore that is killed, a row that differs, a lock that is somebody else's. The
# person takes what the line at the bottom offers and nothing else; in the end the card stands in the terminal.
# timeout: 500
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

says() { # SECONDS REGEX WHAT
	eventually "$1" screen_like "$2" || fail "$3: no line like \"$2\" within $1 seconds."
	expect_frame
}

screen_like() {
	screen | grep -qE -- "$1"
}

# A box takes no key in its first quarter of a second.
box() { # TEXT in its frame
	wait_text 40 "$1"
	sleep 0.3
}

yes_to() { # TEXT in the frame of the box
	keys R
	box "$1"
	keys y
	wait_gone 10 "$1"
}

phrase_of_screen() {
	screen | sed -n 's/.*│ type  \([a-z0-9_.-]* [0-9a-f]\{4\}\) .*/\1/p'
}

phrase_for() { # TEXT in the frame of the box
	keys R
	box "$1"
	hands "$(phrase_of_screen)"
	says 10 "STARTS IN [123]" "count"
	wait_gone 15 "$1"
}

by_hand() { # ID WORDS
	keys M
	says 10 "BY HAND   [0-9]+ $1" "card"
	fill_line "$2"
	wait_gone 10 "BY HAND"
}

# Pressed again as long as the line says so: somebody else mends it meanwhile.
again_until_past() { # ID
	local deadline=$(($(now_ms) + 60000))
	while screen_like "^ FAILED: [0-9]+ $1"; do
		[ "$(now_ms)" -lt "$deadline" ] || fail "$1 fails again and again."
		keys R
		says 30 "FAILED: [0-9]+ $1|FLIP [0-9]+/[0-9]+" "$1 again"
		sleep 0.5
	done
}

scratch
export TMPDIR=$T DEMO_ROWS=20000
at_end 'stop_demo'
stop_demo() {
	local world socket
	for world in "$T"/nf-demo-*; do
		[ -d "$world" ] || continue
		socket=$(find "$T/state" -name seat.sock -print -quit 2>/dev/null)
		[ -z "$socket" ] || NIGHTFERRY_STATE=${socket%/*/*/*} timeout 20 "$NF" stop --config "$world/nightferry.yml" >/dev/null 2>&1 </dev/null
		"$ROOT/demo/world" stop "$world" >/dev/null 2>&1
	done
}
screen_start 80x24 "$NF" drill restore-killed,row-changed,lock-stolen
says 60 "A arms this seat.  Next: R 1 preflight" "first"
keys A
says 10 "ARMED" "armed"
keys R
says 60 "^ Next: M [0-9]+ freeze-deploys" "preflight"
by_hand freeze-deploys "told in the channel"
box "pause-backups   PAUSES BACKUPS   OLD"
keys y
says 20 "FREEZE [0-9]+/[0-9]+" "phase"
yes_to "maintenance-on   CLOSES THE SHOP   OLD"
says 30 "DOWN 0[0-9]:[0-9][0-9]" "down"
yes_to "scale-to-zero   STOPS ALL DYNOS   OLD"
says 60 "^ Next: R [0-9]+ wipe-target" "before-wipe"
phrase_for "wipe-target   WIPES   NEW"
says 40 "^ Next: R [0-9]+ restore" "wiped"

# pg_restore dies, and the line says what is to be done: nothing else is typed.
yes_to "restore   RESTORES   NEW"
says 60 "^ FAILED: [0-9]+ restore\. Enter why\.  :run wipe-target " "the restore is killed"
keys Enter
says 10 "signal 9|was killed|wipe-target" "why"
keys Escape
says 10 "^ FAILED: [0-9]+ restore" "back"
keys :
says 5 "^ :$" "palette"
fill_line "run wipe-target"
box "wipe-target   WIPES   NEW"
keys y
says 40 "^ Next: R [0-9]+ restore" "wiped again"
yes_to "restore   RESTORES   NEW"

# A row differs; somebody puts it right.
says 60 "^ FAILED: [0-9]+ count-rows" "a row differs"
again_until_past count-rows
says 60 "FLIP [0-9]+/[0-9]+ " "compared and started"

# Kamal's lock is bob's: the gate says so, and what has changed when it is the night's own again.
keys R
box "dns-point   MOVES TRAFFIC   NEW"
says 30 "held by bob since" "the lock is bob's"
says 40 "PASS +lock +Kamal's deploy lock on" "the lock is the night's again"
says 10 "→ PASS lock Kamal's deploy lock" "what it was, and what it is"
hands "$(phrase_of_screen)"
says 10 "STARTS IN [123]" "count"
wait_gone 15 "dns-point   MOVES TRAFFIC   NEW"
says 90 "^ Next: M [0-9]+ webhooks" "webhooks"
by_hand webhooks "each tried once"
says 60 "THE NIGHT IS CLOSED: done" "closed"
journal=$(journal)

# ---- what stands in the terminal ----

keys q
says 10 "End the drill\?" "leave"
sleep 0.3
keys y
wait_end 60
expect_equal "$(screen_status)" 0 "exit status"
tm capture-pane -p -S -100 -t main >"$T/card"
expect_file_has "$T/card" "DRILL PASSED: 3 of 3 faults noticed and recovered from"
for fault in restore-killed@restore row-changed@count-rows lock-stolen@dns-point; do
	expect_match "$(grep -F "$fault" "$T/card")" '^  OK  ' "$fault on the card"
done
expect_match "$(cat "$T/card")" 'decided +[0-9.]+ s  [a-z]+: runs wipe-target' "who decided"
expect_match "$(cat "$T/card")" 'data lost +none: 27 of 27 tables equal' "the data"
expect_match "$(cat "$T/card")" "The night stays in .*/acme/" "where the night is"
[ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' <(grep -v 'The night stays' "$T/card"))" -le 80 ] || fail "The card is wider than the screen: $(cat "$T/card")"
jq -e 'select(.kind == "drill.card") | .passed' "$journal" >/dev/null || fail "The journal has no card."
"$NF" verify "$journal" >"$T/verify" || fail "$(cat "$T/verify")"
[ -z "$(find "$T" -maxdepth 1 -name 'nf-demo-*')" ] || fail "The world is still there."
sed -n '/^DRILL/,$p' "$T/card"
