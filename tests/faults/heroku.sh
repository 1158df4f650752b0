#!/bin/bash
# What the program says when Heroku misbehaves: refusals, errors in HTML, silence, a log that breaks off.
# timeout: 120
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=5000
export CONFIG

misbehave() { # RULE: see demo/http/ctl.c
	curl -sf -o /dev/null -X POST -d "$1" "$HEROKU_HOST/__ctl" || fail "The fake Heroku took no rule."
}

control() { # JSON: see demo/heroku/control.c
	curl -sf -o /dev/null -X POST -H "Authorization: Bearer $HEROKU_API_KEY" -d "$1" "$HEROKU_HOST/__heroku" ||
		fail "The fake Heroku was not told $1."
}

by_hand() { # ARGUMENTS: the output in $OUTPUT, whatever the verdict
	OUTPUT=$(timeout 60 "$NF" "$@" --config "$CONFIG" 2>&1 </dev/null)
	[[ $OUTPUT != *"$HEROKU_API_KEY"* ]] || fail "The token stands in the output of $*."
}

# A token that is no longer valid is a plain FAIL, not a doubt.
misbehave '{"path":"/account","status":401,"body":{"id":"unauthorized","message":"Invalid credentials provided."}}'
by_hand check heroku-token
expect_match "$OUTPUT" FAIL "a refused token"
expect_match "$OUTPUT" 'heroku authorizations:create' "the way out of a refused token"

# An error of Heroku's own says nothing about the token.
misbehave '{"path":"/account","status":500,"body":"<html>Application error</html>"}'
by_hand check heroku-token
expect_match "$OUTPUT" UNKNOWN "an error in HTML"
[[ $OUTPUT != *'<html>'* ]] || fail "HTML stands in a sentence: $OUTPUT"

# A plan looks again after an error, and after a connection that broke.
misbehave '[{"method":"GET","path":"/apps","status":503,"body":"<html>"},{"method":"GET","path":"/apps","drop":"before"}]'
by_hand step maintenance --plan --with state=enabled
expect_match "$OUTPUT" 'maintenance disabled' "a plan after two bad answers"

# The data API's 404 is HTML and says it is JSON.
misbehave '{"method":"GET","path":"/client/v11/databases","status":404,"body":"<h1>Not Found</h1>","headers":{"Content-Type":"application/json"}}'
by_hand check heroku-database
expect_match "$OUTPUT" UNKNOWN "a 404 that lies about its type"

# A release under way, and a plan without backups.
control '{"release":{"status":"pending"},"plan":"advanced-1"}'
by_hand check heroku-releases
expect_match "$OUTPUT" FAIL "a pending release"
by_hand step capture --plan
expect_match "$OUTPUT" 'advanced-1' "a plan that has no backups"
control '{"release":{"status":"succeeded"},"plan":"standard-0"}'

# What stands around: Heroku's own trouble, a maintenance tonight, another app's follower, a pool.
control "{\"platform\":{\"status\":[{\"system\":\"Data\",\"status\":\"red\"}]},\"data_maintenance\":{\"status\":\"ready\",\"scheduled_for\":\"$(date -u -d '+2 hours' +%FT%TZ)\"}}"
by_hand check heroku-around
expect_match "$OUTPUT" 'FAIL +heroku-around' "a maintenance of the database tonight"
expect_match "$OUTPUT" 'Data red' "Heroku's own trouble"
control '{"platform":{"status":[{"system":"Data","status":"green"}]},"data_maintenance":{"status":"none","scheduled_for":null}}'
by_hand check heroku-around
expect_match "$OUTPUT" 'PASS +heroku-around' "Heroku at rest"
curl -sf -o /dev/null -X PATCH -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' \
	-d '{"FOLLOWER_URL":"postgres://u:hidden-word@other.example:5432/x","DATABASE_CONNECTION_POOL_URL":"postgres://u:hidden-word@pool.example/x"}' \
	"$HEROKU_HOST/apps/acme-production/config-vars"
by_hand check heroku-urls
expect_match "$OUTPUT" 'FOLLOWER_URL names another database' "a follower that is still referenced"
expect_match "$OUTPUT" 'DATABASE_CONNECTION_POOL_URL' "a pool"
[[ $OUTPUT != *hidden-word* ]] || fail "A password stands in: $OUTPUT"
control '{"run":{"type":"scheduler","command":"rake nightly"}}'
scheduler_seen() {
	by_hand check heroku-writers
	[[ $OUTPUT == *'scheduler.'*'rake nightly'* ]]
}
eventually 20 scheduler_seen || fail "A dyno of Scheduler is not seen: $OUTPUT"

# A list that is none, and half of one, is not "no dyno is left".
misbehave '{"method":"GET","path":"/apps/acme-production/dynos","status":200,"body":"{}"}'
by_hand check heroku-writers
expect_match "$OUTPUT" 'UNKNOWN +heroku-writers' "dynos that are no list"
misbehave '{"method":"GET","path":"/apps/acme-production/formation","status":206,"body":"[]"}'
by_hand check heroku-writers
expect_match "$OUTPUT" 'UNKNOWN +heroku-writers' "a part of a list without a way to the rest"

# A repository that only works on Heroku.
mkdir "$T/repo" && cp -r "$CONFIG" "$W/config" "$T/repo/"
git init -q "$T/repo"
printf 'puts ENV["DYNO"]\n' >"$T/repo/boot.rb"
: >"$T/repo/Gemfile"
git -C "$T/repo" add -A
CONFIG=$T/repo/nightferry.yml by_hand check repository
expect_match "$OUTPUT" 'boot.rb:1 asks for DYNO' "a program that asks for DYNO"
expect_match "$OUTPUT" 'Ruby is pinned by no file' "a runtime that nobody pins"

# The log over a cut tail, then as plain text: every request once.
ask() { # NUMBER
	curl -s -o /dev/null -H 'Host: www.acme.example' "http://127.0.1.1:$HTTP_PORT/products?probe=$1"
}
seen() { # NUMBER
	grep -q "probe=$1 \|probe=$1\\\\\"" "$T/log"
}
timeout 60 "$NF" watch heroku-logs --config "$CONFIG" >"$T/log" 2>&1 </dev/null &
watch=$!
at_end 'kill $watch 2>/dev/null'
eventually 10 grep -q '"ok":true' "$T/log" || fail "The log was not opened."
for n in 1 2 3; do
	ask $n
	eventually 10 seen $n || fail "Request $n never came."
	control "{\"cut_tails\":true,\"logs_plain\":$([ $n = 2 ] && echo true || echo false)}"
	ask "9$n"
	eventually 15 seen "9$n" || fail "A request made while the tail was cut is missing."
done
kill $watch
wait $watch 2>/dev/null
for n in 1 2 3 91 92 93; do
	expect_equal "$(grep '"source":"router"' "$T/log" | grep -o "path=[^ ]*probe=$n\\\\\"" | wc -l)" 1 "lines of request $n"
done
