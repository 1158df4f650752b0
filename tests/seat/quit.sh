#!/bin/bash
# However a seat ends, the terminal is as it was before; what it says then stands on the shell's own screen. The night
# goes on without it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
cat >"$T/quit.yml" <<'YML'
name: quit
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/quit.yml" >>"$CONFIG"

# A shell with job control, as people have one.
cat >"$T/rc" <<'SH'
PS1='shell> '
SH
screen_start 160x30 bash --noprofile --rcfile "$T/rc" -i
wait_text 10 "shell>"

shell() { # LINE: typed at the prompt
	type_text "$1"
	keys Enter
}

run() { # LINE: until its end, which is marked by its number
	RUNS=$((${RUNS:-0} + 1))
	shell "clear; $1; echo \"end $RUNS: \$?\""
}

seat_pid() {
	pgrep -P "$(pgrep -P "$(tm display-message -p -t main '#{pane_pid}')" -x bash)" -x nightferry
}

modes() { # NAME: the shell's terminal, as it is between two commands
	rm -f "$T/$1"
	shell "stty -a <$(tm display-message -p -t main '#{pane_tty}') >$T/$1.new; mv $T/$1.new $T/$1"
	eventually 10 test -s "$T/$1" || fail "stty did not answer."
}

same_modes() { # WHAT
	modes after
	cmp -s "$T/before" "$T/after" || fail "$1 changed the terminal: $(diff "$T/before" "$T/after")"
	expect_equal "$(tm display-message -p -t main '#{alternate_on} #{cursor_flag}')" "0 1" "$1: alternate screen, cursor"
	echo "ok  $1"
}

modes before

# ---- q ----

run "$NF --as ana"
wait_text 20 "R next"
expect_frame
keys q
wait_text 10 "end 1: 0"
wait_text 2 "This seat is left; the night of acme goes on"
wait_text 2 "Come back: NIGHTFERRY_STATE=$NIGHTFERRY_STATE nightferry attach --config $CONFIG"
wait_text 2 "Stop it:   NIGHTFERRY_STATE=$NIGHTFERRY_STATE nightferry stop --config $CONFIG"
engine=$(events engine.started .pid)
kill -0 "$engine" || fail "The engine has ended with its seat."
wait_event 5 seat.left '.name == "ana"'
same_modes "q"

# ---- Ctrl-C and Ctrl-S are no way out, Ctrl-Z suspends this seat only ----

run "$NF attach --as bea"
wait_text 20 "R next"
keys C-s C-q
wait_text 5 "Ctrl-Q does nothing here"
keys C-c
wait_text 5 "q leaves"
keys C-z
wait_text 10 "Stopped"
wait_text 5 "shell>"
expect_equal "$(tm display-message -p -t main '#{alternate_on}')" 0 "alternate screen while suspended"
modes during
cmp -s "$T/before" "$T/during" || fail "A suspended seat leaves the terminal changed: $(diff "$T/before" "$T/during")"
kill -0 "$engine" || fail "Ctrl-Z has stopped the engine."
have_event seat.left '.name == "bea"' && fail "A suspended seat has left."
shell fg
wait_text 10 "R next"
first_line() {
	screen | head -n 1 | grep -q "nightferry  acme"
}
eventually 5 first_line || fail "fg did not draw the first line again."
expect_frame
sleep 0.3 # a seat that has just come back takes no key
keys q
wait_text 10 "Come back: NIGHTFERRY_STATE=$NIGHTFERRY_STATE nightferry attach --config $CONFIG"
same_modes "Ctrl-Z and fg"

# ---- ended from outside ----

run "$NF attach --as cyd"
wait_text 20 "R next"
kill -TERM "$(seat_pid)"
wait_text 10 "end 3: "
wait_text 2 "Come back: NIGHTFERRY_STATE=$NIGHTFERRY_STATE nightferry attach --config $CONFIG"
same_modes "a seat that is told to end"

run "$NF attach --as cyd"
wait_text 20 "R next"
kill -SEGV "$(seat_pid)"
wait_text 10 "end 4: 139"
same_modes "a seat that crashes"

run "$NF attach --as cyd"
wait_text 20 "R next"
kill -ABRT "$(seat_pid)"
wait_text 10 "end 5: 134"
same_modes "a seat that gives itself up"

kill -0 "$engine" || fail "The engine has ended with a seat."
# What it says is how to stop it does stop it.
stop=$(screen | sed -n 's/^Stop it:   //p' | tail -n 1)
[ -n "$stop" ] || stop="NIGHTFERRY_STATE=$NIGHTFERRY_STATE nightferry stop --config $CONFIG"
env -u NIGHTFERRY_STATE -u CONFIG "PATH=${NF%/*}:$PATH" bash -c "cd /; $stop" >"$T/stop" 2>&1 || fail "$stop: $(cat "$T/stop")"
ended() {
	! kill -0 "$engine"
}
eventually 10 ended || fail "The engine is still there: $(cat "$T/stop")"
echo "ok  the line it prints stops the engine"
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
