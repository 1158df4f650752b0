#!/bin/bash
# The copy without a file: the old database straight into the new one by a worker on the new host, in a night of the demo's
# real servers. Afterwards pg_dump says the same of both, and count-rows agrees.
# timeout: 240
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
copy_world DEMO_ROWS=20000
old_objects
freeze_old
book straight record-source wipe-target prepare-target stream count-rows

ends 0 straight --yes stream=shop_production
same_dumps
expect_equal "$(events fact 'select(.name == "restored-by-us") | .data.by' | tail -n 1)" '"stream"' "who has copied"
expect_equal "$(events fact 'select(.name == "stream-started") | .data.here' | tail -n 1)" false "the copy ran on the host"
expect_equal "$(events attempt.ended 'select(.step == "count-rows") | .outcome' | tail -n 1)" '"done"' "count-rows"
# No trigger has fired while rows came, and nothing of ours is left in NEW or running on the host.
expect_equal "$(new_super "SELECT count(*) FROM zoo.fired")" "$(old_super "SELECT count(*) FROM zoo.fired")" "rows that a trigger would have made"
expect_equal "$(new_super "SELECT count(*) FROM pg_namespace WHERE nspname = 'nightferry'")" 0 "our schema in NEW"
expect_equal "$(new_super "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightferry copy'")" 0 "sessions of the copy"
no_secrets
