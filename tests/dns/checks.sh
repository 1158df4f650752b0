#!/bin/bash
# The checks before the night: each one good, and each one broken once. Certificates by real servers with real faults.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/demo/dns/common.sh"

dns_world cloudflare CLOUDFLARE_TTL_LEAST=15
load_dns "$W"

check() { # NAME REGEX WHAT
	local said
	said=$(timeout 60 "$NF" check "$1" 2>&1 </dev/null)
	expect_match "$said" "$2" "$1: $3"
	echo "ok  $1: $3"
}
zone() { # SET-OR-UNSET ARGS...: one change in the running zone
	local verb=$1
	shift
	knotc_on ns1 zone-begin acme.example >/dev/null && knotc_on ns1 "zone-$verb" acme.example "$@" >/dev/null &&
		knotc_on ns1 zone-commit acme.example >/dev/null || fail "The zone does not take $verb $*."
}

check provider 'PASS +Cloudflare shows the zone acme.example.*PASS +1[01][0-9][0-9] requests are left' "a good login"
CLOUDFLARE_API_TOKEN=wrong$(random_hex 30) check provider '^UNKNOWN +provider.*the token is not accepted' "a bad login"
check wildcard 'PASS +acme.example has no wildcard.*PASS +Caches forget after 15 s' "none"
zone set '*.acme.example.' 300 A 127.0.1.1
check wildcard 'WARN +\*.acme.example leads to 127.0.1.1, and is not among dns.names' "one that stays behind"
zone unset '*.acme.example.' A
zone unset @ SOA
zone set @ 3600 SOA 'ns1.acme.example. hostmaster.acme.example. 2026112801 30 5 3600 3600'
check wildcard 'WARN +Caches remember for 3600 s' "a long memory for what is not there"
check mail 'PASS +acme.example MX 10 mail.acme.example.*PASS +acme.example TXT v=spf1 mx -all.*PASS +acme.example has 2 mail records' "mail that stays"
zone set @ 3600 MX '20 www.acme.example.'
zone set default._domainkey 3600 TXT '"v=DKIM1; p=abc"'
check mail 'FAIL +Mail goes to www.acme.example .*which moves tonight.*has 4 mail records' "mail that would move along"
zone unset @ MX '20 www.acme.example.'
zone unset default._domainkey TXT
check interception 'PASS +Nobody answers for 192.0.2.53' "nobody between"
check dnssec 'PASS +acme.example is not signed.*PASS +2 of 2 caches accept' "not signed"
check caa 'PASS +The CAA of acme.example allows letsencrypt.org for www.acme.example' "the issuer is allowed"
mkdir -p "$W/config"
cat >"$W/config/deploy.yml" <<-'YAML'
	service: acme
	image: acme
	servers: {web: [127.0.1.2]}
	proxy: {ssl: true, host: www.acme.example, app_port: 80}
	registry: {server: registry.example, username: ann, password: [KAMAL_REGISTRY_PASSWORD]}
	builder: {arch: amd64}
YAML
sed -i 's/^host:.*/kamal: {config: config\/deploy.yml}\n&/' "$CONFIG"
check caa 'PASS +The CAA of acme.example allows letsencrypt.org' "the issuer that the proxy asks is allowed"
check new-tls 'PASS +The names are visited by http' "no https at all"
zone unset @ CAA
zone set @ 3600 CAA '0 issue "other.example"'
check caa 'FAIL +The CAA of acme.example allows other.example for www.acme.example, and not letsencrypt.org' "another issuer only"
zone set cutover.acme.example. 20 CAA '0 issue "letsencrypt.org"'
check caa 'PASS +The CAA of cutover.acme.example allows letsencrypt.org' "the new name's own record comes first"
sed -i '/^kamal:/d' "$CONFIG"
rm -r "$W/config"

# ---- certificates ----

cd "$T" || exit 1
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca.key -out ca.pem -subj '/CN=Night CA' 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout mid.key -out mid.csr -subj '/CN=Night Intermediate' 2>/dev/null
printf 'basicConstraints=critical,CA:TRUE\n' >mid.ext
openssl x509 -req -in mid.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 30 -extfile mid.ext -out mid.pem 2>/dev/null
certificate() { # FILE DAYS NAME ISSUER: DAYS below 0 is over since then
	printf 'subjectAltName=DNS:%s\n' "$3" >name.ext
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$3" 2>/dev/null
	# Only `ca` can give a certificate that is over already.
	rm -rf demoCA && mkdir demoCA && : >demoCA/index.txt && echo 10 >demoCA/serial
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=demoCA/index.txt\nserial=demoCA/serial\nnew_certs_dir=demoCA\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' >ca.cnf
	openssl ca -batch -config ca.cnf -cert "$4.pem" -keyfile "$4.key" -in "$1.csr" -out "$1.pem" -extfile name.ext -notext \
		-startdate "$(date -u -d '-90 days' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$2 days 1 hour" +%Y%m%d%H%M%SZ)" 2>ca.log ||
		fail "No certificate $1: $(cat ca.log)"
}
certificate good 20 www.acme.example ca
certificate soon 5 www.acme.example ca
certificate over -3 www.acme.example ca
certificate other 20 www.other.example ca
certificate chained 20 www.acme.example mid
openssl req -x509 -newkey rsa:2048 -nodes -days 20 -keyout self.key -out self.pem -subj '/CN=www.acme.example' -addext 'subjectAltName=DNS:www.acme.example' 2>/dev/null

serve() { # CERTIFICATE [ARGS...]
	[ ! -e tls.pid ] || kill_pidfile tls.pid 2
	local cert=$1
	shift
	spawn tls.pid tls.log openssl s_server -accept "127.0.1.2:$HTTP_PORT" -cert "$cert.pem" -key "$cert.key" -www -quiet "$@"
	eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No TLS server with $cert: $(cat tls.log)"
}
at_end 'kill_pidfile "$T/tls.pid" 2'
sed -i -e "s~names: \[.*~names: [www.acme.example]~" \
	-e "s~^web:.*~web: {old: \"127.0.1.2:$HTTP_PORT\", new: \"127.0.1.2:$HTTP_PORT\", scheme: https, ca: $T/ca.pem}~" "$CONFIG"

serve good
check new-tls '^PASS +new-tls.*has a certificate for DNS:www.acme.example of .*Night CA.*good for 20 days' "good"
check old-tls 'PASS +The old side.s certificate of www.acme.example is good for 20 days' "the way back's last day"
serve soon
check new-tls '^WARN +new-tls.*good for 5 days' "five days left"
check old-tls '^WARN +old-tls.*good for 5 days: so long a way back' "a way back of five days"
serve over
check new-tls '^FAIL +new-tls.*certificate has expired.*over since [23] days' "expired"
serve other
check new-tls "^FAIL +new-tls.*(does not match|no alternative certificate subject name matches).*for DNS:www.other.example" "wrong name"
serve self
check new-tls '^FAIL +new-tls.*self.signed certificate' "self-signed"
serve chained
check new-tls '^FAIL +new-tls.*unable to get local issuer certificate' "the intermediate is missing"
serve chained -cert_chain mid.pem
check new-tls '^PASS +new-tls' "with its intermediate"
# Without a certificate for the name: one of another name for everybody, or none and a word about it.
serve good -servername www.else.example -cert2 other.pem -key2 other.key -servername_fatal
check new-tls '^FAIL +new-tls.*NEW has no certificate for www.acme.example and refuses the name: its proxy has to be told' "an unknown name, refused"
serve other -servername www.else.example -cert2 good.pem -key2 good.key
check new-tls '^FAIL +new-tls.*for DNS:www.other.example' "an unknown name, and the default certificate"
kill_pidfile tls.pid 2
answers() { # HEAD: a TLS server that answers by it
	printf "$1" >answer
	spawn tls.pid tls.log socat "OPENSSL-LISTEN:$HTTP_PORT,bind=127.0.1.2,reuseaddr,fork,verify=0,cert=good.pem,key=good.key" "SYSTEM:cat answer; sleep 1"
	eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No TLS server: $(cat tls.log)"
}
answers 'HTTP/1.0 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nbad\n'
check new-tls '^WARN +new-tls.*NEW answers 502 for www.acme.example: the certificate is good, and nothing good is behind it' "nothing behind the proxy"
kill_pidfile tls.pid 2
spawn tls.pid tls.log socat "TCP-LISTEN:$HTTP_PORT,bind=127.0.1.2,reuseaddr,fork" "SYSTEM:sleep 30"
eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No slow server: $(cat tls.log)"
check new-tls '^UNKNOWN +new-tls.*NEW gave no certificate for www.acme.example: .*its TLS handshake did not end in time' "a handshake that does not end"
kill_pidfile tls.pid 2
printf 'HTTP/1.0 200 OK\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\nContent-Length: 3\r\n\r\nup\n' >hsts
spawn tls.pid tls.log socat "OPENSSL-LISTEN:$HTTP_PORT,bind=127.0.1.2,reuseaddr,fork,verify=0,cert=good.pem,key=good.key" "SYSTEM:cat hsts; sleep 1"
eventually 20 bash -c "exec 3<>/dev/tcp/127.0.1.2/$HTTP_PORT" || fail "No TLS server with HSTS: $(cat tls.log)"
check old-tls '^WARN +old-tls.*insists on https .HSTS max-age=63072000; includeSubDomains' "HSTS"
kill_pidfile tls.pid 2
check new-tls '^UNKNOWN +new-tls.*gave no certificate' "nobody there"
