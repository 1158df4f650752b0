#!/bin/bash
# The public caches that are asked where nobody has chosen any, at their own addresses and on port 53, in a network of their
# own where real caches stand in for them: found by the real delegation, IPv6 among them, each cell as kdig says. Then a
# network that lets no DNS through, and one that answers it itself: they are asked by HTTPS.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
if [ -z "${OWN_NETWORK:-}" ]; then
	user=r
	[ "$(id -u)" != 0 ] || user=""
	if ! unshare "-${user:+U}${user}n" true 2>/dev/null; then
		echo "skipped: no network of its own can be made here"
		exit 0
	fi
	OWN_NETWORK=1 exec unshare "-${user:+U}${user}n" "$0"
fi
. "$ROOT/tests/dns/dns_lib.sh"
command -v ip >/dev/null || fail "ip is missing: apt-get install iproute2."

# As core/links/dns_find.c has them.
FOUR="1.1.1.1 8.8.8.8 9.9.9.9 208.67.222.222 94.140.14.140 4.2.2.2 149.112.121.10 200.221.11.100 86.54.11.100 193.17.47.1
	185.222.222.222 80.67.169.12 101.101.101.101 168.126.63.1 139.130.4.4"
SIX="2606:4700:4700::1111 2001:4860:4860::8888"
ip link set lo up || fail "The network has no loopback."
for address in $FOUR; do ip address add "$address/32" dev lo || fail "$address cannot be had here."; done
HAVE_SIX=1
for address in $SIX 2001:db8::6; do ip -6 address add "$address/128" dev lo nodad 2>/dev/null || HAVE_SIX=""; done
[ -n "$HAVE_SIX" ] || SIX=""

scratch
W=$T/w CONFIG=$T/w/nightferry.yml
export CONFIG NEW_DATABASE_URL=postgres://nobody@127.0.0.1:1/none
mkdir -p "$W/dns/ns1"
printf 'WORLD=%s\nDNS_PORT=53\nRESOLVER_PORT=53\n' "$W" >"$W/ports"
cat >"$W/dns/ns1/acme.example.zone" <<ZONE
\$ORIGIN acme.example.
@        3600 SOA   ns1 hostmaster 1 5 5 3600 15
@        3600 NS    ns1
@        3600 NS    ns2
@        3600 NS    ns3
ns1      3600 A     127.0.0.2
ns2      3600 A     127.0.0.3
ns3      3600 A     127.0.0.4
${HAVE_SIX:+ns3      3600 AAAA  2001:db8::6}
www      20   CNAME acme-production.herokudns.example.
cutover  20   A     127.0.1.2
ZONE
. "$ROOT/demo/dns/common.sh"
at_end '"$ROOT/demo/dns/part" stop "$W" >/dev/null 2>&1'
"$ROOT/demo/dns/part" start "$W" >"$T/dns.log" 2>&1 || fail "The name servers did not start: $(tail "$T/dns.log")"
load_dns "$W"

# The zone above, and a third name server of ours that also has an IPv6 address.
mkdir -p "$T/ns3"
cat >"$T/ns3/example.zone" <<-'ZONE'
	$ORIGIN example.
	@           3600 SOA ns hostmaster 1 30 5 3600 15
	@           3600 NS  ns
	ns          3600 A   127.0.0.4
	acme        3600 NS  ns1.acme
	acme        3600 NS  ns2.acme
	acme        3600 NS  ns3.acme
	ns1.acme    3600 A   127.0.0.2
	ns2.acme    3600 A   127.0.0.3
	ns3.acme    3600 A   127.0.0.4
	herokudns   3600 NS  ns1.acme
ZONE
cat >"$T/ns3.conf" <<-CONF
	server:
	    rundir: "$T/ns3"
	    listen: 127.0.0.4@53
	    ${HAVE_SIX:+listen: 2001:db8::6@53}
	    nsid: "ns3"
	    udp-workers: 1
	    tcp-workers: 1
	    background-workers: 1
	control:
	    listen: "$T/ns3.ctl"
	log:
	  - target: "$T/ns3.log"
	    any: info
	database:
	    storage: "$T/ns3"
	    journal-db-max-size: 16M
	    kasp-db-max-size: 5M
	    timer-db-max-size: 1M
	remote:
	  - id: ns1
	    address: 127.0.0.2@53
	    via: 127.0.0.4
	zone:
	  - domain: example
	    storage: "$T/ns3"
	    file: "example.zone"
	  - domain: acme.example
	    storage: "$T/ns3"
	    file: "acme.zone"
	    master: ns1
CONF
spawn "$T/ns3.pid" "$T/ns3.out" knotd -c "$T/ns3.conf"
at_end 'kill_pidfile "$T/ns3.pid" 3'
serves() { kdig "@$1" +norec +short www.acme.example CNAME | grep -q "$2"; }
eventually 30 serves 127.0.0.4 herokudns || fail "The third name server did not start: $(tail -n 3 "$T/ns3.log")"

cache_start() { # NAME LINES ADDRESS...
	local name=$1 lines=$2
	shift 2
	{
		printf 'server:\n    do-daemonize: no\n    username: ""\n    chroot: ""\n    directory: "%s"\n    pidfile: ""\n    use-syslog: no\n    logfile: ""\n' "$T"
		printf '    num-threads: 1\n    msg-cache-size: 1m\n    rrset-cache-size: 1m\n    do-not-query-localhost: no\n    module-config: "iterator"\n    identity: "%s"\n' "$name"
		printf '    access-control: 0.0.0.0/0 allow_snoop\n    access-control: ::/0 allow_snoop\n%s\n' "$lines"
		printf '    interface: %s\n' "$@"
		printf 'stub-zone:\n    name: "example"\n    stub-addr: 127.0.0.4\n'
	} >"$T/$name.conf"
	spawn "$T/$name.pid" "$T/$name.log" unbound -d -c "$T/$name.conf"
	at_end "kill_pidfile '$T/$name.pid' 3"
}
cat >"$CONFIG" <<-'YAML'
	app: acme
	heroku: {app: acme-production, api: "http://127.0.0.1:1", data: "http://127.0.0.1:1"}
	host: {address: 127.0.1.2}
	database: {url: "env:NEW_DATABASE_URL"}
	dns: {provider: manual, names: [www.acme.example], new_name: cutover.acme.example}
YAML

watch_start() {
	"$NF" watch dns </dev/null >"$T/watch" 2>"$T/watch.err" &
	WATCH=$!
}
watch_stop() {
	kill "$WATCH" 2>/dev/null
	wait "$WATCH" 2>/dev/null
}
at_end watch_stop
cell() { jq -rs --arg s "$1" --arg f "$2" 'map(select(.kind == "dns.cell" and .server == $s)) | last | .[$f] // "none"' "$T/watch"; }
kdig_says() { # ADDRESS [OPTION]
	case $(kdig "@$1" "${2:-+rec}" +timeout=1 +retry=0 www.acme.example A 2>&1) in
	*CNAME*herokudns*) echo OLD ;;
	*CNAME*cutover*) echo NEW ;;
	*) echo SILENT ;;
	esac
}
agree() { # ADDRESS...
	local address said
	for address in "$@"; do
		said=$(kdig_says "$address")
		[ "$said" = "$(cell "$address" state)" ] || { DISAGREE="$address: kdig says $said, the cell $(cell "$address" state) $(cell "$address" why)"; return 1; }
	done
}
primed() { for address in $FOUR $SIX; do [ "$(kdig_says "$address")" = OLD ] || return 1; done; }

# shellcheck disable=SC2086 # a list
cache_start anycast "" $FOUR
# shellcheck disable=SC2086 # a list
[ -z "$SIX" ] || cache_start six "" $SIX
eventually 30 primed || fail "The caches do not answer: $(tail -n 3 "$T/anycast.log")"
watch_start
# shellcheck disable=SC2086 # a list
all_agree() { agree $FOUR $SIX; }
eventually 60 all_agree || fail "Before the flip: $DISAGREE ($(tail -n 2 "$T/watch.err"))"
expect_equal "$(cell 8.8.8.8 label)" Google "a well-known cache's name"
expect_equal "$(cell 9.9.9.9 site)" anycast "what a cache calls itself"
zone_servers() { jq -rs 'map(select(.kind == "dns.cell" and .auth)) | map(.server) | unique | join(" ")' "$T/watch"; }
expect_equal "$(zone_servers)" "127.0.0.2 127.0.0.3 127.0.0.4${HAVE_SIX:+ 2001:db8::6}" "every address of every name server"
"$ROOT/demo/dns/record" "$W" www.acme.example CNAME cutover.acme.example. 20
# Nobody notifies the third one.
knotc -t 5 -s "$T/ns3.ctl" zone-refresh acme.example >/dev/null
eventually 60 all_agree || fail "After the flip: $DISAGREE"
all_new() { for address in $FOUR $SIX ${HAVE_SIX:+2001:db8::6}; do [ "$(cell "$address" state)" = NEW ] || return 1; done; }
eventually 60 all_new || fail "Not NEW: $(jq -c 'select(.kind == "dns.cell") | [.server, .state]' "$T/watch" | tail -n 20)"
expect_match "$("$NF" check interception 2>&1 </dev/null)" 'PASS +Nobody answers for 192.0.2.53' "nobody on the way"
watch_stop
echo "ok  the public caches, from the list as it is, by IPv4${HAVE_SIX:+ and IPv6}"

# ---- no DNS through this network, but HTTPS ----

cd "$T" || exit 1
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout doh.key -out doh.pem -subj '/CN=caches' \
	-addext 'subjectAltName=IP:1.1.1.1,IP:8.8.8.8,IP:9.9.9.9' 2>/dev/null
export SSL_CERT_FILE=$T/doh.pem
for name in anycast six; do [ ! -e "$T/$name.pid" ] || kill_pidfile "$T/$name.pid" 3; done
cache_start doh "    https-port: 443
    tls-service-key: \"$T/doh.key\"
    tls-service-pem: \"$T/doh.pem\"" 1.1.1.1@443 8.8.8.8@443
by_https() { kdig "@1.1.1.1" +https +tls-ca="$T/doh.pem" +short www.acme.example A | grep -q cutover; }
if ! unbound -V | grep -q nghttp2 || ! kdig --help | grep -q https; then
	echo "skipped: unbound or kdig cannot speak DNS by HTTPS here"
	exit 0
fi
eventually 30 by_https || fail "The cache does not answer by HTTPS: $(tail -n 3 "$T/doh.log")"
note() { grep -o '"text":"[^"]*by HTTPS[^"]*"' "$T/watch" | tail -n 1; }
https_new() { [ "$(cell https://1.1.1.1/dns-query state)" = NEW ] && [ "$(cell https://8.8.8.8/dns-query state)" = NEW ] && [ -n "$(note)" ]; }
watch_start
eventually 60 https_new || fail "By HTTPS: $(tail -n 4 "$T/watch") $(cat "$T/watch.err")"
expect_match "$(note)" 'No cache answers by DNS from this network' "what the watch says"
expect_equal "$(cell https://9.9.9.9/dns-query state)" SILENT "one that does not answer by HTTPS either"
ttl=$(cell https://1.1.1.1/dns-query ttl_s)
[ "$ttl" -ge 0 ] && [ "$ttl" -le 20 ] || fail "The TTL by HTTPS is $ttl."
watch_stop
echo "ok  where no DNS goes through, by HTTPS"

# ---- a box on the way that answers everything itself ----

ip address add 192.0.2.53/32 dev lo
# shellcheck disable=SC2086 # a list
cache_start box "    local-zone: \"www.acme.example.\" redirect
    local-data: \"www.acme.example. 60 A 203.0.113.66\"" 192.0.2.53 $FOUR
answers() { [ "$(kdig @192.0.2.53 +short www.acme.example A)" = 203.0.113.66 ]; }
eventually 30 answers || fail "The box does not answer: $(tail -n 3 "$T/box.log")"
expect_match "$("$NF" check interception 2>&1 </dev/null)" 'WARN +192.0.2.53, where nobody is, answered' "the check"
watch_start
eventually 60 https_new || fail "With a box on the way: $(tail -n 4 "$T/watch") $(cat "$T/watch.err")"
expect_match "$(note)" 'answers DNS in the name of others' "what the watch says"
expect_equal "$(jq -rs 'map(select(.kind == "dns.cell" and .value == "203.0.113.66")) | length' "$T/watch")" 0 "answers of the box that were believed"
echo "ok  where a box answers in the name of others, by HTTPS"
