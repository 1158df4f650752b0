/* nightferry init: writes a first nightferry.yml from what lies around, and says where each value came from.
 * What is not known stands there as a comment with what to write: a guess that looks like a fact is worse
 * than none. */
#include "core/base/buf.h"
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/cmds/cmds.h"
#include "core/cmds/init_ask.h"
#include "core/cmds/init_found.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int init_run(int argc, char **argv);
const struct cmd init_cmd = {.name = "init", .help = "writes a first nightferry.yml", .run = init_run};

enum { COMMENT_COLUMN = 60 };

/* ---- one line ---- */

/* "app: acme            # service of config/deploy.yml"; the comment is text from outside made harmless. */
static void put_line(struct buf *out, const char *line, const char *comment)
{
	size_t width = strlen(line);

	buf_adds(out, line);
	if (*comment)
		buf_addf(out, "%*s # %s", width < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - width) : 0, "",
			 comment);
	buf_addc(out, '\n');
}

/* As YAML takes it for a text and nothing else. To be freed. */
static char *quoted(const char *value)
{
	static const char *const doubtful[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};
	bool plain = *value && value[strspn(value, INIT_WORD "-_./")] == '\0' && value[0] != '-' &&
		     value[0] != '.' && strspn(value, "0123456789.-_") < strlen(value);

	for (size_t i = 0; plain && i < sizeof doubtful / sizeof doubtful[0]; i++)
		plain = strcasecmp(value, doubtful[i]) != 0;
	return plain ? xstrdup(value) : json_quote(value);
}

/* ---- the lines ---- */

static void put_app(struct buf *out, const struct init_found *found)
{
	const char *service = json_str(found->read, "service", "");
	const struct {
		const char *value, *from;
	} ways[] = {
	    {service, "service of config/deploy.yml"},
	    {found->heroku, "the Heroku app's name"},
	    {found->app_name, "name of app.json"},
	    {found->folder, "this folder's name"},
	};
	char name[41];

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		size_t len = strspn(ways[i].value, INIT_WORD "-_");

		if (!len || ways[i].value[len] || len > 40 || ways[i].value[0] == '-')
			continue;
		text_copy(name, sizeof name, ways[i].value);
		char *value = quoted(name), *line = xasprintf("app: %s", value);

		put_line(out, line, ways[i].from);
		free(value);
		free(line);
		return;
	}
	put_line(out, "# app: acme", "a short name for your app");
}

static void put_heroku(struct buf *out, const struct init_found *found)
{
	char comment[400], *line = xasprintf("heroku: {app: %s}", found->heroku);

	text_copyf(comment, sizeof comment, "git remote \"%s\"%s%s", found->heroku_remote,
		   *found->heroku_others ? "; others: " : "", found->heroku_others);
	if (*found->heroku)
		put_line(out, line, comment);
	else
		put_line(out, "# heroku: {app: acme-production}",
			 "no git remote leads to Heroku; write the app's name");
	free(line);
}

static void list_texts(struct buf *out, const struct json *list)
{
	for (const struct json *n = json_first(list); n; n = json_next(n)) {
		char *value = quoted(json_text(n) ? json_text(n) : "");

		buf_addf(out, "%s%s", n == json_first(list) ? "" : ", ", value);
		free(value);
	}
}

static void put_kamal(struct buf *out, const struct init_found *found)
{
	char *value = quoted(found->destination),
	     *line =
		 xasprintf("kamal: {config: config/deploy.yml%s%s}",
			   *found->destination ? ", destination: " : "", *found->destination ? value : "");
	struct buf comment = {0};

	if (*found->destination)
		buf_addf(&comment, "%s; ",
			 strchr(found->destinations, ',') ? found->destinations : "its only destination");
	if (found->read) {
		buf_addf(&comment, "server %s",
			 json_str(json_first(json_get(found->read, "hosts")), "name", "none"));
		if (*found->host)
			buf_addf(&comment, " (\"%s\" of ~/.ssh/config)", found->host);
		buf_adds(&comment, ", roles ");
		list_texts(&comment, json_get(found->read, "roles"));
		put_line(out, line, buf_text(&comment));
	} else {
		put_line(out, line, "it could not be read:");
		buf_addf(out, "#   %s\n", found->why.text);
	}
	if (*found->destinations && !*found->destination)
		buf_addf(out, "#   choose one: kamal: {config: config/deploy.yml, destination: ...} of %s\n",
			 found->destinations);
	buf_done(&comment);
	free(line);
	free(value);
}

/* A server of one's own, without Kamal. */
static void put_host(struct buf *out, const struct init_found *found)
{
	char comment[400], *value = quoted(found->host), *line = xasprintf("host: {address: %s}", value);

	text_copyf(comment, sizeof comment, "the only fitting name of ~/.ssh/config%s%s",
		   *found->host_address ? ": " : "", found->host_address);
	if (*found->host)
		put_line(out, line, comment);
	text_copyf(comment, sizeof comment, "the new server, if you run one%s%s",
		   *found->hosts ? "; ~/.ssh/config has " : "", found->hosts);
	if (!*found->host)
		put_line(out, "# host: {address: 203.0.113.7, user: root}", comment);
	put_line(out, "playbook: heroku-to-vps", "there is no config/deploy.yml here, so Kamal is not used");
	put_line(out, "# steps: {app-stop: {units: [web]}, app-boot: {units: [web]}}",
		 "what the app is there: systemd units:, or containers:");
	free(line);
	free(value);
}

static const struct json *find_postgres(const struct json *read, size_t *n)
{
	const struct json *found = NULL;

	*n = 0;
	for (const struct json *a = json_first(json_get(read, "accessories")); a; a = json_next(a))
		if (json_bool(a, "postgres", false) && !(*n)++)
			found = a;
	return found;
}

static void put_database(struct buf *out, const struct init_found *found)
{
	size_t n;
	const struct json *db = find_postgres(found->read, &n);
	char comment[300], *value = quoted(json_str(db, "name", "")),
			   *line = xasprintf("database: {accessory: %s}", value);

	text_copyf(comment, sizeof comment, "%s of config/deploy.yml; its login is read out of the container",
		   json_str(db, "image", ""));
	if (n == 1)
		put_line(out, line, comment);
	else
		put_line(out, "database: {url: \"env:NEW_DATABASE_URL\"}",
			 n ? "choose as well: accessory: ..., several run Postgres"
			 : found->kamal
			     ? "put the new database's URL into NEW_DATABASE_URL"
			     : "its URL in NEW_DATABASE_URL; and container: pg, if it is one on that server");
	free(line);
	free(value);
}

/* Jobs are watched through the config var that the add-on writes. Which one that is, is the add-on's habit
 * and not read from anywhere: so it stays a comment. */
static void put_redis(struct buf *out, const struct init_found *found)
{
	static const struct {
		const char *addon, *variable;
	} others[] = {
	    {"rediscloud", "REDISCLOUD_URL"},
	    {"redistogo", "REDISTOGO_URL"},
	    {"openredis", "OPENREDIS_URL"},
	};
	const char *variable = NULL, *url = found->kamal ? "" : "url: \"env:NEW_REDIS_URL\"";

	if (!text_find(found->addons, "redis"))
		return;
	buf_adds(out, "#   app.json has Redis among its add-ons; it is not copied\n");
	for (size_t i = 0; i < sizeof others / sizeof others[0] && !variable; i++)
		if (text_find(found->addons, others[i].addon))
			variable = others[i].variable;
	char *line = xasprintf("# redis: {%s%s%s%s}", variable ? "variable: " : "", variable ? variable : "",
			       variable && *url ? ", " : "", url);
	if (variable || *url)
		put_line(out, line,
			 *url
			     ? "the old app's config var, the new app's Redis; without it nobody watches the "
			       "new side's jobs"
			     : "if jobs are in it; without this line REDIS_URL is read");
	free(line);
}

static void put_dns(struct buf *out, const struct init_found *found, bool person)
{
	const struct json *names = json_path(found->read, "proxy.hosts");
	const char *first = json_text(json_first(names));
	struct init_answer answer = {0};
	struct buf list = {0}, comment = {0};

	if (!first || !init_is_dns_name(first)) {
		put_line(out, "# dns: {provider: cloudflare, names: [www.acme.com]}",
			 "the names that move; no `proxy: host` of Kamal's says them");
		return;
	}
	if (person)
		init_ask_dns(first, &answer);
	list_texts(&list, names);
	if (*answer.provider) {
		buf_addf(&comment,
			 "names: proxy host of config/deploy.yml; before the night make cutover.%s an "
			 "address of %s",
			 answer.zone,
			 json_str(json_first(json_get(found->read, "hosts")), "name", "the new server"));
		char *line = xasprintf("dns: {provider: %s, zone: %s, names: [%s], new_name: cutover.%s}",
				       answer.provider, answer.zone, buf_text(&list), answer.zone);

		put_line(out, line, buf_text(&comment));
		free(line);
	} else {
		char *line = xasprintf("# dns: {provider: cloudflare, zone: %s, names: [%s]}",
				       *answer.zone ? answer.zone : "acme.com", buf_text(&list));

		init_providers(&comment);
		buf_adds(&comment, ": who serves the zone; names: proxy host of config/deploy.yml");
		put_line(out, line, buf_text(&comment));
		free(line);
	}
	buf_done(&list);
	buf_done(&comment);
}

static void put_smoke(struct buf *out, const struct init_found *found)
{
	char *value = json_quote(json_str(json_get(found->read, "proxy"), "healthcheck_path", "/up")),
	     *line = xasprintf("smoke: [{get: %s, expect: 200}]", value);

	put_line(out, line,
		 found->read ? "Kamal's health check; add pages that need the database"
			     : "add pages that need the database");
	free(line);
	free(value);
}

/* What a night can do without, and a team would miss later. */
static void put_more(struct buf *out, const struct init_found *found)
{
	put_line(out,
		 *found->ruby ? "# canary: [{name: decrypt, run: \"bin/rails runner 'User.last.email'\"}]"
			      : "# canary: [{name: decrypt, run: bin/canary}]",
		 "what has to work there before the flip: read an old secret, a stored file");
	put_line(out, "# backup: {to: \"s3://acme-backups/nightferry\"}",
		 "a bucket for the first backup; without it the only one lies on the new host");
}

static void put_head(struct buf *out, const struct init_found *found)
{
	struct buf from = {0};

	if (*found->processes)
		buf_addf(&from, "; Procfile: %s", found->processes);
	if (*found->addons)
		buf_addf(&from, "; app.json: %s", found->addons);
	if (*found->ruby)
		buf_addf(&from, "; Ruby %s", found->ruby);
	buf_adds(out, "# Written by `nightferry init`: behind each line is where it came from.\n");
	if (from.len)
		buf_addf(out, "# Found as well%s.\n", buf_text(&from) + 1);
	buf_done(&from);
}

static void compose(struct buf *out, bool person)
{
	struct init_found found;

	init_find(&found);
	put_head(out, &found);
	put_app(out, &found);
	put_heroku(out, &found);
	if (found.kamal)
		put_kamal(out, &found);
	else
		put_host(out, &found);
	put_database(out, &found);
	put_redis(out, &found);
	put_dns(out, &found, person);
	put_smoke(out, &found);
	put_more(out, &found);
	init_found_done(&found);
}

/* ---- the command ---- */

/* Whole or not at all. */
static int write_new(const char *path, const struct buf *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool whole;

	if (fd < 0)
		return err_set(
		    err, errno == EEXIST ? ERR_USAGE : ERR_IO, "%s: %s", path,
		    errno == EEXIST
			? "it is already here and stays as it is; --print shows what would be written"
			: strerror(errno));
	whole = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	if (close(fd) == 0 && whole)
		return 0;
	err_set(err, ERR_IO, "%s could not be written whole (%s), and was removed again.", path,
		strerror(errno));
	unlink(path);
	return -1;
}

static int init_run(int argc, char **argv)
{
	static const struct cli_option options[] = {{"print", NULL, "prints it instead of writing the file"},
						    {0}};
	static const struct cli_command command = {
	    .name = "init",
	    .help = "Writes a first nightferry.yml into this folder, from config/deploy.yml, the git "
		    "remotes, the "
		    "Procfile, app.json and ~/.ssh/config. At a terminal it asks for the DNS zone. Never "
		    "overwrites one.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct buf out = {0};
	struct err err = {0};
	bool print = cli_has(&cli, "print");
	/* Nobody answers questions whose answers would be thrown away. */
	if (!print && access("nightferry.yml", F_OK) == 0) {
		write_new("nightferry.yml", &out, &err);
		return cmd_fail(&err);
	}
	compose(&out, !print && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
	if (!print && write_new("nightferry.yml", &out, &err) < 0) {
		buf_done(&out);
		return cmd_fail(&err);
	}
	fputs(buf_text(&out), stdout);
	if (!print)
		puts(strstr(out.data, "\n# app:") || strstr(out.data, "\n# heroku:") ||
			     strstr(out.data, "\n# host:") || strstr(out.data, "\n# dns:")
			 ? "\nwritten to nightferry.yml. Fill in the lines that begin with # and a key, then "
			   "`nightferry "
			   "check` says what is missing."
			 : "\nwritten to nightferry.yml. `nightferry check` says what is missing.");
	buf_done(&out);
	return EXIT_DONE;
}
