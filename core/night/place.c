#include "core/night/place.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/night/journal.h"
#include "core/night/rehearsal.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PLACE_SOCKET_MAX = 100, CLAIM_WAIT_MS = 30000, CLAIM_LOOK_MS = 20 };

int place_make_dirs(const char *path, struct err *err)
{
	char part[512];
	for (const char *p = path + 1;; p++) {
		if (*p && *p != '/')
			continue;
		text_copyf(part, sizeof part, "%.*s", (int)(p - path), path);
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return err_set(
			    err, ERR_IO,
			    "the folder %s cannot be made: %s; set NIGHTFERRY_STATE to one that can", part,
			    strerror(errno));
		if (!*p)
			return 0;
	}
}

int place_app_dir(const char *app, char *out, size_t size, struct err *err)
{
	const char *state = getenv("NIGHTFERRY_STATE"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	bool fits;
	if (state && *state)
		fits = text_copyf(out, size, "%s/%s", state, app);
	else if (xdg && *xdg)
		fits = text_copyf(out, size, "%s/nightferry/%s", xdg, app);
	else
		fits = text_copyf(out, size, "%s/.local/state/nightferry/%s", home && *home ? home : "/tmp",
				  app);
	if (!fits || out[0] != '/')
		return err_set(err, ERR_CONFIG,
			       "the state folder must be an absolute path of at most %zu bytes", size - 1);
	return 0;
}

static bool look_for_close(void *arg, const char *line, size_t len)
{
	/* A line with this kind; the exact bytes are ours, the writer of the journal. */
	static const char closed[] = "\"kind\":\"night.closed\"";
	for (size_t i = 0; i + sizeof closed - 1 <= len && i < 160; i++)
		if (memcmp(line + i, closed, sizeof closed - 1) == 0)
			*(bool *)arg = true;
	return true;
}

static bool night_closed(const char *dir)
{
	char path[600];
	bool closed = false;
	struct journal_check check;
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	/* One line that does not hold is a night, for `verify` to tell of; none at all is not. */
	return journal_check(path, look_for_close, &closed, &check, NULL) < 0 || closed ||
	       (!check.lines && !check.bad);
}

/* Said before a night is begun that no seat could reach. */
static int seats_reach(const char *dir, const char *tail, struct err *err)
{
	if (strlen(dir) + strlen("/2026-01-31T0100-00/seat.sock") + strlen(tail) <= PLACE_SOCKET_MAX)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "%s is too long: with a night's name and its socket it may have %d bytes; set "
		       "NIGHTFERRY_STATE to a shorter folder",
		       dir, PLACE_SOCKET_MAX);
}

int place_claim(const char *app, int *claim, struct err *err)
{
	char dir[400];
	*claim = -1;
	if (place_app_dir(app, dir, sizeof dir, err) < 0 || seats_reach(dir, "", err) < 0 ||
	    place_make_dirs(dir, err) < 0)
		return -1;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* itself: a lock that leaves no file */
	int64_t until_ms = clock_life_ms() + CLAIM_WAIT_MS;
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK && clock_life_ms() < until_ms) {
			clock_sleep_ms(CLAIM_LOOK_MS);
			continue;
		}
		close(fd);
		return err_set(
		    err, ERR_REFUSED,
		    "somebody else has been opening a night of %s for %d s and holds %s; nothing was "
		    "started, try again",
		    app, CLAIM_WAIT_MS / 1000, dir);
	}
	*claim = fd;
	return 0;
}

void place_unclaim(int claim)
{
	if (claim < 0)
		return;
	flock(claim, LOCK_UN); /* an engine that was forked meanwhile has a copy of it */
	close(claim);
}

/* When it was opened, as its first line says. 0: it is no night (yet), or may not be read. */
static int64_t opened_ms(const char *dir)
{
	char path[600], line[400];
	struct stat st;
	text_copyf(path, sizeof path, "%s/journal.jsonl", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 || fstat(fd, &st) < 0 ? -1 : read(fd, line, sizeof line - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	/* As the engine writes it: seq, at, what it tells. */
	const char *at = text_starts(line, "{\"seq\":") ? strstr(line, "\"at\":") : NULL;
	int64_t ms = at ? strtoll(at + strlen("\"at\":"), NULL, 10) : 0;
	/* One line that does not hold is a night, too. */
	return ms > 0 ? ms : (int64_t)st.st_mtim.tv_sec * 1000 + 1;
}

/* By when they were opened: of two nights that began in one minute, or of a rehearsal and a night, the names
 * do not tell. */
static bool newest(const char *app, bool open_only, char *out, size_t size)
{
	char dir[400];
	if (place_app_dir(app, dir, sizeof dir, NULL) < 0)
		return false;
	DIR *d = opendir(dir);
	char best[128] = "";
	int64_t best_ms = 0;
	for (struct dirent *x; d && (x = readdir(d));) {
		char night[600];
		text_copyf(night, sizeof night, "%s/%s", dir, x->d_name);
		int64_t ms = x->d_name[0] == '.' ? 0 : opened_ms(night);
		if (ms == 0 || ms < best_ms || (ms == best_ms && strcmp(x->d_name, best) <= 0))
			continue;
		if (open_only && night_closed(night))
			continue;
		text_copy(best, sizeof best, x->d_name);
		best_ms = ms;
	}
	if (d)
		closedir(d);
	return *best && text_copyf(out, size, "%s/%s", dir, best);
}

bool place_open_night(const char *app, char *out, size_t size)
{
	return newest(app, true, out, size);
}

bool place_newest_night(const char *app, char *out, size_t size)
{
	return newest(app, false, out, size);
}

static const char *owner_of(const char *path, char *out, size_t size)
{
	struct stat st;
	const struct passwd *who = stat(path, &st) == 0 ? getpwuid(st.st_uid) : NULL;
	text_copy(out, size, who ? who->pw_name : "somebody else");
	return out;
}

/* The folder itself, one above it, or a night in it. */
static bool shut_place(const char *dir, char *out, size_t size)
{
	struct stat st;
	DIR *d = opendir(dir);
	bool shut = !d && errno == EACCES;
	if (shut) {
		text_copy(out, size, dir);
		for (char *slash = strrchr(out, '/'); slash && slash > out && stat(out, &st) < 0;
		     slash = strrchr(out, '/'))
			*slash = '\0';
	}
	for (struct dirent *x; d && !shut && (x = readdir(d));) {
		text_copyf(out, size, "%s/%s", dir, x->d_name);
		shut = x->d_name[0] != '.' && stat(out, &st) == 0 && S_ISDIR(st.st_mode) &&
		       access(out, X_OK) < 0;
	}
	if (d)
		closedir(d);
	return shut;
}

int place_may_look(const char *app, struct err *err)
{
	char dir[400], shut[700], owner[64];
	if (place_app_dir(app, dir, sizeof dir, err) < 0)
		return -1;
	if (!shut_place(dir, shut, sizeof shut))
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    "%s belongs to %s and is closed to this login, so whether a night of %s is open is not known; "
	    "`group: NAME` in nightferry.yml opens the next night to a group, or sit down as %s",
	    shut, owner_of(shut, owner, sizeof owner), app, owner);
}

bool place_is_rehearsal(const char *dir)
{
	static const char tail[] = REHEARSAL_FOLDER;
	size_t n = strlen(dir), len = sizeof tail - 1;
	return n > len && text_equal(dir + n - len, tail);
}

int place_new_night(const char *app, bool rehearsal, char *out, size_t size, struct err *err)
{
	char dir[400], name[32];
	const char *tail = rehearsal ? REHEARSAL_FOLDER : "";
	if (place_app_dir(app, dir, sizeof dir, err) < 0)
		return -1;
	if (seats_reach(dir, tail, err) < 0)
		return -1;
	if (place_make_dirs(dir, err) < 0)
		return -1;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;
	localtime_r(&now, &tm);
	strftime(name, sizeof name, "%Y-%m-%dT%H%M", &tm);
	for (int i = 0; i < 100; i++) {
		char number[8] = "";
		if (i)
			text_copyf(number, sizeof number, "-%02d", i);
		text_copyf(out, size, "%s/%s%s%s", dir, name, number, tail);
		if (mkdir(out, 0700) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return err_set(err, ERR_IO, "the folder %s cannot be made: %s", out, strerror(errno));
}

int place_journal(const char *given, const char *app, char *out, size_t size, struct err *err)
{
	struct stat st;
	char dir[500];
	if (!given) {
		if (app && place_may_look(app, err) < 0)
			return -1;
		if (!app || !place_newest_night(app, dir, sizeof dir))
			return err_set(err, ERR_USAGE, "no night was found; name its journal");
		given = dir;
	}
	if (stat(given, &st) < 0)
		return err_set(err, ERR_USAGE, "%s: %s", given, strerror(errno));
	text_copyf(out, size, S_ISDIR(st.st_mode) ? "%s/journal.jsonl" : "%s", given);
	return 0;
}
