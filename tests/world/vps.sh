#!/bin/bash
# A night to a server without Kamal: its containers are only names in nightferry.yml. The whole playbook runs headless, the
# app there is stopped before the copy and runs after it, what only Kamal could tell is said calmly and is no failure, and a
# new side without any server is taken as well.
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
export DEMO_ROWS=4000
world_start
on_host() { # COMMAND
	ssh -F none -i "$SSH_KEY" -p "$SSH_PORT" -o "UserKnownHostsFile=$SSH_KNOWN_HOSTS" -o BatchMode=yes \
		"$SSH_USER@$SSH_HOST" "$1" </dev/null
}
names=$(on_host "docker ps --format '{{.Names}}'" | grep -E '^acme-(web|job)-' | paste -sd, | sed 's/,/, /g')
[ -n "$names" ] || fail "No app runs on the new side: $(on_host 'docker ps')"
without_kamal='/^kamal:/d; s/^database: .*/database: {url: "env:NEW_DATABASE_URL", container: acme-db}/; s/^  quiet: .*/  quiet: {for: 3s}/; s/^  quiet-10m: .*/  quiet-10m: {for: 5s}/'
# A Kamal file beside nightferry.yml speaks of Kamal as well.
rm -rf "$W/config"
sed -i "$without_kamal" "$CONFIG"
sed -i "s/^steps:.*/&\n  app-stop: {containers: [$names], units: [acme-timer]}\n  app-boot: {containers: [$names], units: [acme-timer]}\n  back-app-stop: {containers: [$names]}/" "$CONFIG"
echo 'playbook: heroku-to-vps' >>"$CONFIG"

# A systemd for one unit, as far as `show`, `stop` and `start` of the real one go: none runs here to be asked.
cat >"$W/host/bin/systemctl" <<SH
#!/bin/sh
state=$W/host/unit-acme-timer verb=\$1
for unit in "\$@"; do :; done
[ "\$unit" = acme-timer ] || {
	[ "\$verb" = show ] || { echo "Failed to \$verb \$unit.service: Unit \$unit.service not loaded." >&2; exit 5; }
	printf 'LoadState=not-found\nActiveState=inactive\nActiveEnterTimestamp=\n'; exit 0
}
case \$verb in
show) printf 'LoadState=loaded\nActiveState=%s\nActiveEnterTimestamp=Sat 2026-11-21 10:59:51 UTC\n' "\$(cat "\$state")" ;;
stop) echo inactive >"\$state" ;;
start) echo active >"\$state" ;;
esac
SH
chmod 755 "$W/host/bin/systemctl"
echo active >"$W/host/unit-acme-timer"
chmod 666 "$W/host/unit-acme-timer"

# ---- what cannot be known is said, and is no failure ----

"$NF" check host-containers >"$T/check" 2>&1 || fail "host-containers failed without Kamal: $(cat "$T/check")"
expect_file_has "$T/check" 'Does not apply; not known: no kamal: in nightferry.yml.'
"$NF" check host-disk >"$T/check" 2>&1 || fail "host-disk failed: $(cat "$T/check")"
! grep -q 'Does not apply' "$T/check" || fail "The server is there, and its disk was not looked at: $(cat "$T/check")"

# ---- the night ----

night() {
	"$NF" run --quiet --yes pause-backups=postgresql-cubed-41827 --yes maintenance-on=acme-production --yes scale-to-zero=acme-production \
		--yes wipe-target=shop_production --yes restore=shop_production --yes dns-point=acme-production \
		--done "freeze-deploys=nobody deploys" --done "webhooks=no webhook" --waive "wipe-target:rows=test data" "$@" </dev/null
}
# What is not there, and what is no name, is refused before anything is touched.
plan() { "$NF" step service --plan --with state=stopped "$@" >"$T/plan" 2>&1 </dev/null; }
plan --with containers=acme-nobody || true
expect_match "$(cat "$T/plan")" 'There is no container acme-nobody on' "the plan of a missing container"
plan --with units=acme-nobody || true
expect_match "$(cat "$T/plan")" 'There is no unit acme-nobody on' "the plan of a missing unit"
plan --with 'containers=a; reboot' && fail "a hostile name was planned: $(cat "$T/plan")"
expect_match "$(cat "$T/plan")" 'is no name of a unit or container' "the plan of a hostile name"
plan && fail "nothing was named, and it was planned: $(cat "$T/plan")"
expect_match "$(cat "$T/plan")" 'nobody says what the app is on the new server' "the plan without names"

status=0
night --until app-stop --yes app-stop=127.0.0.1 >"$T/out" 2>"$T/err" || status=$?
[ $status = 0 ] || fail "run --until app-stop ended with $status: $(tail -n 10 "$T/err" "$T/out")"
! on_host "docker ps --format '{{.Names}}'" | grep -E '^acme-(web|job)-' || fail "The app still runs on the new side."
expect_equal "$(cat "$W/host/unit-acme-timer")" inactive "the unit after app-stop"
status=0
night --yes app-boot=127.0.0.1 >"$T/out" 2>"$T/err" || status=$?
[ $status = 0 ] || fail "The night ended with $status: $(tail -n 10 "$T/err" "$T/out")"
expect_equal "$(on_host "docker ps --format '{{.Names}}'" | grep -cE '^acme-(web|job)-')" 2 "containers of the app that run"
expect_equal "$(cat "$W/host/unit-acme-timer")" active "the unit after app-boot"
J=$(journal)
"$NF" report --format json "$J" >"$T/report.json" || fail "The report does not say done: $(cat "$T/report.json")"
# The step that compares every table has passed; the shop went on selling after it.
expect_equal "$(events attempt.ended 'select(.step == "count-rows") | .outcome' | tail -n 1)" '"done"' "count-rows"
jq -e '[.checks[] | select(.verdict == "FAIL" or .verdict == "UNKNOWN")] == []' "$T/report.json" >/dev/null ||
	fail "checks: $(jq -c '[.checks[] | select(.verdict != "PASS")]' "$T/report.json")"
# Each look at what is not there is calm: no watch was stale for want of Kamal.
[ -z "$(events watch.beat 'select(.ok == false and ((.text // "") | test("kamal:"))) | .watch')" ] || fail "a watch is stale without Kamal"

# ---- no server at all ----

sed -i '/^host:/d; /^  app-stop:/d; /^  app-boot:/d; /^  back-app-stop:/d; s/, container: acme-db//' "$CONFIG"
for check in host-containers host-disk host-pg-exposed; do
	"$NF" check "$check" >"$T/check" 2>&1 || fail "$check failed without a server: $(cat "$T/check")"
	expect_file_has "$T/check" 'Does not apply; not known: no host: in nightferry.yml.'
done
"$NF" step download --plan >"$T/plan" 2>&1 </dev/null && fail "download was planned without a server"
expect_match "$(cat "$T/plan")" 'no container that nightferry.yml names' "the plan of download"
