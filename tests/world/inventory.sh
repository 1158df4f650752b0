#!/bin/bash
# nightferry inventory: everything of the app, not one secret, people's own words kept, and what has changed since.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000
cd "$T" || exit 1
sed -i 's/^heroku: {/&scheduler: [{run: rake nightly, at: "02:30"}], /' "$CONFIG"

inventory() { # ARGUMENTS
	timeout 60 "$NF" inventory --config "$CONFIG" "$@" >"$T/said" 2>&1 </dev/null
}
patch_vars() { # JSON
	curl -sf -o /dev/null -X PATCH -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' -d "$1" \
		"$HEROKU_HOST/apps/acme-production/config-vars" || fail "The config vars were not changed."
}

inventory || fail "$(cat "$T/said")"
for text in '## App' '| web | 2 | Standard-1X |' 'heroku-redis:premium-0' '| SECRET_KEY_BASE | secret' '| preboot | off |' \
	'www.acme.example' '## Releases' '02:00 Europe/Stockholm' '| rake nightly | 02:30 |' '| pgcrypto |' 'has to lead to the new database'; do
	expect_file_has MIGRATION.md "$text"
done
# Every value that nobody may see, as Heroku has it, is in no output and no file.
curl -sf -H "Authorization: Bearer $HEROKU_API_KEY" "$HEROKU_HOST/apps/acme-production/config-vars" |
	jq -r 'to_entries[] | .value | select(length >= 12)' | grep -v '^smtp\.' >secrets
expect_equal "$(wc -l <secrets)" 4 "secrets to look for"
# The same again changes nothing, and a value is known by its fingerprint.
sed -i '1i Our own words, above.' MIGRATION.md
echo 'And below.' >>MIGRATION.md
inventory || fail "$(cat "$T/said")"
expect_match "$(cat "$T/said")" 'nothing has changed' "the second time"
secret=tr0ub4dor-and-three-more-words
patch_vars "{\"SMTP_PASSWORD\":\"$secret\",\"RACK_ENV\":null,\"ODD\":\"a | b\"}"
curl -sf -o /dev/null -X POST -d '{"feature":{"name":"preboot","enabled":true}}' "$HEROKU_HOST/__heroku"
inventory || fail "$(cat "$T/said")"
echo "$secret" >>secrets
for text in 'Config vars was: | RACK_ENV' 'Config vars is: | SMTP_PASSWORD' 'Features was: | preboot | off |' 'Features is: | preboot | on |'; do
	expect_file_has "$T/said" "$text"
	expect_file_has MIGRATION.md "$text"
done
expect_equal "$(head -n 1 MIGRATION.md)" 'Our own words, above.' "the first line"
expect_equal "$(tail -n 1 MIGRATION.md)" 'And below.' "the last line"
expect_equal "$(grep -c '<!-- nightferry inventory -->' MIGRATION.md)" 1 "inventories in the file"
patch_vars "{\"SMTP_PASSWORD\":\"${secret/three/four}\"}"
inventory || fail "$(cat "$T/said")"
expect_equal "$(grep -c '^- Config vars' "$T/said")" 2 "lines about a value that changed"
expect_equal "$(stat -c %a "$(find "$NIGHTFERRY_STATE" -name inventory.key)")" 600 "the key's mode"
! grep -rFf secrets MIGRATION.md said "$NIGHTFERRY_STATE" || fail "A secret is written down."

# What cannot be written or seen leaves the file as it was.
cp MIGRATION.md before
inventory --output "$T/no/such/folder/M.md" && fail "A file without a folder was written."
expect_match "$(cat "$T/said")" 'could not be written' "a folder that is not there"
curl -sf -o /dev/null -X POST -d '{"path":"/apps/acme-production/config-vars","status":200,"body":"[1]"}' "$HEROKU_HOST/__ctl"
inventory && fail "Config vars that are none were taken."
cmp -s before MIGRATION.md || fail "The file was changed by an inventory that failed."
inventory --app acme-staging && fail "Another app than the configuration's was taken."
expect_match "$(cat "$T/said")" 'is not the app of the configuration' "two apps"
# The database away: said in its place, the rest is there.
"$ROOT/demo/postgres/part" stop "$W" >/dev/null 2>&1
inventory --output "$T/away.md" || fail "$(cat "$T/said")"
expect_match "$(grep -A2 '## Extensions' "$T/away.md" | tail -n 1)" '^Not seen: ' "extensions without a database"
