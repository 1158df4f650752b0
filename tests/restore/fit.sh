#!/bin/bash
# What NEW cannot have is said while its rows are still there: each refusal is seen before wipe-target, and the rows are
# counted after it. OLD itself is never wiped, an empty database with an old collation version is mended for nothing, and
# rights that do not come are named.
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=3000
freeze_old
old_super() { # SQL
	local password
	password=$(sed -n 's/.*:postgres://p' "$W/postgres/old.pgpass")
	PGPASSWORD=$password psql -XAtq "host=127.0.0.1 port=$(sed -E 's,.*:([0-9]+)/.*,\1,' <<<"$OLD_DATABASE_URL") user=postgres sslmode=require dbname=$(sed -E 's,.*/([^?]*).*,\1,' <<<"$OLD_DATABASE_URL")" -c "$1" </dev/null
}
refused() { # TEXT, with NEW as it is
	local before after
	before=$(rows_of new)
	rm -rf "$NIGHTFERRY_STATE"
	ends 1 wipe
	expect_match "$(cat "$T/err")" "$1" "the refusal"
	after=$(rows_of new)
	expect_equal "$after" "$before" "rows of NEW after a refusal"
	echo "ok  $(tail -n 1 "$T/err")"
}
book wipe record-source wipe-target

# ---- NEW is OLD ----

before=$(rows_of old)
rm -rf "$NIGHTFERRY_STATE"
name=$(world_sql old 'SELECT current_database()')
(
	export NEW_DATABASE_URL=$OLD_DATABASE_URL
	sed -E '/^host:|^kamal:/d; s/^database:.*/database: {url: "env:NEW_DATABASE_URL"}/' "$CONFIG" >"$T/same.yml"
	ends 1 wipe --config "$T/same.yml" --yes "wipe-target=$name" --waive "wipe-target:old=wrong"
	expect_match "$(cat "$T/err")" "$name on 127.0.0.1 is the OLD database itself" "the refusal"
) || exit 1
expect_equal "$(rows_of old)" "$before" "rows of OLD"
echo "ok  OLD is not wiped"

# ---- what its server cannot have ----

old_super "CREATE EXTENSION unaccent; UPDATE pg_extension SET extname = 'postgis' WHERE extname = 'unaccent'"
refused 'does not offer the extension postgis, which OLD uses'
old_super "UPDATE pg_extension SET extname = 'pg_cron' WHERE extname = 'postgis'"
refused 'does not offer the extension pg_cron'
old_super "UPDATE pg_extension SET extname = 'unaccent' WHERE extname = 'pg_cron'; DROP EXTENSION unaccent"

# ---- the app's role ----

sed -i 's/^database: {/&app_role: shopkeeper, /' "$CONFIG"
refused 'The app logs in as shopkeeper, and NEW has no such role'
sed -i 's/app_role: shopkeeper, //' "$CONFIG"

# ---- encoding ----

url=${NEW_DATABASE_URL%/*}
PGPASSWORD=$(sed -E 's,.*://[^:]*:([^@]*)@.*,\1,' <<<"$url") psql -XAtq -d "$(sed -E 's,:[^:@]*@,@,' <<<"$url")/postgres" \
	-c "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0" </dev/null || fail "no LATIN1 database"
rm -rf "$NIGHTFERRY_STATE"
(
	export NEW_DATABASE_URL=$url/latin
	sed -E 's/^database: *\{[^}]*\}/database: {accessory: db, url: "env:NEW_DATABASE_URL"}/' "$CONFIG" >"$T/latin.yml"
	ends 1 wipe --config "$T/latin.yml" --yes wipe-target=latin
	expect_match "$(cat "$T/err")" "NEW stores text as LATIN1 and OLD as UTF8" "the refusal"
) || exit 1
echo "ok  another encoding is refused"

# ---- rights that do not come, and a collation version that is behind ----

old_super "CREATE ROLE reporting; GRANT SELECT ON orders, users TO reporting; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reporting"
PGPASSWORD=$(sed -E 's,.*://[^:]*:([^@]*)@.*,\1,' <<<"$url") psql -XAtq -d "$(sed -E 's,:[^:@]*@,@,' <<<"$url")/postgres" \
	-c "CREATE DATABASE icu LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0" \
	-c "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'icu'" </dev/null || fail "no ICU database"
rm -rf "$NIGHTFERRY_STATE"
export NEW_DATABASE_URL=$url/icu
sed -E 's/^database: *\{[^}]*\}/database: {accessory: db, url: "env:NEW_DATABASE_URL"}/' "$CONFIG" >"$T/icu.yml"
book all record-source prepare-target
ends 0 all --config "$T/icu.yml"
seen=$(events plan.seen 'select(.step == "prepare-target") | .plan.seen[] | "\(.verdict) \(.name) \(.text)"' | tr -d '"\\')
has() { grep -qE "$1" <<<"$seen" || fail "The plan of prepare-target does not say \"$1\": $seen"; }
has '^WARN rights rights of OLD.s reporting on 2 objects do not come'
has '^WARN role NEW has no role reporting'
has '^WARN defaults 1 default privileges'
has '^PASS owner [0-9]+ objects of OLD.s u[0-9a-f]+ will belong to shop'
has '^PASS version NEW was made with collation version 1.0 and its server has .*: it is empty'
has '^PASS programs pg_restore [0-9.]+ in acme-db'
has '^WARN collation OLD sorts by C.UTF-8, libc and NEW by C.UTF-8, icu en-US'
expect_equal "$(world_sql new "SELECT datcollversion = pg_database_collation_actual_version(oid) FROM pg_database WHERE datname = 'icu'")" t "the version of the empty database"
expect_equal "$(world_sql new "SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension WHERE extnamespace = 'heroku_ext'::regnamespace")" "citext pg_trgm pgcrypto uuid-ossp" "extensions"
echo "ok  rights, owners and the collation's version are planned"
