#!/bin/bash
# The copy when the world breaks: the old server dies while the backup is taken, the connection to the host is lost while
# the dump comes, the dump is damaged on the way, the new database's disk is full. Each is said in one sentence that
# names what is safe and what to do, and the next attempt succeeds.
# timeout: 400
# long
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=3000
freeze_old
book take record-source capture
book whole record-source capture download wipe-target prepare-target restore repair count-rows
NIGHT=
at_end 'kill $NIGHT 2>/dev/null'

says() { # TEXT
	expect_match "$(cat "$T/err")" "$1" "what is said"
	echo "ok  $(tail -n 1 "$T/err" | cut -c1-300)"
}

# ---- the source dies half-way ----

lock_old() {
	world_sql old "BEGIN; LOCK TABLE orders; SELECT pg_sleep(300)" >/dev/null 2>&1 &
	at_end "kill $! 2>/dev/null"
}
lock_old
dump_waits() { [ "$(world_sql old "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'Heroku PGBackups' AND wait_event_type = 'Lock'")" -ge 1 ]; }
# The count of the source would wait for the lock as well.
book capture capture
night capture &
NIGHT=$!
eventually 60 dump_waits || fail "No backup runs into the lock: $(cat "$T/err")"
kill -QUIT "$(head -n 1 "$W/postgres/old/postmaster.pid")"
status=0
wait $NIGHT || status=$?
expect_equal "$status" 1 "the night whose source died ($(cat "$T/err"))"
says '[Bb]ackup.*fail|fail.*[Bb]ackup'
gone() { ! kill -0 "$(cat "$W/postgres/old.pid")" 2>/dev/null; }
eventually 30 gone || fail "The old server did not go."
"$ROOT/demo/postgres/part" start "$W" >"$T/part.log" 2>&1 || fail "The old server did not come back: $(cat "$T/part.log")"
ends 0 capture
echo "ok  with the source back, the next attempt takes the backup"

# ---- the connection to the host is lost while the dump comes ----

curl -sf -o /dev/null -X POST -d '{"method":"GET","path":"/xfrtu/","skip":2,"hang":8}' "$HEROKU_HOST/__ctl" || fail "The fake Heroku took no rule."
rm -rf "$NIGHTFERRY_STATE"
night whole --until download &
NIGHT=$!
# curl waits on the host for the first byte, and its step has looked at it.
follows() { kill -0 "$(cat "$W"/host/home/.nightferry/acme/b*.fetch.pid)" && grep -qs '"kind":"transfer.total".*"stage":"download"' "$(dirname "$(journal)")/trace.jsonl"; }
eventually 60 follows || fail "No download began: $(cat "$T/err")"
drop_ssh
status=0
wait $NIGHT || status=$?
expect_equal "$status" 0 "a night that lost its connection during the download ($(cat "$T/err"))"
grep -rqs 'connected to .* again' "$NIGHTFERRY_STATE" || fail "The connection was not lost at all."
echo "ok  a connection that is lost during the download is made again"

# ---- the dump is damaged on its way into the container ----

file=$(find "$W/host/containers/acme-db/tmp" -name 'nightferry-b*.dump' | head -n 1)
[ -n "$file" ] || fail "There is no dump in the container."
cp "$file" "$T/whole.dump"
ends 0 whole --until prepare-target
size=$(stat -c %s "$file")
truncate -s $((size * 6 / 10)) "$file"
ends 1 whole
says 'cannot be read; nothing was changed, run download again'
expect_equal "$(new_super "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" 0 "tables after a refusal"
# The same length, and other bytes near its end: only pg_restore itself finds that.
cp "$T/whole.dump" "$file"
yes "no row of anybody" | head -c 20000 | dd of="$file" bs=1 seek=$((size - 22000)) conv=notrunc 2>/dev/null
ends 1 whole
says '1 cause: the dump is cut or damaged .*run download again; then run wipe-target, prepare-target and restore'
cp "$T/whole.dump" "$file"

# ---- the disk of the new database is full ----

if [ "$(id -u)" != 0 ] || ! { mkdir "$T/disk" && mount -t tmpfs -o size=100m tmpfs "$T/disk" 2>"$T/mount"; }; then
	echo "skipped: no small disk can be mounted here"
	exit 0
fi
at_end 'for _ in 1 2 3 4 5 6 7 8 9 10; do umount "$T/disk" 2>/dev/null && break; sleep 0.3; done'
at_end 'world_stop'
mkdir "$T/disk/pg" && chown "$(stat -c %u:%g "$W/postgres/new")" "$T/disk/pg" && chmod 700 "$T/disk/pg"
url=$(sed -E 's,:[^:@]*@,@,; s,/[^/?]*(\?|$),/postgres\1,' <<<"$NEW_DATABASE_URL")
PGPASSWORD=$(sed -E 's,.*://[^:]*:([^@]*)@.*,\1,' <<<"$NEW_DATABASE_URL") psql -XAtq -d "$url" -c "CREATE TABLESPACE small LOCATION '$T/disk/pg'" \
	-c 'DROP DATABASE shop_production WITH (FORCE)' -c 'CREATE DATABASE shop_production TABLESPACE small' </dev/null || fail "no small database"
mount -o remount,size="$(($(df -k --output=used "$T/disk" | tail -n 1) + 700))k" "$T/disk" || fail "The disk cannot be made smaller."
rm -rf "$NIGHTFERRY_STATE"
ends 1 whole
says "no room on the database's disk .*make room on the disk of the new database"
expect_match "$(cat "$T/err")" '[0-9]+ of [0-9]+ tables hold their rows' "what is there"
mount -o remount,size=200m "$T/disk" || fail "The disk cannot be made larger."
rm -rf "$NIGHTFERRY_STATE"
ends 0 whole
both_sides_equal
echo "ok  with room on the disk, the next attempt brings all"

# ---- the next night knows how fast this one was ----

said() { events plan.seen "select(.step == \"$1\") | .plan.seen[] | select(.name == \"$2\") | .text" | tail -n 1; }
expect_match "$(said restore pace)" 'no restore of this app was measured yet: the estimate is a guess' "the first night"
expect_match "$(said download path)" 'Heroku S3 → host, [0-9.]+ [kMG]?B/s measured' "the path of the dump"
expect_match "$(said download programs)" 'curl [0-9.]+ on .*, pg_restore [0-9.]+ in acme-db' "the programs"
# A night is named by its minute.
mv "$(dirname "$(journal)")" "$NIGHTFERRY_STATE/acme/2000-01-01T0000"
ends 0 whole
expect_match "$(said restore pace)" 'the last restore of this app ran at .*measured' "the second night"
echo "ok  the second night's estimate is measured"
