# shellcheck shell=bash
# A world and the steps of the copy, for the tests of this folder:
#   copy_world [NAME=VALUE...]   a world whose app is stopped on the new side, so that its database may be emptied
#   book NAME STEP...            $T/NAME.yml, a playbook of these steps; an id is the step's name, or ID=STEP
#   night NAME [ARGUMENTS]       runs it to its end through its gates; its output in $T/out and $T/err
#   ends STATUS NAME [ARG...]    the same, and its exit status must be STATUS
#   new_super SQL                one answer of the new database, as its superuser; old_super SQL of the old one
#   many_tables N LOCKS          N small tables in the old database, whose server takes LOCKS locks a transaction
#   small PID MOST-KB WHAT       no more memory than this at any time; a process that is gone held nothing back
#   on_host COMMAND              in a session of the host's sshd
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

on_host() {
	ssh -F none -i "$SSH_KEY" -p "$SSH_PORT" -o "UserKnownHostsFile=$SSH_KNOWN_HOSTS" -o BatchMode=yes \
		"$SSH_USER@$SSH_HOST" "$1" </dev/null
}

copy_world() {
	world_start "$@"
	# Nothing of the demo's own habits: each test says what its steps shall do.
	sed -i '/^steps:/,$d' "$CONFIG"
	# shellcheck disable=SC2016
	on_host 'docker stop -t 1 $(docker ps --format "{{.Names}}" | grep -E "^acme-(web|job)-")' >/dev/null ||
		fail "The new app could not be stopped."
}

book() { # NAME STEP...
	local name=$1 step
	shift
	{
		printf 'name: %s\nphases:\n  - phase: copy\n    steps:\n' "$name"
		for step in "$@"; do printf '      - {id: %s, do: %s}\n' "${step%%=*}" "${step#*=}"; done
	} >"$T/$name.yml"
}

night() { # NAME [ARGUMENTS]
	local name=$1 step yes=()
	shift
	for step in $(sed -n 's/^ *- {id: \([^,]*\),.*/\1/p' "$T/$name.yml"); do
		case $step in wipe* | restore*) yes+=(--yes "$step=shop_production") ;; esac
		case $step in wipe*) yes+=(--waive "$step:rows=test data") ;; esac
	done
	timeout "${NIGHT_SECONDS:-120}" "$NF" run --quiet --playbook "$T/$name.yml" "${yes[@]}" "$@" >"$T/out" 2>"$T/err" </dev/null
}

ends() { # STATUS NAME [ARGUMENTS]
	local wanted=$1 status=0
	shift
	night "$@" || status=$?
	[ $status = "$wanted" ] || fail "The night of $1 ended with $status instead of $wanted: $(tail -n 8 "$T/err" "$T/out")"
}

new_super() { # SQL: the demo's role on the new side is its superuser
	world_sql new "$1"
}

old_psql() { # ARG...
	local db=${OLD_DATABASE_URL##*/} port=${OLD_DATABASE_URL##*:}
	PGPASSFILE=$W/postgres/old.pgpass PGOPTIONS='-c client_min_messages=error' \
		psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "${port%%/*}" -U postgres -d "${db%%\?*}" "$@" </dev/null
}

old_super() { # SQL
	old_psql -c "$1"
}

many_tables() { # N LOCKS
	local i end
	old_super "ALTER SYSTEM SET max_locks_per_transaction = $2" >/dev/null || fail "The old server takes no setting."
	"$ROOT/demo/postgres/part" stop "$W" && "$ROOT/demo/postgres/part" start "$W" >"$T/part.log" 2>&1 || fail "The old server did not come back."
	for ((i = 0; i < $1; i += 500)); do
		end=$((i + 500 < $1 ? i + 500 : $1))
		world_sql old "DO \$\$ BEGIN FOR i IN $i..$((end - 1)) LOOP EXECUTE format('CREATE TABLE many_%s (id int PRIMARY KEY, t text)', lpad(i::text, 5, '0')); EXECUTE format('INSERT INTO many_%s SELECT g, g::text FROM generate_series(1, 3) g', lpad(i::text, 5, '0')); END LOOP; END \$\$" || fail "The tables could not be made."
	done
}

rss_kb() { # PID: the most it ever had
	awk '/^VmHWM/ { print $2 }' "/proc/$1/status" 2>/dev/null
}

small() { # PID MOST-KB WHAT
	local kb
	kb=$(rss_kb "$1")
	[ -n "$kb" ] || return 0
	echo "$3: $kb kB"
	[ "$kb" -lt "$2" ] || fail "$3 has grown to $kb kB; $2 are the most."
}

rows_of() { # SIDE: all tables with their exact rows, sorted
	local table
	for table in $(world_sql "$1" "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"); do
		printf '%s %s\n' "$table" "$(world_sql "$1" "SELECT count(*) FROM $table")"
	done
}

# What is on both sides, table by table.
both_sides_equal() {
	rows_of old >"$T/rows.old"
	rows_of new >"$T/rows.new"
	diff "$T/rows.old" "$T/rows.new" >"$T/rows.diff" || fail "The sides differ: $(cat "$T/rows.diff")"
	[ "$(wc -l <"$T/rows.new")" -ge 27 ] || fail "There are not 27 tables: $(cat "$T/rows.new")"
}

# The old side stands still, as it does in the night: dynos write, one-off ones too.
freeze_old() {
	local api=(curl -sS -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json') name
	"${api[@]}" -o /dev/null -X PATCH "$HEROKU_HOST/apps/$HEROKU_APP/formation" \
		-d '{"updates":[{"type":"web","quantity":0},{"type":"worker","quantity":0}]}'
	for name in $("${api[@]}" "$HEROKU_HOST/apps/$HEROKU_APP/dynos" | jq -r '.[] | select(.type == "run") | .name'); do
		"${api[@]}" -o /dev/null -X DELETE "$HEROKU_HOST/apps/$HEROKU_APP/dynos/$name"
	done
	quiet() { [ "$(world_sql old "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")" = 0 ]; }
	eventually 30 quiet || fail "The old side does not become quiet."
}

# ---- a restore that stands still where the test wants it ----

# From here on each CREATE INDEX in NEW waits until let_go: rows are in by then, keys and indexes are not.
hold_indexes() {
	new_super "CREATE FUNCTION public.hold() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(42); END'" &&
		new_super "CREATE EVENT TRIGGER hold ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION public.hold()" ||
		fail "The hold could not be made."
	coproc HOLDER {
		PGAPPNAME=holder PGPASSWORD=$(sed -E 's,.*://[^:]*:([^@]*)@.*,\1,' <<<"$NEW_DATABASE_URL") \
			exec psql -XAtq -d "$(sed -E 's,(//[^:]*):[^@]*@,\1@,' <<<"$NEW_DATABASE_URL")"
	}
	# shellcheck disable=SC2153
	HOLDS=$HOLDER_PID
	at_end 'kill $HOLDS 2>/dev/null'
	# shellcheck disable=SC2154
	echo 'SELECT pg_advisory_lock(42);' >&"${HOLDER[1]}"
	held() { [ "$(new_super "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")" = 1 ]; }
	eventually 20 held || fail "Nobody holds the lock."
}

is_held() {
	[ "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_restore' AND wait_event = 'advisory'" 2>/dev/null || echo 0)" -ge 1 ]
}

let_go() {
	echo 'SELECT pg_advisory_unlock(42);' >&"${HOLDER[1]}"
}

restores_started() {
	events fact 'select(.name == "restore-started") | .data.base' | sort -u | wc -l
}

engine_pid() {
	events engine.started .pid | tail -n 1
}

step_pid() {
	pgrep -P "$(engine_pid)" -f "__job step restore"
}

# Ends the connections of the host's sshd: its sessions, not its listener, nor what was detached from them.
drop_ssh() {
	local pids
	pids=$(pgrep -P "$(cat "$W/host/sshd.pid")") || return 0
	# shellcheck disable=SC2086
	kill -KILL $pids $(for p in $pids; do pgrep -P "$p" -x sshd; done) 2>/dev/null
	return 0
}
