#!/bin/bash
# Real caches of every manner, asked by the watch and by kdig: each cell is what kdig says, before the flip, right after
# it, and when the old answers have died; those that keep answers too long, refuse or stay silent are named.
# timeout: 300
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"

# NAME:ADDRESS:MANNER
CACHES="honest:127.0.0.41:honest cap:127.0.0.42:cap floor:127.0.0.43:floor forward:127.0.0.44:forward
	prefetch:127.0.0.45:prefetch refuses:127.0.0.46:refuse drops:127.0.0.47:deny bogus:127.0.0.48:bogus v6:::1:honest"

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
	cap) echo "    cache-max-ttl: 8" ;;
	floor) echo "    cache-min-ttl: 45" ;;
	prefetch) echo "    prefetch: yes" ;;
	bogus) echo "    trust-anchor: \"acme.example. DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000001\"" ;;
	esac
	if [ "$3" = forward ]; then
		printf 'forward-zone:\n    name: "."\n    forward-addr: 127.0.0.41@%s\n' "$RESOLVER_PORT"
	else
		for zone in acme.example herokudns.example; do
			printf 'stub-zone:\n    name: "%s"\n    stub-addr: 127.0.0.2@%s\n    stub-addr: 127.0.0.3@%s\n' $zone "$DNS_PORT" "$DNS_PORT"
		done
	fi
}

each_cache() { # FUNCTION: with NAME ADDRESS MANNER
	local one rest
	for one in $CACHES; do
		rest=${one#*:}
		"$1" "${one%%:*}" "${rest%:*}" "${rest##*:}" || return 1
	done
}
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
	*"CNAME"*herokudns*) echo OLD ;;
	*"CNAME"*cutover*) echo NEW ;;
	*) echo SILENT ;;
	esac
}
cell() { # ADDRESS FIELD: of the newest cell
	jq -rs --arg s "$(server_of "$1")" --arg f "$2" 'map(select(.kind == "dns.cell" and .server == $s and .name == "www.acme.example")) | last | .[$f] // "none"' "$T/watch"
}
agrees() { # NAME ADDRESS MANNER
	local said state
	said=$(kdig_says "$2") state=$(cell "$2" state)
	case $state in FLOOR | STALE | RELEARNED | MIXED) state=OLD ;; esac
	[ "$said" = "$state" ] || { DISAGREE="$1: kdig says $said, the cell $(cell "$2" state) ($(cell "$2" why))"; return 1; }
}
all_agree() { each_cache agrees; }
expect_agreement() { eventually 40 all_agree || fail "$1: $DISAGREE"; echo "ok  $1: every cell is what kdig says"; }
is() { [ "$(cell "$1" state)" = "$2" ]; }
expect_state() { eventually 40 is "$1" "$2" || fail "$1 is $(cell "$1" state) instead of $2 ($(cell "$1" why)); kdig says $(kdig_says "$1")"; }

dns_world manual
each_cache cache_start
LIST="\"127.0.0.40#$RESOLVER_PORT\""
each_cache add_server
sed -i "s/^  resolvers:.*/  resolvers: [$LIST]/" "$CONFIG"
for zone in 127.0.0.41 127.0.0.43; do eventually 20 test "$(kdig_says $zone)" = OLD || fail "$zone does not answer."; done

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

# The check that stands before the night names the same cache.
expect_match "$("$NF" check dnssec 2>&1)" 'FAIL +127.0.0.48 does not accept acme.example: SERVFAIL, reason (6|9|10) ' "the check dnssec"

# The second name server lags: it goes on telling the old answer, and that is no end of the flip.
"$ROOT/demo/dns/lag" "$W" on
for name in www api; do "$ROOT/demo/dns/record" "$W" $name.acme.example CNAME cutover.acme.example. 20; done
lagging() { jq -es 'map(select(.kind == "dns.cell" and .name == "www.acme.example" and .auth)) | group_by(.server) | map(last.state) | sort == ["LAGGING", "NEW"]' "$T/watch"; }
eventually 30 lagging || fail "No name server lags: $(jq -c 'select(.auth)' "$T/watch" | tail -n 3)"
[ "$(jq -s 'map(select(.kind == "dns.plan")) | last | .old_die_ms' "$T/watch")" = 0 ] || fail "The end of the old answers is told while a server lags."
echo "ok  a secondary that lags"
"$ROOT/demo/dns/lag" "$W" off
expect_agreement "after the flip"
# floor has had the old answer for 45 s at least, whatever its TTL.
expect_state 127.0.0.43 FLOOR
for cache in 127.0.0.41 127.0.0.42 127.0.0.44 127.0.0.45 ::1; do expect_state $cache NEW; done
ends() { [ "$(jq -s 'map(select(.kind == "dns.plan")) | last | .old_die_ms > 0' "$T/watch")" = true ]; }
eventually 30 ends || fail "The end of the old answers is not told."
expect_agreement "when honest caches have followed"

# Delete and create: who asks in between keeps the "no" for the zone's negative TTL.
. "$ROOT/demo/dns/common.sh"
load_dns "$W"
knotc_on ns1 zone-begin acme.example >/dev/null && knotc_on ns1 zone-unset acme.example www.acme.example. CNAME >/dev/null && knotc_on ns1 zone-commit acme.example >/dev/null
negative() { kdig @127.0.0.42 -p "$RESOLVER_PORT" www.acme.example A | grep -q NXDOMAIN; }
eventually 30 negative || fail "The cache never learned that there is no such name."
expect_state 127.0.0.42 NEG
[ "$(cell 127.0.0.42 ttl_s)" -le 15 ] || fail "The negative answer's TTL is $(cell 127.0.0.42 ttl_s), more than the zone's 15."
"$ROOT/demo/dns/record" "$W" www.acme.example CNAME cutover.acme.example. 20
expect_state 127.0.0.42 NEW
echo "ok  a gap, and the negative answers it leaves"
