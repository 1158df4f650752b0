/* nightferry inventory: what there is on Heroku, as MIGRATION.md, without one secret; and what has changed
 * since the last time. People's own words in the file stay: only what stands between two marks is written
 * anew. */
#include "core/cmds/inventory.h"
#include "core/base/cli.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/cmds.h"
#include "core/night/place.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static int inventory_run(int argc, char **argv);
const struct cmd inventory_cmd = {.name = "inventory",
				  .help = "writes what there is on Heroku to MIGRATION.md, redacted",
				  .run = inventory_run};

#define MARK "<!-- nightferry inventory -->"
#define END "<!-- /nightferry inventory -->"
enum { KEY_BYTES = 32, FILE_MAX = 8 << 20 };

/* Fingerprints are compared over weeks and by this machine alone: its key lies with the nights, for this user
 * only. */
static int load_key(const char *app, char hex[2 * KEY_BYTES + 1], struct err *err)
{
	unsigned char key[KEY_BYTES];
	char dir[480], path[520];
	if (place_app_dir(app, dir, sizeof dir, err) < 0 || place_make_dirs(dir, err) < 0)
		return -1;
	text_copyf(path, sizeof path, "%s/inventory.key", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool have = fd >= 0 && read(fd, key, sizeof key) == (ssize_t)sizeof key;
	if (fd >= 0)
		close(fd);
	if (!have) {
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		bool written = fd >= 0 && getrandom(key, sizeof key, 0) == (ssize_t)sizeof key &&
			       write(fd, key, sizeof key) == (ssize_t)sizeof key;
		int why = errno;
		if (fd >= 0)
			close(fd);
		if (!written) {
			unlink(path);
			return err_set(err, ERR_IO, "the key of the fingerprints could not be kept in %s: %s",
				       path, strerror(why));
		}
	}
	text_hex(hex, key, sizeof key);
	explicit_bzero(key, sizeof key);
	return 0;
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
	char chunk[16384];
	size_t n;
	FILE *f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return 0;
	while (f && out->len <= FILE_MAX && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(out, chunk, n);
	bool bad = !f || ferror(f) || out->len > FILE_MAX || memchr(buf_text(out), '\0', out->len);
	if (f)
		fclose(f);
	return bad ? err_set(err, ERR_IO, "%s could not be read as a text, so it was left as it is", path)
		   : 0;
}

/* A new file takes the old one's place in one go, so that a full disk costs nothing. */
static int write_file(const char *path, const struct buf *text, struct err *err)
{
	char *part = xasprintf("%s.part", path);
	FILE *f = fopen(part, "we");
	bool good =
	    f && fwrite(text->data, 1, text->len, f) == text->len && fflush(f) == 0 && fsync(fileno(f)) == 0;
	int why = errno;
	if (f && fclose(f) != 0)
		good = false;
	if (good && rename(part, path) != 0) {
		why = errno;
		good = false;
	}
	if (!good) {
		unlink(part);
		err_set(err, ERR_IO, "%s could not be written: %s; what was there is untouched", path,
			strerror(why));
	}
	free(part);
	return good ? 0 : -1;
}

/* ---- what has changed: lines of tables that are in one and not in the other, under their section ---- */

static bool has_line(const char *text, const char *section, const char *line, size_t len)
{
	bool inside = false;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		size_t n = strcspn(text, "\n");
		if (text_starts(text, "## "))
			inside = strncmp(text + 3, section, strlen(section)) == 0 && n == strlen(section) + 3;
		else if (inside && n == len && memcmp(text, line, len) == 0)
			return true;
	}
	return false;
}

static size_t add_missing(struct buf *out, const char *from, const char *in, const char *word)
{
	char section[80] = "";
	size_t found = 0;
	for (; *from; from += strcspn(from, "\n"), from += *from == '\n') {
		size_t n = strcspn(from, "\n");
		if (text_starts(from, "## "))
			text_copyf(section, sizeof section, "%.*s", (int)(n - 3), from + 3);
		bool rule = text_starts(from, "|---");
		if (*from != '|' || rule || has_line(in, section, from, n))
			continue;
		buf_addf(out, "- %s %s: %.*s\n", section, word, (int)n, from);
		found++;
	}
	return found;
}

/* The part of an old file that this command wrote, and what people wrote before and after it. */
static bool split(const char *text, struct buf *before, struct buf *own, struct buf *after)
{
	const char *mark = strstr(text, MARK), *end = mark ? strstr(mark, END) : NULL;
	if (!mark || !end)
		return false;
	const char *tables = strstr(mark, "\n## App\n");
	buf_add(before, text, (size_t)(mark - text));
	if (tables && tables < end)
		buf_add(own, tables, (size_t)(end - tables));
	buf_adds(after, end + strlen(END));
	return true;
}

static void compose(struct buf *out, const char *before, const struct buf *now, const struct buf *changes,
		    const char *after, bool known)
{
	char at[UNITS_MAX];
	buf_addf(out,
		 "%s%s\n\nWhat there is on Heroku, written by `nightferry inventory` at %s. Values of config "
		 "vars are not in it; "
		 "equal fingerprints are equal values.\n",
		 before, MARK, units_iso(at, clock_wall_ms()));
	if (known)
		buf_addf(out, "\n### Changed since the time before\n\n%s",
			 changes->len ? buf_text(changes) : "Nothing.\n");
	buf_addf(out, "%s%s%s", buf_text(now), END, after);
}

static int inventory(struct job *job, const char *path, struct err *err)
{
	struct buf now = {0}, old = {0}, before = {0}, own = {0}, after = {0}, changes = {0}, whole = {0};
	char key[2 * KEY_BYTES + 1];
	int rc = load_key(job_config_str(job, "app", "app"), key, err);
	if (rc == 0)
		rc = inventory_write(job, key, &now, err);
	if (rc == 0)
		rc = read_file(path, &old, err);
	bool known = rc == 0 && split(buf_text(&old), &before, &own, &after);
	if (rc == 0 && old.len && !known)
		/* Somebody else's file: theirs stays on top. */
		buf_addf(&before, "%s\n", buf_text(&old));
	if (rc == 0 && !old.len)
		buf_addf(&before, "# Migration of %s\n\n", job_config_str(job, "heroku.app", ""));
	size_t n = 0;
	if (known) {
		n += add_missing(&changes, buf_text(&own), buf_text(&now), "was");
		n += add_missing(&changes, buf_text(&now), buf_text(&own), "is");
	}
	if (rc == 0) {
		compose(&whole, buf_text(&before), &now, &changes, after.len ? buf_text(&after) : "\n",
			known);
		rc = write_file(path, &whole, err);
	}
	if (rc == 0)
		printf("%s %s\n%s", path,
		       !known ? "is written."
		       : n    ? "is written anew; since the time before:"
			      : "is written anew: nothing has changed.",
		       buf_text(&changes));
	explicit_bzero(key, sizeof key);
	struct buf *all[] = {&now, &old, &before, &own, &after, &changes, &whole};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		buf_done(all[i]);
	return rc;
}

static int inventory_run(int argc, char **argv)
{
	static const struct cli_option options[] = {
	    CMD_APP_OPTION,
	    {"output", "FILE", "where it is written (default: MIGRATION.md)"},
	    {"config", "FILE", "the configuration (default: nightferry.yml)"},
	    {0},
	};
	static const struct cli_command command = {
	    .name = "inventory",
	    .help = "Looks at everything of the app on Heroku and writes it to MIGRATION.md: dynos, add-ons, "
		    "config vars by name "
		    "and fingerprint, features, domains, releases, schedules, extensions. Run again, it says "
		    "what has changed. "
		    "No value of a config var is written.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct err err = {0};
	struct json *config = cmd_config_cli(&cli, &err);
	if (!config)
		return cmd_fail(&err);
	struct job *job = job_by_hand("inventory", config, NULL);
	int rc = inventory(job, cli_get(&cli, "output", "MIGRATION.md"), &err);
	job_free(job);
	json_free(config);
	return rc < 0 ? cmd_fail(&err) : EXIT_DONE;
}
