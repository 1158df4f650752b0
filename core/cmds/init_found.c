/* A repository read for `nightferry init`: see init_found.h. */
#include "core/cmds/init_found.h"
#include "core/base/heroku_login.h"
#include "core/base/program.h"
#include "core/base/text.h"
#include "core/night/kamal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(char *out, size_t size, const char *text, size_t len)
{
	text_clean(out, size, text, len);
}

static void add_word(char *list, size_t size, const char *word)
{
	char all[400];

	text_copyf(all, sizeof(all), "%s%s%s", list, *list ? ", " : "", word);
	text_copy(list, size, all);
}

/* ---- Kamal ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* config/deploy.NAME.yml: the only one, or `production` among several; else none is taken. */
static void find_destination(struct init_found *found)
{
	DIR *dir = opendir("config");
	char *names[32];
	size_t n = 0;

	for (struct dirent *e = dir ? readdir(dir) : NULL; e && n < 32; e = readdir(dir)) {
		size_t len = strlen(e->d_name);

		if (text_starts(e->d_name, "deploy.") && len > 11 && strcmp(e->d_name + len - 4, ".yml") == 0)
			names[n++] = xasprintf("%.*s", (int)(len - 11), e->d_name + 7);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(names, n, sizeof(names[0]), by_text);
	for (size_t i = 0; i < n; i++) {
		char clean[64];

		put(clean, sizeof(clean), names[i], strlen(names[i]));
		add_word(found->destinations, sizeof(found->destinations), clean);
		if (n == 1 || strcmp(clean, "production") == 0)
			text_copy(found->destination, sizeof(found->destination), clean);
		free(names[i]);
	}
}

static void find_kamal(struct init_found *found)
{
	struct kamal_source source = {.folder = ".", .config = "config/deploy.yml"};

	found->kamal = access(source.config, F_OK) == 0;
	if (!found->kamal)
		return;
	find_destination(found);
	source.destination = found->destination;
	kamal_load(&source, &found->read, &found->why);
}

/* ---- git ---- */

/* "remote.NAME.url URL": the remote `production` first, then `heroku`, then any other one. */
static void take_remote(struct init_found *found, char *line)
{
	char *url = strchr(line, ' '), *name = line + strlen("remote."), *end, app[64], remote[64],
	     other[160];
	int rank, now;

	if (!url || !text_starts(line, "remote."))
		return;
	*url++ = '\0';
	end = strrchr(name, '.');
	if (!end || !heroku_remote_app(url, app, sizeof(app)))
		return;
	put(remote, sizeof(remote), name, (size_t)(end - name));
	rank = strcmp(remote, "production") == 0 ? 2 : strcmp(remote, "heroku") == 0;
	now =
	    strcmp(found->heroku_remote, "production") == 0 ? 2 : strcmp(found->heroku_remote, "heroku") == 0;
	if (*found->heroku && rank <= now) {
		text_copyf(other, sizeof(other), "%s is %s", remote, app);
		add_word(found->heroku_others, sizeof(found->heroku_others), other);
		return;
	}
	if (*found->heroku) {
		text_copyf(other, sizeof(other), "%s is %s", found->heroku_remote, found->heroku);
		add_word(found->heroku_others, sizeof(found->heroku_others), other);
	}
	text_copy(found->heroku, sizeof(found->heroku), app);
	text_copy(found->heroku_remote, sizeof(found->heroku_remote), remote);
}

static void find_remotes(struct init_found *found)
{
	static const char *const argv[] = {"git", "config", "--get-regexp", "^remote\\..*\\.url$", NULL};
	const struct program git = {.argv = argv, .timeout_real_ms = 20000, .output_max = 100000};
	struct buf out = {0};
	char *next, *line;

	/* A folder without git is no trouble: there is nothing to find then. */
	if (program_run(&git, &out, NULL) == 0 && out.data)
		for (line = strtok_r(out.data, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
			take_remote(found, line);
	buf_done(&out);
}

/* ---- files ---- */

/* The first 64 KB; "" when there is none. To be freed. */
static char *read_file(const char *path)
{
	enum { MOST = 65536 };
	char *text = xcalloc(MOST + 1, 1);
	FILE *f = fopen(path, "re");

	if (f) {
		text[fread(text, 1, MOST, f)] = '\0';
		fclose(f);
	}
	return text;
}

static void find_procfile(struct init_found *found)
{
	char *text = read_file("Procfile"), *next, *line, word[64];

	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

		if (len && len < sizeof(word) && line[len] == ':' &&
		    text_copyf(word, sizeof(word), "%.*s", (int)len, line))
			add_word(found->processes, sizeof(found->processes), word);
	}
	free(text);
}

static void find_app_json(struct init_found *found)
{
	char *text = read_file("app.json"), clean[64];
	struct json *app = json_parse(text, strlen(text), NULL);

	put(found->app_name, sizeof(found->app_name), json_str(app, "name", ""),
	    strlen(json_str(app, "name", "")));
	for (const struct json *n = json_first(json_get(app, "addons")); n; n = json_next(n)) {
		/* "heroku-postgresql:standard-0", or {"plan": that} */
		const char *plan = json_text(n) ? json_text(n) : json_str(n, "plan", "");

		put(clean, sizeof(clean), plan, strcspn(plan, ":"));
		if (*clean)
			add_word(found->addons, sizeof(found->addons), clean);
	}
	json_free(app);
	free(text);
}

static void find_ruby(struct init_found *found)
{
	char *text = read_file(".ruby-version");

	put(found->ruby, sizeof(found->ruby), text, strcspn(text, "\r\n"));
	free(text);
}

/* ---- ~/.ssh/config ---- */

/* Of Kamal's primary server it is the alias; without Kamal a name that holds the app's. */
static bool fits(const struct init_found *found, const char *alias, const char *address)
{
	const char *primary = json_str(json_first(json_get(found->read, "hosts")), "name", "");

	if (found->read)
		return text_equal(alias, primary) || text_equal(address, primary);
	return (*found->heroku && text_find(alias, found->heroku)) ||
	       (*found->folder && text_find(alias, found->folder));
}

struct ssh_host {
	char alias[100], address[100];
};

static void take_host(struct init_found *found, const struct ssh_host *host, size_t *fitting)
{
	if (!*host->alias)
		return;
	add_word(found->hosts, sizeof(found->hosts), host->alias);
	if (!fits(found, host->alias, host->address) || (*fitting)++)
		return;
	text_copy(found->host, sizeof(found->host), host->alias);
	text_copy(found->host_address, sizeof(found->host_address), host->address);
}

static void find_ssh_hosts(struct init_found *found)
{
	char *path = xasprintf("%s/.ssh/config", getenv("HOME") ? getenv("HOME") : ""),
	     *text = read_file(path), *next, *line;
	struct ssh_host host = {0};
	size_t fitting = 0;

	for (line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		char key[16] = "", value[100] = "", clean[100];

		if (sscanf(line, " %15[A-Za-z]%*[ \t=]%99[^ \t\r]", key, value) != 2)
			continue;
		put(clean, sizeof(clean), value, strlen(value));
		if (strcasecmp(key, "Host") == 0) {
			take_host(found, &host, &fitting);
			host = (struct ssh_host){0};
			if (!strpbrk(clean, "*?!"))
				text_copy(host.alias, sizeof(host.alias), clean);
		} else if (strcasecmp(key, "HostName") == 0) {
			text_copy(host.address, sizeof(host.address), clean);
		}
	}
	take_host(found, &host, &fitting);
	if (fitting > 1)
		*found->host = *found->host_address = '\0';
	free(text);
	free(path);
}

static void find_folder(struct init_found *found)
{
	char *path = realpath(".", NULL), *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		put(found->folder, sizeof(found->folder), slash + 1, strlen(slash + 1));
	free(path);
}

void init_find(struct init_found *found)
{
	*found = (struct init_found){0};
	find_folder(found);
	find_kamal(found);
	find_remotes(found);
	find_procfile(found);
	find_app_json(found);
	find_ruby(found);
	find_ssh_hosts(found);
}

void init_found_done(struct init_found *found)
{
	json_free(found->read);
	*found = (struct init_found){0};
}
