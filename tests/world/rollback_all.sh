#!/bin/bash
# The way back from after every step of the shipped playbook.
# long
# timeout: 3000
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/world/rollback.part"

world_of_rollback
while read -r step; do
	go_to "$step"
	go_back "$step"
done < <(awk '/^rollback:/ {exit} $2 == "id:" {print $3}' "$T/night.yml")
