#!/bin/bash
# A phrase typed at eight keys a second over a line that stands still for 400 ms again and again passes its gate; a
# file that is shown into the pane, as by a slip of the mouse without brackets, does nothing at all.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The key `o` writes files where the seat was started.
scratch
cd "$T" || exit 1
export DEMO_ROWS=5000
world_start
cat >"$T/slow.yml" <<'YML'
name: slow
phases:
  - phase: freeze
    steps:
      - {id: maintenance-on, do: maintenance, with: {state: enabled}, gate: type}
      - {id: scale-to-zero, do: scale, with: {all: 0, one_offs: leave}}
YML
sed -i '/^steps:/,$d' "$CONFIG"
echo "playbook: $T/slow.yml" >>"$CONFIG"

# The line: what is typed and what is drawn both wait while it stands still, and come at once when it goes on.
cat >"$T/line.c" <<'C'
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { STALL_MS = 400, GOES_MS = 150 };

static struct termios before;

static void restore(void)
{
	tcsetattr(0, TCSANOW, &before);
}

static long now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int carry(int from, int to)
{
	char data[65536];
	ssize_t n = read(from, data, sizeof data), sent = 0;
	if (n <= 0)
		return n < 0 && errno == EINTR ? 0 : -1;
	while (sent < n) {
		ssize_t some = write(to, data + sent, (size_t)(n - sent));
		if (some < 0 && errno != EINTR)
			return -1;
		sent += some > 0 ? some : 0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct winsize size;
	struct termios raw;
	int fd, status = 0;
	if (argc < 2 || tcgetattr(0, &before) < 0 || ioctl(0, TIOCGWINSZ, &size) < 0)
		return 2;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0)
		return 2;
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(0, TCSANOW, &raw);
	atexit(restore);
	for (long goes_until = now_ms() + GOES_MS;;) {
		struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
		long left = goes_until - now_ms();
		if (left <= 0) {
			poll(NULL, 0, STALL_MS);
			goes_until = now_ms() + GOES_MS;
			continue;
		}
		if (poll(fds, 2, (int)left) <= 0)
			continue;
		if ((fds[0].revents && carry(0, fd) < 0) || (fds[1].revents && carry(fd, 1) < 0))
			break;
	}
	close(fd);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
C
${CC:-cc} -std=gnu11 -O1 -Wall -Wextra -o "$T/line" "$T/line.c" -lutil >"$T/cc.log" 2>&1 || fail "The line was not built: $(cat "$T/cc.log")"

armed() {
	screen | head -n 1 | grep -q "ARMED ana"
}

arm() {
	armed && return
	keys A
	eventually 15 armed || fail "The seat was not armed."
}

# What changes the world: requests that are no look, and attempts.
deeds() {
	printf '%s %s\n' "$(grep -E '(PATCH|POST|PUT|DELETE) /' "$W/heroku/requests.log" | grep -vcE 'log-sessions|/resolve ')" \
		"$(events attempt.started | wc -l)"
}

burst() { # FILE: every byte into the pane, as the terminal would send what is typed, without brackets
	tm load-buffer -b nf "$1" \; paste-buffer -dr -b nf -t main
}

# ---- the phrase over the slow line ----

screen_start 100x30 "$T/line" "$NF" --as ana
wait_text 30 "R next"
arm
keys R
wait_event 20 gate.opened '.level == "type"'
wait_text 10 "when complete 3 s run"
# A box takes no key in its first quarter of a second, and it was opened when the line last went on.
sleep 0.8
hands "acme-production $(events gate.opened .tag | tail -n 1 | tr -d '"')"
wait_event 10 gate.counting
wait_event 20 gate.passed '.how == "phrase" and .by == "ana"'
wait_event 30 attempt.ended '.step == "maintenance-on" and .outcome == "done"'
wait_text 10 "scale-to-zero"
echo "ok  a phrase at eight keys a second passes over a line that stalls"

# ---- a file into the pane ----

# Text as it lies about: sentences, capitals, line ends, the name of the app. Of looking keys, no `:`, whose
# line takes words, and no `q`: where the line stalls within the file, a key after the silence looks at something.
LC_ALL=C awk 'BEGIN {
	srand(7)
	n = split("Run the RESTORE again and Yes wait for acme-production R y Y A B H X say run stop DROP TABLE users; " \
		"the Queue was empty, Go! M S W V D U no; exit", words, " ")
	while (size < 100000) {
		line = ""
		for (i = 0; i < 12; i++)
			line = line words[1 + int(rand() * n)] " "
		printf "%s\r", line
		size += length(line) + 1
	}
}' >"$T/text"
[ "$(wc -c <"$T/text")" -ge 100000 ] || fail "The file is too short."

into() { # WHERE
	DEEDS=$(deeds)
	passed=$(events gate.passed | wc -l)
	burst "$T/text"
	wait_text 30 "faster than a hand; this seat is disarmed"
	eventually 5 disarmed || fail "$1: the seat is still armed."
	sleep 0.5
	expect_equal "$(deeds)" "$DEEDS" "$1: changes and attempts"
	expect_equal "$(events gate.passed | wc -l)" "$passed" "$1: gates passed"
	echo "ok  $1: a file of 100 KB does nothing, and the seat says so"
}

# A key of the text may have frozen the picture, so the journal says it, and the line at the foot for six seconds.
disarmed() {
	[ "$(events seat.armed .until_ms | tail -n 1)" = 0 ]
}

# What the text looked at is left first.
leaves() {
	keys Escape
	sleep 0.7
	test -s "$T/status.main" && return
	keys q
	sleep 0.7
	test -s "$T/status.main"
}

new_seat() {
	eventually 20 leaves || fail "The seat could not be left."
	expect_equal "$(screen_status)" 0 "the status of the seat that was left"
	tm kill-server
	rm -f "$T/status.main"
	screen_start 100x30 "$NF" attach --as ana
	wait_text 20 "R next"
	arm
}

arm
into "over the slow line"
new_seat
into "over a fast line"

# Too short for the guard, and each would be a whole deed: the line it opens waits for a look and an Enter of its own.
new_seat
said() {
	jq -r 'select(.kind | IN("vote.given", "note.added", "step.skipped", "step.byhand", "waiver.given", "hold.released",
		"night.turned", "attempt.started")) | .seq' "$(journal)" | wc -l
}
for short in 'Vgo\r' ';all is well\r' 'Sbecause\ry' 'Mseen\ry' ':run\r' ':stop\ry' 'By' 'Dy' \
	'Hello world\r' 'Many lines of text\r' 'hello\rworld\r:run 1\rfoo\r' 'The Queue: :stop\ry'; do
	SAID=$(said)
	# shellcheck disable=SC2059
	printf "$short" >"$T/short"
	burst "$T/short"
	sleep 0.5
	expect_equal "$(said)" "$SAID" "what the burst \"$short\" said"
	keys Escape
	sleep 0.3
	keys Escape
	sleep 0.3
	arm
done
echo "ok  lines that are opened, filled and sent at once are kept"

# HOLD is called from a picture that stands still, too; to release it wants the present.
new_seat
release() {
	keys H
	wait_text 5 "release the hold, because"
	fill_line "it was a test"
	eventually 5 screen_lacks "release the hold, because"
}
[ "$(events hold.called | wc -l)" = 0 ] || release
CALLED=$(events hold.called | wc -l)
called() { [ "$(events hold.called | wc -l)" -gt "$CALLED" ]; }
keys Space
wait_text 5 "FROZEN"
keys H
eventually 5 called || fail "A frozen seat could not call a hold."
wait_gone 5 "FROZEN"
release
arm

# At a gate that asks y, which is in the text many times.
new_seat
opened=$(events gate.opened | wc -l)
keys R
more_gates() { [ "$(events gate.opened | wc -l)" -gt "$opened" ]; }
eventually 20 more_gates || fail "No gate opened."
wait_text 10 "y does it."
box_settles
into "at a gate for y"
"$NF" verify "$(journal)" >"$T/verify" || fail "$(cat "$T/verify")"
