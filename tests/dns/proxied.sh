#!/bin/bash
# Names behind Cloudflare's proxy: DNS never shows where they lead, so the new side's mark does, through a real proxy that
# goes where the record leads. There, back when the new side is dead, and every field of the record as it was.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/tests/dns/providers.part"

dns_world cloudflare CLOUDFLARE_TTL_LEAST=15 EDGE=127.0.1.9

side() { # NAME ADDRESS HEADER: a web server that tells which side it is
	printf 'HTTP/1.0 200 OK\r\n%s\r\n\r\nI am %s.\n' "$3" "$1" >"$T/$1.answer"
	spawn "$T/$1.pid" "$T/$1.log" socat "TCP-LISTEN:$HTTP_PORT,bind=$2,reuseaddr,fork" "SYSTEM:read line; sleep 0.05; cat $T/$1.answer"
	at_end "kill_pidfile '$T/$1.pid' 2"
	eventually 20 bash -c "exec 3<>/dev/tcp/$2/$HTTP_PORT" || fail "No server on $2: $(cat "$T/$1.log")"
}
side old 127.0.1.1 'Via: 1.1 heroku-router'
side new 127.0.1.2 'X-Served-By: kamal'
cf() { curl -sS -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" -H 'Content-Type: application/json' "$@"; }
record() { # NAME: its record, without what tells when it was changed
	cf "$API/zones/$ZONE/dns_records?name=$1" | jq -cS '.result[0] | del(.modified_on)'
}
ZONE=$(cf "$API/zones" | jq -r '.result[0].id')
ID=$(record www.acme.example | jq -r .id)
cf -X PATCH -d '{"proxied": true, "comment": "ours"}' "$API/zones/$ZONE/dns_records/$ID" | jq -e .success >/dev/null || fail "The name could not be proxied."
WAS=$(record www.acme.example)
expect_match "$WAS" '"proxied":true' "the record"
told() { [ "$(zone_line www.acme.example A)" = "www.acme.example. 300 IN A 127.0.1.9" ]; }
eventually 20 told || fail "The name server tells $(zone_line www.acme.example A)."
through() { curl -sS --connect-to "::127.0.1.9:$HTTP_PORT" "http://www.acme.example/"; }
expect_equal "$(through)" "I am old." "what visitors get"

plan_says() { # NAME REGEX
	trial "$1"
	OUTPUT=$("$NF" step dns-point --with to=new --plan 2>&1)
	expect_match "$OUTPUT" "$2" "$NAME"
	expect_same_zone
	trial_end
}
plan_says "a proxied name that nobody has named" 'REFUSED +www.acme.example goes through Cloudflare.s proxy, .* write it into dns.proxied'
sed -i 's/^  new_name:/  proxied: [www.acme.example, api.acme.example]\n&/' "$CONFIG"
plan_says "a name that is named, and not proxied" 'REFUSED +dns.proxied names api.acme.example, which does not go through'
sed -i 's/^  proxied:.*/  proxied: [www.acme.example]/' "$CONFIG"
plan_says "no mark" 'REFUSED +www.acme.example goes through a proxy, .* write it as web.marker'
sed -i 's/scheme: http}/scheme: http, marker: "X-Served-By: nobody"}/' "$CONFIG"
plan_says "a mark that nobody has" 'REFUSED +web.marker .* does not tell the sides apart: the new side does not have it'
sed -i 's/marker: "[^"]*"/marker: "Content-Type"/' "$CONFIG"
printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nI am old.\n' >"$T/old.answer"
plan_says "a mark that both have" 'REFUSED +web.marker .* does not tell the sides apart: the old side has it, too'
sed -i 's/marker: "[^"]*"/marker: "X-Served-By: kamal"/' "$CONFIG"

trial "there, and back from a new side that is dead"
spawn "$T/watch.pid" "$T/watch" "$NF" watch dns
at_end 'kill_pidfile "$T/watch.pid" 2'
cell() { grep -h '^{' "$T/watch" | jq -es --arg state "$1" 'map(select(.kind == "dns.cell" and .server == "proxy")) | last | .name == "www.acme.example" and .state == $state'; }
eventually 60 cell OLD || fail "The watch does not see where the proxy leads: $(tail -n 3 "$T/watch")"
night --until point >"$T/out" 2>&1 || fail "proxied: point: $(tail -n 5 "$T/out") $(text_of point)"
expect_end point done 'PASS www.acme.example is answered by NEW through the proxy, 5 of 5 times \(200, site NFY\)'
expect_match "$(text_of point)" 'PASS All 2 name servers answer NEW for 1 name' "the name beside it"
expect_equal "$(through)" "I am new." "what visitors get"
eventually 60 cell NEW || fail "The watch does not see that the proxy leads to NEW: $(tail -n 3 "$T/watch")"
told || fail "What the name server tells has changed: $(zone_line www.acme.example A)"
expect_equal "$(record www.acme.example)" "${WAS/acme-production.herokudns.example/cutover.acme.example}" "the record, but its target"
kill_pidfile "$T/new.pid" 2
expect_match "$(through)" 'error code: 521' "what visitors get of a dead side"
back >"$T/out" 2>&1
expect_same_zone
expect_equal "$(record www.acme.example)" "$WAS" "the record, every field of it"
expect_equal "$(through)" "I am old." "what visitors get"
expect_end back done 'PASS www.acme.example is answered by OLD through the proxy, 5 of 5 times'
trial_end
no_secret_told
