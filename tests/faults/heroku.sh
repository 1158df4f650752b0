#!/bin/bash
# What the program says when Heroku misbehaves: refusals, errors in HTML, silence, a log that breaks off.
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

# How long it lasts stands in the account's list, which is read to its end and shows nobody's token.
lasts() { # CONTROL PATTERN
	control "$1"
	by_hand check heroku-token
	expect_match "$OUTPUT" "$2" "a token under $1"
	[[ $OUTPUT != *HRKU-* ]] || fail "A token stands in the output of heroku-token."
}
lasts '{"page_max":1}' 'PASS.*It lasts until somebody revokes it'
lasts '{"token_ends_s":7230}' "FAIL.*It ends on $(date -u -d '+7230 sec' +%FT%H):.*, in 2h, and will not last the night"
lasts '{"token_ends_s":86430}' 'WARN.*in 1d: it lasts the night, and not a way back'
lasts '{"token_ends_s":8640030}' 'PASS.*It ends on .*, in 100d'
lasts '{"token_scope":"read-protected write-protected"}' 'WARN.*When it ends is not known: Heroku does not tell this token'
lasts '{"token_scope":"identity","token_ends_s":0}' 'FAIL.*It may only do "identity"'
control '{"token_scope":"global","token_ends_s":7230,"page_max":0}'
timeout 60 "$NF" watch dynos --config "$CONFIG" >"$T/dynos" 2>&1 </dev/null &
watch=$!
eventually 20 grep -q '"name":"token","text":"ends on [^"]*: it will not last the night","level":"bad"' "$T/dynos" ||
	fail "The pane does not say that the token ends: $(grep -o '"name":"token"[^}]*' "$T/dynos")"
kill $watch
wait $watch 2>/dev/null
control '{"token_ends_s":0}'

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
	-d '{"FOLLOWER_URL":"postgres://u:hidden-word@other.example:5432/x","DATABASE_CONNECTION_POOL_URL":"postgres://u:hidden-word@pool.example/x","PGBOUNCER_POOL_MODE":"transaction"}' \
	"$HEROKU_HOST/apps/acme-production/config-vars"
by_hand check heroku-urls
expect_match "$OUTPUT" 'FOLLOWER_URL names another database' "a follower that is still referenced"
expect_match "$OUTPUT" 'DATABASE_CONNECTION_POOL_URL' "a pool"
expect_match "$OUTPUT" 'PGBOUNCER_POOL_MODE is set' "a pool inside the dynos"
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

# Heroku runs another commit than the one that lies here: two changes in one night.
commit() { git -C "$T/repo" -c user.name=ana -c user.email=ana@acme.example commit -q --allow-empty -m "$1"; }
commit one && head=$(git -C "$T/repo" rev-parse HEAD)
misbehave "{\"method\":\"GET\",\"path\":\"/apps/acme-production/releases\",\"times\":2,\"status\":206,\"body\":[{\"version\":8,\"status\":\"succeeded\",\"description\":\"Set X config vars\"},{\"version\":7,\"status\":\"succeeded\",\"description\":\"Deploy ${head:0:8}\"}]}"
CONFIG=$T/repo/nightferry.yml by_hand check heroku-releases
expect_match "$OUTPUT" "PASS +Heroku runs ${head:0:8}, which is what lies here" "the same commit"
commit two
CONFIG=$T/repo/nightferry.yml by_hand check heroku-releases
expect_match "$OUTPUT" "WARN.*Heroku runs ${head:0:8} \(v7\), and here lies $(git -C "$T/repo" rev-parse HEAD | head -c 12)" "another commit"

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
# More than Heroku keeps while no log can be opened: said, and what is kept comes once.
! grep -q 'may be missing' "$T/log" || fail "A cut without a loss is told as one: $(grep 'may be missing' "$T/log")"
misbehave '{"method":"POST","path":"/apps/acme-production/log-sessions","times":0,"status":503,"body":"<html>"}'
control '{"cut_tails":true}'
eventually 20 grep -q '"ok":false' "$T/log" || fail "Nobody says that the log is not open."
curl -s -o /dev/null -H 'Host: www.acme.example' "http://127.0.1.1:$HTTP_PORT/products?burst=[1-1700]"
curl -sf -o /dev/null -X DELETE "$HEROKU_HOST/__ctl"
eventually 60 grep -q 'lines between [0-9:]* and [0-9:]* may be missing' "$T/log" || fail "A loss is not told."
eventually 20 grep -q 'burst=1700' "$T/log" || fail "The newest line is missing."
expect_equal "$(grep -c 'may be missing' "$T/log")" 1 "how often the loss is told"
expect_equal "$(grep -o 'burst=1700\\"' "$T/log" | wc -l)" 1 "lines of the last request"
kill $watch
wait $watch 2>/dev/null
for n in 1 2 3 91 92 93; do
	expect_equal "$(grep '"source":"router"' "$T/log" | grep -o "path=[^ ]*probe=$n\\\\\"" | wc -l)" 1 "lines of request $n"
done

# A version of PostgreSQL that nobody mends any more; Scheduler's jobs, as they were written down, by both clocks.
misbehave '{"method":"GET","path":"/client/v11/databases","status":200,"body":{"addon_id":"x","name":"x","plan":"standard-0","info":[{"name":"PG Version","values":["12.4"]},{"name":"Credentials","values":[3]}]}}'
by_hand check heroku-database
expect_match "$OUTPUT" 'WARN +PostgreSQL 12.4 was last mended on 2024-11-21' "an old version"
expect_match "$OUTPUT" 'WARN +It has 3 credentials' "logins beside the app's"
by_hand check heroku-scheduler
expect_match "$OUTPUT" 'write them into heroku.scheduler of nightferry.yml' "jobs that nobody wrote down"
sed 's/^heroku: {/&scheduler: [{run: rake nightly, at: "02:30"}, {run: rake pulse, at: "10m"}], /' "$CONFIG" >"$W/scheduler.yml"
TZ=XST-5:30 CONFIG=$W/scheduler.yml by_hand check heroku-scheduler
day='[0-9]{2} [A-Z][a-z]{2}'
expect_match "$OUTPUT" "rake nightly: in [0-9:]+; $day 02:30, $day 02:30, $day 02:30 UTC \(here $day 08:00, $day 08:00, $day 08:00\)" "a daily job"
expect_match "$OUTPUT" "rake pulse: in 0?[0-9]:[0-9]{2}; $day [0-9:]+0, " "a job of every ten minutes"

# The app by --app, as for Heroku's own CLI: before HEROKU_APP, and never against the configuration.
sed 's/app: acme-production, //' "$CONFIG" >"$W/no-app.yml"
expect_status 2 env -u HEROKU_APP "$NF" check heroku-releases --config "$W/no-app.yml"
expect_match "$OUTPUT" '`heroku:` needs "app"' "no app anywhere"
CONFIG=$W/no-app.yml HEROKU_APP=acme-staging by_hand check heroku-releases --app acme-production
expect_match "$OUTPUT" 'PASS +heroku-releases' "--app before HEROKU_APP"
for command in run start attach rehearse status stop check watch\ dynos step\ maintenance\ --plan; do
	# shellcheck disable=SC2086
	expect_status 2 "$NF" $command --app acme-staging --config "$CONFIG"
	expect_match "$OUTPUT" 'acme-staging is not the app of the configuration, which is acme-production' "$command with another app"
done
