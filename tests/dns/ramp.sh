#!/bin/bash
# Weighted answers of the real name server, little by little: refused with two databases, measured where there is one, and
# taken back to the one record that was there before.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$ROOT/demo/lib.sh"
compgen -G '/usr/lib/*/knot/modules*/geoip.so' >/dev/null || fail "mod-geoip is missing: apt-get install knot-module-geoip."
command -v kdig >/dev/null || fail "kdig is missing: apt-get install knot-dnsutils."

world_start DEMO_ROWS=5000
at_end '"$ROOT/demo/route53/part" stop "$W" >/dev/null 2>&1'
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY ROUTE53_PENDING_MS=200
AWS_ACCESS_KEY_ID=AKIA$(random_hex 16) AWS_SECRET_ACCESS_KEY=$(random_hex 40)
printf 'ROUTE53_PORT=%s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n' "$(free_ports 1)" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >>"$W/ports"
"$ROOT/demo/route53/part" start "$W" >"$T/part.log" 2>&1 || fail "Route 53 did not start: $(cat "$T/part.log")"
PORT=$(sed -n 's/^ROUTE53_PORT=//p' "$W/ports") SERVER=${DNS_SERVERS%% *}
sed -i "s/provider: cloudflare/provider: route53/; s~^  api:.*~  api: \"http://127.0.0.1:$PORT\"~" "$CONFIG"
cat >"$T/night.yml" <<'YAML'
name: ramp
help: Only the weights.
phases:
  - phase: ramp
    steps:
      - {id: weight-0, do: dns-weight, with: {share: 0}}
      - {id: weight-10, do: dns-weight, with: {share: 10}}
      - {id: hold-10, do: quiet-timer, with: {for: 3s, look: address}}
      - {id: weight-50, do: dns-weight, with: {share: 50}}
      - {id: weight-100, do: dns-weight, with: {share: 100}}
      - {id: weight-off, do: dns-weight, with: {share: 100, records: simple}}
      - {id: end, do: note, with: {text: the end}}
rollback:
  - {id: back, do: dns-weight, with: {share: 0, records: simple}}
YAML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/night.yml" >>"$CONFIG"

ask() { # NAME TYPE
	kdig "@${SERVER%%#*}" -p "${SERVER##*#}" +noall +answer +norec "$1" "$2" | sed -E 's/[[:space:]]+/ /g' | sort
}
shares() { # how many of 200 answers lead to the new side
	local list
	mapfile -t list < <(yes "$1 CNAME" | head -n 200)
	# shellcheck disable=SC2068
	kdig "@${SERVER%%#*}" -p "${SERVER##*#}" +short +norec ${list[@]} | grep -c '^cutover'
}
night() {
	timeout 200 "$NF" run --quiet --yes weight-0=acme-production --yes weight-10=acme-production --yes weight-50=acme-production \
		--yes weight-100=acme-production --yes weight-off=acme-production "$@" </dev/null
}
was() { # STEP: the words of its newest end
	jq -sr --arg s "$1" 'map(select(.kind == "attempt.ended" and .step == $s)) | last | [.outcome, (.seen[]? | .verdict + " " + .text)] | join("\n")' "$(journal)"
}

BEFORE=$(ask www.acme.example CNAME)
OUTPUT=$("$NF" step dns-weight --with share=10 --plan 2>&1)
expect_match "$OUTPUT" 'REFUSED +the two sides have a database each' "two databases"
echo "ok  refused with two databases"

# One database for both: the new side uses the old one's.
UNFIT=$NEW_DATABASE_URL
export NEW_DATABASE_URL=$OLD_DATABASE_URL
night --until weight-0 >"$T/out" 2>&1 || fail "weight-0: $(tail -n 5 "$T/out") $(was weight-0)"
expect_match "$(was weight-0)" '0 of 300 answers for www.acme.example lead to NEW; 0 % are wanted' "share 0"
expect_equal "$(shares www.acme.example)" 0 "answers that lead to NEW at 0 %"
night --until weight-10 >"$T/out" 2>&1 || fail "weight-10: $(tail -n 5 "$T/out") $(was weight-10)"
expect_match "$(was weight-10)" 'PASS [0-9]+ of 300 answers for www.acme.example lead to NEW; 10 % are wanted' "share 10"

# The new app stands on rows that do not fit it yet: the ramp holds where it is until the new side has been quiet for
# long enough.
night --until weight-50 >"$T/out" 2>&1 &
NIGHT=$!
holds() { grep -q 'quiet-timer: again from .*GET /products: 500 instead of 200' "$NIGHTFERRY_STATE"/*/*/trace.jsonl; }
eventually 60 holds || fail "The ramp does not hold: $(tail -n 5 "$T/out") $(was hold-10)"
! have_event attempt.started '.step == "weight-50"' || fail "The ramp went on although the new side fails."
pg_dump --clean --if-exists "$OLD_DATABASE_URL" | psql -Xq "$UNFIT" >"$T/filled" 2>&1 || fail "The new database was not filled: $(tail -n 3 "$T/filled")"
wait $NIGHT || fail "weight-50: $(tail -n 5 "$T/out") $(was hold-10) $(was weight-50)"
expect_match "$(was hold-10)" '0:[0-9][3-9] without a new error, 0:03 needed' "the hold at ten percent"
echo "ok  it holds at ten percent until the new side is quiet"
N=$(shares www.acme.example)
[ "$N" -ge 60 ] && [ "$N" -le 140 ] || fail "At 50 % kdig saw $N of 200 answers lead to NEW."
echo "ok  ramp to 50 %: kdig saw $N of 200"

# Back from the middle of the ramp: the one record that was there before, its TTL too.
timeout 120 "$NF" run --quiet --back --yes way-back=acme-production --yes back=acme-production --waive "way-back:cost=a test" </dev/null >"$T/out" 2>&1
old_again() { [ "$(ask www.acme.example CNAME)" = "$BEFORE" ] && [ "$(shares www.acme.example)" = 0 ]; }
eventually 20 old_again || fail "After the way back www is $(ask www.acme.example CNAME), it was $BEFORE: $(tail -n 5 "$T/out")"
echo "ok  back to the one record"

# Forward to the end: one record again, that leads to the new side.
export NIGHTFERRY_STATE=$T/state.2
night --until weight-off >"$T/out" 2>&1 || fail "to the end: $(tail -n 5 "$T/out") $(was weight-off)"
expect_equal "$(ask www.acme.example CNAME)" "www.acme.example. 20 IN CNAME cutover.acme.example." "www at the end"
echo "ok  ramp to the end"
