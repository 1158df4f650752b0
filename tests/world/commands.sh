#!/bin/bash
# Programs of others, here and on the new host: their exit status proves nothing, a look does; killed engines and steps
# hang nothing up and start nothing twice; secrets reach them by environment alone.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/book.yml" >>"$CONFIG"
HOME_THERE=$W/host/home

book() { # STEPS in YAML on stdin
	{
		printf 'name: book\nphases:\n  - phase: prepare\n    steps:\n'
		sed 's/^/      /'
	} >"$T/book.yml"
	rm -rf "$NIGHTFERRY_STATE"
}
night() { # WANTED-STATUS OPTION...
	local wanted=$1 status=0
	shift
	OUTPUT=$(timeout 90 "$NF" run --config "$CONFIG" "$@" 2>&1 </dev/null) || status=$?
	[ $status = "$wanted" ] || fail "run $* ended with $status instead of $wanted: $OUTPUT"
}
outcome() { # STEP
	events attempt.ended "select(.step == \"$1\") | .outcome" | tail -n 1
}

# ---- by the local machine ----

export TF_TOKEN=terraform-token-7788 MARKS=$T
cat >"$T/apply" <<'SH'
#!/bin/bash
printf 'token has %d characters\n\033[32mgreen\033[0m %s\n' "${#TF_TOKEN}" "$TF_TOKEN"
tr '\0' ' ' </proc/$$/cmdline | grep -q terraform-token && echo "IN ARGV"
[ -t 1 ] && echo "a terminal"
echo once >>"$MARKS/applied"
exit "${1:-0}"
SH
chmod 755 "$T/apply"
book <<YML
- {id: apply, do: command, with: {command: [$T/apply, "3"], secrets: [TF_TOKEN], prove: [cat, $T/applied], expect: once, target: infra}}
YML
night 0 --yes apply=infra
expect_equal "$(outcome apply)" '"done"' "an exit status of 3 and a proof that holds"
log=$(jq -r 'select(.kind == "log.lines") | .lines[] | select(.source == "command") | .text' "$(dirname "$(journal)")/trace.jsonl")
expect_match "$log" 'token has 20 characters' "its environment"
expect_match "$log" 'green \[secret\]' "its words"
expect_match "$log" 'a terminal' "its output"
expect_equal "$(grep -rlF "$TF_TOKEN" "$NIGHTFERRY_STATE")" "" "files of the night with the secret"
[[ $log != *"IN ARGV"* ]] || fail "The secret was an argument."
[[ $log != *$'\033'* ]] || fail "Colours were left in."
echo "ok  command: proved by a look, whatever it ends with"

rm "$T/applied"
book <<YML
- {id: lies, do: command, with: {command: "true", prove: [ls, $T], expect: applied}}
YML
night 1 --yes lies=lies
expect_equal "$(outcome lies)" '"failed"' "an exit status of 0 and nothing done"
expect_match "$OUTPUT" 'does not say .*applied' "why"
book <<YML
- {id: blind, do: command, with: {command: "true"}}
YML
night 1 --yes blind=blind
expect_equal "$(outcome blind)" '"unknown"' "without a proof"
expect_match "$OUTPUT" 'no .prove:. is named' "why"
echo "ok  command: 0 is no proof, and none named is UNKNOWN"

for bad in 'command: "echo a; rm b"|only a shell understands' 'command: [no-such-program-here]|could not be started' \
	'command: "true", prove: "true"|needs .expect' 'command: "true", secrets: [NOT_THERE]|NOT_THERE is not in the engine' 'command: []|names no program'; do
	book <<<"- {id: bad, do: command, with: {${bad%|*}}}"
	night 1 --yes bad=bad
	expect_match "$OUTPUT" "${bad#*|}" "$bad"
	expect_equal "$(outcome bad | tr -d '"' | sed 's/unknown/started/')" "$([[ $bad == *no-such* ]] && echo started)" "the outcome of $bad"
done
echo "ok  command: what is wrong in the playbook is said before anything starts"

# ---- everybody is killed while it runs ----

cat >"$T/slow" <<'SH'
#!/bin/bash
echo begun >>"$1"
until [ -e "$1.go" ]; do sleep 0.1; done
echo finished >>"$1"
SH
chmod 755 "$T/slow"
cp "$T/slow" "$HOME_THERE/slow"
killed() { # STEP MARK
	local engine step mark=$2
	"$NF" run --config "$CONFIG" --yes "$1=$1" >"$T/run.out" 2>&1 </dev/null &
	eventually 60 test -s "$mark" || fail "$1 did not begin: $(tail -n 5 "$T/run.out")"
	engine=$(events engine.started .pid | tail -n 1)
	step=$(pgrep -P "$engine" -f "__job step")
	kill -KILL $step "$engine"
	wait 2>/dev/null
	# while it still runs nothing is started beside it
	"$NF" run --config "$CONFIG" --yes "$1=$1" >"$T/run.out" 2>&1 </dev/null &
	eventually 60 have_event engine.started .restarted
	wait_event 30 attempt.found '.probe == "RUNNING" or .probe == "UNCLEAR"'
	expect_equal "$(cat "$mark")" begun "the program after the death of engine and step"
	touch "$mark.go"
	eventually 30 grep -q finished "$mark" || fail "$1 was hung up."
	wait
}
book <<YML
- {id: slow, do: command, with: {command: [$T/slow, $T/slow.mark], prove: [cat, $T/slow.mark], expect: [begun, finished]}}
YML
touch "$T/slow.mark"
killed slow "$T/slow.mark"
expect_equal "$(outcome slow)" '"done"' "the proof after the deaths"
expect_equal "$(cat "$T/slow.mark")" "$(printf 'begun\nfinished')" "a program that was started once"
expect_equal "$(events attempt.started .attempt | wc -l)" 1 "attempts"
echo "ok  command: engine and step are killed, it goes on, and is not started twice"

# ---- on the new host ----

book <<YML
- {id: there, do: run, with: {command: "echo hello from \$PWD; echo oops >&2; printf %300000s x; echo; echo behind the long line; touch \$HOME/there.mark; exit 5", prove: "ls \$HOME", expect: there.mark}}
YML
night 0 --yes there=there
expect_equal "$(outcome there)" '"done"' "run: an exit status of 5 and a proof that holds"
log=$(jq -r 'select(.kind == "log.lines") | .lines[] | select(.source == "run" and .side == "NEW") | .text' "$(dirname "$(journal)")/trace.jsonl")
expect_match "$log" 'hello from ' "its words"
expect_match "$log" 'oops' "its errors"
expect_match "$log" 'behind the long line' "what comes after a line that fills a whole look"
book <<YML
- {id: nothing, do: run, with: {command: "true", prove: "ls \$HOME", expect: nothing-of-the-kind}}
YML
night 1 --yes nothing=nothing
expect_equal "$(outcome nothing)" '"failed"' "run: 0 and nothing done"
book <<YML
- {id: far, do: run, with: {command: "bash ./slow \$HOME/far.mark", prove: "cat \$HOME/far.mark", expect: [begun, finished]}}
YML
killed far "$HOME_THERE/far.mark"
# Nobody is there to look again in a night without a screen; a seat does.
expect_match "$(cat "$T/run.out")" 'something of it still runs' "what the new engine found"
screen_start 110x30 "$NF" --config "$CONFIG" --as ana
wait_text 30 "UNKNOWN"
keys A
wait_text 10 "ARMED"
keys p # the panel's own key looks again at what is UNKNOWN
wait_event 60 attempt.ended '.step == "far"'
expect_equal "$(outcome far)" '"done"' "run: the proof after the deaths"
expect_equal "$(cat "$HOME_THERE/far.mark")" "$(printf 'begun\nfinished')" "a command that was started once"
echo "ok  run: on the new host likewise"
