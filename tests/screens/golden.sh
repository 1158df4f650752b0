#!/bin/bash
# Golden screens: the recorded night, replayed to many moments at four sizes, is drawn as it was drawn before, and every
# line is exactly as wide as the screen. UPDATE=1 draws them anew: look at every difference before you commit it.
# timeout: 200
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
here=$ROOT/tests/screens/golden night=$ROOT/tests/journals/first
mkdir -p "$here"
[ -s "$night/moments" ] || fail "There is no $night/moments."

differ=0
while read -r name at view; do
	for size in 80x24 120x40 160x48 200x50; do
		file=$here/$name.$size.txt
		"$NF" replay --frame "$size" --at "$at" --view "$view" "$night/journal.jsonl" >"$T/frame" 2>"$T/err" ||
			fail "$name at $size: $(cat "$T/err")"
		expect_exact_width "${size%x*}" "$T/frame"
		expect_equal "$(wc -l <"$T/frame")" "${size#*x}" "$name at $size: lines"
		# the blanks at the ends are counted above, and not kept in the repository
		sed 's/ *$//' "$T/frame" >"$T/picture"
		if [ -n "${UPDATE:-}" ]; then
			cp "$T/picture" "$file"
		elif ! diff -u "$file" "$T/picture" >"$T/diff" 2>&1; then
			differ=$((differ + 1))
			echo "$name at $size is drawn differently:"
			head -n 30 "$T/diff"
		fi
	done
done <"$night/moments"
[ $differ = 0 ] || fail "$differ screens differ."
