#!/bin/bash
# A copy that breaks off: its worker killed, told to stop, the old side gone, the new one's disk full. Each ends as failed, in a
# sentence that says what is safe, leaves nothing at work, and the next attempt succeeds without a hand.
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
copy_world DEMO_ROWS=4000
gate_in_old
freeze_old
book copy record-source wipe-target prepare-target stream count-rows

night copy --until prepare-target || fail "The night does not come up to the copy: $(cat "$T/err" "$T/out")"

begin copy --yes stream=shop_production
kill -9 "$(worker)"
broke_off 'ended without a word'

begin copy --yes stream=shop_production
kill -TERM "$(worker)"
broke_off 'stopped on request'

begin copy --yes stream=shop_production
old_super "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'nightferry copy'" >/dev/null
gate_open
broke_off 'OLD database .* (ended our session|closed the)'

# A disk that is really full, where a small one can be mounted.
mkdir "$T/small"
if mount -t tmpfs -o size=600k tmpfs "$T/small" 2>/dev/null; then
	at_end 'umount "$T/small"'
	chown "$(stat -c %U "$W/postgres/new")" "$T/small"
	new_super "CREATE TABLESPACE small LOCATION '$T/small'" >/dev/null
	new_super "ALTER ROLE shop SET default_tablespace = 'small'" >/dev/null
	night copy --yes stream=shop_production &
	run=$!
	broke_off 'run out of a resource \(disk or memory\)'
	new_super "ALTER ROLE shop RESET default_tablespace" >/dev/null
else
	echo "No small disk can be mounted here, so a full one was not tried."
fi

ends 0 copy --yes stream=shop_production
same_dumps
expect_equal "$(events attempt.ended 'select(.step == "count-rows") | .outcome' | tail -n 1)" '"done"' "count-rows"
expect_equal "$(new_super "SELECT count(*) FROM pg_namespace WHERE nspname = 'nightferry'")" 0 "our schema in NEW"
no_secrets
