#!/bin/bash
# Three seats of three sizes, as root of two logins: votes at a poll, a second person, a driver who dies at an open
# gate, a seat that dies within its phrase, an engine that dies under all of them. Every seat shows the same truth
# within a second, and nothing is done twice. An ordinary user has one login only: then the second person is so by
# name, and the journal must say that.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export DEMO_ROWS=5000
scratch
OTHER=()
if [ "$(id -u)" = 0 ] && id postgres >/dev/null 2>&1; then
	OTHER=(setpriv --reuid postgres --regid postgres --init-groups)
	# The program may lie below a folder that is root's alone.
	cp "$NF" "$T/nightferry" && chmod 755 "$T/nightferry" && NF=$T/nightferry
fi
world_start
cat >"$T/three.yml" <<'YML'
name: three
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}, gate: poll}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: leave}, gate: type}
      - {id: tell, do: manual, with: {card: "Tell support."}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
cat >>"$CONFIG" <<YML
playbook: $T/three.yml
people: 2
stations: [DB, DNS]
YML
if [ ${#OTHER[@]} -gt 0 ]; then
	echo "group: postgres" >>"$CONFIG"
	mkdir -p "$NIGHTFERRY_STATE" && chmod 755 "$NIGHTFERRY_STATE"
	sed '/^host:/s/, key: [^,}]*//' "$CONFIG" >"$T/bea.yml"
	chmod 644 "$T/bea.yml" "$T/three.yml"
else
	cp "$CONFIG" "$T/bea.yml"
fi

# ---- helpers ----

on() { # SCREEN CMD...
	local SCREEN=$1
	shift
	"$@"
}

seat() { # SCREEN WxH CMD...
	local SCREEN=$1
	shift
	[ -z "${TMUX_LABEL:-}" ] || tm kill-session -t "=$SCREEN" 2>/dev/null
	rm -f "$T/status.$SCREEN"
	screen_start "$@"
	wait_text 30 "H hold"
}

seat_ana() { seat ana 80x24 "$NF" start --as ana --station DNS; }
seat_bea() { seat bea 120x40 "${OTHER[@]}" "$NF" attach --config "$T/bea.yml" --as bea --station DB; }
seat_cyd() { seat cyd 160x48 "$NF" attach --as cyd; }

kill_seat() { # SCREEN: the program below the wrapper of its pane; setpriv becomes it
	kill -KILL "$(pgrep -P "$(tm display-message -p -t "$1" '#{pane_pid}')")"
}

settle() {
	box_settles
}

arm() { # SCREEN
	on "$1" screen | head -n 1 | grep -q "ARMED $1" && return
	on "$1" keys A
	on "$1" wait_text 10 "ARMED $1"
}

count() { # KIND [CONDITION]
	events "$1" "select(${2:-true}) | .seq" 2>/dev/null | wc -l
}

opens() { # SCREEN TEXT: R, and the gate
	gates=$(count gate.opened)
	on "$1" keys R
	eventually 20 more_gates || fail "No gate opened."
	on "$1" wait_text 10 "$2"
	settle
}

more_gates() {
	[ "$(count gate.opened)" -gt "$gates" ]
}

tag() {
	events gate.opened .tag | tail -n 1 | tr -d '"'
}

vote() { # SCREEN WORDS
	on "$1" keys V
	on "$1" wait_text 5 " vote"
	on "$1" fill_line "$2"
}

# A seat that came back is not armed: it leaves the gate that is still open, and opens it anew.
opens_again() {
	if [ "$(count gate.opened)" -gt "$(count gate.closed)" ]; then
		on ana wait_text 10 "GATE POLL"
		settle
		on ana keys Escape
		eventually 10 all_shut || fail "The gate did not close."
	fi
	arm ana
	opens ana "acme-production"
}

voted() { # TIMES
	[ "$(count vote.given '.by == "ana"')" -ge "$1" ]
}

all_shut() {
	[ "$(count gate.opened)" = "$(count gate.closed)" ]
}

lost_engine() {
	screen | grep -qE "engine lost|NO ENGINE"
}

has_engine() {
	! lost_engine
}

# The changes that this night asked the old platform for.
deeds() {
	grep -E '(PATCH|POST|PUT|DELETE) /' "$W/heroku/requests.log" | grep -vcE 'log-sessions|/resolve '
}

# What stands beside the steps on a seat, in words that every width has room for.
states() { # SCREEN
	on "$1" screen | grep -oE '(OK|·|▶|\?|FAIL|!!|--) +[123] (maintenance-on|scale-to-zero|tell)' | tr -s ' ' | sort -u
}

# A box over a seat of 80x24 covers its steps: SEEN names the seats whose steps are to be seen.
same() {
	local s want=""
	for s in $SEEN; do
		want=${want:-$(states "$s")}
		[ -n "$want" ] && [ "$(states "$s")" = "$want" ] || return 1
	done
	[[ $want == *"$1"* ]]
}

# Since the journal's newest event of that kind the seats had at most a second, and the looks take a part of it.
same_truth() { # LINE
	local began
	began=$(now_ms)
	eventually 10 same "$1" || fail "The seats differ.
ana: $(states ana)
bea: $(states bea)
cyd: $(states cyd)"
	SLOWEST=$(($(now_ms) - began > ${SLOWEST:-0} ? $(now_ms) - began : ${SLOWEST:-0}))
	for s in ana bea cyd; do on "$s" expect_frame; done
	echo "ok  one truth: $1 ($(($(now_ms) - began)) ms)"
}

SEEN="ana bea cyd"

# ---- three at the desk ----

seat_ana
seat_bea
seat_cyd
wait_event 5 seat.joined '.name == "cyd"'
on ana wait_text 5 "bea"
if [ ${#OTHER[@]} -gt 0 ]; then
	expect_equal "$(events seat.joined '[.name, .uid]' | sort -u | tr -d '\n')" \
		"[\"ana\",0][\"bea\",$(id -u postgres)][\"cyd\",0]" "the logins of the seats"
fi
same_truth "· 1 maintenance-on"
before=$(deeds)

# ---- the poll ----

arm ana
opens ana "acme-production"
old=$(tag)
for s in ana bea cyd; do on "$s" wait_text 5 "has not voted"; done
vote ana go
wait_event 5 vote.given '.station == "DNS" and .go and .by == "ana"'
vote bea "no-go the standby lags"
wait_event 5 vote.given '.station == "DB" and (.go | not) and .by == "bea"'
on cyd wait_text 5 "standby lags"
on ana wait_text 5 "standby lags"
for s in ana bea cyd; do on "$s" wait_text 5 "NO-GO of DB"; done
on ana hands "4711 $old"
sleep 0.5
expect_equal "$(count gate.counting)" 0 "counts after a no-go"
echo "ok  no vote, and a no-go, keep the gate shut"

# ---- the driver dies at the open gate ----

kill_seat ana
wait_event 10 wheel.lost '.name == "ana"'
expect_equal "$(deeds) $(count attempt.started)" "$before 0" "changes and attempts after the driver died"
seat_ana
wait_event 10 wheel.given '.name == "ana" and .seat != "s1"'
# The gate stood open all the time, and is on every seat.
on ana wait_text 5 "GATE POLL"
for s in bea cyd; do on "$s" wait_text 5 "POLL: maintenance-on waits"; done
SEEN="bea cyd" same_truth "1 maintenance-on"
vote bea go
wait_event 5 vote.given '.station == "DB" and .go'
opens_again
vote ana go
eventually 5 voted 2 || fail "The driver's vote was not taken."

# ---- the seat dies within its phrase ----

on ana wait_text 5 "> _"
on ana hands "acme-production ${old:0:2}"
kill_seat ana
lost_twice() { [ "$(count wheel.lost)" -ge 2 ]; }
eventually 10 lost_twice || fail "The engine did not see the second death."
sleep 1
expect_equal "$(deeds) $(count attempt.started) $(count gate.counting)" "$before 0 0" "after half a phrase"
seat_ana
opens_again
vote ana go
eventually 5 voted 3 || fail "The driver's vote was not taken."
on ana wait_text 5 "> _"
on ana hands "acme-production $(tag)"
wait_event 5 gate.counting
for s in bea cyd; do on "$s" wait_text 2 "STARTS IN"; done
wait_event 20 gate.passed '.how == "phrase" and .second == "bea"'
wait_event 30 attempt.ended '.step == "maintenance-on" and .outcome == "done"'
expect_equal "$(events gate.passed .by_name_only | tail -n 1)" "$([ ${#OTHER[@]} -gt 0 ] && echo false || echo true)" \
	"the second person is so by name only"
same_truth "OK 1 maintenance-on"
expect_equal "$(deeds)" $((before + 1)) "changes after the poll"
echo "ok  the poll passes with two stations and a second person, once"

# ---- the engine dies under them, at a gate and in mid-phrase ----

arm ana
opens ana "when complete 3 s run"
on ana hands "acme-production ${old:0:1}"
kill -KILL "$(events engine.started .pid | tail -n 1)"
for s in ana bea cyd; do eventually 10 on "$s" lost_engine || fail "$s does not say that the engine is gone."; done
seat fourth 100x30 "$NF" start --as dan
expect_equal "$(count engine.started)" 2 "engines"
for s in ana bea cyd; do eventually 30 on "$s" has_engine || fail "$s did not come back to the engine."; done
same_truth "OK 1 maintenance-on"
expect_equal "$(deeds) $(count attempt.started)" "$((before + 1)) 1" "changes and attempts under the new engine"
on fourth keys q
SCREEN=fourth wait_end 10

drives() {
	on ana keys Escape
	on ana screen | head -n 1 | grep -q "ARMED ana" && return
	sleep 0.3
	on ana keys D
	sleep 0.3
	on ana keys A
	sleep 0.5
	on ana screen | head -n 1 | grep -q "ARMED ana"
}
eventually 40 drives || fail "The wheel did not come back to ana."
opens ana "when complete 3 s run"
on ana hands "acme-production $(tag)"
wait_event 20 gate.passed '.step == "scale-to-zero"'

# ---- and once more while a step runs ----

eventually 20 have_event attempt.started '.step == "scale-to-zero"' || fail "The step did not start."
kill -KILL "$(events engine.started .pid | tail -n 1)"
seat fourth 100x30 "$NF" start --as dan
expect_equal "$(count engine.started)" 3 "engines"
for s in ana bea cyd; do eventually 30 on "$s" has_engine || fail "$s did not come back to the engine."; done
ended() { [ "$("$NF" status --json | jq -r '.steps[] | select(.id == "scale-to-zero") | .state')" = "done" ]; }
eventually 30 ended || fail "The step was not proven: $("$NF" status --json | jq -c '.steps')"
same_truth "OK 2 scale-to-zero"
expect_equal "$(count attempt.started)" 2 "attempts of the night"
expect_equal "$(deeds)" $((before + 2)) "changes of the night"
expect_equal "$(find "$NIGHTFERRY_STATE" -name journal.jsonl | wc -l)" 1 "nights"
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
# A second for the seats, and one for a machine that is busy with other tests.
[ "${SLOWEST:-0}" -lt 2000 ] || fail "A seat took $SLOWEST ms to show what the others show."
echo "ok  nothing was done twice"
