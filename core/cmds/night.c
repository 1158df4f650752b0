/* Nights from outside: find one, open one, start its engine, tell it something. */
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/engine/engine.h"
#include "core/night/config.h"
#include "core/night/place.h"
#include "core/night/playbook.h"
#include "core/night/rehearsal.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int night_connect(const char *dir)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	if (!text_copyf(addr.sun_path, sizeof addr.sun_path, "%s/seat.sock", dir))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool night_engine_runs(const char *dir)
{
	int fd = night_connect(dir);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

struct json *night_playbook(const struct json *config, const char *given, struct err *err)
{
	const char *name = given ? given : json_str(config, "playbook", "");
	/* `steps:` of a configuration speaks of its own playbook, not of one named on the command line. */
	return playbook_load(*name ? name : "heroku-to-kamal", given ? NULL : config, err);
}

/* The engine's process: its own session, its text in the night's folder, no terminal. */
static void become_engine(const char *dir, const struct json *config, const struct json *playbook, int ready)
{
	char log[600];
	text_copyf(log, sizeof log, "%s/engine.log", dir);
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600),
	    null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid();
	dup2(null, 0);
	dup2(fd >= 0 ? fd : null, 1);
	dup2(fd >= 0 ? fd : null, 2);
	struct engine_options o = {.dir = dir, .config = config, .playbook = playbook, .ready_fd = ready};
	if (config)
		config_window(config, clock_wall_ms(), &o.window_start_ms, &o.window_end_ms);
	_exit(engine_main(&o));
}

static int engine_spawn(const char *dir, const struct json *config, const struct json *playbook,
			struct err *err)
{
	int ready[2];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_set(err, ERR_IO, "no pipe for the engine: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		close(ready[0]);
		/* Twice, so that no seat has to reap it. */
		if (fork() == 0)
			become_engine(dir, config, playbook, ready[1]);
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	struct buf text = {0};
	char chunk[256];
	ssize_t n;
	while ((n = read(ready[0], chunk, sizeof chunk)) > 0)
		buf_add(&text, chunk, (size_t)n);
	close(ready[0]);
	int rc = 0;
	if (!text.len)
		rc = err_set(err, ERR_IO,
			     "the engine ended before it was ready; its words are in %s/engine.log", dir);
	else if (text.data[0] == '!')
		rc = err_set(err, ERR_IO, "%s", text.data + 1);
	buf_done(&text);
	return rc;
}

int night_open_in(const char *dir, const struct json *config, struct err *err)
{
	struct json *playbook = night_playbook(config, NULL, err);
	int rc = playbook ? engine_spawn(dir, config, playbook, err) : -1;
	json_free(playbook);
	return rc;
}

int night_start_with(const struct json *config, const struct json *playbook, bool open, char *dir,
		     size_t size, struct err *err)
{
	if (open)
		return engine_spawn(dir, NULL, NULL, err);
	if (place_new_night(json_str(config, "app", ""), false, dir, size, err) < 0)
		return -1;
	int rc = engine_spawn(dir, config, playbook, err);
	if (rc < 0)
		rmdir(dir);
	return rc;
}

int night_rehearsal(const struct json *config, struct json *take_playbook, struct rehearsal *out, char *dir,
		    size_t size, struct err *err)
{
	*out = (struct rehearsal){0};
	if (place_new_night(json_str(config, "app", ""), true, dir, size, err) < 0) {
		json_free(take_playbook);
		return -1;
	}
	const char *slash = strrchr(dir, '/');
	out->config = rehearsal_config(config, slash ? slash + 1 : dir);
	out->playbook = rehearsal_playbook(take_playbook);
	json_free(take_playbook);
	return 0;
}

void rehearsal_done(struct rehearsal *rehearsal)
{
	json_free(rehearsal->config);
	json_free(rehearsal->playbook);
	*rehearsal = (struct rehearsal){0};
}

int night_kind_fits(const char *dir, bool rehearse, struct err *err)
{
	bool rehearsal = place_is_rehearsal(dir);
	if (rehearsal == rehearse)
		return 0;
	return err_set(
	    err, ERR_REFUSED,
	    rehearsal ? "a rehearsal of this app is open (%s), and a night does not begin beside it: take it "
			"up with `nightferry rehearse` and end it there, by its last step or by B"
		      : "a night of this app is open (%s), so nothing is rehearsed beside it",
	    dir);
}

int night_rehearse_with(const struct json *config, struct json *take_playbook, char *dir, size_t size,
			struct err *err)
{
	struct rehearsal rehearsal;
	if (!take_playbook || night_rehearsal(config, take_playbook, &rehearsal, dir, size, err) < 0)
		return -1;
	int rc = engine_spawn(dir, rehearsal.config, rehearsal.playbook, err);
	if (rc < 0)
		rmdir(dir);
	rehearsal_done(&rehearsal);
	return rc;
}

static int start_found(const struct json *config, enum night_start how, bool open, char *dir, size_t size,
		       struct err *err)
{
	if (open && how != NIGHT_ATTACH && night_kind_fits(dir, how == NIGHT_REHEARSE, err) < 0)
		return -1;
	if (open && night_engine_runs(dir))
		return 0;
	if (!open && how == NIGHT_REHEARSE)
		return night_rehearse_with(config, night_playbook(config, NULL, err), dir, size, err);
	struct json *playbook = open ? NULL : night_playbook(config, NULL, err);
	int rc = open || playbook ? night_start_with(config, playbook, open, dir, size, err) : -1;
	json_free(playbook);
	return rc;
}

int night_start(const struct json *config, enum night_start how, char *dir, size_t size, struct err *err)
{
	const char *app = json_str(config, "app", "");
	int claim = -1;
	if (place_may_look(app, err) < 0)
		return -1;
	bool open = place_open_night(app, dir, size);
	if (!open && how == NIGHT_ATTACH)
		return err_set(err, ERR_USAGE, "no night of %s is open; `nightferry` opens one", app);
	if (!open && place_claim(app, &claim, err) < 0)
		return -1;
	int rc = start_found(config, how, open || place_open_night(app, dir, size), dir, size, err);
	place_unclaim(claim);
	return rc;
}

int night_tell(const char *dir, const char *command, char *said, size_t size, struct err *err)
{
	int fd = night_connect(dir);
	if (fd < 0)
		return err_set(err, ERR_USAGE, "no engine runs for %s", dir);
	struct buf out = {0};
	buf_adds(&out, "{\"t\":\"hello\",\"proto\":1,\"name\":\"command\",\"observer\":false}\n");
	if (command)
		buf_addf(&out, "%s\n", command);
	int rc = write(fd, out.data, out.len) == (ssize_t)out.len
		     ? 0
		     : err_set(err, ERR_IO, "the engine's socket broke: %s", strerror(errno));
	buf_reset(&out);
	char chunk[65536];
	ssize_t n;
	text_copy(said, size, "");
	while (rc == 0 && !*said && (n = read(fd, chunk, sizeof chunk)) > 0) {
		buf_add(&out, chunk, (size_t)n);
		char *nl;
		while (out.len && (nl = memchr(out.data, '\n', out.len))) {
			struct json *m = json_parse(out.data, (size_t)(nl - out.data), NULL);
			const char *t = json_str(m, "t", "");
			/* Word of the wheel comes to every seat; an answer is a refusal or the goodbye. */
			bool info = text_equal(json_str(m, "level", ""), "info");
			bool refused = text_equal(t, "said") && !info;
			if (refused || text_equal(t, "bye"))
				text_copy(said, size, json_str(m, "text", ""));
			if (refused)
				rc = 1;
			json_free(m);
			buf_cut(&out, (size_t)(nl - out.data) + 1);
		}
	}
	close(fd);
	buf_done(&out);
	return rc;
}
