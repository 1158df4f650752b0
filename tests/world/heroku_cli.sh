#!/bin/bash
# The real Heroku CLI, installed from npm, runs against our Heroku: what it rejects is wrong.
# long
# timeout: 1500
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if ! command -v npm >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 20 ]; then
	echo "skipped: the CLI needs node 20 and npm"
	exit 0
fi
world_start
"$ROOT/demo/heroku/cli-check" "$W" || fail "The real client does not agree with our Heroku."
