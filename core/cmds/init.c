/* nightferry init: writes a first nightferry.yml from what lies around, and says where each value came from.
 */
#include "core/base/buf.h"
#include "core/base/cli.h"
#include "core/base/text.h"
#include "core/base/yaml.h"
#include "core/cmds/cmds.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int init_run(int argc, char **argv);
const struct cmd init_cmd = {.name = "init", .help = "writes a first nightferry.yml", .run = init_run};

/* https://git.heroku.com/APP.git or git@heroku.com:APP.git in .git/config. */
static bool heroku_app(char *out, size_t size)
{
	FILE *f = fopen(".git/config", "re");
	char line[400];
	bool found = false;
	while (f && !found && fgets(line, sizeof line, f)) {
		static const char *const hosts[] = {"git.heroku.com/", "git@heroku.com:"};
		for (size_t i = 0; i < 2 && !found; i++) {
			const char *at = strstr(line, hosts[i]), *end = at ? strstr(at, ".git") : NULL;
			if (!end)
				continue;
			at += strlen(hosts[i]);
			found = end > at && text_copyf(out, size, "%.*s", (int)(end - at), at);
		}
	}
	if (f)
		fclose(f);
	return found;
}

/* "service" and the first proxy host of config/deploy.yml. */
static void kamal_values(char *service, size_t service_size, char *host, size_t host_size)
{
	struct yaml_doc *doc =
	    access("config/deploy.yml", R_OK) == 0 ? yaml_load("config/deploy.yml", YAML_RUBY, NULL) : NULL;
	if (!doc)
		return;
	const struct yaml *proxy = yaml_get(doc->root, "proxy"), *hosts = yaml_get(proxy, "hosts");
	text_copy(service, service_size, yaml_str(doc->root, "service", ""));
	text_copy(
	    host, host_size,
	    yaml_str(proxy, "host", hosts && hosts->first && hosts->first->text ? hosts->first->text : ""));
	yaml_free(doc);
}

/* "www.acme.com" lies in "acme.com": the name without its first label, when two are left. */
static const char *zone_of(const char *host)
{
	const char *dot = strchr(host, '.');
	return dot && strchr(dot + 1, '.') ? dot + 1 : host;
}

static void compose(struct buf *out)
{
	char app[64] = "", service[64] = "", host[128] = "";
	bool heroku = heroku_app(app, sizeof app);
	kamal_values(service, sizeof service, host, sizeof host);
	buf_addf(out, "app: %-40s # %s\n",
		 *service ? service
		 : heroku ? app
			  : "CHANGE-ME",
		 *service ? "service of config/deploy.yml"
		 : heroku ? "from the heroku remote in .git/config"
			  : "your app's short name");
	buf_addf(out, "heroku: {app: %s}%*s # %s\n", heroku ? app : "CHANGE-ME", heroku ? 2 : 2, "",
		 heroku ? "from the heroku remote in .git/config" : "the app's name on Heroku");
	if (access("config/deploy.yml", R_OK) == 0)
		buf_adds(out, "kamal: {config: config/deploy.yml, accessory: db}   # host, user and roles "
			      "come from it\n");
	else
		buf_adds(out, "host: {address: CHANGE-ME, user: root}              # the new server; no "
			      "config/deploy.yml is here\n");
	buf_adds(
	    out,
	    "database: {url: \"env:NEW_DATABASE_URL\"}             # the new database, as seen from here\n");
	buf_addf(out, "dns: {provider: cloudflare, zone: %s, names: [%s], new_name: cutover.%s}   # %s\n",
		 *host ? zone_of(host) : "CHANGE-ME", *host ? host : "CHANGE-ME",
		 *host ? zone_of(host) : "CHANGE-ME",
		 *host ? "proxy host of config/deploy.yml" : "the names that move");
	buf_adds(out, "smoke:\n  - {get: /up, expect: 200}\n");
}

static int init_run(int argc, char **argv)
{
	static const struct cli_option options[] = {{"print", NULL, "prints it instead of writing the file"},
						    {0}};
	static const struct cli_command command = {
	    .name = "init",
	    .help = "Writes a first nightferry.yml into this folder, from the git remotes and "
		    "config/deploy.yml. Never overwrites one.",
	    .options = options,
	};
	struct cli cli;
	int status = cli_parse(&cli, &command, argc, argv);
	if (status >= 0)
		return status;
	struct buf out = {0};
	struct err err = {0};
	compose(&out);
	if (cli_has(&cli, "print")) {
		fputs(buf_text(&out), stdout);
		buf_done(&out);
		return EXIT_DONE;
	}
	int fd = open("nightferry.yml", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		err_set(&err, errno == EEXIST ? ERR_USAGE : ERR_IO, "nightferry.yml: %s",
			errno == EEXIST
			    ? "it is already here and stays as it is; --print shows what would be written"
			    : strerror(errno));
	else if (write(fd, out.data, out.len) != (ssize_t)out.len)
		err_set(&err, ERR_IO, "nightferry.yml could not be written whole: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	if (err.kind) {
		buf_done(&out);
		return cmd_fail(&err);
	}
	fputs(buf_text(&out), stdout);
	puts(strstr(out.data, "CHANGE-ME")
		 ? "\nwritten to nightferry.yml. Change what says CHANGE-ME, then `nightferry check` says "
		   "what is missing."
		 : "\nwritten to nightferry.yml. `nightferry check` says what is missing.");
	buf_done(&out);
	return EXIT_DONE;
}
