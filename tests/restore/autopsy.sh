#!/bin/bash
# The autopsy, on real restores that fail. A Heroku dump into a database without heroku_ext: many errors, one cause, the
# lost tables by name; nothing is tried again while the cause is there; once it is gone, the next attempt brings only
# what is missing, and every table is equal.
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=4000
freeze_old
book bare record-source capture download wipe-target restore repair count-rows

ends 1 bare
expect_match "$(cat "$T/err")" '[0-9]+ errors, 1 cause: schema heroku_ext → [0-9]+ tables lost: ' "the autopsy"
expect_match "$(cat "$T/err")" 'run restore again: where the rest is whole, it brings only what is missing' "the way on"
cat "$T/err"
# What it says it has lost is what is not there.
lost=$(events fact 'select(.name == "restored-by-us") | .data.causes[0].tables' | tail -n 1)
missing=$(comm -23 <(rows_of old | cut -d' ' -f1) <(rows_of new | cut -d' ' -f1) | wc -l)
expect_equal "$lost" "$missing" "tables that are missing, by the autopsy and by the catalogs"

# The cause is still there: no attempt is made.
before=$(events attempt.started '.id' | wc -l)
ends 1 bare
expect_match "$(cat "$T/err")" 'would fail as before, by schema heroku_ext: run prepare-target, which makes the schema' "the refusal"
expect_equal "$(events attempt.started '.id' | wc -l)" "$before" "attempts while the cause is there"

# It is mended; a row of a table that came whole is marked, to see that it is not brought again.
new_super 'CREATE SCHEMA heroku_ext'
oid=$(new_super "SELECT 'orders'::regclass::oid")
ends 0 bare
expect_equal "$(new_super "SELECT 'orders'::regclass::oid")" "$oid" "a table that was whole"
expect_equal "$(events fact 'select(.name == "restored-by-us") | .data.only_missing' | tail -n 1)" true "the second attempt"
expect_equal "$(events fact 'select(.name == "restored-by-us") | .data.errors' | tail -n 1)" 0 "errors of the second attempt"
both_sides_equal
expect_equal "$(events attempt.ended 'select(.step == "count-rows") | .outcome' | tail -n 1)" '"done"' "count-rows"
# Indexes and keys that fell with the lost tables came, too.
objects="SELECT count(*) FILTER (WHERE contype = 'p') || ' ' || count(*) FILTER (WHERE contype = 'f') || ' ' || (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public') FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE nspname = 'public'"
expect_equal "$(world_sql new "$objects")" "$(world_sql old "$objects")" "keys and indexes"
# So did what was said about them.
comments="SELECT count(*) FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public'"
expect_equal "$(world_sql new "$comments")" "$(world_sql old "$comments")" "comments"
