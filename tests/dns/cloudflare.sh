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
half_way PATCH /client/v4/zones 400 '{"success": false, "errors": [{"code": 1004, "message": "DNS Validation Error", "error_chain": [{"code": 9021, "message": "Invalid TTL"}]}]}'
bad_login CLOUDFLARE_API_TOKEN 'the token is not accepted for this'
no_login CLOUDFLARE_API_TOKEN 'there is no CLOUDFLARE_API_TOKEN'
other_zone 'no zone of .* is shown to this token'
no_secret_told
