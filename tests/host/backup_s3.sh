#!/bin/bash
# The first backup goes on to storage that checks signatures strictly, straight from the host, in parts, and is read back to
# its end; the keys are nowhere but in memory; each way it can fail leaves the file on the host and says what to do; and the
# storage of the tests is kept honest by clients of others.
# timeout: 400
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

world_start DEMO_ROWS=3000
set -a
# shellcheck disable=SC1091
. "$W/ports"
set +a
"$ROOT/demo/visitors/part" stop "$W" >/dev/null 2>&1
sed -i '/^steps:/,$d' "$CONFIG"
cp "$CONFIG" "$T/config"
key=AKIA$(od -An -tx1 -N8 /dev/urandom | tr -d ' \n' | tr a-f A-F) secret=$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n') token=session$(od -An -tx1 -N12 /dev/urandom | tr -d ' \n')
unset AWS_CA_BUNDLE AWS_PROFILE AWS_REGION AWS_DEFAULT_REGION
mkdir "$T/objects" "$T/home"
. "$ROOT/demo/lib.sh"
port=$(free_ports 1)
S3_KEY=$key S3_SECRET=$secret S3_TOKEN=${TOKEN-$token} "$BIN/s3" "$port" "$T/objects" "$T/s3.log" 2>"$T/s3.err" &
server=$!
at_end 'kill $server 2>/dev/null; kill -CONT $server 2>/dev/null'
up() { (exec 3<>"/dev/tcp/127.0.0.1/$port"); }
eventually 10 up || fail "The storage did not start: $(cat "$T/s3.err")"
ctl() { curl -sf -m 5 -o /dev/null -d "$1" "http://127.0.0.1:$port/__ctl" || fail "The storage took no rule."; }

# What the dump cannot press together, so that there are parts.
world_sql new "CREATE TABLE big (i int, t text); INSERT INTO big SELECT i, (SELECT string_agg(md5(random()::text || i || k), '') FROM generate_series(1, 40) k) FROM generate_series(1, 14000) i" ||
	fail "The new database was not filled."

night() { # CONFIG-LINE WITH [ENV...]
	local line=$1 with=$2
	shift 2
	timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null
	{ cat "$T/config" && printf '%s\n' "$line"; } >"$CONFIG"
	printf 'name: b\nphases: [{phase: after, steps: [{id: first-backup, do: first-backup, with: {part_mb: 5%s}}]}]\n' "$with" >"$T/b.yml"
	env HOME="$T/home" "$@" timeout 200 "$NF" run --playbook "$T/b.yml" >"$T/out" 2>&1 </dev/null
}
fresh() { timeout 20 "$NF" stop >/dev/null 2>&1 </dev/null; rm -rf "$NIGHTFERRY_STATE" "$T/objects"/* "$T/objects"/.part*; : >"$T/s3.log"; }
keys=(AWS_ACCESS_KEY_ID="$key" AWS_SECRET_ACCESS_KEY="$secret" AWS_SESSION_TOKEN="$token")
to="backup: {to: \"s3://acme-backups/nightly\", endpoint: \"http://127.0.0.1:$port\"}"
seen() { events attempt.ended '.seen[] | [.verdict, .text] | join(" ")' | tail -n 6; }
object() { find "$T/objects" -type f ! -name '.*'; }
dump() { find "$W/host/home/.nightferry" -name 'first-*.dump' -printf '%T@ %p\n' | sort | tail -n 1 | cut -d' ' -f2-; }

# ---- no keys, wrong keys: said, and the file on the host stays ----
night "$to" "" && fail "Without keys it went through."
expect_match "$(cat "$T/out")" "there are no keys for the storage: set AWS_ACCESS_KEY_ID" "without keys"
fresh
night "$to" "" AWS_ACCESS_KEY_ID="$key" AWS_SECRET_ACCESS_KEY=wrong-wrong-wrong AWS_SESSION_TOKEN="$token" && fail "With a wrong key it went through."
expect_match "$(cat "$T/out")" "the secret key is another one" "with a wrong key"
[ -s "$(dump)" ] || fail "The backup on the host is gone."
expect_equal "$(object)" "" "objects after a refusal"
made=$(stat -c %Y.%i "$(dump)")
rm -rf "$T/objects"/*
echo "ok  keys that are missing or wrong"

# ---- from the host, in parts; taken up again, nothing dumped twice ----
ctl '{"method": "PUT", "path": "/acme-backups/", "status": 503, "skip": 1}'
night "$to" "" "${keys[@]}" || fail "The upload failed: $(tail -n 3 "$T/out")"
expect_match "$(seen)" "PASS s3://acme-backups/nightly/acme/[^ ]*: [0-9.]+ MB, read back to its end at" "the proof"
expect_equal "$(stat -c %Y.%i "$(dump)")" "$made" "the dump that was made before"
expect_equal "$(sha256sum <"$(object)")" "$(sha256sum <"$(dump)")" "what is in the storage"
[ "$(grep -c '^PUT.* 200' "$T/s3.log")" -ge 2 ] || fail "It did not go in parts: $(cat "$T/s3.log")"
expect_match "$(grep -c '^PUT.* 503' "$T/s3.log")" "[1-9]" "parts that were sent once more"
expect_match "$(grep -c '^GET.* 200' "$T/s3.log")" "[1-9]" "reads"
expect_match "$(events fact 'select(.name == "backup-s3") | .data.here')" false "who sent it"
for value in "$secret" "$token"; do
	! grep -rqF "$value" "$NIGHTFERRY_STATE" "$W/host/home" "$T/out" || fail "A key of the storage is in $(grep -rlF "$value" "$NIGHTFERRY_STATE" "$W/host/home" "$T/out")."
done
echo "ok  from the host in parts"

# ---- killed in the middle: the step, and what it left going is joined; the worker, and its parts are taken back ----
fresh
parts() { find "$T/objects" -name '.part-*' | wc -l; }
worker() { pgrep -f "/nightferry __copy backup"; }
step() { pgrep -f "__job step first-backup"; }
two_parts() { [ "$(grep -c '^PUT.* 200' "$T/s3.log")" -ge 1 ] && worker >/dev/null; }
by_curl() { curl -sS -m 20 --aws-sigv4 "aws:amz:us-east-1:s3" -u "$key:$secret" -H "x-amz-security-token: $token" -H "x-amz-content-sha256: $(printf '' | sha256sum | cut -c1-64)" "$@"; }
# The second part waits; then the storage stands still for as long as it takes.
mid_upload() {
	ctl '{"method": "PUT", "path": "/acme-backups/", "skip": 1, "hang": 5}'
	night "$to" "" "${keys[@]}" &
	running=$!
	eventually 60 two_parts || fail "No upload began: $(cat "$T/out")"
	kill -STOP $server
}
mid_upload
kill -KILL "$(step)"
status=0
wait $running || status=$?
expect_equal "$status" 1 "a night whose step was killed ($(tail -n 3 "$T/out"))"
worker >/dev/null || fail "The upload ended with its step."
kill -CONT $server
again() { env HOME="$T/home" "${keys[@]}" timeout 200 "$NF" run --playbook "$T/b.yml" >"$T/out" 2>&1 </dev/null; }
again || fail "The upload was not joined: $(tail -n 3 "$T/out")"
expect_equal "$(grep -c '^POST.* 200' "$T/s3.log")" 2 "uploads begun and joined"
expect_equal "$(sha256sum <"$(object)")" "$(sha256sum <"$(dump)")" "what is in the storage after it was joined"
echo "ok  a killed step's upload is joined"
fresh
mid_upload
kill -KILL "$(worker)"
kill -CONT $server
status=0
wait $running || status=$?
expect_equal "$status" 1 "a night whose worker was killed ($(tail -n 3 "$T/out"))"
expect_match "$(cat "$T/out")" "ended without a word: it was killed" "what is said"
[ "$(parts)" -ge 1 ] || fail "There are no parts left to be taken back."
# Somebody else's upload of a longer name is nobody's to take back.
name=$(sed -n 's,^PUT /\([^ ]*\) .*,\1,p' "$T/s3.log" | head -n 1)
theirs=$(by_curl -X POST "http://127.0.0.1:$port/$name-2?uploads=" | sed -n 's,.*<UploadId>\(.*\)</UploadId>.*,\1,p')
[ -n "$theirs" ] || fail "No other upload was begun."
again || fail "The next attempt failed: $(tail -n 3 "$T/out")"
expect_equal "$(parts)" 0 "parts that are left"
expect_equal "$(grep -c '^DELETE.* 204' "$T/s3.log")" 1 "uploads that were taken back"
expect_equal "$(by_curl "http://127.0.0.1:$port/acme-backups/?uploads=" | grep -o '<UploadId>[^<]*')" "<UploadId>$theirs" "uploads that are open"
expect_equal "$(sha256sum <"$(object)")" "$(sha256sum <"$(dump)")" "what is in the storage after that"
echo "ok  a killed worker's parts are taken back"

# ---- a host that cannot run the worker: said, and the next plan leads through this machine ----
fresh
there=$(ssh -F none -i "$SSH_KEY" -p "$SSH_PORT" -o "UserKnownHostsFile=$SSH_KNOWN_HOSTS" -o BatchMode=yes "$SSH_USER@$SSH_HOST" 'dirname "$(command -v docker)"' </dev/null)
[ -d "$there" ] || fail "Where the host finds its programs is not known: $there"
printf '#!/bin/sh\ncase $1 in -m) echo riscv64 ;; *) exec /usr/bin/uname "$@" ;; esac\n' >"$there/uname" && chmod 755 "$there/uname"
night "$to" "" "${keys[@]}" && fail "A worker that cannot run there ran."
expect_match "$(cat "$T/out")" 'plan again, and it runs here, .*is "Linux riscv64" and this nightferry is built for' "what is said"
again || fail "Through this machine, after that: $(tail -n 3 "$T/out")"
rm "$there/uname"
expect_match "$(events plan.seen '.plan.seen[] | select(.name == "way") | [.verdict, .text] | join(" ")' | tail -n 1)" "WARN host → this machine .*riscv64" "the way"
expect_equal "$(sha256sum <"$(object)")" "$(sha256sum <"$(dump)")" "what is in the storage"
echo "ok  a host that cannot run it"

# ---- what comes back is not what went up ----
fresh
ctl '{"method": "GET", "path": "/acme-backups/nightly/", "cut": 6000000}'
night "$to" "" "${keys[@]}" && fail "A backup that comes back cut passed: $(seen)"
[ -s "$(dump)" ] || fail "The backup on the host is gone."
night "$to" "" "${keys[@]}" || fail "The next attempt failed: $(tail -n 3 "$T/out")"
echo "ok  a backup that comes back cut"

# ---- through this machine, said as a WARN; keys by a profile ----
fresh
mkdir -p "$T/home/.aws"
printf '[other]\naws_access_key_id = x\n[night]\naws_access_key_id=%s\naws_secret_access_key = %s\naws_session_token = %s\n' "$key" "$secret" "$token" >"$T/home/.aws/credentials"
night "${to%\}}, profile: night}" ", where: here" || fail "Through this machine: $(tail -n 3 "$T/out")"
expect_match "$(events plan.seen '.plan.seen[] | select(.name == "way") | [.verdict, .text] | join(" ")' | tail -n 1)" "WARN host → this machine" "the way"
expect_equal "$(sha256sum <"$(object)")" "$(sha256sum <"$(dump)")" "what is in the storage"
echo "ok  through this machine, keys of a profile"

# ---- the storage of the tests holds clients of others to the same rules ----
empty=$(printf '' | sha256sum | cut -c1-64)
name=acme-backups/nightly/acme/$(basename "$(object)" | sed 's/.*%2F\(.*\)%2F/\1\//')
asked() { curl -sS -m 20 -o "$T/got" -w '%{http_code}' --aws-sigv4 "aws:amz:us-east-1:s3" "$@" "http://127.0.0.1:$port/$name"; }
expect_equal "$(asked -u "$key:$secret" -H "x-amz-content-sha256: $empty" -H "x-amz-security-token: $token")" 200 "curl's own signature"
cmp -s "$T/got" "$(object)" || fail "curl got something else."
expect_equal "$(asked -u "$key:$secret-" -H "x-amz-content-sha256: $empty" -H "x-amz-security-token: $token")" 403 "another secret"
expect_equal "$(asked -u "$key:$secret" -H "x-amz-content-sha256: ${empty//e/f}" -H "x-amz-security-token: $token")" 400 "another hash of the body"
expect_equal "$(curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/$name")" 403 "no signature"
printf '[default]\naccess_key = %s\nsecret_key = %s\naccess_token = %s\nhost_base = 127.0.0.1:%s\nhost_bucket = 127.0.0.1:%s\nuse_https = False\nbucket_location = us-east-1\nmultipart_chunk_size_mb = 5\n' \
	"$key" "$secret" "$token" "$port" "$port" >"$T/s3cfg"
head -c 11000000 /dev/urandom >"$T/file"
timeout 60 s3cmd -c "$T/s3cfg" --no-progress put "$T/file" s3://acme-backups/theirs/file >"$T/s3cmd" 2>&1 || fail "s3cmd: $(cat "$T/s3cmd")"
timeout 60 s3cmd -c "$T/s3cfg" --no-progress get s3://acme-backups/theirs/file "$T/back" >>"$T/s3cmd" 2>&1 || fail "s3cmd: $(cat "$T/s3cmd")"
cmp -s "$T/file" "$T/back" || fail "s3cmd got something else back."
sed -i 's/^secret_key = ./secret_key = -/' "$T/s3cfg"
timeout 60 s3cmd -c "$T/s3cfg" --no-progress get --force s3://acme-backups/theirs/file "$T/back" >"$T/s3cmd" 2>&1 && fail "s3cmd got in with another key."
expect_match "$(cat "$T/s3cmd")" "SignatureDoesNotMatch|403" "s3cmd with another key"
