#!/bin/bash
# A rehearsal beside a live app: the same playbook fills a database of its own; Heroku, DNS and the night's target stay
# as they were; the database and the dump go at its end. Then the night of the same app knows what the rehearsal took,
# and from the start of the copy on says when it will be done to within a fifth. The rehearsal's dump is refused there.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start

heroku() { # PATH
	curl -sS -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Accept: application/vnd.heroku+json; version=3' \
		"$HEROKU_HOST/apps/acme-production$1"
}
cloudflare() { # PATH
	curl -sS -H "Authorization: Bearer $CLOUDFLARE_API_TOKEN" "$CLOUDFLARE_API_URL$1"
}
# What visitors, Heroku and the night's database would notice.
outside() {
	heroku "" | jq -c '{maintenance}'
	heroku /formation | jq -c 'map({type, quantity}) | sort_by(.type)'
	cloudflare "/zones/$zone/dns_records" | jq -c '[.result[] | {type, name, content}] | sort'
	world_sql new "SELECT relname, n_live_tup FROM pg_stat_user_tables ORDER BY 1"
}
rehearsals() {
	world_sql new "SELECT count(*) FROM pg_database WHERE datname LIKE '%\_rehearsal\_%'"
}
zone=$(cloudflare /zones | jq -r '.result[0].id')
before=$(outside)
[[ $before == *'"maintenance":false'*'"name":"www.acme.example"'* ]] || fail "Nothing is known of the outside: $before"

rehearse() { # MORE...
	"$NF" run --rehearse --yes 'rehearsal-create=acme_rehearsal_*' --yes 'wipe-target=acme_rehearsal_*' \
		--yes 'restore=acme_rehearsal_*' --yes 'rehearsal-drop=acme_rehearsal_*' "$@" >"$T/out" 2>"$T/err" </dev/null
}

# Half-way, the rehearsal is open: no night begins beside it, and it is what it says.
rehearse --until count-rows || fail "The rehearsal did not come to its comparison: $(tail -n 5 "$T/err" "$T/out")"
expect_equal "$(rehearsals)" 1 "databases of rehearsals"
expect_status 1 "$NF" run --until preflight
[[ $OUTPUT == *"a rehearsal of this app is open"*"nightferry rehearse"* ]] || fail "A night beside a rehearsal: $OUTPUT"
dump=$(events fact 'select(.name == "dump") | .data.path' | jq -r .)
[ -f "$dump" ] || fail "There is no dump of the rehearsal at $dump."
grep -q ' REHEARSAL ' <("$NF" replay --frame 120x40 "$(journal)") || fail "The first line does not say that it is a rehearsal."

rehearse || fail "The rehearsal did not end well: $(tail -n 5 "$T/err" "$T/out")"
journal=$(tail -n 1 "$T/out" | awk '{print $NF}')
expect_match "$journal" '-rehearsal/journal.jsonl$' "the rehearsal's journal"
expect_equal "$(rehearsals)" 0 "databases of rehearsals"
[ ! -e "$dump" ] || fail "The dump of the rehearsal is still at $dump."
expect_equal "$(outside)" "$before" "what is outside"

# Every step was done or left out by its own rule, none of them by chance.
left_out=$(jq -r 'select(.kind == "step.skipped") | .step' "$journal" | sort | tr '\n' ' ')
expect_equal "$left_out" "canaries certificates dns-point freeze-deploys maintenance-on one-offs pause-backups propagation quiet quiet-10m scale-to-zero webhooks " "steps left out"
copied=$(jq -s '[.[] | select(.kind == "rows.compared")][-1] | .tables - .missing' "$journal")
expect_equal "$copied" 27 "tables of the copy"
taught=$(jq -r 'select(.what == "step") | .step' "$NIGHTFERRY_STATE/acme/rehearsed.jsonl" | sort | tr '\n' ' ')
for step in capture download restore count-rows app-boot smoke; do
	[[ " $taught" == *" $step "* ]] || fail "How long $step took was not kept: $taught"
done

# The night.
night_yes=(--yes pause-backups=postgresql-cubed-41827 --yes maintenance-on=acme-production --yes scale-to-zero=acme-production --yes wipe-target=shop_production
	--yes restore=shop_production --yes dns-point=acme-production --done "freeze-deploys=nobody deploys here"
	--done "webhooks=none" --waive "wipe-target:rows=61 rows of db:seed")
"$NF" run "${night_yes[@]}" >"$T/out" 2>"$T/err" </dev/null || fail "The night failed: $(tail -n 5 "$T/err" "$T/out")"
night=$(tail -n 1 "$T/out" | awk '{print $NF}')
backup=$(jq -r 'select(.what == "dump") | .backup' "$NIGHTFERRY_STATE/acme/rehearsed.jsonl")
[ -n "$(jq --arg b "$backup" 'select(.kind == "fact" and .name == "rehearsal-dump" and .key == $b)' "$night")" ] ||
	fail "The night does not know the rehearsal's dump $backup."
[ -z "$(jq --arg b "$backup" 'select(.kind == "fact" and .name == "backup" and .data.id == $b)' "$night")" ] ||
	fail "The night has taken the rehearsal's backup."

# From the first step of the copy on: what it says is left, against what it took. A machine that does other things
# beside the night, and did not beside the rehearsal, is no fault of the estimate: only the long run measures.
most=50
[ -z "${LONG:-}" ] || most=20
mkdir "$T/cut"
copy_at() { # STEP
	awk -v step="$1" '{ print } index($0, "\"kind\":\"attempt.started\"") && index($0, "\"step\":\"" step "\"") { exit }' "$night" >"$T/cut/journal.jsonl"
}
ended=$(jq -r 'select(.kind == "night.closed") | .at' "$night")
for step in record-source capture download restore count-rows; do
	copy_at "$step"
	"$NF" status --json "$T/cut/journal.jsonl" >"$T/status.json"
	at=$(tail -n 1 "$T/cut/journal.jsonl" | jq .at)
	jq -e '[.steps[] | select(.state == "waiting" and .estimate_ms < 0 and (.id | startswith("back-") | not) and .id != "webhooks") | .id] == []' "$T/status.json" >/dev/null ||
		fail "At $step there are steps without an estimate: $(jq -c '[.steps[] | select(.estimate_ms < 0) | .id]' "$T/status.json")"
	left=$(jq '[.steps[] | select(.id | startswith("back-") | not) | select(.state == "waiting" or .state == "running") | .estimate_ms | select(. > 0)] | add' "$T/status.json")
	took=$((ended - at)) off=$(((left - (ended - at)) * 100 / (ended - at)))
	printf 'at %-14s %6d ms left by the estimate, %6d ms it took, off by %d %%\n' "$step" "$left" "$took" "$off"
	[ "${off#-}" -le "$most" ] ||
		fail "At $step the projection is off by $off %: $left ms, and it took $took ms."
done
"$NF" report "$night" >"$T/report.md"
expect_match "$(grep '| restore |' "$T/report.md")" '\| restore \| done \| [0-9:]+ \| 12:00 \| [0-9]:[0-9]{2} \| [0-9]:[0-9]{2} \|' "the rehearsed time in the report"
