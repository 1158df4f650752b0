#!/bin/bash
# Ten thousand small tables, warm: the copy, a delta in which nothing changed, one in which a few did, and one in which all did.
# Round trips are what costs here, so tables share them; the seconds of each are printed.
# timeout: 2400
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/pair_lib.sh"
TABLES=${TABLES:-10000}
scratch
start_pair fsync=off shared_buffers=256MB max_locks_per_transaction=1024
pair_database many
each() { # SQL of one table, %1$s is its name, quotes doubled; in transactions of 500
	local i
	for ((i = 1; i <= TABLES; i += 500)); do
		old_sql many "DO \$\$BEGIN FOR i IN $i..least($TABLES, $i + 499) LOOP EXECUTE format('$1', 'many_' || i); END LOOP; END\$\$" ||
			fail "The tables could not be made."
	done
}
each 'CREATE TABLE %1$s (id int PRIMARY KEY, t text); INSERT INTO %1$s SELECT g, g::text FROM generate_series(1, 5) g'
delta() { # WHAT
	worker delta many '"lanes": 2, "last": true'
	jq -e ".tables == $TABLES and .tables == .equal + .changed_tables + .replaced" "$T/result" >/dev/null || fail "$1: $(cat "$T/result")"
	echo "ok  $1: $(jq -r '"\(.ms / 1000) s, \(.changed_tables) tables changed, \(.changed) rows, \(.removed) removed"' "$T/result")"
}

worker warm many '"lanes": 2'
echo "ok  $TABLES tables copied in $(jq '.ms / 1000' "$T/result") s"
delta "nothing changed"
expect_equal "$(jq .equal "$T/result")" "$TABLES" "tables that did not change"
old_sql many "DO \$\$BEGIN FOR i IN 1..200 LOOP EXECUTE format('UPDATE many_%s SET t = ''x'' WHERE id = 1; DELETE FROM many_%s WHERE id = 2', i * 7, i * 7); END LOOP; END\$\$"
delta "200 tables changed"
expect_equal "$(jq '[.changed_tables, .changed, .removed]' -c "$T/result")" "[200,200,200]" "what was moved"
each "UPDATE %1\$s SET t = ''y'' WHERE id = 3"
delta "all tables changed"
expect_equal "$(jq .changed_tables "$T/result")" "$TABLES" "tables that changed"
pair_equal many
echo "ok  the dumps are equal"
