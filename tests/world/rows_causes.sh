#!/bin/bash
# Rows that differ, each for another reason that is made real: count-rows fails and tells each one's own cause. Enter on a
# row finds the rows themselves; nightferry rows says the same without a night, and never ends with 0 while something differs.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/rollback.part"

export DEMO_ROWS=3000
world_of_rollback
go_to repair

# Before anything is broken: equal, and only then 0.
"$NF" rows >"$T/equal" 2>&1 || fail "Two equal databases ended with $?: $(tail -n 3 "$T/equal")"
expect_match "$(tail -n 1 "$T/equal")" '^27 of 27 tables equal in rows and content, 0 differ, 0 missing' "the last line"
echo "ok  equal is 0"

columns() { # TABLE: all but its id, as the new side has them
	world_sql new "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = '$1'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'id'"
}
more() { # SIDE TABLE N: copies of its first row
	world_sql "$1" "INSERT INTO $2 ($(columns "$2")) SELECT $(columns "$2") FROM (SELECT * FROM $2 LIMIT 1) x, generate_series(1, $3)"
}

more new events 3
world_sql new "DELETE FROM line_items WHERE id IN (SELECT id FROM line_items ORDER BY id LIMIT 2)"
world_sql new "UPDATE addresses SET city = 'elsewhere' WHERE id = (SELECT min(id) FROM addresses)"
world_sql new "TRUNCATE refunds"
world_sql new "CREATE TABLE kept AS SELECT * FROM shipments; TRUNCATE shipments"
# A vacuum in between would take the traces away.
world_sql new "ALTER TABLE shipments SET (autovacuum_enabled = off)"
world_sql new "BEGIN; INSERT INTO shipments ($(columns shipments)) SELECT $(columns shipments) FROM kept; ROLLBACK"
world_sql new "DROP TABLE kept"
# Heroku's role is no superuser; the new side's is, and sees everything.
world_sql old "ALTER TABLE settings ENABLE ROW LEVEL SECURITY; ALTER TABLE settings FORCE ROW LEVEL SECURITY"
world_sql new "ALTER TABLE audits ADD COLUMN extra int"
world_sql new "ALTER TABLE reviews RENAME TO away"
world_sql new "SET client_min_messages = error; DROP TABLE users CASCADE; DROP EXTENSION citext CASCADE"
# Somebody still writes on OLD, all the while: one row, there and back again.
keep_writing() {
	local set="SET application_name = 'cron.7';" id
	id=$(world_sql old "SELECT min(id) FROM payments")
	while :; do
		world_sql old "$set INSERT INTO payments ($(columns payments)) SELECT $(columns payments) FROM payments WHERE id = '$id'" >/dev/null 2>&1
	done
}
more old payments 1 || fail "Nothing can be written on OLD."
keep_writing &
at_end "kill $! 2>/dev/null"

! night --until count-rows >"$T/counted" 2>&1 || fail "count-rows passed: $(tail -n 3 "$T/counted")"
expect_cause() { # TABLE VERDICT REGEX
	local said
	said=$(events rows.verdict "select(.table == \"$1\") | \"\\(.verdict) \\(.cause)\"" | tail -n 1)
	expect_match "$said" "^\"$2 $3" "cause of $1"
}
expect_cause users FAIL 'extension citext is not on NEW, and its column email needs it'
expect_cause reviews FAIL 'not known: what it needs is there'
expect_cause away WARN 'only on NEW'
expect_cause events FAIL 'written on NEW after the copy: 3 of its rows are of later transactions'
expect_cause line_items FAIL 'changed on NEW after the copy: 0 rows updated, 2 deleted'
expect_cause addresses FAIL 'changed on NEW after the copy: 1 rows updated, 0 deleted'
expect_cause refunds FAIL 'emptied on NEW after the copy'
expect_cause shipments FAIL 'its COPY was broken off on NEW'
expect_cause settings UNKNOWN 'not counted: row security hides rows of it from [a-z0-9_]+ on OLD .policies: none'
expect_cause audits FAIL 'only NEW has the column extra'
expect_cause payments FAIL '(written on OLD while we counted: [0-9,]+ rows|OLD changed after it was recorded)'
expect_cause orders PASS ''
kill %1 2>/dev/null
echo "ok  each difference has its own cause"

# Missing ones first, and the names of the rest.
expect_match "$(events attempt.ended 'select(.step == "count-rows") | .seen[] | select(.name == "rows") | .text' | tail -n 1)" \
	'^"2 tables are missing on NEW: reviews, users' "evidence"
! "$NF" rows --csv >"$T/csv" 2>&1 || fail "What differs ended with 0."
expect_match "$(grep '^"users"' "$T/csv")" '^"users",[0-9]+,,' "users as CSV"
! "$NF" rows --bisect line_items >"$T/bisected" 2>/dev/null || fail "Rows that differ ended with 0."
expect_equal "$(grep -c 'only on OLD' "$T/bisected")" 2 "rows of line_items that are only on OLD"
"$NF" rows --bisect orders >"$T/bisected" 2>&1 || fail "Equal rows ended with $?: $(cat "$T/bisected")"
expect_status 2 "$NF" rows --bisect no_such_table
echo "ok  nightferry rows says it without a night"

mkdir "$T/here" && cd "$T/here" || fail "no folder"
screen_start 120x40 "$NF" --as ana
wait_text 20 "count-rows"
keys 4
wait_text 10 " 4 Rows"
keys g /
fill_line addresses
wait_text 5 "/ addresses"
keys Enter
wait_text 30 "the first rows that differ, by id"
wait_text 10 "city: length"
! screen | grep -q elsewhere || fail "A value is on the screen."
expect_frame
echo "ok  Enter finds the rows"

# ---- o writes all tables as Markdown, with what was found ----
keys Escape
wait_gone 10 "the first rows that differ, by id"
keys o
wait_text 10 "written to "
md=$(find "$T/here" -name 'nightferry-rows-*.md')
[ -s "$md" ] || fail "o wrote no Markdown: $(ls "$T/here")"
expect_equal "$(head -n 2 "$md" | tail -n 1)" "|---|---:|---:|---|---|---|" "the head of the table"
expect_equal "$(grep -c '^| .* |$' "$md")" "$(($(events rows.verdict .table | sort -u | wc -l) + 1))" "rows of the table"
expect_match "$(grep '^| addresses |' "$md")" '\| differs \| FAIL \|' "a table that differs"
echo "ok  o writes them"
