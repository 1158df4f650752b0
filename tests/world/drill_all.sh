#!/bin/bash
# Every fault there is, some of them in one night: all are noticed, all are over, all data is equal.
# timeout: 2400
# long
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
scratch
export TMPDIR=$T DEMO_ROWS=60000 # a restore that lasts long enough to be hit
struck=""

drill() { # FAULTS
	local status=0 began
	began=$(now_ms)
	timeout 900 "$NF" drill "$1" --headless --json "$T/card.json" >"$T/out" 2>"$T/err" </dev/null || status=$?
	sed -n '/^DRILL/,$p' "$T/out"
	[ $status = 0 ] || fail "The drill $1 ended with $status: $(tail -n 70 "$T/out" "$T/err")"
	jq -e '.passed and .judge == "equal" and ([.faults[] | select(.verdict != "passed")] == [])' "$T/card.json" >/dev/null ||
		fail "The card of $1: $(cat "$T/card.json")"
	struck+=" $(jq -r '.faults[].fault' "$T/card.json" | tr '\n' ' ')"
	printf 'ok  %s  %d s\n' "$1" $((($(now_ms) - began) / 1000))
}

drill api-500,api-429,one-off,backup-fails,download-cut,restore-killed,dns-answer-lost,app-dies
drill answer-lost,writer,token-revoked,new-db-crash,row-changed,ns-stale
drill step-killed,old-db-dies,url-dead,host-key,conn-drop,dns-api-down
drill host-gone,engine-killed,backup-stuck,sequence-behind,index-lost,lock-stolen,resolver-silent
full=disk-full
if [ "$(id -u)" != 0 ] || ! { mkdir "$T/disk" && mount -t tmpfs -o size=64k nightferry "$T/disk"; } 2>/dev/null; then
	echo "skipped: disk-full, for no small file system can be mounted here"
	full=""
else
	umount "$T/disk"
fi
drill "secret-escaped,api-hang,ext-lost,seat-killed,app-no-boot${full:+,}$full"
# Not one of them is left out.
for fault in $("$NF" drill --list | awk '{print $1}'); do
	[[ " $struck " == *" $fault "* ]] || [ "$fault$full" = disk-full ] || fail "$fault was not tried."
done
