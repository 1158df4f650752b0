#!/bin/bash
# Route 53: signed requests, batches that are made whole or not at all, and everything that can happen to one.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/tests/dns/dns_lib.sh"
. "$ROOT/tests/dns/providers.part"

amazon_says() { # STATUS CODE MESSAGE: as the body of a rule
	printf '{"method": "POST", "status": %s, "times": 0, "headers": {"Content-Type": "text/xml"}, "body": "<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>"}' "$1" "$2" "$3"
}

dns_world route53 ROUTE53_PENDING_MS=200 ROUTE53_TWIN=yes
point_and_back
ttl_and_back
lost_but_made POST /2013-04-01/hostedzone
lost_and_not_made POST /2013-04-01/hostedzone
refused "no right to change" "$(amazon_says 403 AccessDenied 'User is not authorized to perform: route53:ChangeResourceRecordSets')" \
	'this login \(the environment\) may not do that: User is not authorized .* Nothing was changed'
refused "a wrong clock" "$(amazon_says 403 RequestExpired 'Request has expired')" "this machine's clock is wrong; nothing was changed"
refused "a batch that does not fit" '{"method": "POST", "status": 400, "times": 0, "headers": {"Content-Type": "text/xml"}, "body": "<InvalidChangeBatch><Messages><Message>RRSet of type A is not permitted</Message></Messages></InvalidChangeBatch>"}' \
	'nothing was changed \(InvalidChangeBatch: RRSet of type A is not permitted\)'

trial "held back for a moment, then done"
api_rule "$(amazon_says 400 Throttling 'Rate exceeded' | sed 's/"times": 0/"times": 1/')"
api_rule "$(amazon_says 400 PriorRequestNotComplete 'wait' | sed 's/"times": 0/"times": 2/')"
night --until point >"$T/out" 2>&1 || fail "route53: point: $(tail -n 5 "$T/out") $(text_of point)"
put_back
expect_same_zone
trial_end

bad_login AWS_SECRET_ACCESS_KEY 'the credentials of the environment are not accepted \(HTTP 403, SignatureDoesNotMatch'
no_login "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY" 'there are no credentials: neither AWS_ACCESS_KEY_ID and .* nor the profile default'
other_zone 'has no public hosted zone for'

trial "the profile's files, and a credential_process"
mkdir -p "$T/aws"
printf '[default]\naws_access_key_id = no\naws_secret_access_key = no\n[night]\naws_access_key_id=%s\naws_secret_access_key = %s\n' \
	"$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$T/aws/credentials"
printf '{"Version": 1, "AccessKeyId": "%s", "SecretAccessKey": "%s"}\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$T/aws/said"
printf '[profile said]\ncredential_process = /bin/cat "%s"\n' "$T/aws/said" >"$T/aws/config"
for profile in night said; do
	OUTPUT=$(unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY && AWS_PROFILE=$profile AWS_SHARED_CREDENTIALS_FILE=$T/aws/credentials \
		AWS_CONFIG_FILE=$T/aws/config "$NF" step dns-point --with to=new --plan 2>&1)
	expect_match "$OUTPUT" 'route53 one batch, zone acme.example, 2 records, all of them or none' "plan by the profile $profile"
done
trial_end
no_secret_told
