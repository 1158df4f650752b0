# shellcheck shell=bash
# A world of name servers, caches and one provider's API, without databases and hosts. Sourced after lib.sh.
#
#   dns_world PROVIDER [NAME=VALUE...]   starts it; sets W, API, CONFIG, and the provider's login
#   api_rule JSON                        the API misbehaves: see demo/http/ctl.c
#   zone_line NAME [TYPE]                "www.acme.example. 20 CNAME ..." of the zone, as the first server has it
#   night ARGS...                        run without a screen, with the phrase of dns-point given
command -v kdig >/dev/null || fail "kdig is missing: apt-get install knot-dnsutils."
. "$ROOT/demo/lib.sh"

provider_part() { "$ROOT/demo/$PROVIDER/part" "$1" "$W" >>"$T/part.log" 2>&1; }

dns_world_stop() {
	[ ! -e "$W/nightferry.yml" ] || eventually 15 engine_stop
	provider_part stop
	"$ROOT/demo/dns/part" stop "$W" >/dev/null 2>&1
}

dns_ports() {
	local port
	mapfile -t port < <(free_ports 4)
	(
		umask 077
		cat >"$W/ports" <<-PORTS
			BIN=$ROOT/build/demo/bin
			DEMO_DIR=$ROOT/demo
			WORLD=$W
			DNS_PORT=${port[0]}
			RESOLVER_PORT=${port[1]}
			CLOUDFLARE_PORT=${port[2]}
			HETZNER_PORT=${port[2]}
			ROUTE53_PORT=${port[2]}
			HTTP_PORT=${port[3]}
			CLOUDFLARE_API_TOKEN=$(random_hex 40)
			HCLOUD_TOKEN=$(random_hex 64)
			AWS_ACCESS_KEY_ID=AKIA$(random_hex 16)
			AWS_SECRET_ACCESS_KEY=$(random_hex 40)
		PORTS
	)
	set -a
	. "$W/ports"
	# With EDGE=ADDRESS Cloudflare is the proxy of proxied names, too.
	CLOUDFLARE_EDGE=${EDGE:+$EDGE:$HTTP_PORT} CLOUDFLARE_RESOLVER=127.0.0.2#$DNS_PORT
	set +a
	unset CLOUDFLARE_API_TOKEN HCLOUD_TOKEN AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
	case $PROVIDER in
	cloudflare) API=http://127.0.0.1:${port[2]}/client/v4 LOGIN="CLOUDFLARE_API_TOKEN" ;;
	hetzner) API=http://127.0.0.1:${port[2]}/v1 LOGIN="HCLOUD_TOKEN" ;;
	route53) API=http://127.0.0.1:${port[2]} LOGIN="AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY" ;;
	esac
	for port in ${LOGIN:-}; do
		export "$port=$(sed -n "s/^$port=//p" "$W/ports")"
	done
}

dns_config() {
	cat >"$CONFIG" <<-YAML
		app: acme
		heroku: {app: acme-production, api: "http://127.0.0.1:1", data: "http://127.0.0.1:1"}
		host: {address: 127.0.1.2}
		database: {url: "env:NEW_DATABASE_URL"}
		dns:
		  provider: $PROVIDER
		  api: "${API:-}"
		  zone: acme.example
		  names: [www.acme.example, api.acme.example]
		  new_name: cutover.acme.example
		  servers: ["127.0.0.2#$DNS_PORT", "127.0.0.3#$DNS_PORT"]
		  resolvers: ["127.0.0.11#$RESOLVER_PORT", "127.0.0.12#$RESOLVER_PORT"]
		web: {old: "127.0.1.1:$HTTP_PORT", new: "127.0.1.2:$HTTP_PORT", scheme: http}
		playbook: $T/night.yml
	YAML
	cat >"$T/night.yml" <<-'YAML'
		name: dns
		help: Only the traffic.
		phases:
		  - phase: flip
		    steps:
		      - {id: ttl, do: dns-ttl, with: {ttl: 60}}
		      - {id: point, do: dns-point, with: {to: new}}
		      - {id: end, do: note, with: {text: the end}}
		rollback:
		  - {id: back, do: dns-point, with: {to: old}}
	YAML
}

dns_world() {
	local pair
	scratch
	PROVIDER=$1
	shift
	for pair in "$@"; do export "${pair?}"; done
	W=$T/w CONFIG=$T/w/nightferry.yml
	export CONFIG NEW_DATABASE_URL=postgres://nobody@127.0.0.1:1/none
	mkdir -p "$W"
	at_end dns_world_stop
	dns_ports
	"$ROOT/demo/dns/part" start "$W" >"$T/dns.log" 2>&1 || fail "The name servers did not start: $(tail "$T/dns.log")"
	if [ "$PROVIDER" != manual ]; then
		provider_part start || fail "The API did not start: $(tail "$T/part.log")"
	fi
	dns_config
}

api_rule() { curl -sS -X POST -H 'Content-Type: application/json' -d "$1" "http://127.0.0.1:$CLOUDFLARE_PORT/__ctl" >/dev/null; }

zone_line() { # NAME [TYPE]
	kdig "@127.0.0.2" -p "$DNS_PORT" +noall +answer +norec "$1" "${2:-CNAME}" | sed -E 's/[[:space:]]+/ /g' | sort
}

zone_all() { # the whole zone, but the serial number
	local server=$1
	kdig "@$server" -p "$DNS_PORT" acme.example AXFR | grep -v '^;' | sed -E 's/[[:space:]]+/ /g' | grep -v ' SOA ' | sort -u
}

night() { # run's own options
	timeout 120 "$NF" run --quiet --yes point=acme-production --yes ttl=acme.example "$@" </dev/null
}
