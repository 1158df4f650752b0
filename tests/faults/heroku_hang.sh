#!/bin/bash
# A Heroku that takes a change and then says nothing for longer than its own router would wait: each step gives up the
# waiting, looks, and asks nothing twice.
# long
# timeout: 280
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000
export DIGEST_KEY=00112233445566778899aabbccddeeff
jq -nc --arg url "$HEROKU_HOST" --arg old "127.0.1.1:$HTTP_PORT" \
	'{heroku: {app: "acme-production", api: $url, data: $url}, dns: {names: ["www.acme.example"]}, web: {old: $old, scheme: "http"}}' >"$T/config"
LOG=$W/heroku/requests.log

hang() { # METHOD PATH: acts, and is silent
	curl -sf -o /dev/null -X POST -d "{\"method\":\"$1\",\"path\":\"$2\",\"act\":true,\"hang\":60}" "$HEROKU_HOST/__ctl" || fail "No rule."
}
start() { # STEP PARAMS: all beside each other, for each waits half a minute
	: >"$T/$1.facts"
	timeout 200 "$ROOT/build/tests/unit/step_once" "$T/config" "$T/$1.facts" "$1" run "$2" >"$T/$1.out" 2>&1 &
	pids[$1]=$!
}
declare -A pids=()
hang PATCH /apps/acme-production/config-vars
hang DELETE /client/v11/databases/
hang POST /client/v11/databases/2d1e7d60-77c3-4a5c-8c1b-0a7f4b3c1001/backups
hang POST /apps/acme-production/dynos/
start config-set '{"name":"READ_ONLY","value":"yes"}'
start pause-backups '{}'
start capture '{}'
start stop-one-offs '{}'
for step in "${!pids[@]}"; do
	wait "${pids[$step]}" || fail "$step did not end well: $(tail -n 1 "$T/$step.out")"
done
# A request that hangs is logged when it has been answered, so each is there once it has.
logged() {
	[ "$(grep -cE '^(PATCH /apps/acme-production/config-vars|DELETE /client/v11/databases/[^ ]+|POST /client/v11/databases/[^ ]+/backups|POST /apps/acme-production/dynos/[^ ]+/stop) ' "$LOG")" = "$1" ]
}
eventually 60 logged 4 || fail "Not four changes were asked for: $(grep -E '^(PATCH|DELETE|POST)' "$LOG")"
