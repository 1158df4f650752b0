#!/bin/bash
# Canaries: commands of the user's inside the new app that must succeed N of N. Their own count is believed only when it is
# whole and not nothing; what they print is cleaned and cut of logins; the flip's gate shows what they came to.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/rollback.part"

world_start DEMO_ROWS=3000
"$ROOT/demo/visitors/part" stop "$W" >/dev/null 2>&1
sed -i '/^steps:/,$d' "$CONFIG"
cp "$CONFIG" "$T/config"
cat >"$T/go.yml" <<'YML'
name: go
phases:
  - phase: boot
    steps:
      - {id: canaries, do: canaries}
      - {id: go, do: run, with: {command: "touch went", prove: "ls", expect: went, gate: type}}
YML
night() { # CANARIES: as YAML
	timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null
	rm -rf "$NIGHTFERRY_STATE"
	{ cat "$T/config" && printf 'canary: %s\n' "$1"; } >"$CONFIG"
	timeout 100 "$NF" run --playbook "$T/go.yml" --yes go=go >"$T/out" 2>&1 </dev/null
}
ended() { events attempt.ended 'select(.step == "canaries") | .seen[] | [.verdict, .text] | join(" ")' | tail -n "${1:-9}" | tr -d '"\\'; }
fails() { # CANARIES WORDS: the step fails, and says so
	night "$1" && fail "The night went on in spite of $1: $(ended)"
	expect_match "$(ended)" "$2" "what $1 came to"
}

# ---- all hold: the gate of what comes after shows it ----
night '[{name: decrypt, run: "echo noise; echo 200/200 old rows", times: 3}, {name: inside, run: "echo $KAMAL_VERSION", expect: "4f2c91a"}, {name: there, run: "pwd", in: host, expect: "/"}]' ||
	fail "Canaries that hold stop the night: $(tail -n 3 "$T/out")"
expect_match "$(ended)" "PASS 3 of 3 canaries hold: decrypt, inside, there" "the sum"
expect_match "$(ended)" "PASS decrypt: 600 of 600, in acme-web-4f2c91a" "three times 200"
expect_match "$(events gate.opened 'select(.step == "go") | .seen[] | select(.name == "canaries") | .text' | tail -n 1)" "3 of 3 canaries hold" "the gate's line"

# ---- none of these holds ----
fails '[{name: short, run: "echo 199/200 rows"}]' "FAIL short in acme-web-[0-9a-f]* 199/200 rows"
fails '[{name: nothing, run: "echo 0/0"}]' "FAIL nothing in acme-web-[0-9a-f]* looked at nothing"
fails '[{name: bad, run: "echo 5/5; echo no key >&2; exit 3"}]' "ended with 3: no key"
fails '[{name: mute, run: "true", expect: ok}]' "does not say ok: no words"
fails '[{name: nobody, run: "true", in: worker}]' "no container of the role worker runs"
fails '[{name: slow, run: "sleep 30", limit: 1s}, {name: well, run: "true"}]' "UNKNOWN slow in"
# Once is not N times.
fails '[{name: once, run: "test ! -e /tmp/nf-once-$$KAMAL && ! ls once 2>/dev/null && touch once", times: 2}]' "FAIL once in acme-web-[0-9a-f]* ended with 1"
fails '[{name: loud, run: "printf \"\\033[31m%s//shop:%s@db/x\\n\" postgres: $(echo abcd | tr a-d wxyz); exit 1"}]' "ended with 1: .*postgres://\*@db/x"
! grep -q $'\e' "$T/out" || fail "Its escapes reached the terminal."
! grep -rq "shop:wxyz" "$T/out" "$NIGHTFERRY_STATE" || fail "A login it printed was kept."

# ---- a file that cannot be right is refused before the night ----
bad() { # CANARIES WORDS
	{ cat "$T/config" && printf 'canary: %s\n' "$1"; } >"$CONFIG"
	expect_status 2 "$NF" run --playbook "$T/go.yml"
	expect_match "$OUTPUT" "nightferry.yml:[0-9]+:[0-9]+: .*$2" "$1"
}
bad '[{name: x}]' 'needs "run"'
bad '[{run: x}]' 'needs "name"'
bad '[{name: x, run: x, times: 0}]' "from 1 to 1000"
bad '[{name: "a b", run: x}]' "may hold letters"
bad '{name: x, run: x}' "must be a list"
bad '[{name: x, run: x, tmies: 2}]' 'did you mean "times"'
