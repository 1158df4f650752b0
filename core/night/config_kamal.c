/* Kamal's file as defaults of nightferry.yml, and what is in it beside them. */
#include "core/night/config_kamal.h"
#include "core/base/text.h"
#include "core/night/kamal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a key of nightferry.yml is by default: a value of kamal_load()'s result. */
static const struct {
	const char *key, *from;
} table[] = {
    {"kamal.service", "service"},
    {"kamal.roles", "roles"},
    {"kamal.accessory", NULL}, /* the Postgres among them */
    {"database.accessory", NULL},
    {"host.address", NULL}, /* the primary one */
    {"host.port", "ssh.port"},
    {"host.user", "ssh.user"},
    {"host.key", NULL}, /* the first */
    {"host.proxy_jump", "ssh.proxy_jump"},
    {"host.proxy_command", "ssh.proxy_command"},
};
enum { ROLES = 1, ACCESSORY, DATABASE_ACCESSORY, ADDRESS, KEY = 7, ROWS = sizeof(table) / sizeof(table[0]) };

static void keep_text(struct config_kamal *kamal, size_t row, const char *text)
{
	free(kamal->defaults[row]);
	kamal->defaults[row] = text && *text ? json_quote(text) : NULL;
}

/* The only accessory with Postgres; "" when there are several or none. */
static const char *find_postgres(const struct json *read)
{
	const char *found = "";

	for (const struct json *a = json_first(json_get(read, "accessories")); a; a = json_next(a))
		if (json_bool(a, "postgres", false)) {
			if (*found)
				return "";
			found = json_str(a, "name", "");
		}
	return found;
}

static void fill_defaults(struct config_kamal *kamal, const struct yaml *root)
{
	const char *said = yaml_str(yaml_get(root, "database"), "accessory",
				    yaml_str(yaml_get(root, "kamal"), "accessory", NULL));
	const struct json *key = json_first(json_path(kamal->read, "ssh.keys"));

	for (size_t i = 0; i < ROWS; i++) {
		const struct json *value = table[i].from ? json_path(kamal->read, table[i].from) : NULL;

		kamal->defaults[i] = value ? json_print(value) : NULL;
	}
	if (!kamal->read && yaml_str(root, "app", NULL))
		keep_text(kamal, 0, yaml_str(root, "app", ""));
	keep_text(kamal, ACCESSORY, said ? said : find_postgres(kamal->read));
	keep_text(kamal, DATABASE_ACCESSORY, said ? said : find_postgres(kamal->read));
	if (!kamal->used)
		kamal->defaults[ROLES] = xstrdup("[]");
	keep_text(kamal, ADDRESS, json_str(json_first(json_get(kamal->read, "hosts")), "name", NULL));
	keep_text(kamal, KEY, json_text(key));
}

/* Without Kamal's file a night can go on if these two are written out. */
static bool stands_alone(const struct yaml *root)
{
	return yaml_str(yaml_get(root, "host"), "address", NULL) &&
	       yaml_str(yaml_get(root, "kamal"), "service", NULL);
}

/* Absolute, so that children find it from wherever they run. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder =
		 slash ? xasprintf("%.*s", slash == path ? 1 : (int)(slash - path), path) : xstrdup("."),
	     *whole = realpath(folder, NULL);

	if (!whole)
		return folder;
	free(folder);
	folder = xstrdup(whole);
	free(whole);
	return folder;
}

static bool is_there(const char *folder, const char *file)
{
	char *full = *file == '/' ? xstrdup(file) : xasprintf("%s/%s", folder, file);
	bool there = access(full, F_OK) == 0;

	free(full);
	return there;
}

int config_kamal_find(struct config_kamal *kamal, const char *path, const struct yaml *root,
		      bool (*ask)(const char *question), struct err *err)
{
	const struct yaml *said = yaml_get(root, "kamal"), *ruby = yaml_get(said, "ruby");
	char *folder = folder_of(path);
	const struct kamal_source source = {
	    .folder = folder,
	    .config = yaml_str(said, "config", "config/deploy.yml"),
	    .destination = yaml_str(said, "destination", ""),
	    .ruby = ruby && ruby->text && strcmp(ruby->text, "true") == 0,
	    .ask = ask,
	};
	int failed = 0;

	kamal->folder = folder;
	/* An accessory is a word of Kamal's, too. */
	kamal->used = said || yaml_str(yaml_get(root, "database"), "accessory", NULL);
	if (yaml_get(said, "config") || is_there(folder, source.config)) {
		kamal->used = true;
		if (kamal_load(&source, &kamal->read, &kamal->why) != KAMAL_READ && !stands_alone(root))
			failed = err_set(err, ERR_CONFIG, "%s", kamal->why.text);
	}
	fill_defaults(kamal, root);
	return failed;
}

const char *config_kamal_lookup(const struct config_kamal *kamal, const char *dotted)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(table[i].key, dotted) == 0)
			return kamal->defaults[i];
	return NULL;
}

void config_kamal_write(const struct config_kamal *kamal, struct jw *w)
{
	jw_bool(w, "used", kamal->used);
	jw_bool(w, "read", kamal->read != NULL);
	jw_str(w, "why", kamal->why.text);
	jw_str(w, "folder", kamal->folder);
	kamal_write_command(kamal->folder, w);
	for (const struct json *n = json_first(kamal->read); n; n = json_next(n))
		/* These two are keys of nightferry.yml, and hosts have a list of their own. */
		if (strcmp(json_key(n), "service") != 0 && strcmp(json_key(n), "roles") != 0 &&
		    strcmp(json_key(n), "hosts") != 0)
			jw_json(w, json_key(n), n);
}

/* `at` is one of Kamal's hosts, or NULL without Kamal. Only the primary one can have another address: Kamal's
 * name for it may be one that only Kamal's machine knows. */
static void write_host(const struct json *config, const struct json *at, struct jw *w)
{
	static const char *const ways[] = {"port",        "user",       "key",
					   "known_hosts", "proxy_jump", "proxy_command"};
	const struct json *host = json_get(config, "host"), *kamal = json_get(config, "kamal");
	const char *address = json_str(host, "address", ""), *name = json_str(at, "name", address),
		   *accessory = json_str(kamal, "accessory", "");
	bool primary = json_bool(at, "primary", true);

	jw_obj(w, NULL);
	jw_str(w, "name", name);
	jw_str(w, "address", primary ? address : name);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		jw_json(w, ways[i], json_get(host, ways[i]));
	if (at) {
		jw_json(w, "roles", json_get(at, "roles"));
		jw_json(w, "accessories", json_get(at, "accessories"));
	} else {
		jw_arr(w, "roles");
		for (const struct json *n = json_first(json_get(kamal, "roles")); n; n = json_next(n))
			jw_json(w, NULL, n);
		jw_end(w);
		jw_arr(w, "accessories");
		if (*accessory)
			jw_str(w, NULL, accessory);
		jw_end(w);
	}
	jw_bool(w, "primary", primary);
	jw_end(w);
}

void config_kamal_hosts(const struct config_kamal *kamal, const struct json *config, struct jw *w)
{
	const struct json *hosts = json_get(kamal->read, "hosts");

	jw_arr(w, "hosts");
	for (const struct json *n = json_first(hosts); n; n = json_next(n))
		write_host(config, n, w);
	if (!json_first(hosts) && *json_str(json_get(config, "host"), "address", ""))
		write_host(config, NULL, w);
	jw_end(w);
}

int config_kamal_check(const struct config_kamal *kamal, const struct yaml_doc *doc,
		       const struct json *config, struct err *err)
{
	const char *name = json_str(json_get(config, "kamal"), "accessory", ""),
		   *file = json_str(json_get(config, "kamal"), "config", "");
	const struct yaml *at = yaml_get(yaml_get(doc->root, "database"), "accessory");
	struct buf names = {0}, postgres = {0};
	size_t n = 0;
	bool found = false;
	int failed = 0;

	for (const struct json *a = json_first(json_get(kamal->read, "accessories")); a; a = json_next(a)) {
		const char *each = json_str(a, "name", "");

		found = found || text_equal(each, name);
		buf_addf(&names, "%s%s", names.len ? ", " : "", each);
		if (json_bool(a, "postgres", false))
			buf_addf(&postgres, "%s%s", n++ ? ", " : "", each);
	}
	if (!at)
		at = yaml_get(yaml_get(doc->root, "kamal"), "accessory");
	if (kamal->read && *name && !found)
		failed = yaml_err(doc, at ? at : doc->root, err, "\"%.60s\" is no accessory of %s; %s%.120s.",
				  name, file, names.len ? "it has " : "it has none", buf_text(&names));
	else if (kamal->read && !*name && n > 1)
		failed =
		    yaml_err(doc, doc->root, err,
			     "%s has several accessories with Postgres (%.120s); write the one whose data "
			     "moves: database: {accessory: ...}.",
			     file, buf_text(&postgres));
	buf_done(&names);
	buf_done(&postgres);
	return failed;
}

void config_kamal_done(struct config_kamal *kamal)
{
	for (size_t i = 0; i < ROWS; i++)
		free(kamal->defaults[i]);
	json_free(kamal->read);
	free(kamal->folder);
	*kamal = (struct config_kamal){0};
}
