#!/bin/bash
# The steps beside the boot: kamal itself, whose status 0 proves nothing, the accessory that Kamal would skip, and what may
# be pruned.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/rollback.part"

world_start DEMO_ROWS=3000
"$ROOT/demo/visitors/part" stop "$W" >/dev/null 2>&1
sed -i '/^steps:/,$d' "$CONFIG"

# ---- calls that are never made, whatever they are called ----
while IFS='|' read -r args words; do
	"$NF" step kamal --plan --with "args=$args" >"$T/plan" 2>&1 </dev/null
	grep -q '^REFUSED' "$T/plan" || fail "kamal $args is not refused: $(cat "$T/plan")"
	expect_file_has "$T/plan" "$words"
done <<'END'
remove|removes the app
remove -y|removes the app
accessory remove db|the data directory
proxy reboot|cuts off every visitor
config|private keys
secrets print|prints secrets
lock release|kamal-unlock
prune all|the step prune
rem|no call that this build knows
my-alias|no call that this build knows
-v app boot|no call that this build knows
app boot|without --version
app boot --version x -v|prints the environment
app boot --version x -d staging|comes from kamal:
app boot --version x --destination=staging|the destination comes from
app logs -f|never ends
app exec -i bash|waits for a person
app boot --version x -qv|one by one
END
expect_status 2 "$NF" step kamal --plan --with 'args=app exec "x'
echo "ok  calls that are refused"

night() { # PLAYBOOK OPTIONS...
	local book=$1
	shift
	timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null
	rm -rf "$NIGHTFERRY_STATE"
	timeout 200 "$NF" run --playbook "$T/$book.yml" "$@" >"$T/out" 2>&1 </dev/null
}
one_step() { # NAME LINE
	printf 'name: %s\nphases: [{phase: boot, steps: [%s]}]\n' "$1" "$2" >"$T/$1.yml"
}
names() { on_host "docker ps ${1:-} --filter label=role --format '{{.Names}}'" | sort; }

# ---- Kamal stops the newest container of a role and says 0; another one runs on ----
web=$(names | grep acme-web)
older=acme-web-0123456789012345678901234567890123456789
on_host "docker run --detach --name $older --env-file .kamal/apps/acme/env/roles/web.env --label service=acme --label role=web --label destination= registry.acme.example/acme:${web#acme-web-}" >/dev/null
one_step stop '{id: stop, do: kamal, with: {args: "app stop"}}'
night stop --yes "stop=acme on 127.0.0.1" && fail "A stop that left a container running is done: $(tail -n 2 "$T/out")"
expect_file_has "$T/out" "still runs: Kamal stops only the newest of each role"
grep -q "kamal ended well" "$T/out" "$NIGHTFERRY_STATE"/acme/*/trace.jsonl || fail "Kamal did not say that all went well."
[ -n "$(names | grep acme-web)" ] || fail "No web container is left, so nothing was shown."
# A second time there is nothing more to lie about.
night stop --yes "stop=acme on 127.0.0.1" || fail "The last container is not stopped: $(tail -n 2 "$T/out")"
expect_equal "$(names | grep -c acme-web)" 0 "web containers that run"
echo "ok  status 0 is no proof"

# ---- what only looks is done when it has told all; what nobody can see ends UNKNOWN ----
one_step look '{id: look, do: kamal, with: {args: "app details"}}'
night look || fail "kamal app details: $(tail -n 2 "$T/out")"
one_step pull '{id: pull, do: kamal, with: {args: "lock status", prove: "test -d .kamal", expect: ""}}'
night pull || fail "A proof by a command on the host: $(tail -n 2 "$T/out")"
one_step pull '{id: pull, do: kamal, with: {args: "lock status", prove: "test -d .no"}}'
night pull && fail "A proof that does not hold passed."
expect_file_has "$T/out" "outcome=failed"
echo "ok  looks and proofs"

# ---- the accessory: Kamal would skip a stopped one ----
on_host "docker stop acme-db" >/dev/null
one_step db '{id: db, do: accessory-boot}'
night db --yes "db=acme-db on 127.0.0.1" || fail "The database did not start: $(tail -n 2 "$T/out")"
expect_match "$(on_host 'docker exec acme-db pg_isready -h 127.0.0.1')" "accepting connections" "the database"
expect_equal "$(on_host 'ls .kamal/apps/acme/env/accessories')" "db.env" "nothing was booted anew"
night db || fail "A database that runs: $(tail -n 2 "$T/out")"
expect_equal "$(events attempt.started .attempt | wc -l)" 0 "attempts while it runs"
echo "ok  the accessory"

# ---- pruning: never the last container of a rollback ----
on_host "docker start $web $(names -a | grep acme-job | head -n 1)" >/dev/null
for n in 1 2 3; do
	on_host "docker run --detach --name ${web}_replaced_000000000000000$n --env-file .kamal/apps/acme/env/roles/web.env --label service=acme --label role=web --label destination= registry.acme.example/acme:${web#acme-web-} && docker stop -t 1 ${web}_replaced_000000000000000$n" >/dev/null
done
names -a >"$T/before"
one_step prune '{id: prune, do: prune, with: {retain: 1}}'
night prune --yes "prune=acme on 127.0.0.1" && fail "The last container of a rollback went: $(diff "$T/before" <(names -a))"
expect_file_has "$T/out" "the last container that a rollback of web can start"
expect_equal "$(names -a)" "$(cat "$T/before")" "containers after a refused pruning"
on_host "docker rm $older" >/dev/null
night prune --yes "prune=acme on 127.0.0.1" || fail "Pruning: $(tail -n 2 "$T/out")"
expect_equal "$(names -a | grep -c replaced)" 1 "stopped containers that are kept"
expect_match "$(names)" "$web" "what runs"
night prune || fail "Nothing to prune: $(tail -n 2 "$T/out")"
echo "ok  pruning"
