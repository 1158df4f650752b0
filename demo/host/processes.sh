#!/bin/bash
# pkill and pgrep of the demo's containers: without a process namespace the real ones would find the processes
# of the whole machine. Takes [-SIGNAL | -s SIGNAL] [-f] [-x] PATTERN; called by the name pkill or pgrep.
set -u
signal=TERM full=no exact=no
while [ $# -gt 1 ]; do
	case $1 in
	-s | --signal) signal=$2 && shift ;;
	-f) full=yes ;;
	-x) exact=yes ;;
	-l | -a | -o | -n) ;;
	-*) signal=${1#-} ;;
	*) break ;;
	esac
	shift
done
[ $# = 1 ] || { echo "usage: ${0##*/} [-SIGNAL] [-f] [-x] PATTERN" >&2; exit 2; }
found=1
for file in $(grep -lzsxF "DOCKER_CONTAINER=$DOCKER_CONTAINER" /proc/[0-9]*/environ 2>/dev/null); do
	pid=${file#/proc/}
	pid=${pid%%/*}
	[ "$pid" != $$ ] || continue
	text=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null)
	[ $full = yes ] || text=$(cat "/proc/$pid/comm" 2>/dev/null)
	# The shell that runs this very command names the pattern too.
	case $text in "" | *pkill* | *pgrep*) continue ;; esac
	if [ $exact = yes ]; then [ "$text" = "$1" ] || continue; else [[ $text =~ $1 ]] || continue; fi
	found=0
	if [ "${0##*/}" = pgrep ]; then printf '%s\n' "$pid"; else kill -s "${signal#SIG}" "$pid" 2>/dev/null; fi
done
exit $found
