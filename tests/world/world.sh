#!/bin/bash
# The demo world: two at once, one of them as an ordinary user when we are root; what it says it holds; nothing is left.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
user=
if [ "$(id -u)" = 0 ]; then
	# An ordinary user with a shell that sshd can start; the database's packages made this one.
	user=postgres
	getent passwd $user >/dev/null || fail "There is no user $user to try as."
fi
as() { # FOLDER CMD...: in a folder of that user, as that user
	local folder=$1
	shift
	if [ -n "$user" ]; then
		setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$folder" TMPDIR="$folder" "$@"
	else
		"$@"
	fi
}

mkdir "$T/a" "$T/b"
[ -z "$user" ] || chown "$user" "$T/b"
at_end '"$ROOT/demo/world" stop "$T/a/w" >/dev/null 2>&1; as "$T/b" "$ROOT/demo/world" stop "$T/b/w" >/dev/null 2>&1'
DEMO_ROWS=5000 "$ROOT/demo/world" start "$T/a/w" >"$T/a.log" 2>&1 </dev/null &
first=$!
DEMO_ROWS=5000 as "$T/b" "$ROOT/demo/world" start "$T/b/w" >"$T/b.log" 2>&1 </dev/null || fail "The second world: $(tail -n 5 "$T/b.log")"
wait $first || fail "The first world: $(tail -n 5 "$T/a.log")"
as "$T/b" "$ROOT/demo/world" status "$T/b/w" >"$T/status" || fail "$(cat "$T/status")"
"$ROOT/demo/world" status "$T/a/w" >"$T/status" || fail "$(cat "$T/status")"

# What a client needs, as shell assignments.
# shellcheck disable=SC1091
. "$T/a/w/env"
for name in HEROKU_HOST HEROKU_DATA_HOST HEROKU_API_KEY HEROKU_APP OLD_DATABASE_URL NEW_DATABASE_URL SSH_HOST SSH_PORT SSH_KEY \
	DNS_SERVERS RESOLVERS CONFIG; do
	[ -n "${!name:-}" ] || fail "DIR/env does not say $name."
done
expect_equal "$(stat -c %a "$T/a/w/env")" 600 "mode of DIR/env"
expect_equal "$(world_sql old "SELECT count(*) FROM pg_class WHERE relkind IN ('r','p') AND NOT relispartition AND relnamespace = 'public'::regnamespace")" 27 "tables"
expect_equal "$(world_sql new "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM products) + (SELECT count(*) FROM schema_migrations) + (SELECT count(*) FROM feature_flags)")" 61 "seed rows on the new side"
expect_equal "$(world_sql old "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE nspname = 'heroku_ext'")" "citext pg_trgm pgcrypto uuid-ossp" "extensions in heroku_ext"
writes() { world_sql old "SELECT count(*) FROM audits"; }
before=$(writes)
more() { [ "$(writes)" -gt "$before" ]; }
eventually 10 more || fail "The worker does not write."
expect_match "$(ssh -i "$SSH_KEY" -p "$SSH_PORT" -o UserKnownHostsFile="$SSH_KNOWN_HOSTS" -o BatchMode=yes "$SSH_USER@$SSH_HOST" docker ps 2>&1)" \
	"acme-web-4f2c91a.*acme-db|acme-db.*acme-web-4f2c91a" "docker ps over ssh"

pids() { ls -l /proc/[0-9]*/cwd /proc/[0-9]*/fd 2>/dev/null | grep -cF "$T/"; }
"$ROOT/demo/world" stop "$T/a/w" >/dev/null || fail "The first world did not stop."
as "$T/b" "$ROOT/demo/world" stop "$T/b/w" >/dev/null || fail "The second world did not stop."
none() { [ "$(pids)" = 0 ]; }
eventually 10 none || fail "Processes of a world are left."
expect_equal "$(find "$T/a/w" "$T/b/w" -type f 2>/dev/null | wc -l)" 0 "files that are left"
