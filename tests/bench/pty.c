/* Runs a full-screen program on a terminal of its own and measures it from outside.
 *
 *   pty [-s COLSxROWS] [-m TEXT] [-w SECONDS] [-t SECONDS] [-1] [-k TEXT] -- CMD ARG...
 *
 * Prints one line: first_ms=N bytes=N frames=N cpu_s=X seconds=X rss_mb=X, with -k also keys=N key_p50_ms=X
 * key_p99_ms=X first_ms  from start until the burst of output that shows TEXT is over: the first full screen
 * (-1: never) the rest  is of the SECONDS of -t (default 10) that begin -w seconds (default 0) after that
 * screen rss_mb    the most memory it ever had -k        presses ? and q in turn while the rest is
 * measured: from the key until TEXT, which only the help has, comes A frame is a burst of output: bytes with
 * less than 8 ms between them. -1 ends after the first screen. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_GAP_MS = 8,
	FIRST_GAP_MS = 40,
	GIVE_UP_MS = 60000,
	KEYS_MAX = 4000,
	KEY_EVERY_MS = 300,
	KEY_LATE_MS = 2000
};

struct run {
	int fd;
	pid_t pid;
	const char *marker;
	double warm_s, window_s;
	bool only_first;
	struct winsize size;
	char tail[4096]; /* the newest output, to find the marker in */
	size_t tail_len;
	bool marked, counting;
	double began_ms, last_ms, first_ms, window_ms;
	uint64_t bytes, frames;
	double cpu_s, rss_mb;
	const char *key_marker; /* NULL: no keys are pressed */
	double keys[KEYS_MAX];
	size_t n_keys;
};

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1000 + (double)ts.tv_nsec / 1e6;
}

/* Seconds on a processor of all threads so far; finer than the clock ticks of wait4(). */
static double cpu_seconds(pid_t pid)
{
	char pattern[64];
	glob_t found;
	double sum = 0;
	snprintf(pattern, sizeof pattern, "/proc/%d/task/*/schedstat", (int)pid);
	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");
		unsigned long long ns;
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += (double)ns / 1e9;
		if (file)
			fclose(file);
	}
	globfree(&found);
	return sum;
}

static void start(struct run *run, char **argv)
{
	run->began_ms = now_ms();
	run->pid = forkpty(&run->fd, NULL, NULL, &run->size);
	if (run->pid < 0) {
		perror("pty: forkpty");
		exit(1);
	}
	if (run->pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
}

static void look_for_marker(struct run *run, const char *data, size_t len)
{
	if (run->marked || !run->marker)
		return;
	if (memmem(data, len, run->marker, strlen(run->marker))) {
		run->marked = true;
		return;
	}
	if (len > sizeof run->tail / 2) {
		data += len - sizeof run->tail / 2;
		len = sizeof run->tail / 2;
	}
	if (run->tail_len + len > sizeof run->tail) {
		size_t keep = 256 < run->tail_len ? 256 : run->tail_len;
		memmove(run->tail, run->tail + run->tail_len - keep, keep);
		run->tail_len = keep;
	}
	memcpy(run->tail + run->tail_len, data, len);
	run->tail_len += len;
	run->marked = memmem(run->tail, run->tail_len, run->marker, strlen(run->marker)) != NULL;
}

/* One look at the terminal, at most `wait_ms` long. False when the program is gone. */
static bool step(struct run *run, int wait_ms)
{
	static char data[65536];
	struct pollfd pfd = {.fd = run->fd, .events = POLLIN};
	int n = poll(&pfd, 1, wait_ms);
	if (n < 0 && errno != EINTR)
		return false;
	if (n <= 0)
		return true;
	ssize_t got = read(run->fd, data, sizeof data);
	if (got <= 0)
		return got < 0 && errno == EINTR;
	double now = now_ms();
	if (run->counting) {
		run->bytes += (uint64_t)got;
		run->frames += now - run->last_ms > FRAME_GAP_MS || !run->frames;
	}
	run->last_ms = now;
	look_for_marker(run, data, (size_t)got);
	return true;
}

static bool run_until_first(struct run *run)
{
	run->first_ms = -1;
	while (now_ms() - run->began_ms < GIVE_UP_MS) {
		if (!step(run, FIRST_GAP_MS / 4))
			return false;
		if (run->marked && now_ms() - run->last_ms >= FIRST_GAP_MS) {
			run->first_ms = run->last_ms - run->began_ms;
			return true;
		}
	}
	return false;
}

static bool run_for(struct run *run, double seconds)
{
	double end = now_ms() + seconds * 1000;
	while (now_ms() < end)
		if (!step(run, 1 + (int)(end - now_ms()) % 200))
			return false;
	return true;
}

static bool press(struct run *run, const char *key)
{
	return write(run->fd, key, strlen(key)) == (ssize_t)strlen(key);
}

/* ? until the help stands there, then q. A key that nothing follows within KEY_LATE_MS counts as that long,
 * and Esc makes sure of where we are. */
static bool press_keys(struct run *run, double seconds)
{
	double end = now_ms() + seconds * 1000;
	run->marker = run->key_marker;
	while (now_ms() < end && run->n_keys < KEYS_MAX) {
		double pressed = now_ms();
		run->marked = false;
		run->tail_len = 0;
		if (!press(run, "?"))
			return false;
		while (!run->marked && now_ms() - pressed < KEY_LATE_MS)
			if (!step(run, 10))
				return false;
		run->keys[run->n_keys++] = now_ms() - pressed;
		if (!press(run, run->marked ? "q" : "\033") || !run_for(run, KEY_EVERY_MS / 1000.0))
			return false;
	}
	return run->n_keys > 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double most_memory_mb(pid_t pid)
{
	char path[64], line[200];
	double kb = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %lf", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb / 1024;
}

static bool measure(struct run *run)
{
	if (!run_until_first(run))
		return false;
	if (run->only_first)
		return true;
	if (!run_for(run, run->warm_s))
		return false;
	double cpu = cpu_seconds(run->pid), began = now_ms();
	run->counting = true;
	if (!(run->key_marker ? press_keys(run, run->window_s) : run_for(run, run->window_s)))
		return false;
	run->cpu_s = cpu_seconds(run->pid) - cpu;
	run->window_ms = now_ms() - began;
	return true;
}

/* The terminal goes away, as when a window is closed; what does not end by that is killed. */
static void end(struct run *run)
{
	kill(run->pid, SIGHUP);
	close(run->fd);
	for (int i = 0; i < 200; i++) {
		if (waitpid(run->pid, NULL, WNOHANG) == run->pid)
			return;
		poll(NULL, 0, 10);
	}
	kill(run->pid, SIGKILL);
	waitpid(run->pid, NULL, 0);
}

static void usage(void)
{
	fputs("usage: pty [-s COLSxROWS] [-m TEXT] [-w SECONDS] [-t SECONDS] [-1] [-k TEXT] -- CMD ARG...\n",
	      stderr);
	exit(2);
}

static void parse_size(const char *text, struct winsize *size)
{
	char *rest;
	size->ws_col = (unsigned short)strtol(text, &rest, 10);
	if (*rest != 'x')
		usage();
	size->ws_row = (unsigned short)strtol(rest + 1, NULL, 10);
}

int main(int argc, char **argv)
{
	struct run run = {.marker = "", .window_s = 10, .size = {.ws_col = 160, .ws_row = 48}};
	int c;
	while ((c = getopt(argc, argv, "+s:m:w:t:k:1")) != -1)
		switch (c) {
		case 's': parse_size(optarg, &run.size); break;
		case 'm': run.marker = optarg; break;
		case 'w': run.warm_s = strtod(optarg, NULL); break;
		case 't': run.window_s = strtod(optarg, NULL); break;
		case 'k': run.key_marker = optarg; break;
		case '1': run.only_first = true; break;
		default: usage();
		}
	if (optind == argc)
		usage();
	start(&run, argv + optind);
	bool good = measure(&run);
	run.rss_mb = most_memory_mb(run.pid);
	end(&run);
	printf("first_ms=%.1f bytes=%llu frames=%llu cpu_s=%.4f seconds=%.2f rss_mb=%.1f", run.first_ms,
	       (unsigned long long)run.bytes, (unsigned long long)run.frames, run.cpu_s, run.window_ms / 1000,
	       run.rss_mb);
	qsort(run.keys, run.n_keys, sizeof *run.keys, by_size);
	if (run.n_keys)
		printf(" keys=%zu key_p50_ms=%.1f key_p99_ms=%.1f", run.n_keys, run.keys[run.n_keys / 2],
		       run.keys[run.n_keys * 99 / 100]);
	putchar('\n');
	if (!good)
		fprintf(stderr, "pty: %s ended early or never showed \"%s\"; its last output: %.*s\n",
			argv[optind], run.marker, (int)run.tail_len, run.tail);
	return good ? 0 : 1;
}
