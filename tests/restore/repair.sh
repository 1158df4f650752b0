#!/bin/bash
# What repair puts right, each made wrong for real: sequences behind their tables, a role without rights (the restore ran
# as a superuser without owners and grants), no statistics, a collation whose version moved on while an index is really
# sorted by another order: the row it hides is found again, and only what needs it is built again.
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=3000
book repair repair
host=$(sed -E 's,:[^:@]*@,@,; s,/[^/?]*(\?|$),/DB\1,' <<<"$NEW_DATABASE_URL")
export PGPASSWORD PGOPTIONS="-c client_min_messages=error"
PGPASSWORD=$(sed -E 's,.*://[^:]*:([^@]*)@.*,\1,' <<<"$NEW_DATABASE_URL")
sql() { # DATABASE SQL
	psql -XAtq -d "${host/DB/$1}" -c "$2" </dev/null || fail "SQL failed: $2"
}
sql postgres "CREATE ROLE shopkeeper LOGIN PASSWORD 'x'" || exit 1
sql postgres "CREATE DATABASE icu OWNER shopkeeper LOCALE_PROVIDER icu ICU_LOCALE 'en-US' ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0"

# 1Z-10: the schema public made anew by the superuser; a restore as the superuser, without owners and grants.
sql icu "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
sql icu "CREATE TABLE people (id bigserial PRIMARY KEY, name text, note text COLLATE \"C\", n int)"
sql icu "INSERT INTO people (id, name, note, n) SELECT g, chr(65 + g % 26) || g, 'x' || g, g FROM generate_series(1, 400) g; INSERT INTO people (id, name) VALUES (401, 'apple'), (402, 'Berta'), (403, 'cherry')"
sql icu "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE mood AS ENUM ('good'); CREATE VIEW v AS SELECT id FROM people"
# An index that the old library sorted: by C, and the catalog says it is the database's own order.
sql icu "CREATE INDEX people_name ON people (name COLLATE \"C\"); CREATE INDEX people_note ON people (note); CREATE INDEX people_n ON people (n)"
sql icu "UPDATE pg_index SET indcollation = '100' WHERE indexrelid = 'people_name'::regclass; UPDATE pg_attribute SET attcollation = 100 WHERE attrelid = 'people_name'::regclass; UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'icu'"
find_apple="SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT count(*) FROM people WHERE name = 'apple'"
expect_equal "$(sql icu "$find_apple" 2>/dev/null)" 0 "the row that the wrong order hides"
node() { sql icu "SELECT string_agg(relname || ' ' || pg_relation_filenode(oid), ',' ORDER BY relname) FROM pg_class WHERE relname IN ('people_note', 'people_n')"; }
before=$(node)

sed -E 's/^database: *\{[^}]*\}/database: {accessory: db, app_role: shopkeeper, url: "env:NEW_DATABASE_URL"}/' "$CONFIG" >"$T/icu.yml"
NEW_DATABASE_URL=${NEW_DATABASE_URL/shop_production/icu}
export NEW_DATABASE_URL
ends 0 repair --config "$T/icu.yml"
seen=$(events plan.seen '.plan' | tail -n 1)
has() { grep -qF -- "$1" <<<"$seen" || fail "The plan of repair does not say \"$1\": $seen"; }
has "1 sequences behind"
has 'moved on from 1.0 to '
has '1 indexes that sort by it'
has 'REINDEX INDEX public.people_name'
has 'REFRESH COLLATION VERSION'

expect_equal "$(sql icu "$find_apple" 2>/dev/null)" 1 "the row, after the index was built again"
expect_equal "$(node)" "$before" "indexes that do not sort by that collation"
expect_equal "$(sql icu "SELECT datcollversion = pg_database_collation_actual_version(oid) FROM pg_database WHERE datname = 'icu'")" t "the version that is recorded"
expect_equal "$(sql icu "SELECT nextval('people_id_seq')")" 404 "the next number"
expect_equal "$(sql icu "SELECT count(*) FROM pg_stat_user_tables WHERE last_analyze IS NULL")" 0 "tables without statistics"
# As the app itself: it reads, writes, migrates, and makes tables.
# shellcheck disable=SC2097,SC2098
as_app() { PGPASSWORD=x psql -XAtq -d "${host/DB/icu}" -U shopkeeper -c "$1" </dev/null 2>&1; }
host=$(sed -E 's,://[^@]*@,://,' <<<"$host")
out=$(as_app "INSERT INTO people (name) VALUES ('new'); ALTER TABLE people ADD COLUMN more int; CREATE TABLE t (m mood); SELECT f() + (SELECT count(*) FROM v)") || fail "The app may not: $out"
expect_equal "$out" 405 "what the app's role sees"
ends 0 repair --config "$T/icu.yml"
echo "ok  sequences, rights, statistics and the collation are put right"
