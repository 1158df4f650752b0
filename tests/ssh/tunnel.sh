#!/bin/bash
# The way to the database in a container: any number of libpq connections over the line, by both carriers, to a real
# PostgreSQL that only the host can reach; and what is said when there is no way.
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/ssh_lib.sh"
scratch
export SSH_AUTH_SOCK=
mkdir -p "$T/bin" "$T/pg"
PGBIN=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
PGPORT_HERE=$(free_port)
as_server() {
	if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
[ "$(id -u)" != 0 ] || chown postgres "$T/pg"
(cd "$T/pg" && as_server "$PGBIN/initdb" -D "$T/pg/data" -U shop -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions) >"$T/initdb.log" 2>&1 ||
	fail "initdb: $(cat "$T/initdb.log")"
(cd "$T/pg" && as_server "$PGBIN/postgres" -D "$T/pg/data" -p "$PGPORT_HERE" -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off) \
	>"$T/postgres.log" 2>&1 &
at_end 'kill -INT "$(head -n 1 "$T/pg/data/postmaster.pid")" 2>/dev/null; wait'
direct() {
	psql -XAtq -h 127.0.0.1 -p "$PGPORT_HERE" -U shop -d postgres "$@"
}
eventually 100 direct -c 'select 1' || fail "PostgreSQL does not start: $(cat "$T/postgres.log")"
direct -c "create table big as select i, md5(i::text) as text from generate_series(1, 100000) i" >/dev/null || fail "No table."

docker_says() {
	printf '#!/bin/sh\necho %q\n' "$1" >"$T/bin/docker"
	chmod 755 "$T/bin/docker"
}
published="running|{\"5432/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"$PGPORT_HERE\"}]}|172.18.0.2 "
docker_says "$published"

sshd_start one
sshd_start forbidding 'AllowTcpForwarding no'
client_key ed ed25519
client_key rsa rsa
known one forbidding
through() {
	PGCONNECT_TIMEOUT=100 psql -XAtq "host=$T/line/pg user=shop dbname=postgres sslmode=disable gssencmode=disable" "$@"
}

for key in ed rsa; do
	line_start "$(host_json one "$T/$key")"
	wait_says 200 line '.kind == "watch.beat" and .ok'
	expect_equal "$(stat -c %a "$T/line/pg/.s.PGSQL.5432")" 600 "the mode of the database's socket"
	pids=()
	for i in 1 2 3 4 5 6 7 8 9 10; do
		through -c "select $i * 7, count(*), sum(i) from big" >"$T/answer.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		expect_equal "$(cat "$T/answer.$i")" "$((i * 7))|100000|5000050000" "answer $i of ten at once, with $key"
	done
	expect_equal "$(through -c 'copy big to stdout' | sha256sum)" "$(direct -c 'copy big to stdout' | sha256sum)" "a table read through the tunnel"
	through -c 'copy big to stdout' >"$T/rows"
	direct -c "drop table if exists back; create table back (like big)" 2>/dev/null
	through -c '\copy back from '"'$T/rows'" || fail "COPY into the database failed."
	expect_equal "$(direct -c 'select count(*), sum(i) from back')" '100000|5000050000' "a table written through the tunnel"

	# Cut in the midst of it: an error, soon, and a new connection works.
	through -c "copy (select generate_series(1, 1000000000)) to stdout" >/dev/null 2>"$T/cut" &
	cut=$!
	busy() { [ "$(direct -c "select count(*) from pg_stat_activity where query like 'copy (select gen%'")" = 1 ]; }
	eventually 100 busy || fail "The long answer does not come: $(cat "$T/cut")"
	sshd_drop one
	! wait $cut || fail "An answer that was cut off counts as whole."
	eventually 200 through -c 'select 1' || fail "No new way after the old one was cut."
	job_end line
done

# ---- what is said ----
line_start "$(host_json one "$T/ed")"
wait_says 200 line '.kind == "watch.beat" and .ok'
docker_says 'exited|{}|'
expect_match "$(through -c 'select 1' 2>&1)" 'container is exited, not running' "a container that does not run"
docker_says 'Error: No such object: acme-db'
expect_match "$(through -c 'select 1' 2>&1)" 'does not tell where .*No such object' "a container that is not there"
docker_says "running|{}|"
expect_match "$(through -c 'select 1' 2>&1)" 'no address and no published port' "a container without a network"
docker_says "running|{\"5432/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"$(free_port)\"}]}|"
expect_match "$(through -c 'select 1' 2>&1)" 'does not answer there' "a port where nobody listens"
docker_says "$published"
expect_equal "$(through -c 'select 1' 2>&1)" 1 "the next one after all that"
job_end line
for key in ed rsa; do
	line_start "$(host_json forbidding "$T/$key")"
	wait_says 200 line '.kind == "watch.beat" and .ok'
	expect_match "$(through -c 'select 1' 2>&1)" 'forbids forwarding.*AllowTcpForwarding' "AllowTcpForwarding no, with $key"
	job_end line
done

# ---- by hand, without an engine: a line of its own that ends with the command ----
night_yml one "$T/ed"
sed -i 's/^database:.*/database: {url: "env:NEW_DATABASE_URL"}/' "$T/nightferry.yml"
export NEW_DATABASE_URL=postgres://shop:not-asked-for@acme-db:5432/postgres CONFIG=$T/nightferry.yml
"$NF" check target-empty >"$T/hand" 2>&1 </dev/null
expect_match "$(cat "$T/hand")" 'target-empty' "the check by hand"
expect_match "$(cat "$T/hand")" '100,?000|2 tables|big' "what the check saw"
gone() { ! pgrep -f "^$NF check" >/dev/null; }
eventually 60 gone || fail "A command by hand left its line behind: $(pgrep -af "$NF check")"
expect_nothing_left 60 "The tunnel"
