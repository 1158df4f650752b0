#!/bin/bash
# `database: {accessory: db}` and nothing else: user, database and password come out of the running container over ssh, the
# way to it is the tunnel, and the password is seen by nobody.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export DEMO_ROWS=2500
world_start
secret=$(sed -n 's/^POSTGRES_PASSWORD=//p' "$W/host/home/.kamal/apps/acme/env/accessories/db.env")
[ -n "$secret" ] || fail "The container has no password to be found: $(cat "$W/host/home/.kamal/apps/acme/env/accessories/db.env")"
unset NEW_DATABASE_URL
sed -i 's/^database: .*/database: {accessory: db}/' "$CONFIG"

"$NF" check connections >"$T/check" 2>&1 </dev/null || fail "No way to the database: $(cat "$T/check")"
grep -q NEW "$T/check" || fail "Nothing about the new side: $(cat "$T/check")"
# It sees the sessions of the app inside, so it has been there.
"$NF" step wipe-target --plan >"$T/plan" 2>&1 </dev/null || true
expect_match "$(cat "$T/plan")" 'shop_production is in use by [0-9]+ session' "the plan of wipe-target"
! grep -qF -- "$secret" "$T/check" "$T/plan" || fail "The password is on the screen."

# A container that is not Kamal's, by its name.
sed -i 's/^database: .*/database: {container: acme-db}/' "$CONFIG"
"$NF" check connections >"$T/check" 2>&1 </dev/null || fail "No way to the container: $(cat "$T/check")"

# A container without one, and a container that is not there: a sentence each.
sed -i 's/^database: .*/database: {container: acme-nobody}/' "$CONFIG"
"$NF" step wipe-target --plan >"$T/plan" 2>&1 </dev/null && fail "A plan without a container: $(cat "$T/plan")"
expect_match "$(cat "$T/plan")" 'acme-nobody' "the plan without a container"
