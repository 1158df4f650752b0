#!/bin/bash
# Certificates after the flip: a handshake for each name that leads to the new host, none for those that do not yet, and a
# name that the proxy does not know is named at once.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"

dns_world manual
cd "$T" || exit 1
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout good.key -out good.pem -subj '/CN=www.acme.example' \
	-addext 'subjectAltName=DNS:www.acme.example,DNS:api.acme.example' 2>/dev/null
sed -i -e 's~names: \[.*~names: [www.acme.example]\n  tenants: [api.acme.example]~' \
	-e "s~^web:.*~web: {old: \"127.0.1.1:$HTTP_PORT\", new: \"127.0.1.2:$HTTP_PORT\", scheme: https, ca: $T/good.pem}~" "$CONFIG"
cat >"$T/night.yml" <<-'YAML'
	name: certificates
	help: Only the certificates.
	phases:
	  - phase: try
	    steps:
	      - {id: certificates, do: certificates, with: {for: 2s}}
	      - {id: end, do: note, with: {text: the end}}
	rollback:
	  - {id: back, do: note, with: {text: nothing}}
YAML
serve() { # ARGS...: a TLS server that writes down whom it is asked for
	[ ! -e tls.pid ] || kill_pidfile tls.pid 2
	spawn tls.pid tls.log openssl s_server -accept "127.0.1.2:$HTTP_PORT" -cert good.pem -key good.key -www "$@"
	eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No TLS server: $(cat tls.log)"
}
at_end 'kill_pidfile "$T/tls.pid" 2'
point() { # NAME
	"$ROOT/demo/dns/record" "$W" "$1" CNAME cutover.acme.example. 1 || fail "no record"
	eventually 40 led "$1" || fail "The caches do not follow for $1."
}
led() { [ "$(kdig @127.0.0.11 -p "$RESOLVER_PORT" +short "$1" A | tail -n 1)" = 127.0.1.2 ]; }
N=0
issue() { # EXIT-STATUS REGEX WHAT
	N=$((N + 1))
	export NIGHTFERRY_STATE=$T/state.$N
	expect_status "$1" timeout 60 "$NF" run --quiet --until certificates
	expect_match "$(events attempt.ended '.seen[]?.text' | tr '\n' ' ')" "$2" "$3"
	engine_stop >/dev/null 2>&1
	echo "ok  $3"
}

serve
point www.acme.example
issue 1 'api.acme.example has no certificate: it does not lead to the new host yet.*Issued 1/2' "a tenant that has not moved"
point api.acme.example
issue 0 'Issued 2/2' "all of them"
serve -servername www.else.example -cert2 good.pem -key2 good.key -servername_fatal
issue 1 'www.acme.example has no certificate: the proxy does not know the name.*Issued 0/2' "names that the proxy does not know"
sed -i 's/scheme: https/scheme: http/' "$CONFIG"
issue 0 '' "no https, nothing to do"
