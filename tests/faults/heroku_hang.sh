#!/bin/bash
# A Heroku that takes a change and then says nothing for longer than its own router would wait: each step gives up the
# waiting, looks, and asks nothing twice.
# long
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000
export DIGEST_KEY=00112233445566778899aabbccddeeff
jq -nc --arg url "$HEROKU_HOST" --arg old "127.0.1.1:$HTTP_PORT" \
	'{heroku: {app: "acme-production", api: $url, data: $url}, dns: {names: ["www.acme.example"]}, web: {old: $old, scheme: "http"}}' >"$T/config"
LOG=$W/heroku/requests.log
DATABASE=/client/v11/databases/2d1e7d60-77c3-4a5c-8c1b-0a7f4b3c1001 APP=/apps/acme-production

hang() { # METHOD PATH: acts, and is silent
	curl -sf -o /dev/null -X POST -d "{\"method\":\"$1\",\"path\":\"$2\",\"act\":true,\"hang\":60}" "$HEROKU_HOST/__ctl" || fail "No rule."
}
control() { # JSON
	curl -sf -o /dev/null -X POST -d "$1" "$HEROKU_HOST/__heroku" || fail "The fake Heroku was not told $1."
}
declare -A pids=()
start() { # STEP PARAMS: all beside each other, for each waits half a minute
	: >"$T/$1.facts"
	timeout 200 "$ROOT/build/tests/unit/step_once" "$T/config" "$T/$1.facts" "$1" run "$2" >"$T/$1.out" 2>&1 &
	pids[$1]=$!
}
all_end_well() {
	local step
	for step in "${!pids[@]}"; do
		wait "${pids[$step]}" || fail "$step did not end well: $(tail -n 1 "$T/$step.out")"
	done
	pids=()
}
# A request that hangs is logged when it has been answered, so each is there once it has.
logged() { # N PATTERN
	[ "$(grep -cE "^($2) " "$LOG")" = "$1" ]
}
once_each() { # N PATTERN
	eventually 90 logged "$1" "$2" || fail "Not $1 changes were asked for: $(grep -E '^(PATCH|DELETE|POST)' "$LOG")"
}

hang PATCH $APP/config-vars
hang DELETE /client/v11/databases/
hang POST $DATABASE/backups
hang POST $APP/dynos/
start config-set '{"name":"READ_ONLY","value":"yes"}'
start pause-backups '{}'
start capture '{}'
start stop-one-offs '{}'
all_end_well
once_each 4 "PATCH $APP/config-vars|DELETE /client/v11/databases/[^ ]+|POST /client/v11/databases/[^ ]+/backups|POST $APP/dynos/[^ ]+/stop"

# The first rule that fits is taken: the app's own comes behind that of its formation.
control '{"backup":"stall"}'
curl -sf -o /dev/null -X POST -H "Authorization: Bearer $HEROKU_API_KEY" "$HEROKU_HOST$DATABASE/backups" || fail "No backup began."
hang PATCH $APP/formation
hang PATCH $APP
hang POST $DATABASE/connection_reset
hang POST /client/v11/apps/acme-production/transfers/
start scale '{"all":"0"}'
start maintenance '{"state":"enabled"}'
start fence-writers '{"state":"up"}'
start cancel-transfer '{}'
all_end_well
once_each 4 "PATCH $APP/formation|PATCH $APP|POST $DATABASE/connection_reset|POST /client/v11/apps/acme-production/transfers/[^ ]+/cancel"
