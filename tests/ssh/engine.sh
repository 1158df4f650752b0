#!/bin/bash
# A night of the demo world whose database.url is the app's own, with the container's name in it: all watches over one
# connection and its companion for many bytes. Killed with -9, the engine leaves nothing on the host; stopped, neither.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start
SSHD_PID=$(cat "$W/host/sshd.pid")
at_end '[ -z "${ENGINE:-}" ] || kill "$ENGINE" 2>/dev/null'
NEW_DATABASE_URL=$(sed -E 's,@[^/]*/,@acme-db:5432/,' <<<"$NEW_DATABASE_URL")
export NEW_DATABASE_URL
run_night() {
	screen_start 80x24 "$NF" start
	wait_event 100 engine.started
	ENGINE=$(events engine.started .pid | tail -n 1)
}
trace() {
	find "$NIGHTFERRY_STATE" -name trace.jsonl | sort | tail -n 1
}
looks_well() { # WATCH
	jq -e -R --arg watch "$1" 'fromjson? | select(.kind == "watch.beat" and .watch == $watch and .ok)' "$(trace)" | grep -q .
}
# What runs on the host for us: sessions and what they started; the containers are not below sshd.
on_host() {
	local pids=$SSHD_PID next
	while pids=$(for p in $pids; do pgrep -P "$p"; done) && [ -n "$pids" ]; do
		next+=" $pids"
	done
	# shellcheck disable=SC2086
	echo ${next:-}
}
host_is_left() {
	[ -z "$(on_host)" ]
}
here_is_left() {
	! pgrep -f "ControlPath=/tmp/nf-ssh.*$W/" >/dev/null
}

run_night
for watch in ssh host container-logs counts newrows; do
	eventually 200 looks_well "$watch" || fail "The watch $watch never looked well: $(grep "\"watch\":\"$watch\"" "$(trace)" | tail -n 2)"
done
expect_equal "$(pgrep -P "$SSHD_PID" | wc -l)" 2 "connections to the host for all watches"
grep -q 'connected by libssh2' "$(trace)" "$(journal)" || fail "The list of commands does not say which carrier it is."
night_dir=$(dirname "$(journal)")
expect_equal "$(stat -c %a "$night_dir/ctl" "$night_dir/pg/.s.PGSQL.5432" | tr '\n' ' ')" '600 600 ' "the modes of what is lent"

kill -KILL "$ENGINE"
eventually 100 host_is_left || fail "A killed engine left on the host: $(for p in $(on_host); do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done)"
eventually 100 here_is_left || fail "A killed engine left an ssh program here."

# Taken up again, the same way once more; and its ordinary end.
SCREEN=again run_night
more() { [ "$(grep -c '"watch":"counts".*"ok":true' "$(trace)")" -gt "$1" ]; }
eventually 200 more "$(grep -c '"watch":"counts".*"ok":true' "$(trace)")" || fail "The night that was taken up does not look at the database."
kill -TERM "$ENGINE"
eventually 100 host_is_left || fail "A stopped engine left on the host: $(for p in $(on_host); do tr '\0' ' ' <"/proc/$p/cmdline"; echo; done)"
eventually 100 here_is_left || fail "A stopped engine left an ssh program here."
[ ! -e "$night_dir/ctl" ] || fail "A stopped engine left its line's socket."
