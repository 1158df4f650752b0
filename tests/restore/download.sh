#!/bin/bash
# The dump's way to the new host against what its storage does to it: an address that expires half-way, a tail that is cut,
# resets, silence, refusals. The file is Heroku's own to the last byte, what was there is not fetched again, and no second
# backup is taken.
# long
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/restore_lib.sh"
copy_world DEMO_ROWS=3000
freeze_old
book fetch capture download
LOG=$W/heroku/requests.log

rule() { # FIELDS of the first fetch: unlike the looks at size and speed it names no range
	curl -sf -o /dev/null -X POST -d "{\"method\":\"GET\",\"path\":\"/xfrtu/\",\"unless_header\":\"Range\",$1}" "$HEROKU_HOST/__ctl" ||
		fail "The fake Heroku took no rule."
}
no_rules() {
	curl -sf -o /dev/null -X DELETE "$HEROKU_HOST/__ctl"
}
since() { # PATTERN: requests since the mark
	tail -n "+$((mark + 1))" "$LOG" | grep -Ec "$1"
}
backups() {
	since '^POST /client/v11/databases/[^ ]+/backups '
}
backup() { # FIELD
	events fact "select(.name == \"backup\") | .data.$1" | tail -n 1 | tr -d '"'
}
backup_number() { # of the newest file on the host
	find "$W/host/home/.nightferry/acme" -name 'b*.dump' -printf '%f\n' | sort | tail -n 1 | tr -dc 0-9 | sed 's/^0*//'
}
fresh() { # a night of its own, and with it a backup of its own
	rm -rf "$NIGHTFERRY_STATE"
	mark=$(wc -l <"$LOG")
}
here() { # what Heroku has, what the host has
	cmp "$(find "$W/heroku/dumps" -name "$(backup id)*")" "$W/host/home/.nightferry/acme/b$(printf %03d "$(backup num)").dump" ||
		fail "The file on the host is not Heroku's."
	expect_equal "$(backups)" 1 "backups that were asked for"
	echo "ok  $1: $(since '^GET /xfrtu/[^ ]+ 200') fetched from the beginning, $(since '^POST .*/public-url ') addresses"
}
stopped_at() { # bytes that were there when it broke
	grep -rhos 'the dump stopped at [0-9]* of' "$NIGHTFERRY_STATE" | head -n 1 | tr -dc 0-9
}

fresh
ends 0 fetch
here "nothing happens"
size=$(stat -c %s "$W/host/home/.nightferry/acme/b$(printf %03d "$(backup num)").dump")
expect_equal "$(since '^GET /xfrtu/[^ ]+ 200')" 1 "fetches"

# ---- the address expires while the bytes come; then the connection breaks ----

part() {
	stat -c %s "$W"/host/home/.nightferry/acme/b*.part 2>/dev/null | tail -n 1
}
comes() {
	[ "$(part)" -gt 0 ]
}
fresh
rule "\"rate\":$((size / 6)),\"cut\":$((size * 6 / 10))"
night fetch &
night=$!
at_end 'kill $night 2>/dev/null'
eventually 60 comes || fail "No byte came: $(cat "$T/err")"
curl -sf -o /dev/null -X POST -d '{"expire_urls":true}' "$HEROKU_HOST/__heroku" || fail "The addresses did not expire."
expired=$(wc -l <"$LOG")
wait $night || fail "An address that expired half-way: $(cat "$T/err")"
here "expired half-way"
[ "$(stopped_at)" -gt 0 ] || fail "It did not break."
asked=$(tail -n "+$((expired + 1))" "$LOG" | grep -E ' /xfrtu/|/public-url ' | awk '{print $1, $NF}' | paste -sd ' ')
# The fetch that broke is logged when it is answered, or when it ends.
expect_equal "${asked#GET 200 }" "POST 200 GET 206" "a fresh address, and only the rest of the file"

# ---- the tail is cut; what is there is kept ----

fresh
rule "\"cut\":$((size - 777))"
ends 0 fetch
here "cut tail"
[ "$(stopped_at)" -ge $((size - 4096)) ] || fail "It began anew at $(stopped_at) of $size bytes."
expect_equal "$(since '^GET /xfrtu/[^ ]+ 200')" 1 "fetches from the beginning"

# ---- reset, refused, Heroku's own trouble with a new address ----

fresh
rule '"drop":"before","times":2'
ends 0 fetch
here "two resets"
fresh
rule '"status":403,"body":"<Error><Code>AccessDenied</Code></Error>"'
ends 0 fetch
here "refused once"
expect_match "$(head -c 5 "$W/host/home/.nightferry/acme/b$(printf %03d "$(backup num)").dump")" PGDMP "no answer in XML is taken for a dump"
fresh
curl -sf -o /dev/null -X POST -d '{"method":"POST","path":"/client/v11/apps/acme-production/transfers/","times":2,"status":500,"body":"<h1>Internal Server Error</h1>"}' \
	"$HEROKU_HOST/__ctl"
ends 0 fetch
here "no address at first"

# ---- silence: curl gives up after half a minute without a byte ----

fresh
rule '"hang":60'
ends 0 fetch
here "silence"

# ---- refused for good: told, and the next attempt goes on with the same backup ----

fresh
rule '"status":403,"times":0,"body":"<Error><Code>AccessDenied</Code></Error>"'
ends 1 fetch
expect_match "$(cat "$T/err")" 'stopped coming 8 times without a new byte \(curl 22: .*what is there is kept, run again to go on' "what is said"
no_rules
ends 0 fetch
here "after being refused"

# ---- half a file of somebody else's lies under the name, and says nothing of itself ----

fresh
next=b$(printf %03d $(($(backup_number) + 1)))
head -c 5000 /dev/urandom >"$W/host/home/.nightferry/acme/$next.part"
ends 0 fetch
here "a stranger's half"
expect_equal "$(since '^GET /xfrtu/[^ ]+ 200')" 1 "fetches from the beginning"

# ---- Heroku's storage has another file there half-way: nothing is mixed, and the next attempt begins anew ----

fresh
rule "\"rate\":$((size / 6)),\"cut\":$((size * 6 / 10))"
night fetch &
night=$!
eventually 60 comes || fail "No byte came: $(cat "$T/err")"
dump=$(find "$W/heroku/dumps" -name "$(backup id)*")
cp "$dump" "$dump.new" && mv -f "$dump.new" "$dump"
status=0
wait $night || status=$?
expect_equal "$status" 1 "the night whose file was another one half-way"
expect_match "$(cat "$T/err")" 'is not the file any more that was begun; nothing of it was mixed' "what is said"
no_rules
ends 0 fetch
here "another file half-way"
