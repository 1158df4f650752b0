# shellcheck shell=bash
# A world and the steps of the copy, for the tests of this folder:
#   copy_world [NAME=VALUE...]   a world whose app is stopped on the new side, so that its database may be emptied
#   book NAME STEP...            $T/NAME.yml, a playbook of these steps; an id is the step's name, or ID=STEP
#   night NAME [ARGUMENTS]       runs it to its end through its gates; its output in $T/out and $T/err
#   ends STATUS NAME [ARG...]    the same, and its exit status must be STATUS
#   new_super SQL                one answer of the new database, as its superuser
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
