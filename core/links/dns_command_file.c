/* The saved plan of the provider `command`: a file of the night that only its owner can read, for it holds
 * what the program holds, secrets too. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_command_inner.h"
#include "core/links/foreign_look.h"
#include "core/links/s3_hash.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PLAN_MS = 300000,
	SHOW_MS = 60000,
	FRESH_MS = 300000,
	KEPT_MS = 900000,
	SHOW_BYTES = 64 << 20,
	NOTHING = 0, /* how terraform ends with -detailed-exitcode */
	CHANGES = 2,
};

static int hash_file(const char *path, char sha256[65])
{
	char chunk[16384];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	if (fd < 0)
		return -1;
	struct s3_hash *hash = s3_hash_new();
	while ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			s3_hash_add(hash, chunk, (size_t)n);
	s3_hash_end(hash, sha256);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* ---- where it is kept ---- */

static int make_folder(const struct job *job, char *out, size_t size, bool *temporary, struct err *err)
{
	*temporary = !*job_dir(job);
	if (*temporary) {
		const char *tmp = getenv("TMPDIR");
		text_copyf(out, size, "%s/nightferry-plan-XXXXXX", tmp && *tmp ? tmp : "/tmp");
		if (!mkdtemp(out))
			return err_set(err, ERR_IO, "no folder for the plan: %s: %s", out, strerror(errno));
		return 0;
	}
	if (!text_copyf(out, size, "%s/plans", job_dir(job)))
		return err_set(err, ERR_CONFIG, "%s: the night's folder has too long a name", job_dir(job));
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_IO, "%s: %s; no plan can be saved", out, strerror(errno));
	return 0;
}

/* What decides about a plan: the words, the folder, the way. */
static void key_of(const struct json *config, const struct words *words, bool back, char out[17])
{
	char sha256[65];
	struct s3_hash *hash = s3_hash_new();
	const char *dir = json_str(config, "dir", "");
	s3_hash_add(hash, dir, strlen(dir) + 1);
	s3_hash_add(hash, back ? "old" : "new", 4);
	for (size_t i = 0; i < words->n; i++)
		s3_hash_add(hash, words->list[i], strlen(words->list[i]) + 1);
	s3_hash_end(hash, sha256);
	text_copyf(out, 17, "%.16s", sha256);
}

/* "KEY-MADE_MS.plan": the newest of that key that is fresh. Old ones of any key go. */
static int64_t find_fresh(const char *folder, const char *key)
{
	DIR *dir = opendir(folder);
	int64_t now_ms = clock_wall_ms(), newest_ms = 0;
	for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
		char path[800];
		const char *dash = strchr(e->d_name, '-');
		int64_t made_ms = dash ? strtoll(dash + 1, NULL, 10) : 0;
		if (!dash || made_ms <= 0 || !strstr(e->d_name, ".plan"))
			continue;
		text_copyf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (made_ms + KEPT_MS < now_ms)
			unlink(path);
		else if (text_starts(e->d_name, key) && dash == e->d_name + strlen(key) &&
			 made_ms + FRESH_MS >= now_ms && made_ms <= now_ms && made_ms > newest_ms)
			newest_ms = made_ms;
	}
	if (dir)
		closedir(dir);
	return newest_ms;
}

/* ---- programs ---- */

static int look(struct job *job, const struct json *config, const struct words *words, int ms,
		struct buf *out, struct err *err)
{
	const char *dir = json_str(config, "dir", "");
	struct command_env env;
	char say[300];
	command_env_make(job, &env);
	words_text(words, say, sizeof say);
	job_command(job, "run", "%s", say);
	int status = foreign_look(job, (const char *const *)words->list, (const char *const *)env.list,
				  *dir ? dir : NULL, ms, out, err);
	command_env_done(&env);
	return status;
}

/* The line that says most: terraform's "Error: …", else the last that is one. */
static void last_words(const struct buf *said, char *out, size_t size)
{
	const char *text = buf_text(said), *error = strstr(text, "Error: "), *end = text + said->len;
	while (!error && end > text && strchr(" \t\r\n", end[-1]))
		end--;
	const char *begin = error ? error : end;
	while (!error && begin > text && begin[-1] != '\n')
		begin--;
	if (error)
		end = error + strcspn(error, "\n");
	text_clean(out, size, begin, (size_t)(end - begin));
}

static int make_plan(struct job *job, const struct json *config, bool back, struct saved_file *file,
		     struct err *err)
{
	struct words words;
	struct buf said = {0};
	char last[240];
	if (command_plan_words(config, back, file->path, &words, err) < 0)
		return -1;
	job_progress(job, 0, 0, "items", "the plan is being made");
	int status = look(job, config, &words, PLAN_MS, &said, err);
	last_words(&said, last, sizeof last);
	buf_done(&said);
	words_done(&words);
	bool good = command_is_terraform(config) ? status == NOTHING || status == CHANGES : status == 0;
	file->empty = command_is_terraform(config) && status == NOTHING;
	if (status < 0)
		return -1;
	if (!good)
		return err_set(err, ERR_WORLD, "%s made no plan, it ended with %d: %s; nothing was changed",
			       command_name(config), status, *last ? last : "no words");
	chmod(file->path, 0600);
	if (hash_file(file->path, file->sha256) < 0)
		return err_set(err, ERR_WORLD,
			       "%s ended well, but saved no plan to %s (%s); nothing was changed",
			       command_name(config), file->path, strerror(errno));
	return 0;
}

int saved_file_make(struct job *job, const struct json *config, bool back, struct saved_file *out,
		    bool *temporary, struct err *err)
{
	char folder[400], key[17];
	struct words words;
	*out = (struct saved_file){0};
	if (command_plan_words(config, back, "", &words, err) < 0)
		return -1;
	key_of(config, &words, back, key);
	words_done(&words);
	if (make_folder(job, folder, sizeof folder, temporary, err) < 0)
		return -1;
	out->made_ms = *temporary ? 0 : find_fresh(folder, key);
	text_copyf(out->path, sizeof out->path, "%s/%s-%lld.plan", folder, key, (long long)out->made_ms);
	if (out->made_ms && hash_file(out->path, out->sha256) == 0)
		return 0;
	out->made_ms = clock_wall_ms();
	text_copyf(out->path, sizeof out->path, "%s/%s-%lld.plan", folder, key, (long long)out->made_ms);
	int rc = make_plan(job, config, back, out, err);
	if (rc < 0 || out->empty)
		unlink(out->path);
	if (rc < 0 && *temporary)
		rmdir(folder);
	return rc;
}

void saved_file_drop(const struct saved_file *file)
{
	char folder[512];
	text_copy(folder, sizeof folder, file->path);
	char *slash = strrchr(folder, '/');
	unlink(file->path);
	if (slash) {
		*slash = '\0';
		if (strstr(folder, "/nightferry-plan-"))
			rmdir(folder);
	}
}

int saved_file_check(const char *path, const char *sha256, struct err *err)
{
	char now[65];
	if (hash_file(path, now) < 0)
		return err_set(
		    err, ERR_WORLD,
		    "the saved plan that was approved is gone (%s: %s); nothing was changed, look at the "
		    "new plan and run again",
		    path, strerror(errno));
	if (!text_equal(now, sha256))
		return err_set(
		    err, ERR_WORLD,
		    "%s is not the saved plan that was approved; nothing was changed, look at the new plan "
		    "and run again",
		    path);
	return 0;
}

/* ---- what it says ---- */

static int read_all(const char *path, struct buf *out, struct err *err)
{
	char chunk[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : 0;
	while (fd >= 0 && out->len <= SHOW_BYTES &&
	       ((n = read(fd, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
	if (out->len > SHOW_BYTES)
		return err_set(err, ERR_WORLD, "what is said of the saved plan has more than %d MB",
			       SHOW_BYTES >> 20);
	return 0;
}

/* By way of a file: it may be large, and warnings on the other output are none of it. */
int saved_file_show(struct job *job, const struct json *config, const struct saved_file *file,
		    struct buf *out, struct err *err)
{
	struct words show, words = {0};
	struct buf said = {0};
	int named = command_show_words(config, file->path, &show, err), status = -1;
	if (named)
		return named;
	char *path = xasprintf("%s.json", file->path);
	words.list[words.n++] = xstrdup("sh");
	words.list[words.n++] = xstrdup("-c");
	words.list[words.n++] = xstrdup("umask 077; exec \"$@\" >\"$0\"");
	words.list[words.n++] = xstrdup(path);
	for (size_t i = 0; i < show.n && words.n < COMMAND_WORDS; i++)
		words.list[words.n++] = xstrdup(show.list[i]);
	status = look(job, config, &words, SHOW_MS, &said, err);
	if (status == 0)
		status = read_all(path, out, err);
	else if (status > 0) {
		char last[240];
		last_words(&said, last, sizeof last);
		status = err_set(err, ERR_WORLD, "%s cannot read the saved plan, it ended with %d: %s",
				 command_name(config), status, *last ? last : "no words");
	}
	unlink(path);
	free(path);
	buf_done(&said);
	words_done(&show);
	words_done(&words);
	return status;
}
