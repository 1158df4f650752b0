# shellcheck shell=bash
# The files a world begins and ends with: its ports and secrets, what clients read, a ready nightferry.yml.
# Sourced by demo/world.

# What the parts run, and the Debian package each comes from.
TOOLS="knotd:knot knotc:knot unbound:unbound unbound-control:unbound sshd:openssh-server psql:postgresql-client redis-server:redis-server redis-cli:redis-tools
	openssl:openssl curl:curl setsid:util-linux flock:util-linux setpriv:util-linux"

check_tools() {
	local tool missing=() packages=()
	BIN=${BIN:-$(dirname "$DEMO_DIR")/build/demo/bin}
	for tool in heroku cloudflare app docker proxy; do
		[ -x "$BIN/$tool" ] || missing+=("$BIN/$tool")
	done
	[ ${#missing[@]} = 0 ] || die "These programs of the demo are not built: ${missing[*]}. Run make first."
	BIN=$(cd "$BIN" && pwd -P)
	for tool in $TOOLS; do
		command -v "${tool%%:*}" >/dev/null || missing+=("${tool%%:*}") packages+=("${tool##*:}")
	done
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgres) packages+=(postgresql)
	[ ${#missing[@]} = 0 ] || die "The demo needs ${missing[*]}. On Debian: apt install --no-install-recommends ${packages[*]}"
}

# Logs that an earlier stop kept are no reason to refuse.
folder_is_empty() { # DIR
	! find "$1" -mindepth 1 -maxdepth 1 ! -name logs | grep -q .
}

make_folder() { # DIR: sets WORLD
	local made=no
	if [ -d "$1" ]; then
		folder_is_empty "$1" || die "The folder $1 is not empty: give a new or an empty one."
	else
		mkdir -p "$1" || die "The folder $1 could not be made."
		made=yes
	fi
	WORLD=$(cd "$1" && pwd -P)
	[[ $WORLD =~ ^[A-Za-z0-9/._+@,=-]+$ ]] ||
		die "The path $WORLD holds characters that the servers' configurations do not take: choose a plainer one."
	mkdir "$WORLD/world" || die "The folder $WORLD/world could not be made."
	[ $made = no ] || : >"$WORLD/world/made"
}

# Logs of parts, by their folders; not a database's own files.
keep_logs() { # PART...
	local part file
	rm -rf "$WORLD/logs"
	for part; do
		for file in "$WORLD/$part"/*log "$WORLD/$part"/*.out "$WORLD/world/$part".*; do
			[ -f "$file" ] && mkdir -p "$WORLD/logs/$part" && cp "$file" "$WORLD/logs/$part/"
		done
	done
}

remove_folder() { # PART...
	local part made=no
	# A drill that was killed may have left its small file system there (demo/fault).
	! mountpoint -q "$WORLD/host/home/.nightferry/acme" 2>/dev/null || umount "$WORLD/host/home/.nightferry/acme"
	[ ! -e "$WORLD/world/made" ] || made=yes
	for part; do
		rm -rf "${WORLD:?}/$part"
	done
	rm -rf "$WORLD/ports" "$WORLD/ports.new" "$WORLD/env" "$WORLD/nightferry.yml" "$WORLD/world" \
		"$WORLD/config" "$WORLD/.kamal" "$WORLD/bin"
	[ $made = no ] || rmdir "$WORLD" 2>/dev/null || true
}

# Assignments are quoted for the shell; everything in them is for this user only.
assign() { # NAME VALUE
	printf '%s=%q\n' "$1" "$2"
}

write_ports() {
	local port user rest
	user=$(id -un)
	[ "$(id -u)" != 0 ] || user=postgres
	mapfile -t port < <(free_ports 10)
	rest=$(random_hex 13)
	# Each secret has a form that nothing else has: tests/secrets looks for them.
	(
		umask 077
		{
			assign BIN "$BIN"
			assign DEMO_DIR "$DEMO_DIR"
			assign WORLD "$WORLD"
			assign DEMO_ROWS "${DEMO_ROWS:-1000000}"
			assign DEMO_USER "$user"
			assign HTTP_PORT "${port[0]}"
			assign HEROKU_PORT "${port[1]}"
			assign DUMP_PORT "${port[2]}"
			assign OLD_PG_PORT "${port[3]}"
			assign NEW_PG_PORT "${port[4]}"
			assign SSH_PORT "${port[5]}"
			assign DNS_PORT "${port[6]}"
			assign RESOLVER_PORT "${port[7]}"
			assign CLOUDFLARE_PORT "${port[8]}"
			assign OLD_REDIS_PORT "${port[9]}"
			assign OLD_REDIS_URL "rediss://:p$(random_hex 64)@127.0.0.1:${port[9]}"
			assign HEROKU_API_KEY "HRKU-$(random_hex 8)-$(random_hex 4)-4$(random_hex 3)-a$(random_hex 3)-$(random_hex 12)"
			assign CLOUDFLARE_API_TOKEN "cfd3m0$(random_hex 34)"
			assign OLD_DATABASE_URL "postgres://u$rest:p$(random_hex 64)@127.0.0.1:${port[3]}/d$(random_hex 13)"
			assign NEW_DATABASE_URL \
				"postgres://shop:n3wd3m0$(random_hex 25)@127.0.0.1:${port[4]}/shop_production?sslmode=disable"
		} >"$WORLD/ports.new"
	)
	mv "$WORLD/ports.new" "$WORLD/ports"
	. "$WORLD/ports"
}

ssh_user() {
	cat "$WORLD/host/user" 2>/dev/null || id -un
}

write_env() {
	(
		umask 077
		{
			assign HEROKU_HOST "http://127.0.0.1:$HEROKU_PORT"
			assign HEROKU_DATA_HOST "http://127.0.0.1:$HEROKU_PORT"
			assign HEROKU_API_KEY "$HEROKU_API_KEY"
			assign HEROKU_APP acme-production
			assign OLD_DATABASE_URL "$OLD_DATABASE_URL"
			assign NEW_DATABASE_URL "$NEW_DATABASE_URL"
			assign SSH_HOST 127.0.0.1
			assign SSH_PORT "$SSH_PORT"
			assign SSH_USER "$(ssh_user)"
			assign SSH_KEY "$WORLD/host/id_ed25519"
			assign SSH_KNOWN_HOSTS "$WORLD/host/known_hosts"
			assign DNS_SERVERS "127.0.0.2#$DNS_PORT 127.0.0.3#$DNS_PORT"
			assign RESOLVERS "127.0.0.11#$RESOLVER_PORT 127.0.0.12#$RESOLVER_PORT"
			assign CLOUDFLARE_API_TOKEN "$CLOUDFLARE_API_TOKEN"
			assign CLOUDFLARE_API_URL "http://127.0.0.1:$CLOUDFLARE_PORT/client/v4"
			assign HTTP_PORT "$HTTP_PORT"
			assign CONFIG "$WORLD/nightferry.yml"
		} >"$WORLD/env"
	)
}

write_config() {
	cat >"$WORLD/nightferry.yml" <<-YAML
		app: acme
		heroku: {app: acme-production, api: "http://127.0.0.1:$HEROKU_PORT", data: "http://127.0.0.1:$HEROKU_PORT", status: "http://127.0.0.1:$HEROKU_PORT"}
		kamal: {service: acme, roles: [web, job], accessory: db}
		host: {address: 127.0.0.1, port: $SSH_PORT, user: $(ssh_user), key: $WORLD/host/id_ed25519, known_hosts: $WORLD/host/known_hosts}
		database: {url: "env:NEW_DATABASE_URL"}
		dns:
		  provider: cloudflare
		  api: "http://127.0.0.1:$CLOUDFLARE_PORT/client/v4"
		  zone: acme.example
		  names: [www.acme.example, api.acme.example]
		  new_name: cutover.acme.example
		  servers: ["127.0.0.2#$DNS_PORT", "127.0.0.3#$DNS_PORT"]
		  resolvers: ["127.0.0.11#$RESOLVER_PORT", "127.0.0.12#$RESOLVER_PORT"]
		web: {old: "127.0.1.1:$HTTP_PORT", new: "127.0.1.2:$HTTP_PORT", scheme: http}
		smoke:
		  - {get: /up, expect: 200}
		  - {get: /products, expect: 200}
		  - {get: "/search?q=shoe", expect: 200, contains: "results"}
		steps:
		  quiet: {for: 8s}
		  quiet-10m: {for: 20s}
	YAML
}

# The app's repository, as far as Kamal reads it: the same containers that demo/host/part has deployed. The plain block
# style is what demo/kamal/kamal reads; the real Kamal takes it as well.
write_repository() {
	mkdir -p "$WORLD/config" "$WORLD/.kamal" "$WORLD/bin"
	ln -sfn "$DEMO_DIR/kamal/kamal" "$WORLD/bin/kamal"
	parse_database_url "$NEW_DATABASE_URL"
	cat >"$WORLD/config/deploy.yml" <<-YAML
		service: acme
		image: acme
		servers:
		  web:
		    - 127.0.0.1
		  job:
		    hosts:
		      - 127.0.0.1
		    cmd: bin/jobs
		proxy:
		  hosts:
		    - www.acme.example
		    - api.acme.example
		  app_port: 80
		  healthcheck:
		    interval: 1
		    path: /up
		registry:
		  server: registry.acme.example
		  username: ann
		  password:
		    - KAMAL_REGISTRY_PASSWORD
		builder:
		  arch: amd64
		env:
		  secret:
		    - DATABASE_URL
		$(carried_vars | sed 's/=.*//; s/^/    - /')
		accessories:
		  redis:
		    image: redis:7
		    host: 127.0.0.1
		  db:
		    image: postgres:15
		    host: 127.0.0.1
		    port: "127.0.0.1:$NEW_PG_PORT:5432"
		    env:
		      clear:
		        POSTGRES_USER: $DB_USER
		        POSTGRES_DB: $DB_NAME
		      secret:
		        - POSTGRES_PASSWORD
		readiness_delay: 1
		ssh:
		  user: $(ssh_user)
		  port: $SSH_PORT
		  keys:
		    - $WORLD/host/id_ed25519
		  config: false
	YAML
	(
		umask 077
		# shellcheck disable=SC2016
		printf 'KAMAL_REGISTRY_PASSWORD=%s\nDATABASE_URL=$NEW_DATABASE_URL\nPOSTGRES_PASSWORD=%s\n' \
			"$(random_hex 24)" "$DB_PASSWORD" >"$WORLD/.kamal/secrets"
		carried_vars | sed "s/=\(.*\)/='\1'/" >>"$WORLD/.kamal/secrets"
	)
}
