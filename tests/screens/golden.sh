#!/bin/bash
# Golden screens: recorded nights, replayed to many moments at four sizes, are drawn as they were drawn before, and every
# line is exactly as wide as the screen. UPDATE=1 draws them anew: look at every difference before you commit it.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
here=$ROOT/tests/screens/golden
mkdir -p "$here"

# A night as if it had been rehearsed the day before: the ghost of each step stands beside it.
rehearsed() { # NIGHT
	mkdir -p "$T/rehearsed"
	jq -c --slurpfile ghost "$1/rehearsed.json" 'if .kind == "night.opened" then .rehearsed = $ghost[0] else . end' \
		"$1/journal.jsonl" >"$T/rehearsed/journal.jsonl" || fail "$1 has no rehearsal."
	cp "$1/trace.jsonl" "$T/rehearsed/trace.jsonl"
}

differ=0 seen=0
while read -r night name at view ghost; do
	seen=$((seen + 1)) journal=$night/journal.jsonl
	if [ -n "$ghost" ]; then
		rehearsed "$night"
		journal=$T/rehearsed/journal.jsonl
	fi
	for size in 80x24 120x40 160x48 200x50; do
		file=$here/$name.$size.txt
		"$NF" replay --frame "$size" --at "$at" --view "$view" "$journal" >"$T/frame" 2>"$T/err" ||
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
done < <(for night in "$ROOT"/tests/journals/*; do [ ! -s "$night/moments" ] || sed "s,^,$night ," "$night/moments"; done)
[ $seen -gt 10 ] || fail "There are only $seen moments to look at."
[ $differ = 0 ] || fail "$differ screens differ."
