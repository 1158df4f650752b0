#!/bin/bash
# The real Heroku CLI beside nightferry's steps: each sees in the same world what the other has done.
# long
# timeout: 900
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if ! command -v npm >/dev/null || [ "$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -lt 20 ]; then
	echo "skipped: the CLI needs node 20 and npm"
	exit 0
fi
world_start DEMO_ROWS=3000
# ---- the same world: what nightferry does, the real client sees, and the other way round ----

cli=${HEROKU_CLI:-$T/cli}
if [ ! -x "$cli/node_modules/.bin/heroku" ]; then
	mkdir -p "$cli" && npm install --no-audit --no-fund --silent --prefix "$cli" heroku >"$T/npm" 2>&1 ||
		fail "npm could not install the Heroku CLI: $(tail -n 3 "$T/npm")"
fi
jq -nc --arg url "$HEROKU_HOST" --arg old "127.0.1.1:$HTTP_PORT" \
	'{heroku: {app: "acme-production", api: $url, data: $url}, dns: {names: ["www.acme.example"]}, web: {old: $old, scheme: "http"}}' >"$T/config"
touch "$T/facts"
export DIGEST_KEY=00112233445566778899aabbccddeeff
once() { # STEP VERB PARAMS
	timeout 100 "$ROOT/build/tests/unit/step_once" "$T/config" "$T/facts" "$@" >"$T/once" 2>&1 || fail "$1 $2: $(tail -n 1 "$T/once")"
}
# Its own home and its own git configuration: it writes to both.
mkdir -p "$T/home"
real() { # ARGUMENTS
	env -i PATH="$cli/node_modules/.bin:$(dirname "$(command -v node)"):/usr/bin:/bin" HOME="$T/home" TERM=dumb NO_COLOR=1 \
		HEROKU_HOST="http://localhost:${HEROKU_HOST##*:}" HEROKU_DATA_HOST=127.0.0.1 HEROKU_PARTICLEBOARD_URL="http://localhost:${HEROKU_HOST##*:}" \
		HEROKU_API_KEY="$HEROKU_API_KEY" DISABLE_TELEMETRY=true HEROKU_DISABLE_AUTOUPDATE=1 HEROKU_SKIP_NEW_VERSION_CHECK=1 \
		GIT_CONFIG_GLOBAL="$T/home/gitconfig" timeout 90 heroku "$@" -a acme-production </dev/null >"$T/real" 2>&1 ||
		fail "The real client ended badly with $*: $(cat "$T/real")"
}
sees() { # PATTERN ARGUMENTS
	real "${@:2}"
	grep -Eq -- "$1" "$T/real" || fail "heroku ${*:2} does not show $1: $(cat "$T/real")"
}

once maintenance run '{"state":"enabled"}'
sees '^on' maintenance
once stop-one-offs run '{}'
once scale run '{"all":"0"}'
sees 'web=0:Standard-1X worker=0' ps:scale
real ps
! grep -E '^(web|worker|run)\.[0-9]' "$T/real" || fail "The real client still sees dynos."
once pause-backups run '{}'
real pg:backups:schedules
! grep -q 'daily at' "$T/real" || fail "The real client still sees a schedule."
once config-set run '{"name":"READ_ONLY","value":"yes"}'
sees '^yes' config:get READ_ONLY
once capture run '{}'
label=$(jq -rn 'last(inputs | select(.name == "backup")) | .data.label' "$T/facts")
sees "$label .*Completed" pg:backups
once config-set undo '{"name":"READ_ONLY","value":"yes"}'
once pause-backups undo '{}'
sees 'daily at 2:00' pg:backups:schedules
once scale undo '{"all":"0"}'
sees 'web=2:Standard-1X worker=1' ps:scale
# The other way round: a person with the real client, and nightferry looks.
real maintenance:off
once maintenance probe '{"state":"enabled"}'
expect_match "$(tail -n 1 "$T/once")" 'NOT_DONE' "what the step sees after maintenance:off"
real ps:scale web=1
once scale plan '{"all":"0"}'
expect_match "$(tail -n 1 "$T/once")" 'web 1 Standard-1X' "what the plan sees after ps:scale"
