/* The far end of `--on HOST`, started there by on.c and by nobody else:
 *   __on open APP      the order comes by standard input; answers one JSON line
 *   __on seat DIR      standard input and output are a seat's wire to the engine of that night
 *   __on VERB APP ...  status, stop or report of the newest night of APP */
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/night/place.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int on_host_run(int argc, char **argv);
const struct cmd on_host_cmd = {
    .name = "__on", .help = "the far end of --on", .run = on_host_run, .hidden = true};

enum { ORDER_BYTES = 16 << 20 };

static int answer(const char *key, const char *value, bool usage)
{
	struct jw w = {0};
	jw_open(&w);
	jw_int(&w, "on", 1);
	jw_str(&w, key, value);
	if (usage)
		jw_bool(&w, "usage", true);
	puts(jw_finish(&w));
	fflush(stdout);
	jw_done(&w);
	return text_equal(key, "dir") ? EXIT_DONE : EXIT_FAILED;
}

/* ---- open ---- */

static int app_folder(const char *app, char *out, size_t size, struct err *err)
{
	const char *home = getenv("HOME");
	if (!home || home[0] != '/' || strchr(app, '/') ||
	    !text_copyf(out, size, "%s/.nightferry/apps/%s", home, app))
		return err_set(err, ERR_CONFIG, "the home folder here cannot hold the files of %s", app);
	return place_make_dirs(out, err);
}

static int write_file(const char *folder, const struct json *file, struct err *err)
{
	const char *name = json_str(file, "name", ""), *text = json_str(file, "text", "");
	char path[700], over[720];
	if (!*name || name[0] == '/' || strstr(name, "..") ||
	    !text_copyf(path, sizeof path, "%s/%s", folder, name))
		return err_set(err, ERR_CONFIG, "the file \"%.60s\" has no place here", name);
	text_copy(over, sizeof over, path);
	*strrchr(over, '/') = '\0';
	if (place_make_dirs(over, err) < 0)
		return -1;
	text_copyf(over, sizeof over, "%s.new", path);
	FILE *f = fopen(over, "we");
	bool bad = !f || fputs(text, f) < 0;
	if (f)
		bad |= fclose(f) != 0;
	if (bad || rename(over, path) < 0)
		return err_set(err, ERR_IO, "%s: %s; nothing was started", path, strerror(errno));
	return 0;
}

/* kamal's own folder is the one its files came into. */
static struct json *moved_config(const struct json *config, const char *folder)
{
	struct jw w = {0};
	jw_open(&w);
	for (const struct json *x = json_first(config); x; x = json_next(x)) {
		if (!text_equal(json_key(x), "kamal") || !json_get(x, "folder")) {
			jw_json(&w, json_key(x), x);
			continue;
		}
		jw_obj(&w, "kamal");
		for (const struct json *k = json_first(x); k; k = json_next(k))
			if (text_equal(json_key(k), "folder"))
				jw_str(&w, "folder", folder);
			else
				jw_json(&w, json_key(k), k);
		jw_end(&w);
	}
	const char *text = jw_finish(&w);
	struct json *moved = json_parse(text, w.buf.len, NULL);
	jw_done(&w);
	return moved;
}

static struct json *copy_of(const struct json *x)
{
	char *text = json_print(x);
	struct json *copy = json_parse(text, strlen(text), NULL);
	free(text);
	return copy;
}

static int open_found(const struct json *order, const char *app, bool open, char *dir, size_t size,
		      struct err *err)
{
	char folder[600];
	const struct json *config = json_get(order, "config"), *playbook = json_get(order, "playbook");
	if (!json_is_object(config) || !json_is_object(playbook) ||
	    !text_equal(json_str(config, "app", ""), app))
		return err_set(err, ERR_NET, "the order did not arrive whole; nothing was started");
	if (app_folder(app, folder, sizeof folder, err) < 0)
		return -1;
	bool rehearse = json_bool(order, "rehearse", false);
	if (open && json_bool(order, "may_open", false) && night_kind_fits(dir, rehearse, err) < 0)
		return -1;
	if (open && night_engine_runs(dir))
		return 0;
	if (!open && !json_bool(order, "may_open", false))
		return err_set(err, ERR_USAGE, "no night of %s is open; `nightferry --on` opens one", app);
	for (const struct json *f = json_first(json_get(order, "files")); f && !open; f = json_next(f))
		if (write_file(folder, f, err) < 0)
			return -1;
	/* Into this process' memory, where the engine that is forked from it finds them: what ps and /proc
	 * show is the environment it was started with. */
	for (const struct json *s = json_first(json_get(order, "secrets")); s; s = json_next(s))
		if (json_text(s))
			setenv(json_key(s), json_text(s), 1);
	if (chdir(folder) < 0)
		return err_set(err, ERR_IO, "%s: %s", folder, strerror(errno));
	struct json *moved = moved_config(config, folder);
	int rc = !open && rehearse ? night_rehearse_with(moved, copy_of(playbook), dir, size, err)
				   : night_start_with(moved, playbook, open, dir, size, err);
	json_free(moved);
	return rc;
}

static int open_night(const struct json *order, const char *app, char *dir, size_t size, struct err *err)
{
	int claim = -1;
	bool open = place_open_night(app, dir, size);
	if (!open && json_bool(order, "may_open", false) && place_claim(app, &claim, err) < 0)
		return -1;
	int rc = open_found(order, app, open || place_open_night(app, dir, size), dir, size, err);
	place_unclaim(claim);
	return rc;
}

static struct json *read_order(void)
{
	struct buf in = {0};
	char *chunk = xmalloc(1 << 16);
	ssize_t n;
	while ((n = read(0, chunk, 1 << 16)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0 && in.len < ORDER_BYTES)
			buf_add(&in, chunk, (size_t)n);
	struct json *order = in.len ? json_parse(in.data, in.len, NULL) : NULL;
	explicit_bzero(chunk, 1 << 16);
	if (in.data)
		explicit_bzero(in.data, in.len);
	free(chunk);
	buf_done(&in);
	return order;
}

static int run_open(const char *app)
{
	struct err err = {0};
	char dir[400] = "";
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_DUMPABLE, 0);
	struct json *order = read_order();
	int rc = open_night(order, app, dir, sizeof dir, &err);
	json_free(order);
	return rc < 0 ? answer("text", err.text, err.kind == ERR_USAGE || err.kind == ERR_CONFIG)
		      : answer("dir", dir, false);
}

/* ---- seat ---- */

static bool pass(int from, int to)
{
	char chunk[65536];
	ssize_t n = read(from, chunk, sizeof chunk);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	for (ssize_t at = 0, sent; n > 0 && at < n; at += sent) {
		sent = write(to, chunk + at, (size_t)(n - at));
		if (sent < 0 && errno != EINTR)
			return false;
		sent = sent < 0 ? 0 : sent;
	}
	return n > 0;
}

/* Waiting for one side holds up the other: a seat that reads slowly is then the engine's to judge. */
static int run_seat(const char *dir)
{
	int fd = night_connect(dir);
	signal(SIGPIPE, SIG_IGN);
	if (fd < 0) {
		puts("{\"t\":\"gone\"}");
		return EXIT_FAILED;
	}
	struct pollfd p[2] = {{.fd = 0, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if ((p[1].revents && !pass(fd, 1)) || (p[0].revents && !pass(0, fd)))
			break;
	}
	/* Who has lost an engine shall not take it for a lost connection. */
	if (!night_engine_runs(dir))
		puts("{\"t\":\"gone\"}");
	close(fd);
	return EXIT_DONE;
}

/* ---- status, stop, report ---- */

static int run_command(const char *verb, const char *app, int argc, char **argv)
{
	char dir[400], *args[16];
	int n = 0;
	const struct cmd *cmd = NULL;
	for (size_t i = 0; cmd_table[i]; i++)
		if (text_equal(cmd_table[i]->name, verb) &&
		    (text_equal(verb, "status") || text_equal(verb, "stop") || text_equal(verb, "report")))
			cmd = cmd_table[i];
	if (!cmd || argc > 10)
		return EXIT_USAGE;
	if (!place_newest_night(app, dir, sizeof dir)) {
		fprintf(stderr, "nightferry: there is no night of %s here\n", app);
		return EXIT_USAGE;
	}
	args[n++] = (char *)(uintptr_t)verb;
	for (int i = 0; i < argc; i++)
		args[n++] = argv[i];
	args[n++] = dir;
	args[n] = NULL;
	return cmd->run(n, args);
}

static int on_host_run(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "nightferry: this is the far end of --on, not a command for people\n");
		return EXIT_USAGE;
	}
	if (text_equal(argv[1], "open"))
		return run_open(argv[2]);
	if (text_equal(argv[1], "seat"))
		return run_seat(argv[2]);
	return run_command(argv[1], argv[2], argc - 3, argv + 3);
}
