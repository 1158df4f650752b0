# shellcheck shell=bash
# Two clusters of this machine's newest PostgreSQL, without a world around them; on top of tests/lib.sh:
#   start_pair [SETTING...]     $OLD and $NEW are the addresses of their servers, without a database
#   pair_database NAME          on both sides, empty
#   old_sql, new_sql NAME SQL   one answer of a database, as the superuser
#   order NAME [FIELDS]         a worker's order for it, FIELDS as JSON: '"lanes": 2'
#   worker VERB NAME [FIELDS]   runs it; its lines are in $T/says, its result in $T/result
#   pair_equal NAME             pg_dump of both sides says the same
start_pair() {
	local bin side port=5432 as=() setting settings=""
	for setting in "$@"; do settings+=" -c $setting"; done
	bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -n 1)
	[ -n "$bin" ] || fail "PostgreSQL is not installed: run make deps."
	[ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	mkdir -p "$T/pg"
	[ "$(id -u)" != 0 ] || chown postgres "$T/pg"
	chmod 711 "$T"
	for side in old new; do
		at_end "cd '$T/pg' && ${as[*]} '$bin/pg_ctl' -D '$T/pg/$side' -m immediate stop >/dev/null 2>&1"
		(cd "$T/pg" && "${as[@]}" "$bin/initdb" -D "$T/pg/$side" -U tester -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null &&
			"${as[@]}" "$bin/pg_ctl" -D "$T/pg/$side" -w -l "$T/pg/$side.log" -o "-p $port -c listen_addresses= \
				-c unix_socket_directories=$T/pg$settings" start >/dev/null) ||
			fail "PostgreSQL does not start: $(tail -n 3 "$T/pg/$side.log")"
		printf -v "${side^^}" 'postgres://tester@%s:%s' "${T//\//%2F}%2Fpg" $port
		port=$((port + 1))
	done
}

pair_database() {
	psql -qXAt -d "$OLD/postgres" -c "CREATE DATABASE $1" && psql -qXAt -d "$NEW/postgres" -c "CREATE DATABASE $1" ||
		fail "Database $1 could not be made."
}
old_sql() { psql -qXAt -v ON_ERROR_STOP=1 -d "$OLD/$1" -c "$2" </dev/null; }
new_sql() { psql -qXAt -v ON_ERROR_STOP=1 -d "$NEW/$1" -c "$2" </dev/null; }

order() {
	printf '{"source": {"url": "%s/%s"}, "target": {"url": "%s/%s", "here": true}, "token": "pair"%s}' "$OLD" "$1" "$NEW" "$1" "${2:+, $2}"
}
worker() {
	order "$2" "${3:-}" | "$NF" __copy "$1" 2>"$T/says" || fail "$1 failed: $(tail -n 1 "$T/says")"
	jq -c 'select(.kind == "result")' "$T/says" >"$T/result"
}
# Sorted, for the order of rows is none.
pair_rows() { # URL
	pg_dump --data-only --exclude-schema=nightferry "$1" | grep -vE '^(--|\\(un)?restrict )' | LC_ALL=C sort
}
pair_equal() {
	pair_rows "$OLD/$1" >"$T/rows.old" && pair_rows "$NEW/$1" >"$T/rows.new" || fail "pg_dump failed."
	[ -s "$T/rows.old" ] || fail "The dump of $1 is empty."
	cmp -s "$T/rows.old" "$T/rows.new" || fail "The sides of $1 differ: $(diff "$T/rows.old" "$T/rows.new" | head -n 5)"
}
