#!/bin/bash
# A line of 5 Mbit/s at the operator: the copy takes as long as with a line without a limit, by either strategy, because
# its bytes do not pass the operator's machine. The line is a proxy before the host's sshd that holds the speed in each
# direction and counts.
# timeout: 1200
# alone
# long
. "$(dirname "${BASH_SOURCE[0]}")/copy_lib.sh"
ROUNDS=${ROUNDS:-3}
copy_world DEMO_ROWS="${LINE_ROWS:-300000}"
freeze_old
book stream record-source wipe-target prepare-target stream
book backup record-source capture download wipe-target prepare-target restore
export NIGHT_SECONDS=400
# What the run before has copied is not the life of an app.
sed -i 's/do: wipe-target}/do: wipe-target, with: {live_within: 1s}}/' "$T/stream.yml" "$T/backup.yml"

cat >"$T/line.c" <<'C'
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* line PORT TARGET BYTES_PER_S COUNTS: 0 is no limit; COUNTS gets "up down" in bytes. One limit for each direction, whatever
 * the number of connections. */
enum { MOST = 64, CHUNK = 4096 };
static struct { int fd[2]; } list[MOST];
static int n;
static double room[2];
static long long sum[2];

static struct sockaddr_in at(const char *port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((unsigned short)atoi(port))};
}

static double now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void take(int listener, const char *target)
{
	struct sockaddr_in to = at(target);
	int a = accept(listener, NULL, NULL), b = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (a < 0 || n == MOST || connect(b, (struct sockaddr *)&to, sizeof to) < 0) {
		close(a);
		close(b);
		return;
	}
	setsockopt(a, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	list[n].fd[0] = a;
	list[n++].fd[1] = b;
}

/* From the operator is 0, to it 1. */
static int carry(int i, int way)
{
	char data[CHUNK * 16];
	size_t most = room[way] < sizeof data ? (size_t)room[way] : sizeof data;
	ssize_t got = read(list[i].fd[way], data, most), sent = 0, some = 0;
	while (got > 0 && sent < got && (some = write(list[i].fd[!way], data + sent, (size_t)(got - sent))) > 0)
		sent += some;
	if (got <= 0 || some <= 0)
		return -1;
	room[way] -= (double)got;
	sum[way] += got;
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = at(argv[1]);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, counts = open(argv[4], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	double rate = atof(argv[3]), then = now();
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (argc != 5 || counts < 0 || bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 16) < 0)
		return 1;
	for (;;) {
		struct pollfd fds[2 * MOST + 1] = {{.fd = listener, .events = POLLIN}};
		double since = now();
		for (int way = 0; way < 2; way++) {
			room[way] += (since - then) * rate;
			/* What a line lets through at once is little. */
			room[way] = rate <= 0 ? 1e9 : room[way] > rate / 20 ? rate / 20 : room[way];
		}
		then = since;
		for (int i = 0; i < n; i++)
			for (int way = 0; way < 2; way++)
				fds[1 + 2 * i + way] = (struct pollfd){.fd = room[way] >= CHUNK ? list[i].fd[way] : -1, .events = POLLIN};
		int seen = n;
		poll(fds, (nfds_t)(2 * n + 1), 10);
		for (int i = seen - 1; i >= 0; i--) {
			int bad = 0;
			for (int way = 0; way < 2 && !bad; way++)
				bad = fds[1 + 2 * i + way].revents && room[way] >= 1 && carry(i, way) < 0;
			if (bad) {
				close(list[i].fd[0]);
				close(list[i].fd[1]);
				list[i] = list[--n];
			}
		}
		if (fds[0].revents)
			take(listener, argv[2]);
		char text[64];
		int len = snprintf(text, sizeof text, "%lld %lld\n", sum[0], sum[1]);
		if (pwrite(counts, text, (size_t)len, 0) < 0)
			return 1;
	}
}
C
"${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -O1 -o "$T/line" "$T/line.c" || fail "The line could not be built."

port=$(free_port)
sed "s/\\[127.0.0.1\\]:$SSH_PORT/[127.0.0.1]:$port/" "$SSH_KNOWN_HOSTS" >"$T/known" && cat "$T/known" >>"$SSH_KNOWN_HOSTS"
grep -rl "port: $SSH_PORT" "$CONFIG" "$W/config" | xargs sed -i "s/port: $SSH_PORT/port: $port/"
LINE=
at_end '[ -z "$LINE" ] || kill "$LINE"'

through() { # BYTES-PER-SECOND
	if [ -n "$LINE" ]; then
		kill "$LINE"
		wait "$LINE" 2>/dev/null
	fi
	"$T/line" "$port" "$SSH_PORT" "$1" "$T/counts" &
	LINE=$!
	eventually 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" || fail "The line does not answer."
}
took() { # STEP...: seconds from their start to their end
	local step sum=0
	for step; do
		sum=$((sum + $(events attempt.ended "select(.step == \"$step\") | .at" | tail -n 1) - $(events attempt.started "select(.step == \"$step\") | .at" | tail -n 1)))
	done
	echo $sum
}

# The program and the dump's folder are there before: what is measured is the copy.
through 0
ends 0 stream --yes stream=shop_production
rm -rf "$NIGHTFERRY_STATE"
for way in stream backup; do
	steps=(stream)
	[ $way = stream ] || steps=(download restore)
	for ((i = 0; i < ROUNDS; i++)); do
		for rate in 0 625000; do
			through $rate
			ends 0 $way --yes stream=shop_production
			took "${steps[@]}" >>"$T/$way.$rate"
			echo "$way, $rate bytes/s: $(tail -n 1 "$T/$way.$rate") ms, bytes over the line (up down): $(cat "$T/counts")"
			awk '{ exit !($1 + $2 < 4000000) }' "$T/counts" || fail "The bytes pass the operator's line: $(cat "$T/counts")"
			rm -rf "$NIGHTFERRY_STATE" "$W"/host/home/.nightferry/acme
		done
	done
	fast=$(sort -n "$T/$way.0" | head -n 1) slow=$(sort -n "$T/$way.625000" | head -n 1)
	# Looks and orders take their way for each step, whatever there is to copy: two steps have twice a second more.
	awk -v a="$fast" -v b="$slow" -v n=${#steps[@]} 'BEGIN { exit !(b <= a * 1.1 + (n - 1) * 2000) }' || fail "$way: $slow ms at 5 Mbit/s, $fast ms without a limit."
	echo "ok  $way: $slow ms at 5 Mbit/s, $fast ms without a limit"
done
