#!/bin/bash
# Two hosts by Kamal's file: each has a watch of its own, a block in the Host pane and its own name in the log.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
docker_start
CONFIG=$T/nightferry.yml
host_start
host_stop
# The same sshd by another name is a second host.
echo 'ListenAddress 127.0.0.2' >>"$HOST/sshd_config"
sed 's/^\[127.0.0.1\]/[127.0.0.2]/' "$SSH_KNOWN_HOSTS" >"$T/more" && cat "$T/more" >>"$SSH_KNOWN_HOSTS"
mkdir -p "$T/config"
cat >"$T/config/deploy.yml" <<YML
service: acme
image: acme/acme
servers:
  web: [127.0.0.1]
  job: [127.0.0.2]
registry: {username: acme, password: [KAMAL_REGISTRY_PASSWORD]}
builder: {arch: amd64}
ssh: {user: $SSH_USER, port: $SSH_PORT, keys: ["$SSH_KEY"]}
YML
cat >"$CONFIG" <<YML
app: acme
heroku: {app: acme-production, api: "http://127.0.0.1:1", data: "http://127.0.0.1:1"}
host: {known_hosts: $SSH_KNOWN_HOSTS, key: $SSH_KEY, user: $SSH_USER, port: $SSH_PORT}
kamal: {config: config/deploy.yml}
database: {url: "env:NEW_DATABASE_URL"}
YML
export HEROKU_API_KEY=none NEW_DATABASE_URL=postgres://shop:s@127.0.0.1:1/shop
host_start
docker_app web 4f2c91a -- sh -c 'n=0; while :; do n=$((n + 1)); echo "web says $n"; sleep 0.5; done' >/dev/null
at_end '"$NF" stop --config "$CONFIG" >/dev/null 2>&1'
screen_start 200x50 "$NF" start --config "$CONFIG"
wait_text 60 "2 hosts"
wait_text 60 "127.0.0.2  load"
keys 5 +
wait_text 60 "web@.2"
wait_text 60 "NEW web "
# What runs on another host goes on writing: the step that stops only here is refused, and says where.
"$NF" step app-stop --plan --config "$CONFIG" >"$T/plan" 2>&1 </dev/null
expect_match "$(cat "$T/plan")" 'acme-web-4f2c91a on 127\.0\.0\.2 runs, too' "the plan of app-stop"
hosts() { [ "$(jq -r 'select(.kind == "host.seen") | .host' "$(journal)" | sort -u | tr '\n' ' ')" = " 127.0.0.2 " ]; }
eventually 60 hosts || fail "Looks at both hosts are not in the journal: $(jq -r 'select(.kind == "host.seen") | .host' "$(journal)" | sort | uniq -c)"
