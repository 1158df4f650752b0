/* The near end of `--on HOST`: brings this program there, opens the night, lends a wire to its engine. The
 * far end is on_host.c. */
#include "core/cmds/on.h"
#include "core/base/heroku_login.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/on_put.h"
#include "core/links/put_self.h"
#include "core/cmds/on_ssh.h"
#include "core/engine/engine.h"
#include "core/links/ssh.h"
#include "core/night/place.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct on {
	struct on_ssh ssh;
	char sha[65];
	char **seat_argv;
};

struct on *on_open(const char *host, struct err *err)
{
	struct on *on = xcalloc(1, sizeof *on);
	signal(SIGPIPE, SIG_IGN);
	if (on_ssh_init(&on->ssh, host, err) < 0 || on_put(&on->ssh, on->sha, err) < 0) {
		on_close(on);
		return NULL;
	}
	return on;
}

void on_close(struct on *on)
{
	if (!on)
		return;
	if (*on->ssh.host)
		on_ssh_done(&on->ssh);
	on_ssh_argv_free(on->seat_argv);
	free(on);
}

/* "$HOME/..." __on VERB ARG...: every argument quoted, none of them a secret. */
static void far_script(const struct on *on, struct buf *script, const char *verb, const char *arg,
		       const char *const *more)
{
	buf_addf(script, "exec \"$HOME/" PUT_SELF_FOLDER "/%s/nightferry\" __on ", on->sha);
	ssh_quote(script, verb);
	buf_addc(script, ' ');
	ssh_quote(script, arg);
	for (size_t i = 0; more && more[i]; i++) {
		buf_addc(script, ' ');
		ssh_quote(script, more[i]);
	}
}

/* ---- what goes along ---- */

#define FILE_BYTES_MAX (1u << 20)

static int add_file(struct jw *w, const char *folder, const char *name, struct err *err)
{
	char *path = name[0] == '/' ? xstrdup(name) : xasprintf("%s%s", folder, name);
	FILE *f = fopen(path, "re");
	struct buf text = {0};
	char chunk[16384];
	size_t n;
	free(path);
	/* What lies elsewhere has no place below the folder there. */
	if (!f || name[0] == '/' || strstr(name, "..")) {
		if (f)
			fclose(f);
		return 0;
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && text.len <= FILE_BYTES_MAX)
		buf_add(&text, chunk, n);
	fclose(f);
	/* Half a file would be read as a whole one. */
	if (text.len > FILE_BYTES_MAX) {
		buf_done(&text);
		return err_set(err, ERR_CONFIG, "%s is over 1 MB, which no configuration is; it is not sent",
			       name);
	}
	jw_obj(w, NULL);
	jw_str(w, "name", name);
	jw_strn(w, "text", buf_text(&text), text.len);
	jw_end(w);
	buf_done(&text);
	return 0;
}

/* The files as they are written, for `check` and `step` by hand there and for kamal. Not .kamal/secrets: no
 * secret becomes a file. */
static int add_files(struct jw *w, const struct json *config, const char *config_path, struct err *err)
{
	const struct json *kamal = json_get(config, "kamal");
	const char *slash = strrchr(config_path, '/'),
		   *deploy = json_str(kamal, "config", "config/deploy.yml"),
		   *destination = json_str(kamal, "destination", "");
	char folder[500], over[600];
	text_copyf(folder, sizeof folder, "%.*s", slash ? (int)(slash - config_path + 1) : 0, config_path);
	jw_arr(w, "files");
	int rc = add_file(w, folder, slash ? slash + 1 : config_path, err);
	rc = rc < 0 ? rc : add_file(w, folder, deploy, err);
	size_t stem =
	    strlen(deploy) - (strlen(deploy) > 4 && text_equal(deploy + strlen(deploy) - 4, ".yml") ? 4 : 0);
	text_copyf(over, sizeof over, "%.*s.%s.yml", (int)stem, deploy, destination);
	if (*destination && rc == 0)
		rc = add_file(w, folder, over, err);
	jw_end(w);
	return rc;
}

struct secrets_wanted {
	struct jw *w;
	const struct json *config;
};

static void add_secret(void *arg, const char *name)
{
	const struct secrets_wanted *wanted = arg;
	const char *api = json_str(json_get(wanted->config, "heroku"), "api", "");
	const char *value = getenv(name);
	char token[256] = "";
	if ((!value || !*value) && text_equal(name, "HEROKU_API_KEY") &&
	    heroku_login(api, token, sizeof token))
		value = token;
	if (value && *value)
		jw_str(wanted->w, name, value);
	explicit_bzero(token, sizeof token);
}

static int write_order(struct jw *w, const struct json *config, const char *config_path, enum night_start how,
		       struct err *err)
{
	struct json *playbook = night_playbook(config, NULL, err);
	if (!playbook)
		return -1;
	jw_open(w);
	jw_bool(w, "may_open", how != NIGHT_ATTACH);
	jw_bool(w, "rehearse", how == NIGHT_REHEARSE);
	jw_json(w, "config", config);
	jw_json(w, "playbook", playbook);
	int rc = add_files(w, config, config_path, err);
	jw_obj(w, "secrets");
	engine_secret_names(config, playbook, add_secret, &(struct secrets_wanted){w, config});
	jw_end(w);
	jw_finish(w);
	json_free(playbook);
	return rc;
}

/* ---- the night there ---- */

/* Two journals of one night would each believe that the other's steps are still to do. */
static int no_night_here(const struct json *config, const char *host, struct err *err)
{
	char dir[400];
	const char *app = json_str(config, "app", "");
	if (!place_open_night(app, dir, sizeof dir))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "%s has an open night on this machine (%s), so none is opened on %s: take it up with "
		       "`nightferry`, or move that folder away when it shall not go on",
		       app, dir, host);
}

/* A login shell may greet on the same pipe: ours is the line that is an object with "on". */
static struct json *read_answer(const struct buf *out)
{
	const char *text = buf_text(out);
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = line + strcspn(line, "\n");
		struct json *answer = *line == '{' ? json_parse(line, (size_t)(end - line), NULL) : NULL;
		if (json_int(answer, "on", 0) == 1)
			return answer;
		json_free(answer);
	}
	return NULL;
}

static int take_answer(const struct on *on, const struct buf *out, int status, char *dir, size_t size,
		       struct err *err)
{
	struct json *answer = read_answer(out);
	const char *said = json_str(answer, "text", ""), *where = json_str(answer, "dir", "");
	char clean[500];
	int rc = 0;
	text_clean(clean, sizeof clean, said, strlen(said));
	if (!answer)
		rc =
		    err_set(err, ERR_NET,
			    "%s: the connection ended (%d) before nightferry there had answered; whether the "
			    "night's engine runs is not known: the same command again looks",
			    on->ssh.host, status);
	else if (*said)
		rc = err_set(err, json_bool(answer, "usage", false) ? ERR_USAGE : ERR_REFUSED, "on %s: %s",
			     on->ssh.host, clean);
	else if (!text_copy(dir, size, where) || !*where)
		rc = err_set(err, ERR_NET, "%s named no night's folder", on->ssh.host);
	json_free(answer);
	return rc;
}

int on_start(struct on *on, const struct json *config, const char *config_path, enum night_start how,
	     char *dir, size_t size, struct err *err)
{
	struct jw w = {0};
	struct buf script = {0}, out = {0};
	if (how != NIGHT_ATTACH && no_night_here(config, on->ssh.host, err) < 0)
		return -1;
	int rc = write_order(&w, config, config_path, how, err);
	far_script(on, &script, "open", json_str(config, "app", ""), NULL);
	int status = rc == 0 ? on_ssh_run(&on->ssh, buf_text(&script), &w.buf, &out, err) : -1;
	rc = status < 0 ? -1 : take_answer(on, &out, status, dir, size, err);
	if (w.buf.data)
		explicit_bzero(w.buf.data, w.buf.len);
	jw_done(&w);
	buf_done(&script);
	buf_done(&out);
	return rc;
}

char *const *on_seat_argv(struct on *on, const char *dir)
{
	struct buf script = {0};
	far_script(on, &script, "seat", dir, NULL);
	on_ssh_argv_free(on->seat_argv);
	on->seat_argv = on_ssh_argv(&on->ssh, buf_text(&script), true);
	buf_done(&script);
	return on->seat_argv;
}

int on_run(struct on *on, const char *verb, const char *app, const char *const *options, struct err *err)
{
	static const char mark[] = "nightferry-out\n";
	struct buf script = {0}, out = {0};
	buf_adds(&script, "echo nightferry-out; ");
	far_script(on, &script, verb, app, options);
	int status = on_ssh_run(&on->ssh, buf_text(&script), NULL, &out, err);
	const char *ours = strstr(buf_text(&out), mark);
	if (ours)
		fwrite(ours + strlen(mark), 1, out.len - (size_t)(ours + strlen(mark) - out.data), stdout);
	fflush(stdout);
	if (status >= 0 && (!ours || status == 255))
		status = err_set(err, ERR_NET, "%s: the connection ended before the answer was whole",
				 on->ssh.host);
	buf_done(&out);
	buf_done(&script);
	return status;
}

int on_command(const struct cli *cli, const char *verb, const char *const *options)
{
	struct err err = {0};
	struct json *config = cmd_config_cli(cli, &err);
	struct on *on = config ? on_open(cli_get(cli, "on", ""), &err) : NULL;
	int status = on ? on_run(on, verb, json_str(config, "app", ""), options, &err) : -1;
	json_free(config);
	on_close(on);
	return status < 0 ? cmd_fail(&err) : status;
}
