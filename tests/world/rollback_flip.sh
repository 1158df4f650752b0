#!/bin/bash
# The way back after visitors have moved and written: nothing of it without its price waived by name; the rows written on
# the new side are in a file before the old side serves again, and the file can be loaded.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/world/rollback.part"

carts() { world_sql new "SELECT count(*) FROM carts"; }
visitors_wrote() { [ "$(carts)" -ge $((CARTS + 5)) ]; }
written() { [ "$(events newrows.seen .rows | tail -n 1)" -ge 50 ]; }

world_of_rollback
go_to dns-point
# Visitors and the worker write on the new side now; the watch that counts them belongs to an engine.
night --until propagation >"$T/forward" 2>&1 || fail "propagation: $(tail -n 5 "$T/forward")"
CARTS=$(carts)
eventually 30 visitors_wrote || fail "No visitor writes on the new side."

expect_status 1 "$NF" run --back --quiet --yes way-back=acme-production
expect_match "$OUTPUT" 'WARN cost: (COSTS|ONE-WAY): ' "a way back that costs something, without a waiver"
expect_status 1 "$NF" run --back --quiet --yes way-back=shop --waive 'way-back:cost=a test'
expect_match "$OUTPUT" 'names "shop", but the target is "acme-production"' "another target"

# Half-way: both exports are made, nothing writes anywhere, and the rest of the way waits.
back --until back-export-rest >"$T/back" 2>&1 || fail "back: $(tail -n 5 "$T/back")"
written || fail "Too few rows were seen to be written on the new side: $(events newrows.seen .rows | tail -n 3)"
expect_equal "$(events fact 'select(.name == "exported") | .data.path' | wc -l)" 2 "number of exports"
expect_loadable dns-point
go_back dns-point
jq -e '.way_back | .word != "FREE" and .rows > 0 and .exported.rows > 0' "$T/report.json" >/dev/null ||
	fail "The report does not tell the price: $(jq -c .way_back "$T/report.json")"

go_to quiet-10m
back --until back-export-rest >"$T/back" 2>&1 || fail "back: $(tail -n 5 "$T/back")"
expect_loadable quiet-10m
go_back quiet-10m
