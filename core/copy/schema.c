#include "core/copy/schema.h"
#include "core/base/clock.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSION_MS = 20000, SAID_BYTES = 4000, END_MS = 1000, DUMP_BYTES = 1 << 30 };

/* The login goes through standard input into the program's environment: no list of processes shows it, here
 * or in the container. */
static const char wrapper[] =
    "while IFS= read -r l && [ -n \"$l\" ]; do export \"$l\"; done; exec \"$@\" </dev/null";

/* ---- which one ---- */

static bool version_of(const char *container, const char *program, int *major, char *text, size_t size)
{
	const char *const inside[] = {"docker", "exec", container, program, "--version", NULL};
	const char *const here[] = {program, "--version", NULL};
	struct buf out = {0};
	int rc = program_run(&(struct program){.argv = container ? inside : here,
					       .timeout_real_ms = VERSION_MS,
					       .output_max = 4096},
			     &out, NULL);
	/* "pg_dump (PostgreSQL) 15.20 (Debian 15.20-1)" */
	const char *word = strstr(buf_text(&out), "(PostgreSQL) ");
	*major = rc == 0 && word ? (int)strtol(word + 13, NULL, 10) : 0;
	if (*major)
		text_clean(text, size, word + 13, strcspn(word + 13, " \n"));
	buf_done(&out);
	return *major > 0;
}

static bool take(struct copy_dumper *d, const char *container, const char *program, int source_major,
		 int *best, char *best_text, size_t size)
{
	char text[40];
	int major;
	if (!version_of(container, program, &major, text, sizeof text))
		return false;
	if (major > *best) {
		*best = major;
		text_copy(best_text, size, text);
	}
	if (major < source_major)
		return false;
	d->inside = container != NULL;
	text_copy(d->program, sizeof d->program, program);
	text_copyf(d->says, sizeof d->says, "pg_dump %s%s%s", text, container ? " in " : "",
		   container ? container : "");
	return true;
}

int copy_dumper_find(const struct copy_order *order, int source_major, struct copy_dumper *out,
		     struct err *err)
{
	const char *container = json_str(order->json, "container", "");
	char best_text[40] = "none";
	int best = 0;
	glob_t found = {0};
	*out = (struct copy_dumper){.order = order};
	bool has =
	    *container && take(out, container, "pg_dump", source_major, &best, best_text, sizeof best_text);
	if (!has)
		has = take(out, NULL, "pg_dump", source_major, &best, best_text, sizeof best_text);
	if (!has && glob("/usr/lib/postgresql/*/bin/pg_dump", 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && !has; i++)
			has = take(out, NULL, found.gl_pathv[i], source_major, &best, best_text,
				   sizeof best_text);
	globfree(&found);
	if (has)
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    "OLD is PostgreSQL %d and the newest pg_dump where the copy runs is %s: it cannot read a "
	    "newer server. Boot the accessory with an image of PostgreSQL %d or newer, or install "
	    "postgresql-client-%d there; nothing was changed",
	    source_major, best_text, source_major, source_major);
}

/* ---- one dump ---- */

static int spawn_dump(const struct copy_dumper *d, const char *section, const char *snapshot, int in, int out,
		      int said, pid_t *pid)
{
	char section_arg[40], snapshot_arg[80];
	const char *argv[40];
	size_t n = 0;
	text_copyf(section_arg, sizeof section_arg, "--section=%s", section);
	text_copyf(snapshot_arg, sizeof snapshot_arg, "--snapshot=%s", snapshot);
	if (d->inside) {
		argv[n++] = "docker";
		argv[n++] = "exec";
		argv[n++] = "-i";
		argv[n++] = json_str(d->order->json, "container", "");
	}
	const char *const rest[] = {"sh",
				    "-c",
				    wrapper,
				    "sh",
				    d->program,
				    section_arg,
				    snapshot_arg,
				    "--no-owner",
				    "--no-privileges",
				    "--no-tablespaces",
				    "--no-publications",
				    "--no-subscriptions",
				    "--quote-all-identifiers",
				    "--exclude-schema=_heroku",
				    "--exclude-schema=nightferry",
				    "--encoding=UTF8",
				    "--no-password"};
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
		argv[n++] = rest[i];
	argv[n] = NULL;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, said, 2);
	int failed = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return failed;
}

int copy_dump_start(const struct copy_dumper *dumper, const char *section, const char *snapshot,
		    struct copy_dump *out, struct err *err)
{
	struct buf login = {0};
	int in[2], o[2], e[2];
	*out = (struct copy_dump){.pid = -1, .out_fd = -1, .err_fd = -1};
	if (pg_environment(json_str(json_get(dumper->order->json, "source"), "url", ""), "OLD", &login, err) <
	    0)
		return -1;
	buf_addc(&login, '\n');
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(o, O_CLOEXEC) < 0 || pipe2(e, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "No pipe could be made: %s", strerror(errno));
	int failed = spawn_dump(dumper, section, snapshot, in[0], o[1], e[1], &out->pid);
	close(in[0]);
	close(o[1]);
	close(e[1]);
	if (!failed && write(in[1], login.data, login.len) != (ssize_t)login.len)
		failed = errno;
	close(in[1]);
	explicit_bzero(login.data, login.len);
	buf_done(&login);
	out->out_fd = o[0];
	out->err_fd = e[0];
	fcntl(o[0], F_SETFL, O_NONBLOCK);
	fcntl(e[0], F_SETFL, O_NONBLOCK);
	if (failed) {
		copy_dump_done(out);
		return err_set(err, ERR_IO, "%s could not be started: %s", dumper->says, strerror(failed));
	}
	return 0;
}

static bool hear(int *fd, struct buf *into, size_t most)
{
	char chunk[65536];
	ssize_t n;
	while (*fd >= 0 && (n = read(*fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != EAGAIN;
		if (into->len + (size_t)n <= most)
			buf_add(into, chunk, (size_t)n);
	}
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return true;
}

int copy_dump_hear(struct copy_dump *dump)
{
	bool out = hear(&dump->out_fd, &dump->text, DUMP_BYTES),
	     said = hear(&dump->err_fd, &dump->said, SAID_BYTES);
	return out && said;
}

static int explain(struct copy_dump *dump, int status, struct err *err)
{
	char said[300];
	const char *text = buf_text(&dump->said), *first = strstr(text, "error: ");
	first = first ? first + 7 : text;
	text_clean(said, sizeof said, first, strcspn(first, "\n"));
	return err_set(err, ERR_WORLD,
		       "pg_dump could not read the definitions of OLD (status %d): %s. No row was copied",
		       WIFEXITED(status) ? WEXITSTATUS(status) : -1, *said ? said : "no words");
}

int copy_dump_end(struct copy_dump *dump, int stop_fd, struct copy_script *script, struct err *err)
{
	int status = 0;
	while (!copy_dump_hear(dump)) {
		struct pollfd fds[3] = {{.fd = dump->out_fd, .events = POLLIN},
					{.fd = dump->err_fd, .events = POLLIN},
					{.fd = stop_fd, .events = POLLIN}};
		if (poll(fds, 3, -1) > 0 && fds[2].revents)
			return err_set(err, ERR_CANCELLED,
				       "stopped while pg_dump read the definitions of OLD");
	}
	while (waitpid(dump->pid, &status, 0) < 0 && errno == EINTR)
		;
	dump->pid = -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return explain(dump, status, err);
	int rc = copy_script_read(buf_text(&dump->text), dump->text.len, script, err);
	buf_done(&dump->text);
	return rc;
}

/* Its own end tells the server, and waits for a server that stands still. */
static void end_program(pid_t pid)
{
	int64_t until_ms = clock_life_ms() + END_MS;
	pid_t ended = 0;
	kill(pid, SIGTERM);
	while ((ended = waitpid(pid, NULL, WNOHANG)) == 0 && clock_life_ms() < until_ms)
		clock_sleep_ms(10);
	if (ended != 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void copy_dump_done(struct copy_dump *dump)
{
	if (dump->pid > 0)
		end_program(dump->pid);
	if (dump->out_fd >= 0)
		close(dump->out_fd);
	if (dump->err_fd >= 0)
		close(dump->err_fd);
	buf_done(&dump->text);
	buf_done(&dump->said);
	*dump = (struct copy_dump){.pid = -1, .out_fd = -1, .err_fd = -1};
}
