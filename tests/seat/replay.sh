#!/bin/bash
# A recorded night in the cockpit, by keys: time, speed, one event, the next gate, a text; gates come and go as they did;
# nothing in it acts; and without its trace the panels say so.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

says() { # REGEX WHAT
	eventually 10 line_like "$1" || fail "$2: no line is like \"$1\"."
	expect_frame
}

line_like() {
	screen | grep -qE -- "$1"
}

palette() { # LINE
	keys :
	eventually 5 line_like '^ :$' || fail "The palette did not open."
	fill_line "$1"
}

screen_start 80x24 "$NF" replay
says "REPLAY 1x" "begin"
says "RECORDING" "begin"
keys Space
says "REPLAY 1x paused" "pause"

# ---- time, speed ----

palette "at 10:59:31"
says "COPY 12/22 .* 10:59:31" "a time"
keys '<'
says "PREPARE .* 10:58:31" "a minute earlier"
keys '>'
says "COPY 12/22 .* 10:59:31" "a minute later"
palette "at -20s"
says " 11:00:[0-9]{2} " "before the end"
palette "at tomorrow"
says "a time is wanted, as in :at 01:14:07" "no time"
keys '}'
keys '}'
says "REPLAY 4x paused" "speed"
keys '{'
says "REPLAY 2x paused" "speed"
palette "speed 100"
says "REPLAY 100x paused" "speed"

# ---- by event ----

palette "at 10:58:31"
says "PREPARE .* 10:58:31" "the begin"
keys ]
says "10:58:31 ana drives" "the next of what a report tells"
keys ]
says "10:58:34 note by ana: lock taken" "and the next"
keys ]
says "10:58:3[0-9] preflight: started by ana" "and the next"
keys .
says "10:58:3[0-9] (step|check)\.[a-z]+" "one event on"
keys ,
says "10:58:3[0-9] preflight: started by ana" "one event back"
palette "event gate.passed"
says "maintenance-on: gate passed by ana" "the first gate that was passed"
keys ]
says "scale-to-zero: gate passed by ana" "the next of them"
keys [
says "maintenance-on: gate passed by ana" "and back"
keys [
says "there is no earlier gate.passed" "there is no other"
palette "find PlaceOrderJob"
says "10:58:[0-9]{2} log.lines" "a text in the trace"
palette "find no such words"
says 'there is no later line with "no such words"' "a text that is nowhere"

# ---- a gate comes and goes as it did; nothing in it acts ----

palette "at 10:58:31"
palette "event gate.opened"
says "GATE YES +3 maintenance-on|maintenance-on +CLOSES THE SHOP" "the gate's box"
says "A recorded gate: nobody is asked" "the gate's box"
keys y
says "y does nothing here" "y at a recorded gate"
keys Escape
wait_gone 5 "A recorded gate"
keys R
says "this is a recorded night: nothing can be changed in it" "R"
palette "event gate.counting"
says "STARTS IN [123]" "the count of a typed gate"
palette "find night.closed"
says "THE NIGHT IS CLOSED: done" "the end"
wait_gone 5 "STARTS IN"
keys q
wait_end 10
expect_equal "$(screen_status)" 0 "exit status"

# ---- without the trace ----

mkdir "$T/bare"
cp "$ROOT/demo/recorded/journal.jsonl" "$T/bare/"
SCREEN=bare
screen_start 120x40 "$NF" replay --at 10:59:31 "$T/bare/journal.jsonl"
says "REPLAY 1x no trace" "without a trace"
keys Space
says "not recorded: this night has no trace of it" "logs, transfer"
keys 5
says "─ 5 Logs" "logs"
says "not recorded: this night has no trace of it" "logs"
keys 6
says "QUIET FOR +not recorded" "writers"

# ---- a paste whose end never comes, as over a line that broke: the keys after it are heard again ----

tm send-keys -t bare -l $'\e[200~abc'
heard() { keys '?' && sleep 0.3 && line_like 'Esc +(closes|leaves)|KEYS'; }
eventually 20 heard || fail "After half a paste no key is heard any more."
keys Escape
sleep 0.3
keys q
wait_end 10

# ---- a disk that is full: half a file does not stay, and a command whose words are lost has not done its work ----

mkdir "$T/full"
SCREEN=full
screen_start 80x24 env -C "$T/full" HOME="$T/full" bash -c "trap '' XFSZ; ulimit -f 0; exec '$NF' replay --at 10:59:31"
says "REPLAY 1x" "a disk that takes no file"
keys o
says "nothing could be written here, at home or in /tmp: File too large" "a panel to a file"
expect_equal "$(find "$T/full" -type f | wc -l)" 0 "halves of files that stay"
keys q
wait_end 10
for words in "status --json" verify report "replay --frame 80x24"; do
	# shellcheck disable=SC2086
	"$NF" $words "$T/bare/journal.jsonl" >/dev/full 2>"$T/err" && fail "$words on a full disk says it is done."
	expect_match "$(cat "$T/err")" 'nightferry: .* could not be written.*: No space left on device' "$words on a full disk"
done
