#!/bin/bash
# No secret of the demo's world is anywhere it could be read afterwards: journals, traces, attempts, outputs, screens, and
# the arguments and environments of what runs.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start DEMO_ROWS=5000
cat >"$T/secrets.yml" <<'YML'
name: secrets
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: stop}}
      - {id: source, do: record-source}
      - {id: target, do: wipe-target}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/secrets.yml" >>"$CONFIG"

password_of() { # URL
	local rest=${1#*://*:}
	printf '%s\n' "${rest%%@*}"
}
wrong_token=HRKU-99999999-8888-7777-6666-555555555555
wrong_password=zebra-crossing-by-night-4711
{
	printf '%s\n' "$HEROKU_API_KEY" "$CLOUDFLARE_API_TOKEN" "$wrong_token" "$wrong_password"
	password_of "$OLD_DATABASE_URL"
	password_of "$NEW_DATABASE_URL"
} >"$W/secrets"
expect_equal "$(awk 'length > 5' "$W/secrets" | wc -l)" 6 "secrets to look for"
mkdir "$T/kept"

# What everything was started with, again and again while the nights run. Another test's children are seen with ours: what
# is true of these is true of those.
look_at_processes() {
	local p line
	for p in /proc/[0-9]*; do
		line=$({ tr '\0' ' ' <"$p/cmdline"; } 2>/dev/null) || continue
		case $line in
		nightferry\ __job*) { tr '\0' '\n' <"$p/environ" >>"$T/kept/environments"; } 2>/dev/null ;;
		esac
		case $line in
		*nightferry* | *ssh* | *psql* | *docker* | *kamal*) printf '%s\n' "$line" >>"$T/kept/cmdlines" ;;
		esac
	done
}
watch_processes() {
	while [ ! -e "$T/watched" ]; do
		look_at_processes
		sleep 0.3
	done
}
watch_processes &
watcher=$!
at_end 'touch "$T/watched"; wait $watcher 2>/dev/null'

night() { # NAME: without a screen
	timeout 60 "$NF" run --yes maintenance-on=acme-production --yes scale-to-zero=acme-production >"$T/kept/$1.out" 2>"$T/kept/$1.err" </dev/null
	echo "$?" >"$T/$1.status"
	mv "$NIGHTFERRY_STATE" "$T/kept/$1.state"
}

# ---- without a screen ----

night right
expect_match "$(cat "$T/kept/right.err")" "target is failed" "the end of the first night"
expect_equal "$(grep -ho '"kind":"attempt.ended"' "$(journal_of "$T/kept/right.state")" | wc -l)" 3 "steps of the night"
HEROKU_API_KEY=$wrong_token night token
expect_file_has "$T/kept/token.err" "does not accept the token"
NEW_DATABASE_URL=${NEW_DATABASE_URL/$(password_of "$NEW_DATABASE_URL")/$wrong_password} night password
expect_file_has "$T/kept/password.err" "does not accept the password"

# ---- by seat ----

keep_screen() {
	screen >>"$T/kept/screens"
}
# The page is taken away again, so that there is a gate to look at.
curl -sS -o "$T/answer" -X PATCH -H "Authorization: Bearer $HEROKU_API_KEY" -H 'Content-Type: application/json' \
	"$HEROKU_HOST/apps/$HEROKU_APP" -d '{"maintenance":false}'
screen_start 200x60 "$NF" --as ana
wait_text 20 "R next"
wait_text 20 "not seen"
keys v
keep_screen
keys A
wait_text 10 "ARMED"
keys R
wait_text 30 "GATE"
keep_screen
box_settles
keys @
wait_text 5 "THE EXACT CALLS"
keep_screen
keys Escape
wait_gone 10 "GATE"
keys @
wait_text 10 "GET"
keep_screen
keys G
sleep 0.2
keep_screen
keys Escape
wait_gone 5 "COMMANDS "
type_text '\;'
wait_text 5 "note >"
fill_line "the token is $HEROKU_API_KEY, says somebody"
wait_event 10 note.added
wait_gone 5 "note >"
eventually 5 screen_lacks "$HEROKU_API_KEY" || fail "A token typed into a note stays on the screen."
keep_screen
for view in 1 2 3 4 5 6 7 8 9 0; do
	keys $view
	keys +
	sleep 0.1
	keep_screen
	keys _
done
keys q
wait_end 10
keep_screen
"$NF" report "$(journal)" >"$T/kept/report" 2>&1 || true
"$NF" status >"$T/kept/status" 2>&1 || true
"$NF" stop >"$T/kept/stop" 2>&1 || fail "$(cat "$T/kept/stop")"
mv "$NIGHTFERRY_STATE" "$T/kept/seat.state"

# ---- and now the search ----

touch "$T/watched"
wait "$watcher"
[ -s "$T/kept/cmdlines" ] && grep -q __job "$T/kept/cmdlines" || fail "No process was seen."
[ -s "$T/kept/environments" ] || [ "$(id -u)" != 0 ] || fail "No environment was seen."
! grep -E '^(HEROKU_API_KEY|CLOUDFLARE_API_TOKEN|NEW_DATABASE_URL|OLD_DATABASE_URL)=' "$T/kept/environments" ||
	fail "Children have secrets in their environment."
expect_match "$(find "$T/kept" -name 'trace.jsonl' -size +0 | wc -l)" '[1-9]' "traces that were written"
found=$(grep -rlaF -f "$W/secrets" "$T/kept")
if [ -n "$found" ]; then
	while read -r file; do
		grep -aoF -f "$W/secrets" "$file" | sort | uniq -c | sed "s,^,${file#"$T/kept/"}: ," >&2
		grep -aF -f "$W/secrets" "$file" | head -n 2 | cut -c 1-600 >&2
	done <<<"$found"
	fail "Secrets were found in the files above."
fi
echo "ok  no secret in $(find "$T/kept" -type f | wc -l) files, $(du -sk "$T/kept" | cut -f1) kB"
