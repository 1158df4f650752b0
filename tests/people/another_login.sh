#!/bin/bash
# A login that may not look into the nights of an app is told so, and whose they are: "there is none" would be a lie, and
# would invite a second night of the same app.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
if [ "$(id -u)" != 0 ] || ! id postgres >/dev/null 2>&1; then
	echo "ok  not root: there is no second login to try this with"
	exit 0
fi
cp "$NF" "$T/nightferry" && chmod 755 "$T/nightferry"
cat >"$T/nightferry.yml" <<'YML'
app: acme
heroku: {app: acme-production}
host: {address: 127.0.0.1}
database: {url: "env:NEW_DATABASE_URL"}
dns: {provider: manual, names: [www.acme.example]}
YML
chmod 644 "$T/nightferry.yml"
as_other() {
	NIGHTFERRY_STATE=$NIGHTFERRY_STATE setpriv --reuid postgres --regid postgres --init-groups "$T/nightferry" "$@"
}
refused() { # WHAT ARGS...
	local what=$1
	shift
	expect_status 1 as_other "$@" --config "$T/nightferry.yml"
	expect_match "$OUTPUT" 'belongs to root and is closed to this login' "$what"
	expect_match "$OUTPUT" 'group: NAME' "$what: the way out"
	echo "ok  $what"
}
for shut in state state/acme state/acme/2026-11-28T0100; do
	rm -rf "$T/state"
	mkdir -p "$T/state/acme/2026-11-28T0100"
	chmod 755 "$T/state" "$T/state/acme" "$T/state/acme/2026-11-28T0100"
	chmod 700 "$T/$shut"
	refused "attach, $shut is shut" attach
	refused "status, $shut is shut" status
	refused "stop, $shut is shut" stop
	refused "run, $shut is shut" run
done
chmod 755 "$T/state/acme/2026-11-28T0100"
expect_status 2 as_other attach --config "$T/nightferry.yml"
expect_match "$OUTPUT" 'no night of acme is open' "attach where nothing is shut and no night is open"
