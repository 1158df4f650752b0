#!/bin/bash
# The way back before visitors have moved: from after the freeze, after the dynos stopped, after the new database was
# emptied, after it was filled. The same world each time, so that a night also begins on what the one before it left.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/world/rollback.part"

world_of_rollback
for step in maintenance-on scale-to-zero wipe-target restore; do
	go_to "$step"
	go_back "$step"
done
expect_status 1 "$NF" run --back
expect_match "$OUTPUT" 'no open night' "run --back without a night"
