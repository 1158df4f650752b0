#!/bin/bash
# `nightferry init` in repositories of several kinds: where each value came from, what is left for people to write, and
# that the result is read back without a word.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
export HOME=$T/home GIT_CONFIG_NOSYSTEM=1
mkdir -p "$HOME/.ssh"

repository() { # NAME
	mkdir -p "$T/$1" && cd "$T/$1" || fail "no folder $1"
	git init -q . && rm -f nightferry.yml
}
line() { # TEXT: nightferry.yml has this line, blanks before the comment apart
	tr -s ' ' <nightferry.yml | grep -qxF -- "$1" || fail "$PWD: no line '$1' in:
$(cat nightferry.yml)"
}
# What is offered as a comment is taken as it stands: the line without its mark is read without a word.
offers() { # TEXT
	line "# $1"
	cp nightferry.yml kept
	sed -i "s/^# \\(${1%%:*}:\\)/\\1/" nightferry.yml
	grep -q "^${1%%:*}:" nightferry.yml || fail "$PWD: the line of ${1%%:*} cannot be taken: $(cat nightferry.yml)"
	loads
	mv kept nightferry.yml
}
loads() { # it is read back whole: `note` plans without a world
	"$NF" step note --plan >out 2>&1 </dev/null || true
	! grep -q 'nightferry.yml:\|Configuration file' out || fail "$PWD: the file init wrote is refused: $(cat out)"
}

# ---- all there is: six lines, each with its source ----

repository all
mkdir -p config
cat >config/deploy.yml <<'YAML'
service: acme
image: acme/acme
registry: {username: acme, password: [KAMAL_REGISTRY_PASSWORD]}
builder: {arch: amd64}
servers: {web: [203.0.113.7], job: {hosts: [203.0.113.8], cmd: bin/jobs}}
proxy: {hosts: [www.acme.com, api.acme.com], ssl: false, healthcheck: {path: /healthz}}
accessories: {db: {image: "postgres:16", host: 203.0.113.7, port: "127.0.0.1:5432:5432"}}
YAML
echo 'servers: {web: [198.51.100.9]}' >config/deploy.production.yml
git remote add staging https://git.heroku.com/acme-staging.git
git remote add production git@heroku.com:acme-production.git
git remote add origin git@github.com:acme/acme.git
printf 'web: bin/rails server\nworker: bin/jobs\nrelease: bin/rails db:migrate\n' >Procfile
echo '{"name": "Acme Shop", "addons": ["heroku-postgresql:standard-0", {"plan": "heroku-redis:mini"}]}' >app.json
echo 3.3.5 >.ruby-version
printf 'Host *\n  User ana\nHost acme-new\n  HostName 198.51.100.9\n  Port 2222\n' >"$HOME/.ssh/config"

# At a terminal: two questions, the second one asked again after a word that is none.
printf 'acme.com\nnobody\ncloudflare\n' >answers
script -qec "'$NF' init" /dev/null <answers >out || fail "init ended with $?: $(cat out)"
line 'app: acme # service of config/deploy.yml'
line 'heroku: {app: acme-production} # git remote "production"; others: staging is acme-staging'
line 'kamal: {config: config/deploy.yml, destination: production} # its only destination; server 198.51.100.9 ("acme-new" of ~/.ssh/config), roles job, web'
line 'database: {accessory: db} # postgres:16 of config/deploy.yml; its login is read out of the container'
line 'dns: {provider: cloudflare, zone: acme.com, names: [www.acme.com, api.acme.com], new_name: cutover.acme.com} # names: proxy host of config/deploy.yml; before the night make cutover.acme.com an address of 198.51.100.9'
line 'smoke: [{get: "/healthz", expect: 200}] # Kamal'"'"'s health check; add pages that need the database'
line '# Found as well Procfile: web, worker, release; app.json: heroku-postgresql, heroku-redis; Ruby 3.3.5.'
line '# app.json has Redis among its add-ons; it is not copied'
offers "canary: [{name: decrypt, run: \"bin/rails runner 'User.last.email'\"}] # what has to work there before the flip: read an old secret, a stored file"
offers 'backup: {to: "s3://acme-backups/nightferry"} # a bucket for the first backup; without it the only one lies on the new host'
! grep -q '^# redis:' nightferry.yml || fail "Redis needs no line here: $(cat nightferry.yml)"
[ "$(grep -vc '^#' nightferry.yml)" = 6 ] || fail "not six lines: $(cat nightferry.yml)"
loads

# It never overwrites, and asks nothing then.
before=$(sha256sum nightferry.yml)
status=0
"$NF" init >out 2>&1 </dev/null || status=$?
[ $status = 2 ] && grep -q 'already here and stays as it is' out || fail "a second init ended with $status: $(cat out)"
[ "$before" = "$(sha256sum nightferry.yml)" ] || fail "a second init changed the file"

# Nobody to ask: what only a person knows is a comment.
rm nightferry.yml
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
line '# dns: {provider: cloudflare, zone: acme.com, names: [www.acme.com, api.acme.com]} # '"$(sed -n 's/.*# \(.*\): who serves the zone.*/\1/p' nightferry.yml)"': who serves the zone; names: proxy host of config/deploy.yml'
grep -q 'Fill in the lines that begin with # and a key' out || fail "nothing says what is left to do: $(cat out)"
loads

# ---- several destinations, several databases, a git worktree's .git file ----

repository several
mkdir -p config
cat >config/deploy.yml <<'YAML'
service: shop
image: acme/shop
registry: {username: acme, password: [P]}
builder: {arch: amd64}
servers: [203.0.113.7]
accessories: {a: {image: postgres, host: 203.0.113.7}, b: {image: "postgis/postgis:16", host: 203.0.113.7}}
YAML
touch config/deploy.staging.yml config/deploy.canary.yml
git remote add heroku https://git.heroku.com/shop.git
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
grep -q '^#   choose one: kamal: .* of canary, staging$' nightferry.yml || fail "destinations: $(cat nightferry.yml)"
grep -q '^database: {url: .* # choose as well: accessory: ..., several run Postgres$' nightferry.yml || fail "databases: $(cat nightferry.yml)"

# ---- a file that Kamal refuses is told with its place ----

repository refused
mkdir -p config
echo 'servers: {web: {hosts: 203.0.113.7}}' >config/deploy.yml
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
grep -q '^#   config/deploy.yml:1:17: Kamal refuses this file: servers/web/hosts: should be an array.$' nightferry.yml ||
	fail "the refusal is not told: $(cat nightferry.yml)"

# ---- a server without Kamal ----

repository vps
git remote add heroku https://git.heroku.com/vps-live.git
printf 'Host gate\n  HostName gate.example\nHost vps-live-1\n  HostName 192.0.2.44\n' >"$HOME/.ssh/config"
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
line 'host: {address: vps-live-1} # the only fitting name of ~/.ssh/config: 192.0.2.44'
line 'playbook: heroku-to-vps # there is no config/deploy.yml here, so Kamal is not used'
line 'database: {url: "env:NEW_DATABASE_URL"} # its URL in NEW_DATABASE_URL; and container: pg, if it is one on that server'
line '# steps: {app-stop: {units: [web]}, app-boot: {units: [web]}} # what the app is there: systemd units:, or containers:'
loads
echo '{"addons": ["heroku-postgresql", "rediscloud:30"]}' >app.json
rm nightferry.yml
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
offers 'redis: {variable: REDISCLOUD_URL, url: "env:NEW_REDIS_URL"} # the old app'"'"'s config var, the new app'"'"'s Redis; without it nobody watches the new side'"'"'s jobs'
offers 'canary: [{name: decrypt, run: bin/canary}] # what has to work there before the flip: read an old secret, a stored file'

# ---- next to nothing: honest comments, and the loader says what is missing ----

repository nothing
rm -rf .git
: >"$HOME/.ssh/config"
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
line "app: nothing # this folder's name"
line "# heroku: {app: acme-production} # no git remote leads to Heroku; write the app's name"
line '# host: {address: 203.0.113.7, user: root} # the new server, if you run one'
"$NF" step note --plan >out 2>&1 </dev/null && fail "a file without heroku: was taken"
grep -q 'this file needs "heroku"' out || fail "what is missing is not said: $(cat out)"

# ---- hostile words ----

repository hostile
mkdir -p config
printf 'service: "no"\nimage: a\nregistry: {username: a, password: [P]}\nbuilder: {arch: a}\nservers: ["h\\e[31m # x"]\nproxy: {hosts: [www.acme.com, "a]\\nb: c"]}\n' >config/deploy.yml
printf 'a\nweb\033[2J: x\nweb: x\n' >Procfile
printf '{"name": "\\u001b[2J", "addons": [1, {"plan": 2}, ["x"]]}' >app.json
printf '\xff\xfe\n' >.ruby-version
git remote add heroku https://git.heroku.com/hostile-app.git
"$NF" init >out 2>&1 </dev/null || fail "$(cat out)"
line 'app: "no" # service of config/deploy.yml'
! grep -q $'[\033\xff]' nightferry.yml || fail "hostile bytes are in the file"
loads
