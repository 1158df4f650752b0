#!/bin/bash
# The real Heroku CLI, installed from npm, runs against our Heroku while a night with all its watches looks at the same
# world: what the client rejects is wrong, and what it changes is seen.
# long
# timeout: 1500
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if ! command -v npm >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 20 ]; then
	echo "skipped: the CLI needs node 20 and npm"
	exit 0
fi
world_start
screen_start 200x50 "$NF" --as ana
wait_text 60 "R next"
"$ROOT/demo/heroku/cli-check" "$W" || fail "The real client does not agree with our Heroku."

seen() { # JQ-CONDITION on what the watch of the dynos told
	cat "$(journal)" "$(dirname "$(journal)")/trace.jsonl" | jq -c "select(.kind == \"dynos.seen\") | select($1)" | grep -q .
}
for what in .maintenance '.formation | any(.type == "web" and .want == 3)' '.formation | any(.type == "web" and .want == 0)' \
	'.dynos | any(.type == "run" and (.command | contains("Hello.call")))'; do
	eventually 20 seen "$what" || fail "The night did not see what the real client did: $what"
done
# pg:killall has ended the night's own sessions as well: it has new ones.
mark=$(now_ms)
looks_again() {
	cat "$(journal)" "$(dirname "$(journal)")/trace.jsonl" | jq -c "select(.kind == \"writers.seen\" and .at > $mark)" | grep -q .
}
eventually 60 looks_again || fail "The night no longer looks at the old database."
