#!/bin/bash
# A copy that goes on without us: the line to the host is lost, a person cancels it, engine and step are killed. Then the
# copies that do not run on the host: because the playbook says so, and because the host cannot run nightferry. Each ends in
# the right way, says so in one sentence, and the next attempt needs no hand.
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
copy_world DEMO_ROWS=4000
gate_in_old
freeze_old
book copy record-source wipe-target prepare-target stream count-rows
# What an earlier night of this test has copied is not the life of an app.
sed -i 's/do: wipe-target}/do: wipe-target, with: {live_within: 1s}}/' "$T/copy.yml"
stream=(copy --yes stream=shop_production)
ends 0 copy --until prepare-target

step_pid() { pgrep -P "$(engine_pid)" -f "__job step stream"; }
step_runs() { [ -n "$(step_pid)" ]; }
samples() { grep -c '"kind":"transfer.total".*"stage":"stream"' "$(dirname "$(journal)")/trace.jsonl"; }
more_than() { [ "$(samples)" -gt "$1" ]; }
all_across() { # COPIES WHAT: the night ends well, with as many copies begun in all
	local status=0
	wait "$run" || status=$?
	expect_equal "$status" 0 "$2 ($(tail -n 3 "$T/err"))"
	expect_equal "$(copies_started)" "$1" "copies that were started, $2"
	same_dumps
}
copies_started() { events fact 'select(.name == "stream-started") | .data.base' | sort -u | wc -l; }

# ---- a person cancels it at a seat ----

begin "${stream[@]}"
screen_start 80x24 "$NF" attach --as ana
wait_text 60 "stream"
keys A
wait_text 20 "ARMED"
keys X
wait_text 20 "CANCEL"
box_settles
keys y
wait_event 60 attempt.ended '.step == "stream" and .outcome == "cancelled"'
keys q
wait_end 30
status=0
wait "$run" || status=$?
expect_equal "$status" 1 "the night whose copy was cancelled"
expect_match "$(what_is_said)" 'stopped; OLD is as it was.*unfinished copy and known as ours' "what is said"
eventually 30 at_rest || fail "Sessions of the copy are still at work."
eventually 30 no_worker || fail "The worker is still there: $(worker)"
echo "ok  cancelled: $(what_is_said)"

# ---- the line is lost, and then engine and step are killed: one copy all the time ----

n=$(copies_started)
begin "${stream[@]}"
pid=$(worker)
eventually 60 step_runs || fail "No step runs."
drop_ssh
before=$(samples)
eventually 100 more_than "$((before + 2))" || fail "After the connection was lost nothing is told any more."
grep -rqs 'connected to .* again' "$NIGHTFERRY_STATE" || fail "The connection was not lost at all."
expect_equal "$(worker)" "$pid" "the worker after the line was lost"
echo "ok  the line is lost and made again"

# shellcheck disable=SC2046
kill -KILL $(step_pid) "$(engine_pid)"
wait "$run" 2>/dev/null
night "${stream[@]}" &
run=$!
eventually 60 step_runs || fail "The running copy was not joined: $(cat "$T/err")"
before=$(samples)
eventually 60 more_than "$before" || fail "The copy is not followed by the new engine."
expect_equal "$(worker)" "$pid" "the worker after engine and step were killed"
gate_open
all_across $((n + 1)) "the night after it"
echo "ok  engine and step are killed, and the next one joins"

# ---- the engine stands still while the copy comes to its end ----

begin "${stream[@]}"
pid=$(engine_pid)
at_end 'kill -CONT "$pid" 2>/dev/null'
n=$(copies_started)
kill -STOP "$pid"
gate_open
eventually 60 no_worker || fail "The copy waits for an engine that stands still: $(worker)"
kill -CONT "$pid"
all_across "$n" "the night whose engine stood still"
echo "ok  the engine stands still, and nothing is lost"

# ---- a host that cannot run it ----

rm -rf "$NIGHTFERRY_STATE" "$W/host/home/.nightferry"
cat >"$W/host/bin/uname" <<'SH'
#!/bin/sh
[ "$1" = -m ] && echo riscv64 || exec /bin/uname "$@"
SH
chmod 755 "$W/host/bin/uname"
ends 1 "${stream[@]}"
expect_match "$(what_is_said)" 'cannot run on the new host; plan again, and it runs here.*is \\"Linux riscv64\\"' "what is said ($(cat "$T/err"))"
echo "ok  a host of another kind: $(what_is_said)"
# The bytes would pass this machine: nobody takes that way without a word of a person.
ends 1 "${stream[@]}"
expect_match "$(cat "$T/err")" 'stream.*the bytes pass this machine and its line, [^:]*: .*riscv64' "the way"
ends 0 "${stream[@]}" --waive "stream:way=nobody else is on this line"
expect_equal "$(events fact 'select(.name == "stream-started") | .data.here' | tail -n 1)" true "the copy ran here"
same_dumps
no_secrets
echo "ok  then it runs here, once somebody said so"

# ---- where: here ----

rm -rf "$NIGHTFERRY_STATE" "$W/host/bin/uname"
sed 's/do: stream}/do: stream, with: {where: here}}/' "$T/copy.yml" >"$T/here.yml"
here=(here --yes stream=shop_production --waive "stream:way=it is one machine")
ends 0 here --until prepare-target
begin "${here[@]}"
pid=$(worker)
[ -n "$pid" ] || fail "No worker runs here."
kill -KILL "$pid"
broke_off 'ended without a word'
ends 0 "${here[@]}"
expect_equal "$(events fact 'select(.name == "stream-started") | .data.place' | tail -n 1)" '"this machine"' "where it ran"
[ ! -e "$W/host/home/.nightferry/bin" ] || fail "nightferry was put on the host for a copy that runs here."
same_dumps
no_secrets
echo "ok  where: here"
