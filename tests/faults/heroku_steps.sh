#!/bin/bash
# Every step that changes something on Heroku against every way in which Heroku misbehaves: the right end, the right
# sentence, and nothing done twice, which is counted in the requests that reached it.
# timeout: 600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
ONCE=$ROOT/build/tests/unit/step_once
[ -z "${SAN:-}" ] || ONCE=$ROOT/build-san/tests/unit/step_once
world_start DEMO_ROWS=3000
export DIGEST_KEY=00112233445566778899aabbccddeeff
# Waits of the steps are short; Heroku's own times are what they are, and so are those of PostgreSQL on a busy machine.
declare -A clock=([fence-writers]=0,4)
jq -nc --arg url "$HEROKU_HOST" --arg old "127.0.1.1:$HTTP_PORT" \
	'{heroku: {app: "acme-production", api: $url, data: $url}, dns: {names: ["www.acme.example"]}, web: {old: $old, scheme: "http"}}' >"$T/config"
LOG=$W/heroku/requests.log
touch "$T/facts"

rule() { # JSON
	curl -sf -o /dev/null -X POST -d "$1" "$HEROKU_HOST/__ctl" || fail "The fake Heroku took no rule."
}
control() { # JSON
	curl -sf -o /dev/null -X POST -d "$1" "$HEROKU_HOST/__heroku" || fail "The fake Heroku was not told $1."
}
api() { # PATH [CURL...]
	curl -sf -H "Authorization: Bearer $HEROKU_API_KEY" "${@:2}" "$HEROKU_HOST$1"
}
database=$(api /actions/addon-attachments/resolve -d '{"addon_attachment":"DATABASE_URL"}' -H 'Content-Type: application/json' | jq -r '.[0].addon.id')

once() { # STEP VERB PARAMS [CODE...]: 0 when it ended well; its end in $END
	NIGHTFERRY_CLOCK=${clock[$1]:-0,20} timeout 90 "$ONCE" "$T/config" "$T/facts" "$@" >"$T/said" 2>&1
	local status=$?
	grep -qF "$HEROKU_API_KEY" "$T/said" && fail "The token stands in what $1 said."
	END=$(jq -rn 'last(inputs | select(.t? == "end")) | [.text // "", .done // "", .verdict // ""] | join(" ")' "$T/said" 2>/dev/null)
	return $status
}
asked() { # METHOD PATTERN: requests since the mark
	tail -n "+$((mark + 1))" "$LOG" | grep -Ec "^$1 $2 "
}

# ---- the steps: what they ask for, how the world is made ready, how it looks when it is done ----

declare -A params=([maintenance]='{"state":"enabled"}' [scale]='{"all":"0"}' [stop-one-offs]='{}' [pause-backups]='{}'
	[fence-writers]='{"state":"up"}' [config-set]='{"name":"READ_ONLY","value":"yes"}' [capture]='{}' [cancel-transfer]='{}')
declare -A method=([maintenance]=PATCH [scale]=PATCH [stop-one-offs]=POST [pause-backups]=DELETE [fence-writers]=POST
	[config-set]=PATCH [capture]=POST [cancel-transfer]=POST)
declare -A path=([maintenance]=/apps/acme-production [scale]=/apps/acme-production/formation [stop-one-offs]=/apps/acme-production/dynos/
	[pause-backups]=/client/v11/databases/$database/transfer-schedules [fence-writers]=/client/v11/databases/$database/connection_reset
	[config-set]=/apps/acme-production/config-vars [capture]=/client/v11/databases/$database/backups
	[cancel-transfer]=/client/v11/apps/acme-production/transfers/)

dynos_up() { # N
	[ "$(api /apps/acme-production/dynos | jq '[.[] | select(.state == "up" and (.type == "web" or .type == "worker"))] | length')" = "$1" ]
}
one_offs() { # N
	[ "$(api /apps/acme-production/dynos | jq '[.[] | select(.type == "run")] | length')" = "$1" ]
}
unfinished() { # N
	[ "$(api /client/v11/apps/acme-production/transfers | jq '[.[] | select(.finished_at == null)] | length')" = "$1" ]
}
backups() {
	api /client/v11/apps/acme-production/transfers | jq '[.[] | select(.to_name == "BACKUP")] | length'
}
schedules() {
	api "/client/v11/databases/$database/transfer-schedules" | jq length
}
sessions_of_app() {
	[ "$(world_sql old "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name !~ '^(psql|nightferry)'")" -gt 0 ]
}

ready() { # STEP: as if nothing had been done
	: >"$T/facts"
	case $1 in
	maintenance) once maintenance run '{"state":"disabled"}' ;;
	scale) api /apps/acme-production/formation -X PATCH -H 'Content-Type: application/json' -o /dev/null \
		-d '{"updates":[{"type":"web","quantity":2},{"type":"worker","quantity":1}]}' && eventually 30 dynos_up 3 ;;
	stop-one-offs) one_offs 1 || { control '{"run":{"type":"run","command":"rake backfill"}}' && eventually 20 one_offs 1; } ;;
	pause-backups) [ "$(schedules)" = 1 ] || api "/client/v11/databases/$database/transfer-schedules" -o /dev/null \
		-H 'Content-Type: application/json' -d '{"hour":"02","timezone":"UTC","schedule_name":"DATABASE_URL"}' ;;
	fence-writers)
		world_sql old "SET transaction_read_only = off; DO \$\$BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END\$\$" &&
			eventually 30 sessions_of_app
		;;
	config-set) once config-set run '{"name":"READ_ONLY","value":""}' && : >"$T/facts" ;;
	capture) eventually 20 unfinished 0 ;;
	cancel-transfer)
		control '{"backup":"stall"}'
		unfinished 1 || api "/client/v11/databases/$database/backups" -X POST -o /dev/null
		eventually 20 unfinished 1
		;;
	esac || fail "The world was not made ready for $1: $END"
	before=$(backups)
}

done_once() { # STEP: a fresh look by the step itself, and ours
	once "$1" prove "${params[$1]}"
	[[ $END == *PASS || $END == *WARN ]] || fail "$1 is not proven: $(tail -n 1 "$T/said")"
	case $1 in
	maintenance) expect_equal "$(api /apps/acme-production | jq .maintenance)" true "maintenance" ;;
	scale) expect_equal "$(api /apps/acme-production/formation | jq '[.[].quantity] | add')" 0 "quantities" ;;
	stop-one-offs) expect_equal "$(api /apps/acme-production/dynos | jq '[.[] | select(.type == "run")] | length')" 0 "one-offs" ;;
	pause-backups) expect_equal "$(schedules)" 0 "schedules" ;;
	config-set) expect_equal "$(api /apps/acme-production/config-vars | jq -r .READ_ONLY)" yes "the config var" ;;
	capture) expect_equal "$(backups)" $((before + 1)) "backups" ;;
	cancel-transfer) unfinished 0 || fail "A transfer is still under way." ;;
	esac
}

# ---- the troubles: RULE, how often it is asked in the first run, how the first run ends, its sentence ----

trouble() { # NAME STEP
	local on="\"method\":\"${method[$2]}\",\"path\":\"${path[$2]}\""
	rules= want_asked=1 want_end=fail sentence= codes=() blocked=1
	case $1 in
	refused) rules="{$on,\"status\":401,\"body\":{\"id\":\"unauthorized\",\"message\":\"Invalid credentials provided.\"}}" sentence='does not accept the token' ;;
	limit) rules="{$on,\"status\":429,\"headers\":{\"Retry-After\":\"1\"},\"body\":{\"id\":\"rate_limit\",\"message\":\"x\"}}" want_asked=2 want_end=ok ;;
	html-before) rules="{$on,\"status\":503,\"body\":\"<html>Application error</html>\"}" sentence='.' ;;
	html-after) rules="{$on,\"act\":true,\"status\":500,\"body\":\"<html>Application error</html>\"}" want_end=ok blocked=0 ;;
	cut-before) rules="{$on,\"drop\":\"before\"}" sentence='.' ;;
	cut-after) rules="{$on,\"drop\":\"after\"}" want_end=ok blocked=0 ;;
	nobody) control '{"two_factor":"account"}' && sentence='second factor' ;;
	code-account) control '{"two_factor":"account"}' && codes=(000000 123456) want_asked=3 want_end=ok blocked=2 ;;
	code-app) control '{"two_factor":"app"}' && codes=(000000 123456) want_asked=3 want_end=ok blocked=2 ;;
	esac
	[ -z "$rules" ] || rule "$rules"
}

try() { # TROUBLE STEP
	local ended=ok began
	began=$(now_ms)
	ready "$2"
	mark=$(wc -l <"$LOG")
	trouble "$1" "$2"
	once "$2" run "${params[$2]}" "${codes[@]}" || ended=fail
	expect_equal "$ended" $want_end "the end of $2 under $1 ($END)"
	[[ $END != *'<html>'* ]] || fail "HTML stands in a sentence: $END"
	[ -z "$sentence" ] || expect_match "$END" "$sentence" "what $2 says under $1"
	expect_equal "$(asked "${method[$2]}" "${path[$2]}[^ ]*")" $want_asked "requests of $2 under $1"
	curl -sf -o /dev/null -X DELETE "$HEROKU_HOST/__ctl"
	control '{"two_factor":""}'
	if [ $ended = fail ]; then
		[ ${#END} -gt 40 ] || fail "$2 under $1 says only: $END"
		once "$2" run "${params[$2]}" || fail "$2 after $1 does not end well: $END"
	fi
	done_once "$2"
	# What was let through, over both runs, is one request and no more.
	expect_equal $(($(asked "${method[$2]}" "${path[$2]}[^ ]*") - blocked)) 1 "requests of $2 that were acted upon, $1"
	[ "$2" != cancel-transfer ] || control '{"backup":"ok"}'
	printf '%s %s: ok  %d ms\n' "$2" "$1" $(($(now_ms) - began))
}

all='refused limit html-before html-after cut-before cut-after nobody code-account code-app'
if [ -n "${LONG:-}" ]; then
	slow=$all unseen=$all
else
	slow='cut-before cut-after' unseen='refused cut-after code-app' quick='refused html-before cut-after code-account'
fi
for step in maintenance config-set; do
	for one in $all; do try "$one" $step; done
done
for step in pause-backups cancel-transfer; do
	for one in ${quick:-$all}; do try "$one" $step; done
done
# A one-off that was not asked is waited for as long as one that was.
for one in $unseen; do try "$one" stop-one-offs; done
for step in fence-writers capture scale; do
	for one in $slow; do try "$one" $step; done
done

# ---- what one request alone does not show ----

start_once() { # STEP VERB PARAMS: beside us; its output in $T/beside
	NIGHTFERRY_CLOCK=0,20 timeout 90 "$ONCE" "$T/config" "$T/facts" "$@" >"$T/beside" 2>&1 &
	beside=$!
}
said_beside() {
	grep -qF -- "$1" "$T/beside"
}
posts() {
	asked POST "${path[capture]}"
}
fresh() {
	ready "$1"
	mark=$(wc -l <"$LOG")
}

# A list that comes in pages of one, dynos that are slow to end, and one that has crashed.
fresh scale
control '{"page_max":1,"stop_slow":true,"kill_after_s":2,"crash":"worker.1"}'
once scale run "${params[scale]}" || fail "Slow dynos: $END"
done_once scale
control '{"page_max":0,"stop_slow":false,"kill_after_s":0}'
# Dynos that are long to start are waited for, and the quantities are as they were.
control '{"boot_slow_s":2}'
once scale undo "${params[scale]}" || fail "Slow starts: $END"
dynos_up 3 || fail "Not all dynos are up again."
control '{"boot_slow_s":0}'

# Put back although the answer was lost: one schedule, one request.
fresh pause-backups
once pause-backups run '{}' || fail "$END"
rule "{\"method\":\"POST\",\"path\":\"${path[pause-backups]}\",\"drop\":\"after\"}"
once pause-backups undo '{}' || fail "The schedule was not put back: $END"
expect_equal "$(schedules)" 1 "schedules put back"
expect_equal "$(asked POST "${path[pause-backups]}")" 1 "requests to put one back"

# The way back of a config var is the value it had, read from the release before; a third person's change is left alone.
api /apps/acme-production/config-vars -X PATCH -H 'Content-Type: application/json' -o /dev/null -d '{"READ_ONLY":"first value"}'
: >"$T/facts"
once config-set run "${params[config-set]}" || fail "$END"
grep -q 'first value\|"yes"' "$T/facts" && fail "A value stands in the facts."
once config-set undo "${params[config-set]}" || fail "$END"
expect_equal "$(api /apps/acme-production/config-vars | jq -r .READ_ONLY)" "first value" "the value put back"
: >"$T/facts"
once config-set run "${params[config-set]}" || fail "$END"
api /apps/acme-production/config-vars -X PATCH -H 'Content-Type: application/json' -o /dev/null -d '{"READ_ONLY":"third"}'
once config-set undo "${params[config-set]}" && fail "Somebody else's value was overwritten."
expect_match "$END" 'changed since by somebody else' "a config var that is another's by now"

# While the fence is up nobody writes, and the dynos that come back are told of it.
ready scale
fresh fence-writers
once fence-writers run '{"state":"up"}' || fail "$END"
world_sql old 'CREATE TABLE fence_test (a int)' >"$T/fence" 2>&1
expect_match "$(cat "$T/fence")" 'read-only transaction' "a write behind the fence"
once scale plan '{"to":"recorded"}'
grep -q 'Take fence-writers back first' "$T/said" || fail "Nobody is warned of the fence: $(cat "$T/said")"
once fence-writers undo '{"state":"up"}' || fail "$END"
world_sql old 'CREATE TABLE fence_test (a int); DROP TABLE fence_test' >"$T/fence" 2>&1
expect_equal "$(cat "$T/fence")" "" "what a write after the fence says"

# A backup that fails, one that somebody cancels, one that never begins until it does.
fresh capture
control '{"backup":"fail"}'
once capture run '{}' && fail "A failed backup passes."
expect_match "$END" 'failed on Heroku; its last words: .*connection to server was lost' "a failed backup"
control '{"backup":"cancel"}'
once capture run '{}' && fail "A cancelled backup passes."
expect_match "$END" 'was cancelled' "a cancelled backup"
expect_equal "$(posts)" 2 "requests for two backups"
control '{"backup":"pending","lag_s":4}'
fresh_posts=$(posts)
start_once capture run '{}'
eventually 30 said_beside 'waits for its turn on Heroku' || fail "Nobody says that it waits: $(tail -n 3 "$T/beside")"
control '{"backup":"ok"}'
wait $beside || fail "The backup that waited: $(tail -n 1 "$T/beside")"
expect_equal "$(posts)" $((fresh_posts + 1)) "requests for the one that waited"
once capture prove '{}'
[[ $END == *PASS || $END == *WARN ]] || fail "The size that comes late is taken for a failure: $(tail -n 1 "$T/said")"
control '{"lag_s":0}'

# Begun by somebody else after the freeze: taken for ours, none is begun. Before the freeze, or a restore: refused.
eventually 20 unfinished 0
once maintenance run '{"state":"disabled"}'
: >"$T/facts"
once maintenance run '{"state":"enabled"}' || fail "$END"
# Heroku's times are whole seconds: only what is surely later counts as later.
frozen=$(jq -rn 'last(inputs | select(.name == "maintenance")) | .data.heroku_at_ms' "$T/facts")
surely_later() {
	[ "$(now_ms)" -gt $((frozen + 3000)) ]
}
eventually 30 surely_later || fail "Time stands still."
control '{"backup":"stall"}'
eventually 10 api "/client/v11/databases/$database/backups" -X POST -o "$T/theirs"
mark=$(wc -l <"$LOG")
once capture plan '{"running":"refuse"}'
grep -q 'Heroku is busy with' "$T/said" || fail "It was to be refused: $(tail -n 1 "$T/said")"
once capture plan '{}'
grep -q 'ADOPTS A BACKUP' "$T/said" || fail "It is not offered: $(tail -n 1 "$T/said")"
start_once capture run '{}'
eventually 20 grep -q '"name":"backup"' "$T/facts" || fail "It was not taken on."
control '{"backup":"ok"}'
wait $beside || fail "The adopted backup: $(tail -n 1 "$T/beside")"
expect_equal "$(posts)" 0 "requests for a backup that was there"

# Our clock was two hours slow when the freeze was recorded, and is right now: OLD's own clock says what came first.
once capture prove '{}'
[[ $END == *PASS || $END == *WARN ]] || fail "The adopted backup is not good: $(tail -n 1 "$T/said")"
jq -c 'select(.name == "maintenance") | .name = "frozen" | .data = {at_ms: (now * 1000 - 7200000 | floor), old_at_ms: (now * 1000 + 5000 | floor)}' \
	"$T/facts" | tail -n 1 >"$T/frozen"
cat "$T/frozen" >>"$T/facts"
once capture prove '{}'
[[ $END == *FAIL ]] || fail "A backup of before the freeze passes: $(cat "$T/frozen") $(tail -n 1 "$T/said")"
grep -q 'was begun before the freeze' "$T/said" || fail "The reason is not said: $(tail -n 1 "$T/said")"

# Last, because nobody's URL is right any more: Heroku changes the password while it dumps, and the dump breaks.
fresh capture
control '{"backup":"stall"}'
start_once capture run '{}'
eventually 30 said_beside 'of a database of' || fail "It does not run: $(tail -n 3 "$T/beside")"
control '{"rotate":true}'
control '{"backup":"fail"}'
eventually 30 said_beside 'beginning another one, once' || fail "The rotation is not told: $(tail -n 3 "$T/beside")"
control '{"backup":"ok"}'
wait $beside || fail "After a rotation: $(tail -n 1 "$T/beside")"
expect_equal "$(posts)" 2 "requests around a rotation"
