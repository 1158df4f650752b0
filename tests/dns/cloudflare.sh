#!/bin/bash
# Cloudflare: point, back, TTL, and everything that can happen to a change.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/tests/dns/providers.part"

dns_world cloudflare CLOUDFLARE_TTL_LEAST=15
point_and_back
ttl_and_back
late_secondary
lost_but_made PATCH /client/v4/zones
lost_and_not_made PATCH /client/v4/zones
refused "no right to change" '{"method": "PATCH", "status": 403, "times": 0, "body": {"success": false, "errors": [{"code": 10000, "message": "Authentication error"}], "result": null}}' \
	'the token is not accepted for this \(HTTP 403, error 10000 Authentication error\); nothing was changed'
refused "a conflict" '{"method": "PATCH", "status": 400, "times": 0, "body": {"success": false, "errors": [{"code": 81053, "message": "exists already"}], "result": null}}' \
	'the request was refused \(HTTP 400, error 81053 exists already\)'
refused "five minutes of silence" '{"method": "GET", "status": 429, "times": 0, "headers": {"Retry-After": "300"}, "body": {"success": false, "errors": [{"code": 971, "message": "wait"}]}}' \
	'too many requests with this account \(HTTP 429\), and for 300 s every one is refused; nothing was changed'
refused "a silence longer than any clock" '{"method": "GET", "status": 429, "times": 0, "headers": {"Retry-After": "9223372036854775807"}, "body": {"success": false}}' \
	'for 86400 s every one is refused; nothing was changed'
refused "a yes that nobody can read" '{"method": "PATCH", "status": 200, "times": 0, "body": "<html>Welcome</html>"}' \
	'got lost, and the record is not as it shall be \(cloudflare: HTTP 200 with an answer that is no JSON'
half_way PATCH /client/v4/zones 400 '{"success": false, "errors": [{"code": 1004, "message": "DNS Validation Error", "error_chain": [{"code": 9021, "message": "Invalid TTL"}]}]}'
bad_login CLOUDFLARE_API_TOKEN 'the token is not accepted for this'
no_login CLOUDFLARE_API_TOKEN 'there is no CLOUDFLARE_API_TOKEN'
other_zone 'no zone of .* is shown to this token'

# Looked at by a plan alone, for nothing may come of it.
plan_says() { # REGEX
	OUTPUT=$("$NF" step dns-point --with to=new --plan 2>&1)
	expect_match "$OUTPUT" "$1" "$PROVIDER, $NAME"
	trial_end
}
trial "a list that holds another zone"
api_rule '{"method": "GET", "path": "/client/v4/zones", "status": 200, "times": 0, "body": {"success": true, "result": [{"id": "023e105f4ecef8ad9ca31a8372d0c353", "name": "else.example", "status": "active"}]}}'
plan_says 'no zone of acme.example is shown to this token'
records() { # JQ: the records of every look, at one name
	sed -i 's/\[www.acme.example, api.acme.example\]/[www.acme.example]/' "$CONFIG"
	api_rule "$(jq -n "{method: \"GET\", path: \"/client/v4/zones/\", status: 200, times: 0, body: {success: true, result: [$1]}}")"
}
trial "thirty TXT records beside the one that leads"
records '(range(30) | {id: "t\(.)", name: "www.acme.example", type: "TXT", content: "x", ttl: 60}), {id: "c", name: "www.acme.example", type: "CNAME", content: "last.herokudns.example", ttl: 60}'
plan_says 'www.acme.example +last.herokudns.example'
trial "thirty addresses"
records 'range(30) | {id: "a\(.)", name: "www.acme.example", type: "A", content: "192.0.2.\(.)", ttl: 60}'
plan_says 'www.acme.example has more records than are looked at here .24, and more.; nothing was changed'
trial "more records than were given"
api_rule '{"method": "GET", "path": "/client/v4/zones/", "status": 200, "times": 0, "body": {"success": true, "result": [], "result_info": {"total_count": 7}}}'
plan_says 'more records than are looked at here'
trial "wrong kinds of values everywhere"
records '{id: 7, name: ["www.acme.example"], type: {}, content: 5, ttl: "x"}, null, 3, "www"'
plan_says 'REFUSED +www.acme.example has no record in the zone'
trial "a name of another zone, as long as one of this"
sed -i 's/\[www.acme.example, api.acme.example\]/[www.acme.example, www.abcd.example]/' "$CONFIG"
plan_says 'REFUSED +www.abcd.example is not in the zone acme.example'

# Between the plan and the change: what nobody has approved is not changed.
ONCE=$ROOT/build/tests/unit/step_once
[ -z "${SAN:-}" ] || ONCE=$ROOT/build-san/tests/unit/step_once
trial "a record more than the plan saw, and one less"
"$ROOT/demo/dns/record" "$W" www.acme.example A 127.0.1.1 20 || fail "no address"
"$ROOT/demo/dns/record" "$W" cutover.acme.example AAAA ::1 20 || fail "no IPv6 address of the new host"
new_six() { [ "$(kdig @127.0.0.11 -p "$RESOLVER_PORT" +short cutover.acme.example AAAA)" = ::1 ]; }
eventually 40 new_six || fail "The cache does not follow for cutover's IPv6 address."
jq -c 'select(.kind == "night.opened") | .config' "$T"/state.1/*/*/journal.jsonl | head -n 1 >"$T/config"
once() { # VERB
	: >"$T/facts"
	timeout 60 "$ONCE" "$T/config" "$T/facts" dns-point "$1" '{"to": "new"}' >"$T/once" 2>&1
}
once plan || fail "no plan: $(tail -n 1 "$T/once")"
PLAN=$(jq -c 'select(.t == "end") | .plan' "$T/once")
export PLAN
expect_match "$PLAN" '"www.acme.example":"A 127.0.1.1 TTL 20"' "what the plan saw"
"$ROOT/demo/dns/record" "$W" www.acme.example AAAA ::2 20 || fail "no IPv6 address"
! once run || fail "A record that the plan did not see was changed."
expect_match "$(tail -n 1 "$T/once")" 'the plan saw www.acme.example AAAA at not there and now it is AAAA ::2 TTL 20; nothing was changed' "$NAME"
expect_equal "$(zone_line www.acme.example A)" "www.acme.example. 20 IN A 127.0.1.1" "www, untouched"
once plan || fail "no plan: $(tail -n 1 "$T/once")"
PLAN=$(jq -c 'select(.t == "end") | .plan' "$T/once")
put_back
! once run || fail "The plan saw a record that is gone, and went on."
expect_match "$(tail -n 1 "$T/once")" 'nothing was changed, look at the new plan' "$NAME"
unset PLAN
trial_end
many_names dns_records 2
no_secret_told
