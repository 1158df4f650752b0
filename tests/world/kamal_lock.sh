#!/bin/bash
# Kamal's deploy lock over a night: taken once, told to whoever types `kamal deploy`, adopted after a crash, read again
# before each typed step of the new side, and given back only while it is ours. Never anybody else's.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/rollback.part"

world_start
LOCK=.kamal/lock-acme
cat >"$T/lock.yml" <<'YML'
name: lock
phases:
  - phase: boot
    steps:
      - {id: deploy-lock, do: kamal-lock}
      - {id: stop, do: app-stop, gate: type}
      - {id: deploy-unlock, do: kamal-unlock}
YML
sed '/id: stop/d' "$T/lock.yml" >"$T/short.yml"
sed -i '/^steps:/,$d' "$CONFIG"

BOOK=lock
night() { # run's own options
	"$NF" run --playbook "$T/$BOOK.yml" --yes "stop=acme on 127.0.0.1" "$@" </dev/null
}
new_night() {
	"$NF" stop >/dev/null 2>&1 </dev/null
	rm -rf "$NIGHTFERRY_STATE"
	on_host "rm -rf $LOCK"
}
somebody_locks() { # WHO WHY: as Kamal writes it
	on_host "mkdir $LOCK && printf 'Locked by: %s at 2026-11-20T12:05:57Z\nVersion: 4f2c\nMessage: %s' '$1' '$2' | base64 -w 60 >$LOCK/details"
}
lock_text() { on_host "base64 -d $LOCK/details"; }
refuses() { # WORDS
	local status=0
	night >"$T/out" 2>&1 || status=$?
	expect_equal "$status" 1 "exit status while $1"
	expect_file_has "$T/out" "$1"
}
state_of() { # STEP
	"$NF" report --format json "$(journal)" >"$T/report.json"
	jq -r --arg id "$1" '.steps[] | select(.id == $id) | .state' "$T/report.json"
}

# ---- somebody else's ----
somebody_locks "Bob B" "Automatic deploy lock"
refuses "is held by Bob B since 12:05: Automatic deploy lock"
expect_match "$(lock_text)" "Bob B" "the lock of somebody else"
expect_equal "$(events fact .name | wc -l)" 0 "facts of a night that did nothing"
# The same night goes on when it is free, and says in the lock itself who holds it.
on_host "rm -r $LOCK"
night --until deploy-lock >"$T/out" 2>&1 || fail "A free lock is not taken: $(tail -n 5 "$T/out")"
expect_match "$(lock_text)" "Message: nightferry night $(basename "$(dirname "$(journal)")") of acme" "the lock's message"
# The hash in it is one of the journal's lines: an anchor that does not lie on this machine.
anchor=$(lock_text | sed -n 's/.* journal \([0-9a-f]\{64\}\)$/\1/p')
[ -n "$anchor" ] || fail "The lock's message carries no hash: $(lock_text)"
"$NF" verify --anchor "$anchor" "$(journal)" >"$T/verify" || fail "The anchor in the lock is not in the journal: $(cat "$T/verify")"
expect_file_has "$T/verify" "the given hash is line"
expect_status 1 "$NF" verify --anchor "${anchor:1}0" "$(journal)"
echo "ok  somebody else's lock"

# ---- lost in the middle: the typed gate does not open ----
on_host "rm -r $LOCK"
refuses "was this night's and is gone"
expect_equal "$(app_runs_on_new | wc -l)" 2 "containers that run while the gate is shut"
somebody_locks "Bob B" "Automatic deploy lock"
refuses "is held by Bob B"
expect_equal "$(app_runs_on_new | wc -l)" 2 "containers that run under somebody else's lock"
# A person may say that it does not matter; what is not ours is not given back at the end.
on_host "rm -r $LOCK"
night --until stop --waive "stop:lock=I asked, nobody deploys" >"$T/out" 2>&1 || fail "A waived lock: $(tail -n 5 "$T/out")"
expect_equal "$(app_runs_on_new | wc -l)" 0 "containers that run"
somebody_locks "Bob B" "Automatic deploy lock"
night >"$T/out" 2>&1 || fail "The end under somebody else's lock: $(tail -n 5 "$T/out")"
expect_match "$(lock_text)" "Bob B" "the lock of somebody else at the end"
echo "ok  a lock that is lost in the middle"

# ---- an empty folder ----
BOOK=short
new_night
on_host "mkdir $LOCK"
refuses "rmdir ~/$LOCK"
on_host "test -d $LOCK" || fail "The empty folder was removed by somebody who does not know whose it is."
echo "ok  an empty lock folder"

# ---- killed around the lock: adopted when it is ours, taken when it is not there, never twice ----
for point in fact:kamal-lock@engine fact:kamal-lock@step:before fact:kamal-lock@step; do
	new_night
	status=0
	NIGHTFERRY_DIE_AT=$point night >"$T/first" 2>&1 || status=$?
	[ $status = 137 ] || [ $status = 1 ] || fail "$point: the engine ended with $status: $(tail -n 5 "$T/first")"
	night >"$T/second" 2>&1 || fail "$point: the second run failed: $(tail -n 5 "$T/second")"
	expect_equal "$(state_of deploy-lock) $(state_of deploy-unlock)" "done done" "$point: steps"
	on_host "test ! -e $LOCK" || fail "$point: the lock is left: $(lock_text)"
	"$NF" verify "$(journal)" >"$T/verify" || fail "$point: $(cat "$T/verify")"
	echo "ok  $point"
done

# The engine dies while the lock is held; the next one finds it ours and does not take it again.
BOOK=lock
new_night
on_host "docker start \$(docker ps -aq -f label=role -f status=exited) >/dev/null"
night --until deploy-lock >"$T/out" 2>&1 || fail "The lock is not taken: $(tail -n 5 "$T/out")"
before=$(on_host "stat -c %i $LOCK/details")
NIGHTFERRY_DIE_AT=gate.opened@engine night >"$T/first" 2>&1
night --until stop >"$T/second" 2>&1 || fail "After a crash the lock is not known: $(tail -n 5 "$T/second")"
expect_equal "$(on_host "stat -c %i $LOCK/details")" "$before" "the lock after a crash"
expect_equal "$(events gate.passed 'select(.step == "stop") | .seen[] | select(.name == "lock") | .verdict')" '"PASS"' "line of evidence"
echo "ok  the lock survives the engine"

# ---- a disk that takes no details: no empty folder is left behind ----
BOOK=short
new_night
on_host "rm -rf .kamal.real; mv .kamal .kamal.real; : >.kamal"
refuses "could not be written"
on_host "rm .kamal; mv .kamal.real .kamal"
night >"$T/out" 2>&1 || fail "After the disk was mended: $(tail -n 5 "$T/out")"
on_host "test ! -e $LOCK" || fail "The lock is left."
echo "ok  a disk that takes nothing"
