#!/bin/bash
# Several people sit down in the same moment, and a machine that stopped before a night was begun: there is one night.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

scratch
cd "$T" || fail "$T cannot be entered."
export HEROKU_API_KEY=not-a-real-key NEW_URL=postgres://acme:not-a-real-one@127.0.0.1:9/acme
printf 'app: acme\nheroku: {app: acme-production, api: "http://127.0.0.1:9"}\ndatabase: {url: "env:NEW_URL"}\n' >nightferry.yml
printf 'name: two\nphases:\n  - phase: talk\n    steps:\n%s\n%s\n' '      - {id: one, do: manual, with: {card: "say hello"}}' \
	'      - {id: two, do: manual, with: {card: "say goodbye"}}' >two.yml

run() { # STATE ARGUMENTS
	local state=$1
	shift
	NIGHTFERRY_STATE=$state timeout 60 "$NF" run --playbook ./two.yml --quiet "$@" >>"$state.out" 2>&1
}
nights() { find "$1/acme" -mindepth 1 -maxdepth 1 -type d | wc -l; }

# A machine stopped before the first line was written: that is no night, and must not shut the next one out.
mkdir -p "$T/a/acme/2000-01-01T0000" "$T/b/acme"
: >"$T/a/acme/2000-01-01T0000/journal.jsonl"
run "$T/a" --done one=x --until one || fail "A journal without a line keeps the night from opening: $(cat "$T/a.out")"
expect_equal "$(nights "$T/a")" 2 "nights beside the one that never began"
echo "ok  a night that never began is in nobody's way"

# Whoever opens a night holds a lock from the look to the first line. While somebody else has it, this one waits,
# and then finds the night that was opened meanwhile.
exec 9<"$T/b/acme"
flock 9
run "$T/b" --done two=x 9<&- &
waiting=$!
waits() { [ "$(find /proc/[0-9]*/fd -lname "$T/b/acme" 2>/dev/null | wc -l)" -ge 2 ]; }
eventually 30 waits || fail "The second one does not wait for the first: $(cat "$T/b.out")"
expect_equal "$(nights "$T/b")" 0 "nights opened beside somebody who is opening one"
cp -r "$(find "$T/a/acme" -mindepth 1 -maxdepth 1 -name '2[0-9]*' ! -name '2000*')" "$T/b/acme/"
exec 9<&-
wait "$waiting" || fail "The one that waited did not take up the night it found: $(cat "$T/b.out")"
expect_equal "$(nights "$T/b")" 1 "nights of two who sat down at once"
echo "ok  of two who sit down at once one opens the night, the other finds it"
