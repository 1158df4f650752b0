#!/bin/bash
# Two seats of different sizes and an observer: one truth, one wheel, a hold that anybody may call, and seats and an
# engine that die.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
cat >"$T/two.yml" <<'YML'
name: two
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: tell, do: manual, with: {card: "Tell support."}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/two.yml" >>"$CONFIG"

on() { # SCREEN CMD...
	local SCREEN=$1
	shift
	"$@"
}

seat() { # SCREEN WxH CMD...
	local SCREEN=$1
	shift
	screen_start "$@"
	wait_text 20 "H hold"
}

seat_pid() { # SCREEN: the program below the wrapper of its pane
	pgrep -P "$(tm display-message -p -t "$1" '#{pane_pid}')"
}

note() { # SCREEN TEXT
	local SCREEN=$1
	wait_gone 5 " note >"
	type_text '\;'
	wait_text 5 " note >"
	fill_line "$2"
	wait_event 5 note.added ".text == \"$2\""
}

# ---- one truth ----

seat ana 80x24 "$NF" --as ana
seat bea 160x48 "$NF" attach --as bea
seat cyd 100x30 "$NF" attach --as cyd --observer
on ana wait_text 5 "bea"
on bea wait_text 5 "seats ana (drives) bea cyd"
for screen in ana bea cyd; do on "$screen" expect_frame; done

seen_after() { # SCREEN TEXT: milliseconds from the journal's line to the other screen
	on "$1" wait_text 5 "$2"
	echo $(($(now_ms) - $(events note.added "select(.text == \"$2\") | .at")))
}
best=9999
for n in 1 2 3; do
	note ana "truth number $n"
	ms=$(seen_after bea "truth number $n")
	[ "$ms" -ge "$best" ] || best=$ms
done
[ "$best" -lt 1000 ] || fail "A note of one seat took $best ms to be seen on the other."
echo "ok  a note is on the other seat after $best ms"

# ---- the observer ----

on cyd keys R
on cyd wait_text 5 "only watches"
on cyd keys A
on cyd wait_text 5 "only watches"
note cyd "seen from the sofa"
on ana wait_text 5 "seen from the sofa"
on cyd keys H
wait_event 5 hold.called '.by == "cyd"'
on ana wait_text 5 "HOLD"
on bea wait_text 5 "HOLD"
expect_equal "$(events gate.opened)" "" "gates"
echo "ok  an observer notes and holds, and does not act"

# ---- the hold ----

on ana keys A
on ana wait_text 5 "ARMED ana"
on ana keys R
on ana wait_text 5 "HOLD: nothing new starts"
on bea keys H
on bea wait_text 5 "released by its caller or the driver"
expect_equal "$(events hold.released)" "" "releases"
on cyd keys H
on cyd wait_text 5 "release the hold, because"
on cyd enter_line
on cyd wait_text 5 "a few words are needed"
on cyd fill_line "a false alarm"
wait_event 5 hold.released '.by == "cyd" and .reason == "a false alarm"'
on cyd wait_gone 5 "release the hold"
on cyd keys H
wait_event 5 hold.called '.by == "cyd"'
on ana wait_text 5 "HOLD"
on ana keys H
on ana wait_text 5 "release the hold, because"
on ana fill_line "cyd agrees"
wait_event 5 hold.released '.by == "ana" and .reason == "cyd agrees"'
expect_equal "$(events gate.opened)" "" "gates"
echo "ok  a hold stops R, and is released by its caller or the driver"

# ---- the wheel ----

on bea wait_gone 10 "released by its caller"
on bea keys R
on bea wait_text 5 "another seat has the wheel"
on bea keys D
on ana wait_text 5 "bea asks for the wheel"
on ana keys D
on bea wait_text 5 "TAKE THE WHEEL"
box_settles
on bea keys y
wait_event 5 wheel.given '.name == "bea" and .from == "ana"'
on ana wait_gone 10 "ARMED"
on ana keys R
on ana wait_text 5 "another seat has the wheel"
echo "ok  the wheel goes over in three keys"

kill -KILL "$(seat_pid bea)"
wait_event 10 seat.left '.name == "bea"'
on ana keys D
on ana wait_text 5 "bea may come back"
takes_wheel() {
	on ana keys D
	sleep 0.5
	have_event wheel.given '.name == "ana" and .from == "bea"'
}
eventually 20 takes_wheel || fail "The wheel of a seat that died is not given to another."
on ana keys A
on ana wait_text 5 "ARMED ana"
echo "ok  the wheel of a seat that died is taken by another"

# ---- the engine ----

engine=$(events engine.started .pid | tail -n 1)
kill -KILL "$engine"
on ana wait_text 10 "engine lost"
on cyd wait_text 10 "engine lost"
on ana keys R
on ana wait_text 5 "the engine is not there"
on ana expect_frame
seat bea2 160x48 "$NF" --as bea
expect_equal "$(events engine.started | wc -l)" 2 "engines"
on ana wait_gone 20 "engine lost"
on cyd wait_gone 20 "engine lost"
on bea2 wait_text 10 "cyd"
on bea2 wait_text 5 "truth number 3"
expect_equal "$(find "$NIGHTFERRY_STATE" -name journal.jsonl | wc -l)" 1 "nights"
echo "ok  a new engine takes the night up, and the seats come back"

# Who has the wheel now is who came first; ana takes it and goes on.
drives() {
	on ana screen | head -n 1 | grep -q "ARMED ana" && return
	on ana keys D
	sleep 0.2
	on ana keys A
	sleep 0.3
	on ana screen | head -n 1 | grep -q "ARMED ana"
}
if ! eventually 3 drives; then
	on bea2 wait_text 5 "ana asks for the wheel"
	on bea2 keys D
	on ana wait_text 5 "TAKE THE WHEEL"
	box_settles
	on ana keys y
	wait_event 5 wheel.given '.name == "ana" and .from == "bea"'
	on ana keys A
	on ana wait_text 5 "ARMED ana"
fi
on ana keys R
on ana wait_text 15 "y does it."
box_settles
on ana keys y
wait_event 20 attempt.ended '.outcome == "done"'
on bea2 wait_text 5 "Next: "
on bea2 wait_text 5 "2 tell"
on ana wait_text 5 "2 tell"
for screen in ana bea2 cyd; do on "$screen" expect_frame; done
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
echo "ok  the night goes on"
