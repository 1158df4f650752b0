#!/bin/bash
# Who is not at a seat is told: by a command and by a webhook, of each phase, a failure and the end, once, with the text
# for the status page. An address is a secret; one that refuses, or a command that fails, changes nothing.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
world_start DEMO_ROWS=3000

cat >"$T/tell" <<SH
#!/bin/sh
printf '%s|%s|%s\n' "\$NIGHTFERRY_WHAT" "\$NIGHTFERRY_TEXT" "\$NIGHTFERRY_STATUS" >>"$T/told"
[ ! -e "$T/broken" ]
SH
chmod 755 "$T/tell"
cat >"$T/small.yml" <<'YML'
name: small
done_status: "We are back."
phases:
  - phase: freeze
    status: "We are moving; back soon."
    steps:
      - {id: first, do: note, with: {text: one}, say: "It begins."}
  - phase: copy
    steps:
      - {id: asks, do: command, with: {command: ["true"], prove: ["cat", "mended"], expect: "yes"}}
      - {id: last, do: note, with: {text: two}}
YML
export NOTIFY_URL=$HEROKU_HOST/hook/tok-5e2a91c7
cp "$CONFIG" "$T/nightferry.yml"
printf 'notify: {command: [%s], webhook: "env:NOTIFY_URL"}\n' "$T/tell" >>"$T/nightferry.yml"
export CONFIG=$T/nightferry.yml
cd "$T" || exit 1

hooks() {
	grep -c 'POST /hook' "$W/heroku/requests.log"
}
night() {
	"$NF" run --playbook "$T/small.yml" --yes asks=asks "$@" >>"$T/out" 2>>"$T/err" </dev/null
}
notified() { # how each notice ended, in order
	events fact 'select(.name == "notified") | .data.ok' | tr '\n' ' '
}

# The address refuses and the command fails: said, and the night goes on to where it fails by itself.
: >"$T/broken"
echo no >"$T/mended"
night && fail "A step whose proof failed has ended well."
expect_equal "$(cut -d '|' -f 1 "$T/told" | tr '\n' ' ')" "phase freeze phase copy failed a2 " "what was told of the first run"
expect_equal "$(notified)" "false false false " "how it was brought"
expect_match "$(events fact 'select(.name == "notified") | .data.text' | head -n 1)" 'tell ended with 1' "why it was not brought"

# Both work now, and the night is mended: only what is new is told.
rm "$T/broken"
echo yes >"$T/mended"
curl -sf -o /dev/null -X POST -d '{"path":"/hook","status":200,"body":"ok","times":0}' "$HEROKU_HOST/__ctl" || fail "No rule was taken."
before=$(hooks)
night || fail "The mended night did not end: $(tail -n 5 "$T/err")"
expect_equal "$(notified)" "false false false true " "how the rest was brought"
expect_equal "$(hooks)" $((before + 1)) "requests to the webhook"
expect_equal "$(tail -n 1 "$T/told")" "done|acme: done|We are back." "the last that was told"
expect_equal "$(head -n 1 "$T/told")" "phase freeze|acme: freeze begins. It begins.|We are moving; back soon." "the first that was told"
expect_equal "$("$NF" status --page "$(journal)")" "We are back." "the text for the status page"
if grep -rqF tok-5e2a91c7 "$NIGHTFERRY_STATE" "$T/out" "$T/err" "$T/told"; then
	fail "The webhook's address stands in the night: $(grep -rlF tok-5e2a91c7 "$NIGHTFERRY_STATE" "$T/out" "$T/err")"
fi
