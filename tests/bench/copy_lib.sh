# shellcheck shell=bash
# The copy beside pg_dump with pg_restore and beside pgcopydb, for tests/bench/run: two real clusters on this machine and a shop
# of BENCH_SHOP_MB (2048) between them. Each run starts with a database made anew; load_1m is the machine's before it.

copy_clusters() { # MB of the shop on OLD; what the postmaster of another user has to enter stays open
	local side
	pgbin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	as=()
	[ "$(id -u)" != 0 ] || as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
	chmod 711 "$T"
	mkdir "$T/pg" && { [ "$(id -u)" != 0 ] || chown postgres "$T/pg"; }
	declare -gA pg_port
	for side in old new; do
		pg_port[$side]=$(free_port)
		(cd "$T/pg" && "${as[@]}" "$pgbin/initdb" -D "$T/pg/$side" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$T/pg.log" 2>&1 &&
			"${as[@]}" "$pgbin/pg_ctl" -D "$T/pg/$side" -w -l "$T/pg/$side.log" -o "-p ${pg_port[$side]} -c listen_addresses=127.0.0.1 \
			-c unix_socket_directories= -c shared_buffers=256MB -c max_wal_size=2GB" start >"$T/pg.log" 2>&1) || fail "No cluster: $(cat "$T/pg.log")"
		at_end "(cd / && ${as[*]} $pgbin/pg_ctl -D $T/pg/$side -m immediate stop >/dev/null)"
	done
	pg old -d postgres -c "CREATE DATABASE shop"
	pg old -d shop -v size="$1" -f tests/bench/shop.sql >/dev/null || fail "The shop could not be made."
}

pg() { # SIDE ARG...
	psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "${pg_port[$1]}" -U postgres "${@:2}" </dev/null || fail "A statement failed."
}

fresh_target() {
	pg new -d postgres -c "DROP DATABASE IF EXISTS shop" -c "CREATE DATABASE shop" -c CHECKPOINT
}

copy_url() { # SIDE
	printf 'postgres://postgres@127.0.0.1:%s/shop' "${pg_port[$1]}"
}

copy_ours() {
	printf '{"source":{"url":"%s"},"target":{"url":"%s","here":true},"token":"bench"}' "$(copy_url old)" "$(copy_url new)" |
		"$NF" __copy stream 2>"$T/copy.log"
}

copy_pg_dump() {
	rm -rf "$T/dump"
	pg_dump -Fd -j2 -f "$T/dump" "$(copy_url old)" && pg_restore -j2 -d "$(copy_url new)" "$T/dump"
}

copy_pgcopydb() {
	rm -rf "$T/pcd"
	"$PGCOPYDB" clone --source "$(copy_url old)" --target "$(copy_url new)" --dir "$T/pcd" --table-jobs 2 --index-jobs 2 >"$T/pcd.log" 2>&1
}

# What has arrived is the same, or the time means nothing.
copy_is_whole() {
	local sql="SELECT (SELECT count(*) || ' ' || sum(hashtext(i::text)) FROM order_items i) || ' ' || (SELECT count(*) FROM events) || ' ' || (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated) || ' ' || (SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid >= 16384)"
	expect_equal "$(pg new -d shop -c "$sql")" "$(pg old -d shop -c "$sql")" "what $1 has copied"
}

copy_figures() {
	local i who name
	copy_clusters "${BENCH_SHOP_MB:-2048}"
	if wanted copy-vs-pgcopydb && ! command -v "$PGCOPYDB" >/dev/null; then
		apt-get install -qqy pgcopydb >/dev/null 2>&1 || fail "pgcopydb is not installed, and apt-get install pgcopydb failed."
	fi
	for ((i = 0; i < ${BENCH_COPY_RUNS:-3}; i++)); do
		for who in ours pg_dump pgcopydb; do
			[ $who != pg_dump ] || wanted copy-vs-pgdump || continue
			[ $who != pgcopydb ] || wanted copy-vs-pgcopydb || continue
			fresh_target
			echo "copy $who load_1m=$(cut -d' ' -f1 /proc/loadavg)"
			seconds_of "copy_$who" >>"$T/copy.$who" || exit 1
			copy_is_whole $who
		done
	done
	for name in pgdump:pg_dump pgcopydb:pgcopydb; do
		wanted "copy-vs-${name%:*}" || continue
		cp "$T/copy.ours" "$T/copy-vs-${name%:*}.ours"
		cp "$T/copy.${name#*:}" "$T/copy-vs-${name%:*}.theirs"
		figure "copy-vs-${name%:*}" s
	done
}
