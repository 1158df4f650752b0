# shellcheck shell=bash
# For the tests of the copy without a file, on top of tests/restore/restore_lib.sh:
#   old_objects      loads objects.sql into the old database
#   gate_in_old, gate_shut, gate_open    a table at which a copy waits
#   same_dumps       pg_dump of both sides, rows included, has to be the same
#   no_secrets       neither password stands in any file of the night, of the host's worker, or in what was printed
#   worker           the process id of the copy on the host; empty: none runs
#   begin NAME [ARG...]    the night of that name in the background, as $run, until its copy stands at the gate
#   broke_off REGEX  it has ended with a failed attempt that says this, and nothing of the copy is left at work
. "$(dirname "${BASH_SOURCE[0]}")/../restore/restore_lib.sh"
HERE=$(dirname "${BASH_SOURCE[0]}")

old_objects() {
	local owner=${OLD_DATABASE_URL#*://}
	old_psql -v owner="${owner%%:*}" -f "$HERE/objects.sql" >"$T/objects" 2>&1 ||
		fail "The objects could not be made: $(tail -n 5 "$T/objects")"
}

# A table whose rows NEW takes only while $T/open is there: a copy stands still at it for as long as a test wants. It is a
# file, because a session that held a lock would go with a database that is emptied.
gate_in_old() {
	local owner=${OLD_DATABASE_URL#*://}
	gate_open
	old_super "CREATE SCHEMA gate AUTHORIZATION \"${owner%%:*}\";
		CREATE FUNCTION gate.pass(i int) RETURNS boolean LANGUAGE plpgsql AS \$\$BEGIN
			WHILE (SELECT size FROM pg_catalog.pg_stat_file('$T/open', true)) IS NULL LOOP
				PERFORM pg_catalog.pg_sleep(0.02);
			END LOOP; RETURN true; END\$\$;
		CREATE TABLE gate.guarded (i int CHECK (gate.pass(i))); INSERT INTO gate.guarded SELECT generate_series(1, 20);
		ALTER TABLE gate.guarded OWNER TO \"${owner%%:*}\"" >/dev/null
}

gate_shut() {
	rm -f "$T/open"
}

gate_open() {
	touch "$T/open"
}

# What only the night changes, and what a copy leaves out on purpose, is no difference.
dump_of() { # SIDE
	local url=${1^^}_DATABASE_URL user password
	url=${!url} user=${url#*://} user=${user%%:*} password=${url#*://*:} password=${password%%@*}
	PGPASSWORD=$password pg_dump -d "postgres://$user@${url#*@}" --no-owner --no-privileges --no-publications \
		--exclude-schema=_heroku --exclude-schema=nightferry </dev/null | grep -vE '^(\\(un)?restrict |-- Dumped (from|by) )'
}

same_dumps() {
	dump_of old >"$T/dump.old" && dump_of new >"$T/dump.new" || fail "pg_dump failed."
	[ "$(wc -l <"$T/dump.old")" -gt 5000 ] || fail "The dump of OLD is too short to prove anything."
	diff "$T/dump.old" "$T/dump.new" >"$T/dump.diff" || fail "The sides differ: $(head -n 40 "$T/dump.diff")"
}

no_secrets() {
	local side word
	for side in OLD NEW; do
		word=${side}_DATABASE_URL word=${!word} word=${word#*://*:} word=${word%%@*}
		! grep -rlF -e "$word" "$NIGHTFERRY_STATE" "$T/out" "$T/err" >"$T/leak" 2>/dev/null || fail "A password of $side is in $(cat "$T/leak")."
	done
}

worker() {
	local base pid
	base=$(events fact 'select(.name == "stream-started") | .data.base' | tail -n 1 | tr -d '"')
	pid=$(cat "$base.pid" 2>/dev/null) || return 0
	[ "$(ps -o comm= -p "$pid")" != nightferry ] || echo "$pid"
}

at_work() { [[ $(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy' AND wait_event = 'PgSleep'") =~ ^[1-9] ]]; }
at_rest() { [ "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy'")" = 0 ]; }
no_worker() { [ -z "$(worker)" ]; }

begin() { # NAME [ARG...]
	gate_shut
	night "$@" &
	run=$!
	eventually 60 at_work || fail "The copy does not reach the table that waits: $(cat "$T/err" "$T/out")"
}

what_is_said() {
	events attempt.ended 'select(.step == "stream") | .error // .text // .' | tail -n 1
}

broke_off() { # REGEX
	local status=0 said
	wait "$run" || status=$?
	expect_equal "$status" 1 "exit status"
	said=$(what_is_said)
	expect_match "$said" "$1" "what is said"
	expect_match "$said" 'unfinished copy.*run stream again, and it is emptied first' "the way on"
	gate_open
	eventually 30 at_rest || fail "Sessions of the copy are still at work."
	eventually 30 no_worker || fail "The worker is still there: $(worker)"
}
