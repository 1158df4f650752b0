#!/bin/bash
# Random keys, bursts and bracketed pastes into an armed seat: no phrase is passed by them, no poll, and nothing acts
# by a key that is no capital. The same SEED gives the same keys; 20,000 of them, or all 100,000 with LONG=1.
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

KEYS=20000
[ -z "${LONG:-}" ] || KEYS=100000
SEED=${SEED:-$((RANDOM * 32768 + RANDOM))}
at_end '[ $status = 0 ] || echo "The keys were those of SEED=$SEED." >&2'
# The key `o` writes files where the seat was started.
scratch
cd "$T" || exit 1
export DEMO_ROWS=5000
world_start
cat >>"$CONFIG" <<'YML'
people: 2
stations: [DB, DNS]
YML

# ---- helpers ----

# N keys of a kind to stdout, as a terminal would send them. A paste counts as its keys; it brings line ends, capitals,
# and the phrase that the open gate wants.
random_keys() { # SEED N all|small PHRASE
	LC_ALL=C awk -v seed="$1" -v n="$2" -v kind="$3" -v phrase="$4" '
	function pick(list) { return list[1 + int(rand() * list[0])] }
	function add(list, text, i) { for (i = 1; i <= length(text); i++) list[++list[0]] = substr(text, i, 1) }
	function some(list, most, i, s) { s = ""; for (i = 1 + int(rand() * most); i > 0; i--) s = s pick(list); return s }
	BEGIN {
		srand(seed)
		esc = sprintf("%c", 27)
		add(small, "abcdefghijklmnoprstuvwxyzyyyy0123456789 -_.,/;@?+=~!&<>[]{}")
		add(capital, "RRRRRRXUBASMWVDGNHQYT")
		n_special = split("A B C D H F Z 5~ 6~ 3~ 2~ 15~ 1;5C", special, " ")
		add(control, sprintf("%c%c%c%c%c%c%c%c%c%c", 13, 13, 13, 9, 127, 21, 3, 12, 19, 17))
		while (sent < n) {
			x = rand()
			if (x < 0.02 && kind == "all") {
				text = rand() < 0.5 ? phrase : some(small, 60)
				if (rand() < 0.5)
					text = text sprintf("%c", 13) some(capital, 8) "y"
				printf "%s[200~%s%s[201~", esc, text, esc
				sent += length(text)
				continue
			}
			if (x < 0.08)
				printf "%s[%s", esc, special[1 + int(rand() * n_special)]
			else if (x < 0.16)
				printf "%s", pick(control)
			else if (x < 0.17)
				printf "%s", kind == "all" && rand() < 0.2 ? "q" : "\303\244"
			else if (x < 0.3 && kind == "all")
				printf "%s", pick(capital)
			else
				printf "%s", pick(small)
			sent++
		}
	}'
}

send_random() { # N KIND: one burst
	CHUNK=$((CHUNK + 1))
	random_keys $((SEED + CHUNK)) "$1" "$2" "acme-production $(tag)" >"$T/keys"
	tm load-buffer -b nf "$T/keys" \; paste-buffer -dr -b nf -t main
	SENT=$((SENT + $1))
}

count() { # KIND
	events "$1" .seq 2>/dev/null | wc -l
}

counted() { # KIND N
	[ "$(count "$1")" -ge "$2" ]
}

tag() {
	events gate.opened .tag 2>/dev/null | tail -n 1 | tr -d '"'
}

last_of() { # JQ-CONDITION: the kind of the newest such event
	jq -r "select($1) | .kind" "$(journal)" | tail -n 1
}

seat() {
	[ -z "${TMUX_LABEL:-}" ] || tm kill-server 2>/dev/null
	rm -f "$T/status.main"
	SEATS=$((SEATS + 1))
	screen_start 100x30 "$NF" start --as ana
	wait_text 30 "H hold"
}

# q, or the y of its question, ends a seat; nothing else does.
still_there() {
	[ -e "$T/status.main" ] || return 0
	expect_equal "$(screen_status)" 0 "the status of a seat that was left"
	seat
}

away() { # out of every box, sheet and line
	keys Escape
	sleep 0.2
	keys Escape
	sleep 0.2
	still_there
}

armed() {
	screen | head -n 1 | grep -q "ARMED ana"
}

arm() {
	local n
	for ((n = 0; n < 8; n++)); do
		still_there
		armed && return 0
		away
		if screen_has " FROZEN +"; then
			keys Space
			eventually 2 screen_lacks " FROZEN +"
		fi
		if [ "$(last_of '.kind == "hold.called" or .kind == "hold.released"')" = hold.called ]; then
			keys H
			eventually 2 screen_has "release the hold, because" && fill_line "the keys go on"
		else
			keys A
		fi
		eventually 2 armed && return 0
	done
	return 1
}

night() { # NAME, the playbook's steps on stdin
	export NIGHTFERRY_STATE=$T/state/$1
	NIGHT=$1
	{
		printf 'name: %s\nphases:\n  - phase: freeze\n    steps:\n' "$1"
		sed 's/^/      /'
	} >"$T/$1.yml"
	sed -i '/^playbook:/d; /^steps:/,/^[^ ]/{/^steps:/d; /^ /d}' "$CONFIG"
	echo "playbook: $T/$1.yml" >>"$CONFIG"
	seat
}

night_over() {
	local bad
	still_there
	expect_equal "$(events gate.passed 'select(.how == "phrase")')$(events gate.counting)" "" "phrases passed by $SENT keys"
	expect_equal "$(events attempt.started 'select(.step | startswith("yes-") | not)')" "" "attempts of other steps"
	# A y is heard in a box only, and a box opens by a capital.
	bad=$(jq -nc '[inputs] as $all | $all[] | select(.kind == "attempt.started") | . as $a |
		select([$all[] | select(.kind == "gate.passed" and .step == $a.step and .how == "y" and .seq < $a.seq)] == [])' "$(journal)")
	expect_equal "$bad" "" "attempts without a gate"
	"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
	echo "ok  $NIGHT: gates $(count gate.opened), passed $(count gate.passed), attempts $(count attempt.started), seats $SEATS"
	[ -z "${TMUX_LABEL:-}" ] || tm kill-server 2>/dev/null
	"$NF" stop --config "$CONFIG" >"$T/stop" 2>&1 || fail "The engine did not stop: $(cat "$T/stop")"
}

# Armed, a gate opened, and then keys: one by one, in threes, in bursts.
storm() { # KEYS GATES: until so many keys are sent, and that many gates stood open to them at least
	local until=$((SENT + $1)) n tries=0 gates
	gates=$(count gate.opened)
	while [ $SENT -lt $until ] || { [ "$(count gate.opened)" -lt $((gates + $2)) ] && [ $tries -lt 60 ]; }; do
		tries=$((tries + 1))
		arm || fail "The seat could not be armed again after $SENT keys."
		n=$(count gate.opened)
		away
		keys R
		eventually 3 counted gate.opened $((n + 1)) && box_settles
		for n in 1 2 1 3 1 2 5 1 2 1; do
			send_random $n all
			sleep "0.0$((CHUNK % 9 + 1))"
		done
		[ $((tries % 3)) != 1 ] || continue
		send_random $((500 + (CHUNK * 37) % 3000)) all
		sleep 0.2
	done
	[ "$(count gate.opened)" -ge $((gates + $2)) ] || fail "Only $(($(count gate.opened) - gates)) gates stood open in the storm."
}

SENT=0 CHUNK=0 SEATS=0

# ---- what is no capital acts nowhere ----

# The palette is words, not a key: its `:` is left out here.
night small <<'YML'
- {id: yes-on, do: maintenance, with: {state: enabled}}
YML
arm || fail "The seat could not be armed."
while [ $SENT -lt $((KEYS / 5)) ]; do
	arm || fail "The seat could not be armed."
	for n in 1 1 2 3 1; do
		send_random $n small
		sleep 0.06
	done
	send_random 600 small
done
away
sleep 0.3
expect_equal "$(count gate.opened) $(count attempt.started) $(count hold.called)" "0 0 0" "gates, attempts and holds by small keys"
night_over

# ---- all keys, at each kind of gate ----

night yes-first <<'YML'
- {id: yes-on, do: maintenance, with: {state: enabled}}
- {id: yes-scale, do: scale, with: {all: 0, one_offs: leave}}
- {id: typed, do: maintenance, with: {state: disabled}, gate: type}
- {id: polled, do: scale, with: {to: recorded}, gate: poll}
YML
storm $((KEYS / 5)) 2
night_over
rollback_world() {
	curl -sS -o "$T/answer" -X PATCH -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' "$@"
}
rollback_world "$HEROKU_HOST/apps/$HEROKU_APP" -d '{"maintenance":false}'
rollback_world "$HEROKU_HOST/apps/$HEROKU_APP/formation" -d '{"updates":[{"type":"web","quantity":2}]}'

night type-first <<'YML'
- {id: typed, do: maintenance, with: {state: enabled}, gate: type}
- {id: polled, do: scale, with: {all: 0, one_offs: leave}, gate: poll}
- {id: yes-tell, do: manual, with: {card: "Tell support."}}
YML
storm $((KEYS * 3 / 10)) 3
night_over

night poll-first <<'YML'
- {id: polled, do: maintenance, with: {state: enabled}, gate: poll}
- {id: typed, do: scale, with: {all: 0, one_offs: leave}, gate: type}
- {id: yes-tell, do: manual, with: {card: "Tell support."}}
YML
storm $((KEYS * 3 / 10)) 3
night_over
echo "ok  $SENT random keys"
