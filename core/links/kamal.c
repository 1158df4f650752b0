/* Which kamal, and how it is called: see kamal.h. */
#include "core/links/kamal.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VERSION_MS = 15000 };

static void add_head(struct kamal *k, const char *word)
{
	text_copy(k->head[k->n_head++], sizeof k->head[0], word);
}

/* As Bundler writes it: "    kamal (2.12.0)". */
static bool in_gemfile_lock(const char *folder)
{
	char path[600], line[400];
	bool found = false;
	text_copyf(path, sizeof path, "%s/Gemfile.lock", folder);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof line, f))
		found = text_starts(line, "    kamal (");
	if (f)
		fclose(f);
	return found;
}

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	for (const char *at = path ? path : ""; *at;) {
		size_t len = strcspn(at, ":");
		char full[600];
		text_copyf(full, sizeof full, "%.*s/%s", len ? (int)len : 1, len ? at : ".", program);
		if (access(full, X_OK) == 0)
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

static void find_program(struct kamal *k)
{
	char bin[600];
	text_copyf(bin, sizeof bin, "%s/bin/kamal", k->folder);
	if (access(bin, X_OK) == 0) {
		add_head(k, "bin/kamal");
	} else if (in_gemfile_lock(k->folder) && in_path("bundle")) {
		add_head(k, "bundle");
		add_head(k, "exec");
		add_head(k, "kamal");
	} else if (in_path("kamal")) {
		add_head(k, "kamal");
	} else {
		text_copyf(
		    k->why_not, sizeof k->why_not,
		    "there is no kamal to call: neither bin/kamal in %.100s, nor in its Gemfile.lock, nor in "
		    "PATH",
		    k->folder);
	}
}

/* On a machine the repository was not checked out on, Kamal would find that out in the middle of a boot. */
static bool has_secrets(struct job *job, const struct kamal *k)
{
	const char *base = job_config_str(job, "kamal.secrets_path", ".kamal/secrets");
	char path[700];
	if (!json_count(json_path(job_config(job), "kamal.secrets")))
		return true;
	text_copyf(path, sizeof path, "%s/%s-common", k->folder, base);
	bool common = access(path, R_OK) == 0;
	text_copyf(path, sizeof path, "%s/%s%s%s", k->folder, base, *k->destination ? "." : "",
		   k->destination);
	return common || access(path, R_OK) == 0;
}

void kamal_find(struct job *job, struct kamal *out)
{
	char path[700];
	*out = (struct kamal){0};
	text_copy(out->folder, sizeof out->folder, job_config_str(job, "kamal.folder", ""));
	text_copy(out->config, sizeof out->config, job_config_str(job, "kamal.config", "config/deploy.yml"));
	text_copy(out->destination, sizeof out->destination, job_config_str(job, "kamal.destination", ""));
	text_copyf(path, sizeof path, "%s%s%s", *out->config == '/' ? "" : out->folder,
		   *out->config == '/' ? "" : "/", out->config);
	if (!*out->folder)
		text_copy(
		    out->why_not, sizeof out->why_not,
		    "nobody says where the repository is: nightferry.yml lies beside config/deploy.yml");
	else if (access(path, R_OK) != 0)
		text_copyf(out->why_not, sizeof out->why_not, "there is no %.200s for kamal to read", path);
	else if (!has_secrets(job, out))
		text_copyf(out->why_not, sizeof out->why_not,
			   "Kamal's file asks for secrets, and there is no .kamal/secrets to read in %.150s",
			   out->folder);
	else
		find_program(out);
}

int kamal_argv(const struct kamal *k, const char *const *words, const char *argv[KAMAL_ARGS], struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < k->n_head; i++)
		argv[n++] = k->head[i];
	for (size_t i = 0; words[i]; i++) {
		if (n + 5 >= KAMAL_ARGS)
			return err_set(err, ERR_CONFIG, "kamal: more than %d words are not taken",
				       KAMAL_ARGS - 8);
		argv[n++] = words[i];
	}
	if (!text_equal(k->config, "config/deploy.yml")) {
		argv[n++] = "-c";
		argv[n++] = k->config;
	}
	/* Without -d a second full stack of containers comes up beside the first, and no error is told. */
	if (*k->destination) {
		argv[n++] = "-d";
		argv[n++] = k->destination;
	}
	argv[n] = NULL;
	return 0;
}

void kamal_argv_say(const char *const *argv, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; argv[i]; i++) {
		const char *quote = argv[i][strcspn(argv[i], " \t\"'$&|;<>()*?")] || !*argv[i] ? "'" : "";
		buf_addf(&text, "%s%s%s%s", i ? " " : "", quote, argv[i], quote);
	}
	kamal_mask(buf_text(&text), out, size);
	buf_done(&text);
}

/* ---- its version ---- */

static void be_kamal(const struct kamal *k, const char *const *argv, int out)
{
	int null = open("/dev/null", O_RDWR);
	setsid();
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0 || chdir(k->folder) < 0)
		_exit(127);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* Up to `size` bytes until its end; false when it took too long. */
static bool read_all(int fd, char *out, size_t size)
{
	int64_t until_ms = clock_life_ms() + VERSION_MS;
	size_t n = 0;
	out[0] = 0;
	for (;;) {
		int64_t left_ms = until_ms - clock_life_ms();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (left_ms <= 0)
			return false;
		if (poll(&p, 1, (int)clock_real_ms(left_ms)) <= 0)
			continue;
		char chunk[512];
		ssize_t got = read(fd, chunk, sizeof chunk);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		for (ssize_t i = 0; i < got && n + 1 < size; i++)
			out[n++] = chunk[i];
		out[n] = 0;
	}
}

/* The last line that is one: Bundler and Ruby may warn before it. */
static bool read_version(char *said, char *out, size_t size)
{
	bool found = false;
	char *rest = said;
	for (char *line = strsep(&rest, "\r\n"); line; line = strsep(&rest, "\r\n")) {
		size_t len = strspn(line, "0123456789.");
		if (isdigit((unsigned char)*line) && strchr(line, '.') && len >= 3 && len < 20) {
			text_copyf(out, size, "%.*s", (int)len, line);
			found = true;
		}
	}
	return found;
}

int kamal_version(const struct kamal *k, char *out, size_t size, struct err *err)
{
	static const char *const words[] = {"version", NULL};
	const char *argv[KAMAL_ARGS];
	char said[2000];
	int fds[2], status = 0;
	if (*k->why_not)
		return err_set(err, ERR_CONFIG, "%s", k->why_not);
	if (kamal_argv(k, words, argv, err) < 0)
		return -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "kamal version: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		be_kamal(k, argv, fds[1]);
	close(fds[1]);
	bool in_time = pid > 0 && read_all(fds[0], said, sizeof said);
	close(fds[0]);
	if (pid < 0)
		return err_set(err, ERR_IO, "kamal version: %s", strerror(errno));
	if (!in_time)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!in_time)
		return err_set(err, ERR_WORLD,
			       "kamal version gave no answer within %d s; try it by hand in %s",
			       VERSION_MS / 1000, k->folder);
	if (!read_version(said, out, size))
		return err_set(err, ERR_WORLD,
			       "kamal version told no version (status %d); try it by hand in %s",
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1, k->folder);
	return 0;
}

bool kamal_version_at_least(const char *version, int major, int minor)
{
	int a = -1, b = -1;
	return sscanf(version, "%d.%d", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}
