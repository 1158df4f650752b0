#!/bin/bash
# Every gate refused in every wrong way, with nothing happening, and then passed in the right one.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
# Files that poured keys write stay here.
cd "$T" || exit 1
cat >"$T/gates.yml" <<'YML'
name: gates
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: leave}, gate: type}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/gates.yml" >>"$CONFIG"

# ---- helpers ----

count() { # KIND
	events "$1" .seq 2>/dev/null | wc -l
}

counted() { # KIND N
	[ "$(count "$1")" -ge "$2" ]
}

# What changes the world: requests that are no look, and attempts.
deeds() {
	printf '%s %s\n' "$(grep -E '(PATCH|POST|PUT|DELETE) /' "$W/heroku/requests.log" | grep -vcE 'log-sessions|/resolve ')" "$(count attempt.started)"
}

nothing_happened() { # WHAT
	expect_equal "$(deeds)" "$DEEDS" "$1: changes and attempts"
	echo "ok  $1"
}

open_gate() { # TEXT in the box
	local n
	n=$(count gate.opened)
	keys R
	eventually 15 counted gate.opened $((n + 1)) || fail "No gate opened."
	wait_text 5 "$1"
	box_settles
}

asks_for_note() {
	screen | grep -qE "^ note >[ ;]*$" && return
	type_text "\;"
	sleep 0.2
	screen | grep -qE "^ note >[ ;]*$"
}

# What this seat sent before has been taken when a note of its own is in the journal.
fence() {
	FENCES=$((${FENCES:-0} + 1))
	eventually 5 asks_for_note || fail "No note could be written."
	fill_line "fence $FENCES"
	wait_event 5 note.added ".text | endswith(\"fence $FENCES\")"
}

closes_gate() { # WHAT KEY...: every such key leaves the open gate
	local what=$1 n
	shift
	n=$(count gate.closed)
	keys "$@"
	eventually 10 counted gate.closed $((n + 1)) || fail "$what: the gate did not close."
	nothing_happened "$what"
}

away() {
	keys Escape
	sleep 0.2
	screen_lacks "Esc back"
}

# Keys are ignored for a moment after a resize.
takes_size() {
	eventually 5 fits || fail "The seat did not take its new size."
	sleep 0.3
}

fits() {
	(expect_frame) && screen | tail -n 1 | grep -q leave
}

tag() {
	events gate.opened .tag | tail -n 1 | tr -d '"'
}

arm() {
	screen | head -n 1 | grep -q ARMED && return
	keys A
	wait_text 10 "ARMED ana"
}

patch_web() { # QUANTITY
	curl -sS -o "$T/answer" -X PATCH -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' \
		"$HEROKU_HOST/apps/$HEROKU_APP/formation" -d "{\"updates\":[{\"type\":\"web\",\"quantity\":$1}]}"
}

# ---- outside of any dialog ----

screen_start 80x24 "$NF" --as ana
wait_text 20 "R next"
wait_text 10 " web "
DEEDS=$(deeds)
expect_frame

keys R
wait_text 5 "press A to arm this seat first"
fence
nothing_happened "R on a seat that is not armed"

keys y
wait_text 5 "y does nothing here"
keys C-c
wait_text 5 "q leaves"
expect_equal "$(screen_status)" "" "Ctrl-C never ends a seat"
arm
expect_frame
keys Enter
wait_text 5 "Esc back"
keys Escape
wait_gone 5 "Esc back"
keys /
type_text foo
keys Enter n n n
fence
nothing_happened "y, Ctrl-C, Enter, and n in a search"

keys R R R
wait_text 5 "faster than a hand"
wait_text 5 "READ-ONLY"
expect_frame
fence
nothing_happened "three keys at once"
expect_equal "$(count gate.opened)" 0 "gates after a burst"

# A file into the pane: no line of it is taken, wherever its first letter leads.
for text in $'hello\nworld\n:run 1\nfoo\n' $'Many lines of text\nVgo\nHello\n'; do
	arm
	type_text "${text//$'\n'/$'\r'}"
	wait_text 5 "faster than a hand"
	# its first letters may have looked at something
	eventually 5 away || fail "The card does not close."
	fence
	nothing_happened "a file into the pane: ${text//$'\n'/ }"
done
expect_equal "$(count gate.opened) $(count hold.called) $(count vote.given)" "0 0 0" "gates, holds and votes after files"

arm
tm resize-window -t main -x 90 -y 26 \; send-keys -t main R H
SCREEN_SIZE[main]=90x26
takes_size
fence
expect_equal "$(count gate.opened) $(count hold.called)" "0 0" "gates and holds right after a resize"
nothing_happened "keys in the moment of a resize"
resize 80x24
takes_size

# ---- the gate that wants a y ----

for key in Enter Space n Y R C-c Escape; do
	arm
	open_gate "y does it."
	expect_frame
	closes_gate "$key at a gate for y" "$key"
	[ "$key" != Escape ] || wait_text 5 "nothing happened"
done
expect_equal "$(screen_status)" "" "Ctrl-C in a dialog ends no seat"

open_gate "y does it."
paste_text y
wait_text 5 "a paste"
wait_text 5 "READ-ONLY"
expect_frame
keys y
wait_text 5 "this seat is not armed"
closes_gate "a pasted y, and a y on a seat that is not armed" Escape

arm
open_gate "y does it."
keys y
wait_event 20 attempt.ended '.outcome == "done"'
wait_text 10 "Next: R 2 scale-to-zero"
echo "ok  y passes it"

# ---- the gate that wants a phrase ----

DEEDS=$(deeds)
open_gate "when complete 3 s run"
expect_frame
old=$(tag)
[ "$old" = 0000 ] && other=1111 || other=0000
keys Enter
hands "acme-staging $old"
keys Enter
wait_text 5 "> acme-staging $old"
keys C-u
hands "acme-production $other"
wait_text 5 "> acme-production $other"
keys Enter Y R
nothing_happened "the phrase of another app, and that of another night"
keys C-u
paste_text "acme-production $old"
wait_text 5 "a paste"
wait_text 5 "> _"
closes_gate "a pasted phrase" Escape
arm
open_gate "when complete 3 s run"
type_text "acme-production $(tag)"
wait_text 5 "faster than a hand"
wait_text 5 "READ-ONLY"
wait_text 5 "> _"
closes_gate "a phrase that is poured in" Escape
expect_equal "$(count gate.counting)" 0 "counts begun"

# The same without the terminal's brackets: what comes at once was not typed.
arm
open_gate "when complete 3 s run"
type_text "acme-production $(tag)"
wait_text 5 "faster than a hand"
wait_text 5 "> _"
closes_gate "a phrase in one burst" Escape
expect_equal "$(count gate.counting)" 0 "counts begun"

arm
open_gate "when complete 3 s run"
old=$(tag)
hands "acme-production ${old:0:2}"
patch_web 3
DEEDS=$(deeds)
wait_event 15 gate.changed
new=$(events gate.changed .tag | tail -n 1 | tr -d '"')
[ "$new" != "$old" ] || fail "The tag is still $old."
wait_text 5 "web 2 → 0"
wait_text 5 "web 3 → 0"
wait_text 5 "> acme-production _"
expect_frame
expect_match "$(events gate.changed '[.was[0], .is[0]]')" "web 2 . 0.*web 3 . 0" "was and is"
hands "$old"
wait_text 5 "> acme-production $old"
nothing_happened "the tag of what was there before"
keys C-u
closes_gate "Esc in a phrase" Escape
expect_equal "$(count gate.counting)" 0 "counts begun"

# ---- the count, and who stops it ----

SCREEN=two screen_start 120x30 "$NF" attach --as bea
SCREEN=two wait_text 10 "H hold"
open_gate "when complete 3 s run"
hands "acme-production $(tag)"
wait_event 5 gate.counting
SCREEN=two wait_text 3 "STARTS IN"
SCREEN=two expect_frame
SCREEN=two keys x
wait_event 5 gate.stopped '.by == "bea"'
wait_text 5 "stopped by bea: nothing happened"
wait_text 5 "> _"
expect_frame
nothing_happened "a key on another seat stops the count"

hands "acme-produc"
wait_text 3 "> acme-produc_"
SCREEN=two keys H
wait_text 5 "HOLD by bea: this gate waits"
wait_text 5 "H release"
screen | tail -n 1 | grep -q "type the phrase" && fail "Under a HOLD the line of keys still asks for the phrase."
hands "tion"
wait_text 5 "the phrase is asked for after its release"
SCREEN=two keys H
SCREEN=two wait_text 5 "release the hold"
SCREEN=two fill_line "checked"
wait_event 5 hold.released
wait_text 5 "> _"
nothing_happened "a HOLD within the phrase"

hands "acme-production $(tag)"
wait_text 3 "STARTS IN"
expect_frame
keys C-c
wait_event 5 gate.stopped '.by == "ana"'
nothing_happened "Ctrl-C stops the count"

# The other seat goes to sleep on its fright, and has stopped the count before.
hands "acme-production $(tag)"
SCREEN=two wait_text 3 "STARTS IN"
SCREEN=two keys C-z
wait_event 5 gate.stopped '.by == "bea"'
nothing_happened "Ctrl-Z on another seat stops the count"

hands "acme-production $(tag)"
wait_text 3 "STARTS IN"
wait_event 10 gate.passed '.how == "phrase" and .by == "ana"'
wait_event 40 attempt.ended '.step == "scale-to-zero"'
expect_equal "$(events attempt.ended 'select(.step == "scale-to-zero") | .outcome')" '"done"' "outcome"
ms=$(jq -s '(map(select(.kind == "gate.passed")) | last | .at) - (map(select(.kind == "gate.counting")) | last | .at)' "$(journal)")
[ "$ms" -ge 2900 ] || fail "The count ran $ms ms instead of 3000."
echo "ok  the phrase passes it, after $ms ms"
expect_equal "$(screen_status)" "" "the seat is still there"
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
