#!/bin/bash
# Real caches of every manner, asked by the watch and by kdig: each cell is what kdig says, before the flip, right after
# it, and when the old answers have died; those that keep answers too long, refuse or stay silent are named. Looking
# before the flip leaves nothing in a cache. An IPv6 address that stays behind is seen.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"

# NAME:ADDRESS:MANNER
CACHES="honest:127.0.0.41:honest cap:127.0.0.42:cap floor:127.0.0.43:floor forward:127.0.0.44:forward
	prefetch:127.0.0.45:prefetch refuses:127.0.0.46:refuse drops:127.0.0.47:deny bogus:127.0.0.48:bogus v6:::1:honest
	stale:127.0.0.49:stale lagged:127.0.0.55:second"
# Not of one answer: nobody asks `cold`, `pool` is two caches behind one address, and `behind` is what `stale` asks.
OTHERS="behind:127.0.0.50:honest pool-a:127.0.0.51:honest pool-b:127.0.0.52:honest pool:127.0.0.53:pool cold:127.0.0.54:honest"

unbound_conf() { # NAME ADDRESS MANNER
	local access=allow_snoop modules=iterator
	case $3 in refuse | deny) access=$3 ;; bogus) modules="validator iterator" ;; esac
	cat <<-CONF
		server:
		    interface: $2@$RESOLVER_PORT
		    port: $RESOLVER_PORT
		    do-daemonize: no
		    username: ""
		    chroot: ""
		    directory: "$T"
		    pidfile: ""
		    use-syslog: no
		    logfile: ""
		    verbosity: 0
		    num-threads: 1
		    msg-cache-size: 1m
		    rrset-cache-size: 1m
		    outgoing-range: 64
		    do-not-query-localhost: no
		    module-config: "$modules"
		    minimal-responses: no
		    ede: yes
		    access-control: 0.0.0.0/0 $access
		    access-control: 127.0.0.0/8 $access
		    access-control: ::/0 $access
		    access-control: ::1 $access
	CONF
	case $3 in
	stale) printf '    serve-expired: yes\n' ;;
	cap) echo "    cache-max-ttl: 8" ;;
	floor) echo "    cache-min-ttl: 45" ;;
	prefetch) echo "    prefetch: yes" ;;
	bogus) echo "    trust-anchor: \"acme.example. DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000001\"" ;;
	esac
	printf 'remote-control:\n    control-enable: yes\n    control-use-cert: no\n    control-interface: "%s/%s.ctl"\n' "$T" "$1"
	case $3 in
	forward) forward_zone "" 127.0.0.41 ;;
	stale) forward_zone "" 127.0.0.50 ;;
	pool) forward_zone "    forward-no-cache: yes" 127.0.0.51 127.0.0.52 ;;
	second) stub_zones 127.0.0.3 ;;
	*) stub_zones 127.0.0.2 127.0.0.3 ;;
	esac
}
forward_zone() { # LINE ADDRESS...
	printf 'forward-zone:\n    name: "."\n%s\n' "$1"
	shift
	printf "    forward-addr: %s@$RESOLVER_PORT\n" "$@"
}
stub_zones() { # ADDRESS...
	for zone in acme.example herokudns.example; do
		printf 'stub-zone:\n    name: "%s"\n' $zone
		printf "    stub-addr: %s@$DNS_PORT\n" "$@"
	done
}
cache_ctl() { # NAME ARGS...
	local name=$1
	shift
	unbound-control -c "$T/$name.conf" "$@"
}

each_of() { # LIST FUNCTION: with NAME ADDRESS MANNER
	local one rest
	for one in $1; do
		rest=${one#*:}
		"$2" "${one%%:*}" "${rest%:*}" "${rest##*:}" || return 1
	done
}
each_cache() { each_of "$CACHES" "$1"; }
cache_start() {
	unbound_conf "$@" >"$T/$1.conf"
	spawn "$T/$1.pid" "$T/$1.log" unbound -d -c "$T/$1.conf"
	at_end "kill_pidfile '$T/$1.pid' 3"
}
server_of() { case $1 in *:*) printf '[%s]#%s' "$1" "$RESOLVER_PORT" ;; *) printf '%s#%s' "$1" "$RESOLVER_PORT" ;; esac; }
add_server() { LIST+=", \"$(server_of "$2")\""; }

kdig_says() { # ADDRESS: OLD NEW FAIL REFUSED SILENT
	local out
	out=$(kdig "@$1" -p "$RESOLVER_PORT" +timeout=1 +retry=0 www.acme.example A 2>&1)
	case $out in
	*"status: SERVFAIL"*) echo FAIL ;;
	*"status: REFUSED"*) echo REFUSED ;;
	*"status: NXDOMAIN"*) echo NEG ;;
	*"CNAME"*herokudns*) echo OLD ;;
	*"CNAME"*cutover*) echo NEW ;;
	*) echo SILENT ;;
	esac
}
cell() { # ADDRESS PATH [NAME]: of the newest cell
	jq -rs --arg s "$(server_of "$1")" --arg f "$2" --arg n "${3:-www.acme.example}" \
		'map(select(.kind == "dns.cell" and .server == $s and .name == $n)) | last | getpath($f / ".") // "none"' "$T/watch"
}
plan() { jq -s --arg f "$1" 'map(select(.kind == "dns.plan")) | last | .[$f]' "$T/watch"; }
agrees() { # NAME ADDRESS MANNER
	local said state
	said=$(kdig_says "$2") state=$(cell "$2" state)
	case $state in FLOOR | STALE | RELEARNED | MIXED) state=OLD ;; esac
	[ "$said" = "$state" ] || { DISAGREE="$1: kdig says $said, the cell $(cell "$2" state) ($(cell "$2" why))"; return 1; }
}
all_agree() { each_cache agrees; }
expect_agreement() { eventually 60 all_agree || fail "$1: $DISAGREE"; echo "ok  $1: every cell is what kdig says"; }
is() { [ "$(cell "$1" "${3:-state}" "${4:-}")" = "$2" ]; }
expect_state() { # ADDRESS STATE [PATH [NAME]]
	eventually 60 is "$@" || fail "$1 is $(cell "$1" "${3:-state}" "${4:-}") instead of $2 ($(cell "$1" why "${4:-}")); kdig says $(kdig_says "$1")"
}
holds() { cache_ctl "$1" dump_cache | grep -v '^;' | grep -c "$2"; } # CACHE REGEX
primed() { # NAME ADDRESS MANNER: as visitors have asked it
	case $3 in refuse | deny | bogus) true ;; *) [ "$(kdig_says "$2")" = OLD ] ;; esac
}
old_alive() { kdig "@$1" -p "$RESOLVER_PORT" +short "$2" "${3:-A}" | grep -q "$4"; } # ADDRESS NAME TYPE VALUE

dns_world manual
. "$ROOT/demo/dns/common.sh"
load_dns "$W"
zone() { # VERB ARGS...: one change in the running zone
	local verb=$1
	shift
	knotc_on ns1 zone-begin acme.example >/dev/null && knotc_on ns1 "zone-$verb" acme.example "$@" >/dev/null &&
		knotc_on ns1 zone-commit acme.example >/dev/null || fail "The zone does not take $verb $*."
}
# The new host has IPv6; six is a name of addresses, of both families, on the old one.
zone set cutover.acme.example. 20 AAAA 2001:db8::2
zone set six.acme.example. 20 A 127.0.1.1
zone set six.acme.example. 20 AAAA 2001:db8::1
"$ROOT/demo/dns/record" "$W" api.acme.example CNAME acme-production.herokudns.example. 60
each_of "$CACHES $OTHERS" cache_start
LIST="\"127.0.0.40#$RESOLVER_PORT\""
each_cache add_server
add_server pool 127.0.0.53
add_server cold 127.0.0.54
sed -i -e "s/^  resolvers:.*/  resolvers: [$LIST]/" -e 's/names: \[.*/names: [www.acme.example, api.acme.example, six.acme.example]/' "$CONFIG"
eventually 60 each_cache primed || fail "A cache does not answer OLD: $(each_of "$CACHES" kdig_says)"
eventually 20 cache_ctl cold status || fail "The cache nobody asks does not run: $(cat "$T/cold.log")"
eventually 20 old_alive 127.0.0.41 six.acme.example AAAA 2001:db8::1 || fail "six has no IPv6 address."

# By hand the watch prints its events; it is told to look again by its own clock only.
"$NF" watch dns </dev/null >"$T/watch" 2>"$T/watch.err" &
WATCH=$!
at_end 'kill $WATCH 2>/dev/null; wait $WATCH 2>/dev/null'

expect_agreement "before the flip"
expect_state 127.0.0.40 SILENT
expect_match "$(cell 127.0.0.40 why)" 'nobody listens there' "a server that is not there"
expect_state 127.0.0.46 REFUSED
expect_state 127.0.0.47 SILENT
expect_state 127.0.0.48 FAIL
expect_match "$(cell 127.0.0.48 why)" 'SERVFAIL, reason (6|9|10) ' "why a validating cache fails"
expect_state ::1 OLD
expect_state 127.0.0.54 COLD
expect_equal "$(cell 127.0.0.41 site)" "$(kdig @127.0.0.41 -p "$RESOLVER_PORT" +short id.server CH TXT | tr -d '"')" "what a cache calls itself"
expect_equal "$(jq -rs 'map(select(.kind == "dns.cell" and .auth)) | map(.site) | unique | join(" ")' "$T/watch")" "ns1 ns2" "NSID of the name servers"

# Looking has left nothing in a cache that nobody asks: neither the watch, nor a check, nor a plan.
"$NF" check ttl >/dev/null 2>&1 </dev/null
"$NF" step wait-propagation --plan >/dev/null 2>&1 </dev/null
expect_equal "$(holds cold '^\(www\|api\|six\)\.acme\.example')" 0 "answers that looking has left in a cache"
[ "$(holds honest '^www\.acme\.example')" -gt 0 ] || fail "What visitors have left in a cache is not in its dump either."
echo "ok  looking before the flip fills no cache"

# The check that stands before the night names the same cache.
expect_match "$("$NF" check dnssec 2>&1)" 'FAIL +127.0.0.48 does not accept acme.example: SERVFAIL, reason (6|9|10) ' "the check dnssec"

# What `stale` asks is gone, so it will serve what has run out. pool-a has the old answer for its whole minute, floor for
# 45 s, whatever its TTL.
kill_pidfile "$T/behind.pid" 3
cache_ctl floor flush www.acme.example >/dev/null
eventually 20 old_alive 127.0.0.43 www.acme.example A herokudns || fail "floor does not have the old answer."
cache_ctl pool-a flush api.acme.example >/dev/null
eventually 20 old_alive 127.0.0.51 api.acme.example A herokudns || fail "pool-a does not have the old answer."

# The second name server lags: it goes on telling the old answer, and that is no end of the flip.
"$ROOT/demo/dns/lag" "$W" on
for name in www api; do "$ROOT/demo/dns/record" "$W" $name.acme.example CNAME cutover.acme.example. 20; done
"$ROOT/demo/dns/record" "$W" six.acme.example A 127.0.1.2 20
lagging() { jq -es 'map(select(.kind == "dns.cell" and .name == "www.acme.example" and .auth)) | group_by(.server) | map(last.state) | sort == ["LAGGING", "NEW"]' "$T/watch"; }
eventually 60 lagging || fail "No name server lags: $(jq -c 'select(.auth)' "$T/watch" | tail -n 3)"
expect_equal "$(plan old_die_ms)" 0 "the end of the old answers while a server lags"
expect_state 127.0.0.43 FLOOR
expect_equal "$(kdig_says 127.0.0.43)" OLD "what kdig says of floor"
relearned() {
	cache_ctl lagged flush www.acme.example >/dev/null
	kdig_says 127.0.0.55 >/dev/null
	is 127.0.0.55 RELEARNED
}
eventually 60 relearned || fail "lagged is $(cell 127.0.0.55 state): $(cell 127.0.0.55 why)"
echo "ok  a secondary that lags, and a cache that learns the old answer again from it"
"$ROOT/demo/dns/lag" "$W" off
eventually 30 old_alive 127.0.0.3 www.acme.example A 127.0.1.2 2>/dev/null
cache_ctl pool-b flush_zone acme.example >/dev/null
expect_agreement "after the flip"
for cache in 127.0.0.41 127.0.0.42 127.0.0.44 127.0.0.45 127.0.0.55 ::1; do expect_state $cache NEW; done
expect_state 127.0.0.54 NEW
expect_equal "$(holds cold herokudns)" 0 "old answers in a cache that was first asked after the flip"
mixed() { jq -es --arg s "$(server_of 127.0.0.53)" 'any(.[]; .kind == "dns.cell" and .server == $s and .name == "api.acme.example" and .state == "MIXED")' "$T/watch"; }
eventually 60 mixed || fail "Two caches behind one address are not seen: $(jq -c --arg s "$(server_of 127.0.0.53)" 'select(.server == $s) | [.name, .state, .ttl_s]' "$T/watch" | tail -n 12)"
expect_state 127.0.0.49 STALE
expect_match "$(cell 127.0.0.49 why)" 'has run out' "a cache that serves what has run out"
expect_agreement "when honest caches have followed"

# six moved, its IPv6 address did not: NEW and OLD at once, and no end of the old answers.
expect_state 127.0.0.42 NEW state six.acme.example
behind() { # a visitor with IPv6
	old_alive 127.0.0.42 six.acme.example AAAA 2001:db8::1 && is 127.0.0.42 OLD six.state six.acme.example
}
eventually 60 behind || fail "six's IPv6 address is $(cell 127.0.0.42 six.state six.acme.example) at 127.0.0.42."
expect_equal "$(jq -rs 'map(select(.kind == "dns.cell" and .name == "six.acme.example" and .auth)) | group_by(.server) | map(last | .state + " " + .six.state) | join("|")' "$T/watch")" \
	"NEW OLD|NEW OLD" "what the name servers say"
expect_equal "$(kdig @127.0.0.42 -p "$RESOLVER_PORT" +short six.acme.example AAAA)" 2001:db8::1 "kdig's IPv6 address"
expect_equal "$(plan old_die_ms)" 0 "the end of the old answers while an IPv6 address stays behind"
"$ROOT/demo/dns/record" "$W" six.acme.example AAAA 2001:db8::2 20
expect_state 127.0.0.42 NEW six.state six.acme.example
ends() { [ "$(plan old_die_ms)" -gt 0 ]; }
eventually 30 ends || fail "The end of the old answers is not told."
echo "ok  an IPv6 address that stays behind"

# Delete and create: who asks in between keeps the "no" for the zone's negative TTL.
zone unset www.acme.example. CNAME
negative() { [ "$(kdig_says 127.0.0.42)" = NEG ] && is 127.0.0.42 NEG; }
eventually 60 negative || fail "127.0.0.42 is $(cell 127.0.0.42 state) while kdig says $(kdig_says 127.0.0.42)."
[ "$(cell 127.0.0.42 ttl_s)" -le 15 ] || fail "The negative answer's TTL is $(cell 127.0.0.42 ttl_s), more than the zone's 15."
"$ROOT/demo/dns/record" "$W" www.acme.example CNAME cutover.acme.example. 20
expect_state 127.0.0.42 NEW
echo "ok  a gap, and the negative answers it leaves"

# More addresses than 512 bytes hold come by EDNS, more than EDNS' 1232 by TCP; kdig sees the same.
kill $WATCH
wait $WATCH 2>/dev/null
for ((i = 1; i <= 90; i++)); do
	[ $i -gt 40 ] || echo "zone-set acme.example some.acme.example. 20 A 127.0.2.$i"
	echo "zone-set acme.example many.acme.example. 20 A 127.0.3.$i"
done >"$T/large"
knotc_on ns1 zone-begin acme.example >/dev/null
while read -r -a line; do knotc_on ns1 "${line[@]}" >/dev/null || fail "The zone does not take ${line[*]}."; done <"$T/large"
knotc_on ns1 zone-commit acme.example >/dev/null
large() { kdig "@127.0.0.$1" -p "$DNS_PORT" +norec +bufsize=1232 many.acme.example A | grep -c '127\.0\.3\.' | grep -qx 90; }
for i in 2 3; do eventually 30 large $i || fail "127.0.0.$i does not have the large set."; done
expect_match "$(kdig @127.0.0.2 -p "$DNS_PORT" +norec +noedns +ignore some.acme.example A)" ' tc' "kdig without EDNS"
expect_match "$(kdig @127.0.0.2 -p "$DNS_PORT" +norec +bufsize=1232 some.acme.example A)" '\(UDP\)' "kdig with EDNS"
expect_match "$(kdig @127.0.0.2 -p "$DNS_PORT" +norec +bufsize=1232 many.acme.example A)" '\(TCP\)' "kdig and the larger set"
sed -i 's/names: \[.*/names: [some.acme.example, many.acme.example]/' "$CONFIG"
"$NF" watch dns </dev/null >"$T/watch" 2>"$T/watch.err" &
WATCH=$!
how() { jq -rs --arg n "$1" 'map(select(.kind == "dns.cell" and .name == $n and .auth)) | map("\(.state) \(.why)") | unique | join("|")' "$T/watch"; }
told() { [ -n "$(how many.acme.example)" ] && [ -n "$(how some.acme.example)" ]; }
eventually 30 told || fail "The watch says nothing: $(cat "$T/watch.err")"
expect_equal "$(how some.acme.example)" "OLD " "forty addresses"
expect_equal "$(how many.acme.example)" "OLD answered by TCP" "ninety addresses"
echo "ok  large answers by EDNS and by TCP"
