/*
 * One holder process per running container: it owns the process, writes its output to the log in docker's
 * json-file form, records how it ended and starts it again as the restart policy says.
 */
#include "demo/docker/cmds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_MAX_BYTES = 10 << 20, LINE_MAX_BYTES = 16384, BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 60000 };

struct stream {
	const char *name;
	int fd;
	size_t used;
	long long log_max_bytes;
	char line[LINE_MAX_BYTES];
};

static int port_free(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = 0;
	if (!bind(fd, (struct sockaddr *)&address, length) &&
	    !getsockname(fd, (struct sockaddr *)&address, &length))
		port = ntohs(address.sin_port);
	close(fd);
	return port;
}

static void log_line(const char *id, const char *stream, const char *text, size_t length,
		     long long most_bytes)
{
	char path[PATH_MAX], older[PATH_MAX], now[40];
	struct stat stat_now;
	store_path(path, "logs/%s.log", id);
	if (!stat(path, &stat_now) && stat_now.st_size > most_bytes)
		rename(path, store_path(older, "logs/%s.log.1", id));
	cJSON *line = cJSON_CreateObject();
	char *whole = strndup(text, length);
	time_now_text(now);
	text_set(line, "log", whole);
	text_set(line, "stream", stream);
	text_set(line, "time", now);
	char *printed = cJSON_PrintUnformatted(line);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && printed) {
		dprintf(fd, "%s\n", printed);
		close(fd);
	}
	free(printed);
	free(whole);
	cJSON_Delete(line);
}

/* Takes what the pipe holds; 0 when it has ended. A last line without newline is logged at the end. */
static int stream_read(struct stream *stream, const char *id)
{
	ssize_t got = read(stream->fd, stream->line + stream->used, sizeof stream->line - stream->used);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (got > 0)
		stream->used += (size_t)got;
	size_t start = 0;
	for (char *end;
	     start < stream->used && (end = memchr(stream->line + start, '\n', stream->used - start));) {
		size_t length = (size_t)(end - stream->line) + 1 - start;
		log_line(id, stream->name, stream->line + start, length, stream->log_max_bytes);
		start += length;
	}
	if (start < stream->used && (got <= 0 || (!start && stream->used == sizeof stream->line))) {
		log_line(id, stream->name, stream->line + start, stream->used - start, stream->log_max_bytes);
		start = stream->used;
	}
	memmove(stream->line, stream->line + start, stream->used - start);
	stream->used -= start;
	if (got > 0)
		return 1;
	close(stream->fd);
	stream->fd = -1;
	return 0;
}

static void child_environment(const cJSON *container, int port)
{
	const cJSON *entry;
	char text[32], path[PATH_MAX], *state = strdup(getenv("DOCKER_STATE"));
	const char *world = getenv("NIGHTFERRY_WORLD");
	char *kept_world = world ? strdup(world) : NULL;
	const char *clock = getenv("NIGHTFERRY_CLOCK");
	char *kept = clock ? strdup(clock) : NULL;
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("DOCKER_STATE", state, 1);
	if (kept_world)
		setenv("NIGHTFERRY_WORLD", kept_world, 1);
	if (kept)
		setenv("NIGHTFERRY_CLOCK", kept, 1);
	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(container, "env"))
	{
		putenv(entry->valuestring);
	}
	if (port) {
		snprintf(text, sizeof text, "%d", port);
		setenv("PORT", text, 1);
	}
	setenv("HTTP_PORT", world_get("HTTP_PORT"), 1);
	setenv("HOME", rootfs_path(container, path), 1);
}

/* The command a container of an imported image was given, as it stands. Does not return. */
static void command_run(const cJSON *container)
{
	char *argv[64], root[PATH_MAX];
	int argc = 0;
	const cJSON *word;
	cJSON_ArrayForEach(word, cJSON_GetObjectItem(container, "command"))
	{
		if (argc < 63)
			argv[argc++] = word->valuestring;
	}
	argv[argc] = NULL;
	if (chdir(rootfs_path(container, root)))
		_exit(126);
	child_environment(container, 0);
	execvp(argv[0], argv);
	fprintf(stderr, "exec %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* A real server, as the image runs it. Does not return. */
static void redis_run(const cJSON *container, int port)
{
	char root[PATH_MAX], number[16];
	snprintf(number, sizeof number, "%d", port);
	if (chdir(rootfs_path(container, root)))
		_exit(126);
	child_environment(container, 0);
	execlp("redis-server", "redis-server", "--port", number, "--bind", "127.0.0.1", "--save", "",
	       "--appendonly", "no", (char *)NULL);
	fprintf(stderr, "exec redis-server: %s\n", strerror(errno));
	_exit(127);
}

static void child_run(const cJSON *container, int port, int out, int err, pid_t holder)
{
	char program[PATH_MAX], root[PATH_MAX];
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != holder)
		_exit(137);
	setsid();
	dup2(out, 1);
	dup2(err, 2);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	if (!strcmp(text_of(container, "kind"), "command"))
		command_run(container);
	if (!strcmp(text_of(container, "kind"), "redis"))
		redis_run(container, port);
	int proxy = !strcmp(text_of(container, "kind"), "proxy");
	snprintf(program, sizeof program, "%s/%s", world_get("BIN"), proxy ? "proxy" : "app");
	const char *mode = proxy ? "run" : *text_of(container, "inside_port") ? "web" : "worker";
	if (chdir(rootfs_path(container, root)))
		_exit(126);
	child_environment(container, port);
	execl(program, proxy ? "kamal-proxy" : "app", mode, (char *)NULL);
	fprintf(stderr, "exec %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* Starts the process and records it. Its pid, 0 when the container shall not run, -1 when it is gone. */
static pid_t process_start(const char *id, struct stream streams[2], int restarted)
{
	int out[2], err[2], lock = store_lock();
	char now[40];
	pid_t holder = getpid(), pid = 0;
	cJSON *container = store_get(id);
	if (container && !strcmp(text_of(container, "wanted"), "running") && !pipe2(out, O_CLOEXEC) &&
	    !pipe2(err, O_CLOEXEC)) {
		int port =
		    *text_of(container, "inside_port") && strcmp(text_of(container, "kind"), "proxy") != 0
			? port_free()
			: 0;
		pid = fork();
		if (pid == 0)
			child_run(container, port, out[1], err[1], holder);
		close(out[1]);
		close(err[1]);
		long long most = number_of(container, "log_max_bytes");
		most = most ? most : LOG_MAX_BYTES;
		streams[0] = (struct stream){.name = "stdout", .fd = out[0], .log_max_bytes = most};
		streams[1] = (struct stream){.name = "stderr", .fd = err[0], .log_max_bytes = most};
		time_now_text(now);
		text_set(container, "status", "running");
		text_set(container, "started_at", now);
		number_set(container, "pid", pid);
		number_set(container, "holder", holder);
		if (port)
			number_set(container, "port", port);
		if (restarted)
			number_set(container, "restart_count", number_of(container, "restart_count") + 1);
		store_save(container);
		event_write(container, "start", NULL, NULL);
	}
	store_unlock(lock);
	cJSON_Delete(container);
	return container ? pid : -1;
}

static int state_file_missing(const char *id)
{
	char path[PATH_MAX];
	return access(store_path(path, "containers/%s.json", id), F_OK) != 0;
}

/* Carries output until the process has ended; its wait status. */
static int process_wait(const char *id, pid_t pid, struct stream streams[2], int signals)
{
	int status = 0, ended = 0;
	while (!ended) {
		struct pollfd fds[3] = {{.fd = streams[0].fd, .events = POLLIN},
					{.fd = streams[1].fd, .events = POLLIN},
					{.fd = signals, .events = POLLIN}};
		int ready = poll(fds, 3, 2000);
		/* The folder of a world may be thrown away without `stop`: nothing shall outlive it. */
		if (ready == 0 && state_file_missing(id))
			kill(pid, SIGKILL);
		for (int i = 0; i < 2; i++)
			if (ready > 0 && fds[i].revents)
				stream_read(&streams[i], id);
		if (ready > 0 && fds[2].revents) {
			struct signalfd_siginfo info;
			(void)!read(signals, &info, sizeof info);
		}
		ended = waitpid(pid, &status, WNOHANG) == pid;
	}
	kill(-pid, SIGKILL);
	for (int i = 0; i < 2; i++) {
		if (streams[i].fd >= 0)
			fcntl(streams[i].fd, F_SETFL, O_NONBLOCK);
		for (int left = 64; streams[i].fd >= 0 && left > 0; left--)
			if (!stream_read(&streams[i], id))
				break;
		if (streams[i].fd >= 0)
			close(streams[i].fd);
	}
	return status;
}

/* Records the end; whether the container shall start again. */
static int process_ended(const char *id, int status)
{
	char now[40], code[16];
	int exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	int lock = store_lock(), again = 0;
	cJSON *container = store_get(id);
	if (container) {
		const char *policy = text_of(container, "restart");
		again = !strcmp(text_of(container, "wanted"), "running") &&
			(!strcmp(policy, "unless-stopped") || !strcmp(policy, "always") ||
			 (!strncmp(policy, "on-failure", 10) && exit_code));
		time_now_text(now);
		text_set(container, "status", again ? "restarting" : "exited");
		text_set(container, "finished_at", now);
		number_set(container, "exit_code", exit_code);
		number_set(container, "pid", 0);
		store_save(container);
		snprintf(code, sizeof code, "%d", exit_code);
		event_write(container, "die", "exitCode", code);
	}
	store_unlock(lock);
	cJSON_Delete(container);
	return again;
}

static int still_wanted(const char *id)
{
	cJSON *container = store_get(id);
	int wanted = container && !strcmp(text_of(container, "wanted"), "running");
	cJSON_Delete(container);
	return wanted;
}

static void container_exited(const char *id)
{
	int lock = store_lock();
	cJSON *container = store_get(id);
	if (container) {
		text_set(container, "status", "exited");
		store_save(container);
	}
	store_unlock(lock);
	cJSON_Delete(container);
}

static void holder_run(const char *id, int ready, int signals)
{
	static struct stream streams[2];
	int backoff_ms = BACKOFF_MIN_MS;
	for (int restarted = 0;; restarted = 1) {
		double since = time_now();
		pid_t pid = process_start(id, streams, restarted);
		if (pid <= 0)
			break;
		if (!restarted) {
			(void)!write(ready, "r", 1);
			close(ready);
		}
		if (!process_ended(id, process_wait(id, pid, streams, signals)))
			return;
		backoff_ms = time_now() - since > 10 ? BACKOFF_MIN_MS : backoff_ms;
		for (int waited_ms = 0; waited_ms < backoff_ms && still_wanted(id); waited_ms += 50)
			poll(NULL, 0, 50);
		backoff_ms = backoff_ms * 2 < BACKOFF_MAX_MS ? backoff_ms * 2 : BACKOFF_MAX_MS;
	}
	container_exited(id);
}

int holder_start(const char *id)
{
	int ready[2];
	char answer = 0;
	sigset_t child;
	fflush(NULL);
	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork())
			_exit(0);
		int null = open("/dev/null", O_RDWR);
		dup2(null, 0), dup2(null, 1), dup2(null, 2);
		dup2(ready[1], 3);
		close_range(4, ~0U, 0);
		fcntl(3, F_SETFD, FD_CLOEXEC);
		signal(SIGHUP, SIG_IGN);
		signal(SIGPIPE, SIG_IGN);
		sigemptyset(&child);
		sigaddset(&child, SIGCHLD);
		sigprocmask(SIG_BLOCK, &child, NULL);
		holder_run(id, 3, signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
		_exit(0);
	}
	close(ready[1]);
	waitpid(pid, NULL, 0);
	ssize_t got = read(ready[0], &answer, 1);
	close(ready[0]);
	return got == 1 ? 0 : -1;
}
