#!/bin/bash
# Hetzner DNS: point, back, TTL, and everything that can happen to a change that is made later than it is taken.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/tests/dns/providers.part"

dns_world hetzner HETZNER_ACTION_MS=200
point_and_back
ttl_and_back
lost_but_made POST /v1/zones
lost_and_not_made POST /v1/zones
refused "a token that may only read" '{"method": "POST", "status": 403, "times": 0, "body": {"error": {"code": "token_readonly", "message": "the token is only allowed to perform GET requests"}}}' \
	'hetzner: this token may only read; nothing was changed'
refused "protected records" '{"method": "POST", "status": 422, "times": 0, "body": {"error": {"code": "protected", "message": "RRSet is protected"}}}' \
	'the records are protected against changes; nothing was changed'
refused "an action that fails" '{"method": "POST", "status": 201, "times": 0, "body": {"action": {"id": 7, "status": "error", "error": {"code": "action_failed", "message": "the nameservers did not take it"}}}}' \
	'they took the change and could not make it: the nameservers did not take it'
refused "a conflict that does not end" '{"method": "POST", "status": 409, "times": 0, "body": {"error": {"code": "conflict", "message": "another action runs"}}}' \
	'hetzner: the request was refused, nothing was changed \(HTTP 409, conflict: another action runs\)'

trial "locked and too often for a moment, then done"
api_rule '{"method": "POST", "status": 429, "times": 1, "headers": {"RateLimit-Remaining": "0"}, "body": {"error": {"code": "rate_limit_exceeded", "message": "limit of 3600 requests per hour reached"}}}'
api_rule '{"method": "POST", "status": 423, "times": 1, "body": {"error": {"code": "locked", "message": "RRSet is locked"}}}'
night --until point >"$T/out" 2>&1 || fail "hetzner: point: $(tail -n 5 "$T/out") $(text_of point)"
put_back
expect_same_zone
trial_end

half_way POST /v1/zones 422 '{"error": {"code": "invalid_input", "message": "no"}}'
bad_login HCLOUD_TOKEN 'hetzner: the token is not accepted \(HTTP 401'
no_login HCLOUD_TOKEN 'there is no HCLOUD_TOKEN, and no active context of the hcloud program'
other_zone 'the project of this token has no zone for'

trial "the token of the hcloud program"
mkdir -p "$T/hcloud"
printf 'active_context = "night"\n\n[[contexts]]\n  name = "other"\n  token = "no"\n\n[[contexts]]\n  name = "night"\n  token = "%s"\n' "$HCLOUD_TOKEN" >"$T/hcloud/cli.toml"
OUTPUT=$(unset HCLOUD_TOKEN && HCLOUD_CONFIG=$T/hcloud/cli.toml "$NF" step dns-point --with to=new --plan 2>&1)
expect_match "$OUTPUT" 'hetzner set_records, zone acme.example, 2 records' "plan by the program's token"
trial_end
many_names rrsets 3
no_secret_told
