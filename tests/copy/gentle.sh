#!/bin/bash
# What makes a warm copy gentle to a live database, measured at the worker: no more a second than was allowed, standing still
# while OLD answers slowly, no more connections than the plan says, and nothing left on OLD by one that is killed while it
# stands still.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/pair_lib.sh"
scratch
start_pair fsync=off
pair_database shop
old_sql shop "CREATE TABLE big (id int PRIMARY KEY, text text); INSERT INTO big SELECT i, repeat(md5(i::text), 4) FROM generate_series(1, 150000) i;
	CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 100)"
old_sql shop "VACUUM ANALYZE"

start_warm() { # FIELDS: in the background; its lines go to $T/says
	: >"$T/says"
	order shop "$1" >"$T/order"
	"$NF" __copy warm <"$T/order" 2>"$T/says" &
	WORKER=$!
}
says() { # JQ-CONDITION
	jq -e -n "[inputs | select($1)] | length > 0" "$T/says" >/dev/null 2>&1
}
# Of its sessions on OLD, not those of the clients that look.
sessions() {
	old_sql postgres "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop' AND backend_type = 'client backend'"
}
no_sessions() { [ "$(sessions)" = 0 ]; }
empty_new() {
	new_sql postgres "DROP DATABASE shop"
	new_sql postgres "CREATE DATABASE shop"
}

# ---- the limit ----
# 20 MB at 4 MB/s. The bounds are wide below, where a machine that is busy makes everything slower anyway.
start_warm '"lanes": 2, "limit_bytes": 4000000'
most=0
while kill -0 $WORKER 2>/dev/null; do
	now=$(sessions)
	[ "$now" -le $most ] || most=$now
	sleep 0.05
done
wait $WORKER || fail "The limited copy failed: $(tail -n 1 "$T/says")"
read -r bytes ms <<<"$(jq -r 'select(.kind == "result") | "\(.bytes) \(.ms)"' "$T/says")"
[ "$bytes" -gt 18000000 ] || fail "Only $bytes bytes came."
rate=$((bytes * 1000 / ms))
[ $rate -lt 6000000 ] || fail "$rate bytes a second came, 4,000,000 were allowed."
says '.kind == "gentle" and .still and (.why | test("limit"))' || fail "It was never held for the limit's sake."
echo "ok  4.0 MB/s allowed, $((rate / 1000)) kB/s came"
# Two lanes, the snapshot's, the one that times OLD, and pg_dump twice.
[ "$most" -ge 3 ] || fail "Only $most sessions were seen on OLD."
[ "$most" -le 6 ] || fail "$most sessions on OLD, and the plan says 2 + 4."
echo "ok  at most $most sessions on OLD"
expect_match "$(cat "$T/says")" "all rows are read: the old side.s vacuum was held back for [0-9]+ s" "how long OLD's vacuum was held back"
pair_equal shop

# ---- OLD answers slowly ----
# Who wants a catalog for itself lets everybody wait behind it, the app's requests and the look alike, until it is gone.
empty_new
start_warm '"lanes": 2, "limit_bytes": 2000000'
eventually 30 says '.kind == "total" and .bytes > 0' || fail "The copy does not begin: $(tail -n 3 "$T/says")"
PGAPPNAME=locker psql -XAtq -d "$OLD/shop" -c "BEGIN; LOCK TABLE pg_catalog.pg_attribute IN ACCESS EXCLUSIVE MODE; COMMIT" >"$T/locker" 2>&1 </dev/null &
LOCKER=$!
eventually 30 says '.kind == "gentle" and .still and (.why | test("slower"))' || fail "OLD hangs, and the copy does not stand still: $(tail -n 3 "$T/says")"
# Every process of the copy, and not the one that looks.
copying=$(pgrep -P $WORKER) || fail "No copy runs below the worker."
expect_match "$(ps -o stat= -p "$copying")" '^T' "the copy's state"
old_sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'locker'" >/dev/null
wait $LOCKER
eventually 30 says '.kind == "gentle" and (.still | not) and .now_ms < 2000' || fail "OLD is quick again, and the copy stands still: $(tail -n 3 "$T/says")"
wait $WORKER || fail "The copy that stood still failed: $(tail -n 1 "$T/says")"
expect_match "$(cat "$T/says")" "stood still for [0-9]+ s in all, [1-9][0-9]* times because its answers were slow" "what is said of it in the end"
pair_equal shop
echo "ok  it stands still while OLD is slow"

# ---- killed while it stands still ----
# Its processes are stopped then, and must all the same not stay: their snapshot would hold OLD's vacuum back for ever.
empty_new
start_warm '"lanes": 2, "limit_bytes": 100000'
held() { [[ $(ps -o stat= -p "$(pgrep -P $WORKER | head -n 1)" 2>/dev/null) = T* ]]; }
eventually 30 held || fail "The copy is never held: $(tail -n 3 "$T/says")"
kill -KILL $WORKER
wait $WORKER 2>/dev/null
eventually 30 no_sessions || fail "Sessions stay on OLD: $(old_sql postgres "SELECT string_agg(state || ': ' || left(query, 60), '; ') FROM pg_stat_activity WHERE datname = 'shop'")"
expect_equal "$(new_sql shop "SELECT count(*) FROM nightferry.unfinished_stream")" 1 "the mark of a copy that is not whole"
echo "ok  nothing stays on OLD"
