#!/bin/bash
# The search through all that the tests print can fail: each kind of secret that a demo world makes is found, wherever a
# test of any kind prints it, and a suite that prints none passes.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch

# ---- every secret of a world has a form that is known ----

# A world's own secrets, made by what makes them for every world.
(
	. "$ROOT/demo/lib.sh"
	. "$ROOT/demo/world.files.sh"
	BIN=/bin DEMO_DIR=$ROOT/demo WORLD=$T/ports.d
	mkdir "$WORLD" && write_ports
) || fail "No secrets were made."
. "$T/ports.d/ports"
mkdir "$T/kept"
found_in() { # TEXT
	printf 'before\nsomething=%s, and more\n' "$1" >"$T/kept/file"
	! "$ROOT/tests/secrets" "$T/kept" >"$T/found" && [ "$(cat "$T/found")" = "$T/kept/file" ]
}
password_of() { # URL
	local rest=${1#*://*:}
	printf '%s\n' "${rest%%@*}"
}
known=0
for secret in "$HEROKU_API_KEY" "$CLOUDFLARE_API_TOKEN" "$(password_of "$OLD_DATABASE_URL")" "$(password_of "$NEW_DATABASE_URL")" \
	"$OLD_DATABASE_URL" "$NEW_DATABASE_URL" "$OLD_REDIS_URL" $(jq -r '.config_vars | .SECRET_KEY_BASE, .REDIS_URL' "$ROOT/demo/heroku/fixture.json"); do
	[ ${#secret} -gt 20 ] || fail "A secret of ${#secret} characters is none."
	found_in "$secret" || fail "A secret that begins with ${secret:0:6} has a form that the search does not know."
	grep -qF -- "$secret" "$T/found" && fail "The search prints what it found."
	known=$((known + 1))
done
expect_equal $known 9 "kinds of secrets"
found_in "a plain text with $(printf %064d 7) and $(git -C "$ROOT" rev-parse HEAD 2>/dev/null)" && fail "A hash is taken for a secret."

# ---- a suite of its own, with this runner ----

house=$T/house
mkdir -p "$house/tests/plant" "$house/build/tests/plant" "$house/build-san/tests/plant"
cp "$ROOT/tests/run" "$ROOT/tests/secrets" "$house/tests/"
printf '.DEFAULT:\n\t@:\ndeps build:\n\t@:\n.PHONY: deps build\n' >"$house/Makefile"
plant() { # NAME LINE...
	printf '%s\n' '#!/bin/bash' "${@:2}" >"$house/tests/plant/$1"
}
suite() { # TEST...: its exit status
	(cd "$house" && timeout 60 tests/run "$@") >"$T/suite" 2>&1 </dev/null
}
plant clean.sh 'echo nothing; echo "to see" >&2'
suite plant || fail "A suite without a secret fails: $(cat "$T/suite")"

# Each of these passes, and prints what it should not: on one stream, in the one build, the first time only.
plant errors.sh "echo 'postgres://u:$(password_of "$OLD_DATABASE_URL")@x' >&2"
plant again.sh "[ ! -e '$T/once' ] || exit 0" "touch '$T/once'" "echo '$HEROKU_API_KEY'" 'exit 1'
plant token.sh "echo '# $CLOUDFLARE_API_TOKEN'"
touch "$house/tests/plant/unit_test.c"
for tree in build build-san; do
	printf '#!/bin/bash\necho 1..1\necho "ok 1 - one"\n' >"$house/$tree/tests/plant/unit_test"
	chmod +x "$house/$tree/tests/plant/unit_test"
done
echo "echo '# $(password_of "$NEW_DATABASE_URL")'" >>"$house/build/tests/plant/unit_test"
suite plant && fail "A suite that prints secrets passes: $(cat "$T/suite")"
expect_match "$(cat "$T/suite")" 'FAIL +[0-9]+ suite/secrets' "the verdict"
expect_match "$(tail -n 1 "$T/suite")" '^5 passed, 1 failed$' "the sum, in which only the search has failed"
for name in errors again token unit; do
	grep -q "printed to .*/plant-$name.log" "$T/suite" || fail "What plant/$name printed was not searched: $(cat "$T/suite")"
done
! grep -q 'plant-clean.log' "$T/suite" || fail "What holds no secret is named."
