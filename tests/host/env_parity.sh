#!/bin/bash
# Heroku's config vars against what is inside real containers, blind: every way a value is known to be damaged on
# is named with its cause, and no value is in anything that is kept, shown or run.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../dockerd_lib.sh"
docker_start
mkdir "$T/heroku" "$T/kept"

# ---- what there is to compare ----

vars='{}'
: >"$T/env" >"$T/values" >"$T/wanted"
options=()
on_heroku() { # NAME VALUE
	vars=$(jq -c --arg n "$1" --arg v "$2" '.[$n] = $v' <<<"$vars")
	[ ${#2} -lt 6 ] || head -n 1 <<<"${2:0:200}" >>"$T/values"
}
in_container() { # NAME VALUE
	case $2 in
	*$'\n'*) options+=(--env "$1=$2") ;;
	*) printf '%s=%s\n' "$1" "$2" >>"$T/env" ;;
	esac
	[ ${#2} -lt 6 ] || head -n 1 <<<"${2:0:200}" >>"$T/values"
}
row() { # NAME HEROKU CONTAINER WORDS: "" for no line at all
	on_heroku "$1" "$2"
	in_container "$1" "$3"
	printf '%s\t%s\n' "$1" "$4" >>"$T/wanted"
}

# What is in the container is what dotenv 3.2 and Kamal 2.12 make of the line in .kamal/secrets that is named here.
row EATEN 'zebra\xA3bar' 'zebraxA3bar' "differs in web, job: 12 -> 11 bytes, backslashes eaten by dotenv; store it in base64"              # X=a\xA3b
row ENCRYPTION_SERVICE_SALT 'zebra\xA3\xFFsalt' 'zebra\\xA3\\xFFsalt' "17 -> 19 bytes, backslashes doubled by Kamal's env file; store it in base64 and decode it in the app" # X='a\xA3b'
row TWICE 'zebra\twice' 'zebra\\\\twice' "backslashes doubled by Kamal's env file, its backslashes had been doubled by hand"             # X='a\\xA3b'
row COMMAND 'zebra$word1 \x41' 'zebra \\x41' "backslashes doubled by Kamal's env file, \$NAME taken for a variable and left out"           # X=$(cat f)
row VARIABLE 'zebra$word1' 'zebra' "\$NAME taken for a variable and left out; write it in single quotes"                                  # X=pa$word1
row EXPANDED 'zebra$RAILS_ENV' 'zebraproduction' "\$NAME replaced by a variable's value"                                                  # X=pa$RAILS_ENV
row HASH 'zebra#hash' 'zebra' "cut at its #; write it in single quotes"                                                                   # X=has#hash
row WRITTEN $'zebra l1\nl2' 'zebra l1\nl2' "11 -> 12 bytes, line breaks or other control characters turned into text such as \\n; store it in base64"    # X="l1<line end>l2"
row WRITTEN_TWICE $'zebra l1\nl2' 'zebra l1\\nl2' "backslashes doubled by Kamal's env file, line breaks or other control characters"    # X="l1\nl2"
row FIRST_LINE $'zebra BEGIN\nzebra MIIE' 'zebra BEGIN' "only its first line came; store it in base64"                                    # X=l1<line end>l2
row ESCAPED "zebra it's" "zebra it\\\\'s" "a backslash stands before its quotes"                                                          # X='it\'s'
row TRIMMED '  zebra wide  ' 'zebra wide' "blanks or line ends at its ends are gone"                                                      # X=  v
row LINE_END $'zebra token\n' 'zebra token' "12 -> 11 bytes, blanks or line ends at its ends are gone"                                    # X=$(cat f)
row QUOTED 'zebra quoted' "'zebra quoted'" "the file's quotes are in it"
row NOTHING 'zebra nothing' '' "13 -> 0 bytes, empty; look what .kamal/secrets or its command gives"
row IN_BASE64 $'zebra\\\nbin' "$(printf 'zebra\\\nbin' | base64)" "is the same in web, job, in base64; the app has to decode it"
row SECRET_KEY_BASE 'zebrazebrazebra1' 'tigertigertiger1' "is another value in web, job: 16 -> 16 bytes, letters and digits; what Heroku encrypted with it"
row SMTP_ADDRESS 'smtp.zebra.example' 'smtp.tiger.example' "is another value in web, job: 18 -> 18 bytes, text; is that meant?"
row PLAIN 'zebra+plain/QUJD=' 'zebra+plain/QUJD=' ""
row UNICODE 'zebra "Grüße" / #' 'zebra "Grüße" / #' ""
row TWO_LINES $'zebra real\nline break' $'zebra real\nline break' ""
row RAILS_ENV production production ""
big=$(head -c 49000 /dev/zero | tr '\0' z)
row BIG "$big" "$big" ""
row BIG_CUT "$big#$big" "$big" "98001 -> 49000 bytes, cut at its #"
on_heroku ONLY_THERE 'zebra missing'
printf '%s\t%s\n' ONLY_THERE "is missing in web, job: 13 bytes on Heroku; add it under env:" >>"$T/wanted"
on_heroku LANG en_US.UTF-8
printf '%s\t%s\n' LANG "is missing in web, job; Heroku's buildpack sets it" >>"$T/wanted"
on_heroku AGREED 'zebra agreed'
in_container AGREED 'tiger agreed'
on_heroku HEROKU_APP_NAME zebra-production
row REDIS_URL 'rediss://:zebrapass@ec2-1-2-3-4.compute-1.amazonaws.com:18889' 'rediss://:zebrapass@ec2-1-2-3-4.compute-1.amazonaws.com:18889' \
	"REDIS_URL still leads to Heroku's service (ec2-1-2-3-4.compute-1.amazonaws.com:18889) in web, job"
row ANALYTICS_DATABASE_URL 'postgres://zebrauser:zebrapassword@db.zebra.example/a' 'postgres://zebrauser:tigerpassword@db.tiger.example/a?sslmode=require' \
	"is another URL in web, job: host db.zebra.example:5432 -> db.tiger.example:5432, sslmode not said -> require, another password"
in_container DATABASE_URL 'postgres://shop:tigerpassword@acme-db/shop_production'
printf '%s\t%s\n' DATABASE_URL "differs as it must in web, job: host 127.0.0.1:5439 -> acme-db:5432, database zebra_old -> shop_production, user zebrauser -> shop, another password" >>"$T/wanted"
in_container OLD_COPY_URL 'postgres://zebrauser:zebrapassword@127.0.0.1:5439/zebra_old'
printf '%s\t%s\n' OLD_COPY_URL "still leads to Heroku's service (127.0.0.1:5439) in web, job" >>"$T/wanted"
in_container DYNO web.1
printf '%s\t%s\n' DYNO "is set in web, job and is Heroku's own name" >>"$T/wanted"
# Names that are no names, and values that would paint on a screen.
in_container $'ODD\e[31mNAME' $'zebra\e[31mred'
on_heroku $'ODD\e[31mNAME' $'zebra\e[31mred'

# ---- both sides ----

docker_app web 4f2c91a --env-file "$T/env" "${options[@]}" -- sleep 1000 >/dev/null
docker_app job 4f2c91a --env-file "$T/env" "${options[@]}" -- sleep 1000 >/dev/null
docker stop -t 0 acme-job-4f2c91a >/dev/null
host_start
. "$ROOT/demo/lib.sh"
mapfile -t port < <(free_ports 3)
export HEROKU_PORT=${port[0]} DUMP_PORT=${port[1]} HTTP_PORT=${port[2]} HEROKU_API_KEY=HRKU-11111111-2222-4333-a444-555555555555 \
	HEROKU_DIR=$T/heroku HEROKU_FIXTURE=$T/fixture.json OLD_DATABASE_URL=postgres://zebrauser:zebrapassword@127.0.0.1:5439/zebra_old \
	NEW_DATABASE_URL=postgres://shop:tigerpassword@127.0.0.1:5440/shop_production BIN=$ROOT/build/demo/bin
printf '%s' "$vars" | jq --slurpfile f "$ROOT/demo/heroku/fixture.json" '$f[0] + {config_vars: ., formation: []}' >"$T/fixture.json"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout "$T/heroku/key.pem" \
	-out "$T/heroku/ca.pem" >/dev/null 2>&1
spawn "$T/heroku/pid" "$T/heroku/log" "$BIN/heroku"
at_end 'kill_pidfile "$T/heroku/pid"'
api_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$HEROKU_PORT") 2>/dev/null; }
eventually 10 api_answers || fail "Heroku does not answer: $(tail -n 2 "$T/heroku/log")"
sed -i "s,^heroku:.*,heroku: {app: acme-production\, api: \"http://127.0.0.1:$HEROKU_PORT\"\, data: \"http://127.0.0.1:$HEROKU_PORT\"}," "$CONFIG"
cat >>"$CONFIG" <<YML
env: {accept: [AGREED]}
dns: {provider: manual, names: [www.acme.example]}
playbook: $T/look.yml
YML
printf '%s\n' 'name: look' 'phases: [{phase: prepare, steps: [{id: preflight, do: preflight, with: {checks: [env-parity]}}]}]' >"$T/look.yml"

# ---- what it says ----

expect_status 1 "$NF" check env-parity --config "$CONFIG"
printf '%s\n' "$OUTPUT" >"$T/kept/check"
while IFS=$'\t' read -r name words; do
	if [ -z "$words" ]; then
		! grep -q " $name " "$T/kept/check" || fail "$name is the same, but: $(grep " $name " "$T/kept/check")"
	else
		grep -F " $name " "$T/kept/check" | grep -qF -- "$words" || fail "$name should say \"$words\": $(grep -F " $name " "$T/kept/check")"
	fi
done <"$T/wanted"
! grep -q 'AGREED\|HEROKU_APP_NAME' "$T/kept/check" || fail "What was accepted or stays behind is told as trouble."
expect_file_has "$T/kept/check" "33 on Heroku: 6 the same, 1 the same in base64, 1 different as it must be, 2 left behind, 1 accepted, 20 changed, 2 missing"
! grep -q $'\e' "$T/kept/check" || fail "An escape sequence came through."

# ---- mended in the entrypoint: the process counts, not what docker was told ----

docker rm -f acme-web-4f2c91a >/dev/null
docker_app web 5a5a5a5 --env-file "$T/env" "${options[@]}" -- sh -c 'export ENCRYPTION_SERVICE_SALT="zebra\\xA3\\xFFsalt"; exec sleep 1000' >/dev/null
if [ $DOCKER = real ]; then
	mended() { "$NF" check env-parity --config "$CONFIG" >"$T/kept/mended" 2>&1 || grep -q "ENCRYPTION_SERVICE_SALT differs in job: 17 -> 19" "$T/kept/mended"; }
	eventually 10 mended || fail "What the entrypoint mended is not seen: $(grep SALT "$T/kept/mended")"
fi

# ---- a night, and no value in anything it leaves ----

# What is started with which arguments: docker on the host, and the shell that sshd starts (commands.log).
client=$(readlink -f "$HOST/bin/docker")
rm "$HOST/bin/docker"
printf '#!/bin/sh\nprintf "docker %%s\\n" "$*" >>"%s"\nexec "%s" "$@"\n' "$T/kept/arguments" "$client" >"$HOST/bin/docker"
chmod 755 "$HOST/bin/docker"
timeout 60 "$NF" run --config "$CONFIG" >"$T/kept/out" 2>"$T/kept/err" </dev/null && fail "A night with damaged secrets went on."
expect_equal "$(events check.seen '.check + " " + .verdict')" '"env-parity FAIL"' "what the night saw"
expect_match "$(events check.seen '[.lines[] | select(.name == "SECRET_KEY_BASE")][0].fact')" '"[0-9a-f]{16} 0 16 16 in web, job"' "the fact of a changed key"
"$NF" report "$(journal)" >"$T/kept/report" 2>&1
cp -r "$NIGHTFERRY_STATE" "$T/kept/state"
find "$T/kept" -name digest.key -delete -print | grep -q . || fail "The night has no key for its digests."
expect_equal "$(stat -c %a "$(find "$NIGHTFERRY_STATE" -name digest.key)")" 600 "mode of the digest key"
cp "$HOST/commands.log" "$T/kept/commands"
grep -q 'docker exec .* cat /proc/1/environ' "$T/kept/arguments" || fail "docker was not asked: $(cat "$T/kept/arguments")"
# Words that the test itself, the names of hosts and of users may show.
grep -vxE 'production|en_US.UTF-8|zebra|smtp\..*|zebra_old|zebra-production' "$T/values" | sort -u >"$T/search"
printf '%s\n' zebrapass tigerpass >>"$T/search"
found=$(grep -rlaF -f "$T/search" "$T/kept")
[ -z "$found" ] || fail "Values are in $found: $(grep -rhoaF -f "$T/search" "$T/kept" | sort | uniq -c | head -n 5)"

# ---- foretold from Heroku's values and how the lines of .kamal/secrets are written, before any container has them ----

mkdir "$T/config" "$T/.kamal"
cat >"$T/config/deploy.yml" <<'YML'
service: acme
image: acme
servers: {web: [127.0.0.1], job: [127.0.0.1]}
registry: {server: registry.acme.example, username: acme, password: [KAMAL_REGISTRY_PASSWORD]}
builder: {arch: amd64}
env:
  secret: [DATABASE_URL, "ENCRYPTION_SERVICE_SALT:SALT", VARIABLE, HASH, WRITTEN, ESCAPED, PLAIN, COMMAND, NOT_ON_HEROKU]
accessories:
  db: {image: "postgres:15", host: 127.0.0.1, port: 5432}
YML
cat >"$T/.kamal/secrets" <<'SECRETS'
SALT='zebra-in-the-file'
VARIABLE=zebra-in-the-file
HASH='zebra-in-the-file'
WRITTEN="zebra-in-the-file"
ESCAPED='zebra-in-the-file'
PLAIN=zebra-in-the-file
COMMAND=$(touch executed; cat zebra-in-the-file)
SECRETS
OUTPUT=$("$NF" check secret-values --config "$CONFIG" 2>&1 </dev/null)
printf '%s\n' "$OUTPUT" >"$T/kept/foretold"
while IFS=: read -r name words; do
	grep -qF -- "WARN    $name $words" "$T/kept/foretold" || fail "$name should be foretold \"$words\": $OUTPUT"
done <<'WORDS'
ENCRYPTION_SERVICE_SALT:would arrive with backslashes doubled by Kamal's env file: store it in base64
VARIABLE:may arrive damaged as its line is written ($NAME taken for a variable and left out): write it in single quotes
WRITTEN:would arrive with line breaks or other control characters
COMMAND:would arrive with backslashes doubled by Kamal's env file
WORDS
expect_equal "$(grep -c ' WARN ' "$T/kept/foretold")" 4 "values that are foretold: $OUTPUT"
expect_match "$OUTPUT" "PASS    8 of Heroku's values go through .kamal/secrets" "the sum"
[ ! -e "$T/executed" ] || fail "A command of .kamal/secrets was run."
! grep -q "zebra" "$T/kept/foretold" || fail "A value is in what was foretold: $OUTPUT"

# ---- waived by name: the night goes on, until something else changes ----

"$NF" stop --config "$CONFIG" >/dev/null 2>&1
rm -rf "$NIGHTFERRY_STATE"
expect_status 0 timeout 60 "$NF" run --config "$CONFIG" --waive "preflight:env-parity=we know all of it"
expect_equal "$(events waiver.given '.about + " " + .reason')" '"check:env-parity we know all of it"' "the waiver"
expect_match "$(events waiver.given .fact)" '^"[0-9a-f]{16} .*, all [0-9a-f]{16}"$' "what the waiver is tied to"

# ---- what cannot be looked at is not known ----

docker rm -f acme-job-4f2c91a >/dev/null
expect_status 1 "$NF" check env-parity --config "$CONFIG"
expect_match "$OUTPUT" "UNKNOWN there is no container of the role job" "a role without container"
HEROKU_API_KEY=HRKU-99999999-8888-7777-6666-555555555555 expect_status 1 "$NF" check env-parity --config "$CONFIG"
expect_match "$OUTPUT" "UNKNOWN env-parity" "a wrong token"
kill_pidfile "$T/heroku/pid"
expect_status 1 "$NF" check env-parity --config "$CONFIG"
expect_match "$OUTPUT" "UNKNOWN env-parity" "Heroku away"
host_stop
