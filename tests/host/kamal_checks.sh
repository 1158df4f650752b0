#!/bin/bash
# What Kamal leaves on a host, seen in real containers over a real ssh by the checks that look for it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
docker_start
host_start

look() { # CHECK...: its output in $OUTPUT
	OUTPUT=$(timeout 60 "$NF" check "$@" --config "$CONFIG" 2>&1 </dev/null)
}
says() { # VERDICT WORDS: of the newest look
	grep -F -- "$2" <<<"$OUTPUT" | grep -q "^ *$1 " || fail "Not $1 \"$2\" but: $OUTPUT"
}
commits=$(printf '%040d %040d' 1 2)
new=${commits% *} old=${commits#* }

# ---- nothing is there yet ----

look host-image host-restart host-rollback host-destinations
says PASS "so no image is used"
says PASS "the host asks for no restart"
says WARN "there is no older container of web to go back to"
says PASS "0 containers of acme"

# ---- as it should be ----

docker_app web "$old" -- sleep 1000 >/dev/null
docker_app job "$old" -- sleep 1000 >/dev/null
docker stop -t 0 "acme-web-$old" "acme-job-$old" >/dev/null
docker_app web "$new" -- sleep 1000 >/dev/null
docker_app job "$new" -- sleep 1000 >/dev/null
docker_accessory db -- sleep 1000 >/dev/null
docker_proxy -- sh -c 'd=/home/kamal-proxy/.config/kamal-proxy; mkdir -p $d; echo "[]" >$d/kamal-proxy.state; exec sleep 1000' >/dev/null
look host-image host-restart host-rollback host-destinations
says PASS "the image of web carries service=acme"
says PASS "acme-job-$new comes back after a restart, unless it was stopped"
says PASS "web can go back to ${old:0:12}, which is exited since"
says PASS "job can go back to ${old:0:12}"
says PASS '4 containers of acme, destination "none"'

# ---- a boot that broke off, a staging beside it, somebody's own container and image ----

docker rename "acme-job-$new" "acme-job-${new}_replaced_0123456789abcdef"
docker rm "acme-web-$old" >/dev/null
docker run --detach --restart always --name acme-job-staging-1 --label service=acme --label role=job --label destination=staging \
	registry.acme.example/acme:1 sleep 1000 >/dev/null
docker rm -f "acme-web-$new" >/dev/null
docker_image registry.acme.example/other:1
docker run --detach --restart always --name "acme-web-$new" --label service=acme --label role=web --label destination= \
	registry.acme.example/other:1 sleep 1000 >/dev/null
look host-image host-restart host-rollback host-destinations host-containers
# The stand-in's images are names and have no labels.
[ $DOCKER = stand-in ] || says WARN "the image of web (registry.acme.example/other:1) lacks the label service=acme"
says WARN "acme-web-$new has the restart policy always"
says WARN "_replaced_0123456789abcdef is left over from a boot that broke off"
says WARN "there is no older container of web to go back to"
says WARN 'the destination "staging" is on this host too, and acme-db belongs to both'
[ $DOCKER = stand-in ] || says FAIL "_replaced_0123456789abcdef runs beside the newest one"

# ---- with Kamal's files: what is deployed, from which commit, by which Kamal ----

mkdir "$T/app" "$T/app/config" "$T/app/.kamal"
cp "$CONFIG" "$T/app/nightferry.yml"
cat >"$T/app/config/deploy.yml" <<YML
service: acme
image: acme
minimum_version: 2.7.0
servers: {web: [127.0.0.1], job: [127.0.0.1]}
proxy: {host: www.acme.example, ssl: true}
registry: {server: registry.acme.example, username: acme, password: [KAMAL_REGISTRY_PASSWORD]}
builder: {arch: amd64}
env: {secret: [DATABASE_URL, "SALT:ENCRYPTION_SERVICE_SALT"]}
accessories:
  db: {image: "postgres:15", host: 127.0.0.1, port: 5432}
YML
cat >"$T/app/.kamal/secrets" <<'SECRETS'
KAMAL_REGISTRY_PASSWORD=$(touch executed; echo zebra-registry)
DATABASE_URL='postgres://shop:zebra-database@acme-db/shop'
SECRETS
printf 'GEM\n  specs:\n    kamal (2.11.0)\n' >"$T/app/Gemfile.lock"
CONFIG=$T/app/nightferry.yml
export GIT_CONFIG_GLOBAL=/dev/null GIT_CEILING_DIRECTORIES=$T
(cd "$T/app" && git init -q && git add Gemfile.lock && git -c user.name=x -c user.email=x@example.com commit -qm x) || fail "git made no repository."
head=$(git -C "$T/app" rev-parse HEAD)

look kamal-config kamal-destination kamal-secrets kamal-version git-version proxy-tls host-pg-exposed
says PASS "config/deploy.yml has no Ruby in it"
says PASS "there is one app and no destination"
says PASS "acme-db can be reached from the host only"
says WARN "Kamal's file says port: 5432:5432 for acme-db: the next boot of it opens that port to everybody"
says FAIL "ENCRYPTION_SERVICE_SALT is named in Kamal's file and stands in no secrets file"
says PASS "2 of 3 secrets stand in .kamal/secrets"
says PASS "Kamal here is 2.11.0, its file asks for 2.7.0"
[ $DOCKER = stand-in ] || says PASS "kamal-proxy on the host is v0.9.2"
says WARN "web runs ${new:0:12}, and here lies ${head:0:12}"
says WARN "ssl: true has no certificate before DNS points to the new host"
grep -q zebra <<<"$OUTPUT" && fail "A secret came out of .kamal/secrets: $OUTPUT"
[ ! -e "$T/app/executed" ] || fail "A command of .kamal/secrets was run."

echo "ENCRYPTION_SERVICE_SALT='x'" >>"$T/app/.kamal/secrets"
docker rename "acme-web-$new" "acme-web-$head"
docker rm -f kamal-proxy >/dev/null
docker run --detach --name kamal-proxy registry.acme.example/acme:1 sleep 1000 >/dev/null
echo changed >>"$T/app/Gemfile.lock"
look kamal-secrets kamal-version git-version
says PASS "3 of 3 secrets stand in .kamal/secrets"
[ $DOCKER = stand-in ] || says WARN "the proxy's image registry.acme.example/acme:1 does not say its version; Kamal 2.11.0 needs v0.9.2"
says PASS "web runs ${head:0:12}, which is what lies here"
says WARN "1 file is changed here since the last commit"

# ---- a host that does not tell ----

printf '#!/bin/sh\necho "permission denied while trying to connect to the docker API" >&2\nexit 1\n' >"$T/denied"
chmod 755 "$T/denied"
mv "$HOST/bin/docker" "$T/docker"
ln -s "$T/denied" "$HOST/bin/docker"
look host-image host-restart host-rollback host-destinations git-version kamal-version
expect_equal "$(grep -c '^UNKNOWN' <<<"$OUTPUT")" 6 "checks that know nothing: $OUTPUT"
grep -q "permission denied.*is the user in the group docker" <<<"$OUTPUT" || fail "The reason is not said: $OUTPUT"
mv "$T/docker" "$HOST/bin/docker"
host_stop
look host-image
expect_match "$OUTPUT" "^UNKNOWN host-image" "no host"
