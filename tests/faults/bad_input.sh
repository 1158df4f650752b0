#!/bin/bash
# What the program says about files, words, secrets, folders and a disk that are not right: one sentence, the right exit
# status, and nothing started.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start DEMO_ROWS=5000
export CONFIG
sed -i '/^steps:/,$d' "$CONFIG"
cd "$T" || fail "$T cannot be entered."
LOG=$W/heroku/requests.log

playbook() { # NAME STEP
	printf 'name: %s\nphases:\n  - phase: freeze\n    steps:\n      - %s\n' "$1" "$2" >"$T/$1.yml"
}
playbook small '{id: page, do: maintenance, with: {state: enabled}}'
playbook source '{id: source, do: record-source}'
playbook wipe '{id: wipe, do: wipe-target}'
playbook typo '{id: page, do: maintenence, with: {state: enabled}}'
playbook param '{id: page, do: maintenance, with: {stat: enabled}}'
printf 'name: broken\nphases:\n  - phase: freeze\n    steps:\n      - {id: page, do: maintenance\n  - phase: [\n' >"$T/broken.yml"
mkdir -p "$T/empty"

deeds() {
	printf '%s %s\n' "$(grep -E '(PATCH|POST|PUT|DELETE) /' "$LOG" | grep -vcE 'log-sessions|/resolve ')" \
		"$(cat "$NIGHTFERRY_STATE"/*/*/journal.jsonl 2>/dev/null | grep -c '"kind":"attempt.started"')"
}

run() { # PLAYBOOK ARGUMENTS
	local book=$1
	shift
	timeout 40 "$NF" run --playbook "$T/$book.yml" "$@"
}

# The sentence stands on stderr, ends like one, and nothing of the world has changed.
says() { # STATUS TEXT COMMAND...
	local wanted=$1 text=$2 status=0 before
	shift 2
	before=$(deeds)
	"$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	expect_equal "$status" "$wanted" "exit status of $* ($(tail -n 2 "$T/err"))"
	grep -qF -- "$text" "$T/err" || fail "$* does not say \"$text\" but: $(cat "$T/err")"
	expect_match "$(tail -n 1 "$T/err")" '^nightferry( [a-z]+)?: ..*' "the sentence of $*"
	expect_equal "$(deeds)" "$before" "changes and attempts after $*"
	echo "ok  $(tail -n 1 "$T/err")"
}

fresh() {
	rm -rf "$NIGHTFERRY_STATE"
}

# ---- files and words ----

says 2 "$T/broken.yml:6:" run broken
says 2 "typo.yml:5:" run typo
says 2 'did you mean "maintenance"?' run typo
says 2 'param.yml:5:' run param
says 2 'did you mean "state"?' run param
says 2 "nosuch" "$NF" run --playbook nosuch
says 2 "There is no nightferry.yml here" env -u CONFIG -C "$T/empty" "$NF" run
says 2 "There is no nowhere.yml here" "$NF" run --config nowhere.yml
{ cat "$CONFIG"; echo 'herokuu: {app: x}'; } >"$T/key.yml"
says 2 'did you mean "heroku"?' run small --config "$T/key.yml"
expect_match "$(cat "$T/err")" "key.yml:[0-9]+:1:" "file, line and column"
says 2 'there is no command "frobnicate"' "$NF" frobnicate
says 2 'there is no option --frobnicate' "$NF" run --frobnicate
says 2 'one argument too many' "$NF" run now
says 2 'no night of acme is open' "$NF" attach
says 2 '/nowhere/journal.jsonl' "$NF" verify /nowhere/journal.jsonl
: >"$T/nothing"
expect_status 1 "$NF" verify "$T/nothing"
expect_match "$OUTPUT" 'holds no whole line' "an empty journal"
expect_status 1 timeout 60 "$NF" verify /dev/zero
expect_match "$OUTPUT" 'is longer than any line of a journal' "a journal without an end of line"
expect_equal "$(find "$NIGHTFERRY_STATE" -type f 2>/dev/null)" "" "files of a night after mistakes in files and words"

# ---- secrets and addresses ----

wrong=HRKU-11111111-2222-3333-4444-555555555555
says 1 "set HEROKU_API_KEY" env -u HEROKU_API_KEY "$BASH" -c "exec $NF run --playbook $T/source.yml"
fresh
says 1 "does not accept the token" env HEROKU_API_KEY=$wrong "$NF" run --playbook "$T/source.yml"
! grep -qF $wrong "$T/out" "$T/err" || fail "A wrong token is repeated."
fresh
sed -E 's,(api|data): "http://127.0.0.1:[0-9]+",\1: "http://127.0.0.1:1",g' "$CONFIG" >"$T/gone.yml"
says 1 "nobody takes the connection there" run small --config "$T/gone.yml" --yes page=acme-production
fresh

rest=${NEW_DATABASE_URL#*@} user=${NEW_DATABASE_URL#*://}
user=${user%%:*}
says 1 "does not accept the password" env "NEW_DATABASE_URL=postgres://$user:wrong-password-77@$rest" "$NF" run --playbook "$T/wipe.yml"
! grep -qF wrong-password-77 "$T/out" "$T/err" || fail "A wrong password is repeated."
fresh
says 1 "refuses connections" env "NEW_DATABASE_URL=$(sed -E 's,@127.0.0.1:[0-9]+,@127.0.0.1:1,' <<<"$NEW_DATABASE_URL")" \
	"$NF" run --playbook "$T/wipe.yml"
fresh
says 1 "The URL of the NEW database is not known" env -u NEW_DATABASE_URL "$NF" run --playbook "$T/wipe.yml"
fresh

# ---- gates and engines ----

says 1 'the target is "acme-production"; nothing happened' run small --yes page=acme-staging
says 1 'it wants --yes page=acme-production; nothing happened' run small
echo "playbook: $T/small.yml" >>"$CONFIG"
screen_start 80x24 "$NF" --as ana
wait_text 20 "R next"
says 1 "an engine already runs this night" run small --yes page=acme-production
keys q
wait_end 10
"$NF" stop >"$T/out" 2>&1 || fail "The engine was not stopped: $(cat "$T/out")"

# ---- a journal changed by hand ----

cp "$(journal)" "$T/kept"
n=$(grep -n '"kind":"gate.opened"' "$(journal)" | head -n 1 | cut -d: -f1)
sed -i "${n}s/acme-production/acme-staging/" "$(journal)"
status=0
"$NF" verify "$(journal)" >"$T/out" 2>&1 || status=$?
expect_equal "$status" 1 "exit status of verify"
expect_file_has "$T/out" "BROKEN at line $n"
cp "$(journal)" "$T/changed"
says 1 "line $n was changed after it was written" run small --yes page=acme-production
cmp "$T/changed" "$(journal)" || fail "A journal that was refused is not the same any more."
cp "$T/kept" "$(journal)"
"$NF" verify "$(journal)" >"$T/out" 2>&1 || fail "A journal put back does not verify: $(cat "$T/out")"
fresh

# ---- folders ----

long=$T/$(printf 'x%.0s' {1..90})
says 2 "set NIGHTFERRY_STATE to a shorter folder" env "NIGHTFERRY_STATE=$long" "$NF" run --playbook "$T/small.yml"
[ ! -e "$long" ] || fail "A folder was made that no seat could reach."
says 2 "must be an absolute path" env NIGHTFERRY_STATE=state "$NF" run --playbook "$T/small.yml"
mkdir "$T/shut"
chmod 555 "$T/shut"
somebody=()
[ "$(id -u)" != 0 ] || somebody=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
if "${somebody[@]}" test -x "$NF" -a -r "$ROOT/playbooks"; then
	says 1 "set NIGHTFERRY_STATE to one that can" "${somebody[@]}" env "NIGHTFERRY_STATE=$T/shut/state" "$NF" run --playbook "$T/small.yml"
else
	echo "skipped: nobody cannot run the program where it is built"
fi

# ---- a full disk ----

disk=$T/disk
mkdir "$disk"
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=1m tmpfs "$disk" 2>"$T/err"; then
	echo "skipped: no small disk can be mounted here"
	exit 0
fi
at_end 'for _ in 1 2 3 4 5 6 7 8 9 10; do umount "$disk" 2>/dev/null && break; sleep 0.3; done'
at_end 'NIGHTFERRY_STATE=$disk/s timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null'
at_end 'tm kill-server 2>/dev/null' # only a seat that drives, or nobody else, stops an engine
export NIGHTFERRY_STATE=$disk/s

fill() {
	dd if=/dev/zero of="$disk/fill" bs=1k count="$1" oflag=append conv=notrunc 2>/dev/null
}
fill 800
says 1 "the disk under the journal is full" run small --yes page=acme-production
SCREEN=full screen_start 80x24 env "NIGHTFERRY_STATE=$NIGHTFERRY_STATE" "$NF" --as ana
SCREEN=full
wait_text 20 "R next"
keys A
wait_text 10 "ARMED"
keys R
wait_text 5 "the disk under the journal is full"
fill 4000

# Each note wants its line in the journal; when there is room for none, every seat hears of it.
note_fails() {
	screen_has "the journal cannot be written" && return
	fill 4000
	type_text '\;'
	sleep 0.1
	fill_line "a note of some length, so that the last room is used up soon: $(date +%N)$(date +%N)$(date +%N)"
	sleep 0.1
	screen_has "the journal cannot be written"
}
eventually 30 note_fails || fail "The engine writes on where there is no room."
keys Escape
before=$(deeds)
wait_gone 15 "the journal cannot be written"
keys R
wait_text 5 "the disk under the journal is full"
expect_equal "$(deeds)" "$before" "changes and attempts on a full disk"
expect_frame
rm "$disk/fill"
keys R
wait_text 15 "y does it."
box_settles
keys y
wait_event 20 attempt.ended '.outcome == "done"'
"$NF" verify "$(journal)" >"$T/out" 2>&1 || fail "The journal does not verify after a full disk: $(cat "$T/out")"
echo "ok  a full disk stops the night, and room lets it go on"
