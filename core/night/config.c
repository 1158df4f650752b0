/* nightferry.yml resolved: its own keys, what Kamal's file says, and the rules no table can say. */
#include "core/night/config.h"
#include "core/base/heroku_login.h"
#include "core/base/text.h"
#include "core/night/config_kamal.h"
#include "core/night/config_keys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What keys without a value of their own are looked up in. Kamal's part comes first: some rows know only
 * that. */
struct sources {
	struct config_kamal kamal;
	char folder[512];
	char app[80]; /* as JSON */
};

/* As the Heroku CLI does without --app. */
static const char *look_app(struct sources *sources)
{
	char app[64], why[200];
	const char *folder = *sources->folder ? sources->folder : NULL;
	if (!heroku_app_here(folder, app, sizeof app, why, sizeof why) || strpbrk(app, "\"\\"))
		return NULL;
	return text_copyf(sources->app, sizeof sources->app, "\"%s\"", app) ? sources->app : NULL;
}

static const char *lookup(void *arg, const char *dotted)
{
	if (strcmp(dotted, "heroku.app") == 0)
		return look_app(arg);
	return config_kamal_lookup(arg, dotted);
}

int config_write_kamal(const struct schema_run *run, const struct yaml *map, struct jw *w, struct err *err)
{
	if (!yaml_is_null(map) && map->kind != YAML_MAP)
		return yaml_err(run->doc, map, err,
				"\"kamal\" must be a map; write {config: config/deploy.yml}.");
	jw_obj(w, "kamal");
	if (schema_write(run, yaml_is_null(map) ? NULL : map, config_kamal_keys, "kamal", w, err))
		return -1;
	config_kamal_write(run->arg, w);
	jw_end(w);
	return 0;
}

/* What only the whole can tell. */
static int check_whole(const struct yaml_doc *doc, const struct json *config,
		       const struct config_kamal *kamal, struct err *err)
{
	const struct yaml *host = yaml_get(doc->root, "host");
	bool url = *json_str(json_get(config, "database"), "url", "") != '\0',
	     accessory = *json_str(json_get(config, "database"), "accessory", "") ||
			 *json_str(json_get(config, "database"), "container", "");

	/* A database that somebody else runs needs no server of ours. */
	if (!*json_str(json_get(config, "host"), "address", "") && (host || kamal->used || !url || accessory))
		return yaml_err_key(doc, host ? host : doc->root, err,
				    "`host:` needs \"address\", the new server's name or address%s%s.",
				    *kamal->why.text ? "; Kamal's file could not be read for it: " : "",
				    kamal->why.text);
	if (!url && !accessory)
		return yaml_err(doc, doc->root, err,
				"this file needs `database:`; write database: {url: "
				"\"env:NEW_DATABASE_URL\"}, or {accessory: "
				"db}.");
	return config_kamal_check(kamal, doc, config, err);
}

/* The same object with the servers behind it, which need the rest to be resolved. */
static struct json *add_hosts(struct json *config, const struct config_kamal *kamal, struct err *err)
{
	struct jw w;
	struct json *whole;
	const char *text;

	jw_open(&w);
	for (const struct json *n = json_first(config); n; n = json_next(n))
		jw_json(&w, json_key(n), n);
	config_kamal_hosts(kamal, config, &w);
	text = jw_finish(&w);
	whole = json_parse(text, w.buf.len, err);
	jw_done(&w);
	json_free(config);
	return whole;
}

static struct json *resolve(const char *path, const struct yaml_doc *doc, bool (*ask)(const char *question),
			    struct err *err)
{
	struct sources sources = {0};
	struct config_kamal *kamal = &sources.kamal;
	const struct schema_run run = {.doc = doc, .lookup = lookup, .arg = &sources};
	const char *slash = strrchr(path, '/');
	struct json *config = NULL;
	struct jw w;

	text_copyf(sources.folder, sizeof sources.folder, "%.*s", slash ? (int)(slash - path) : 0, path);

	jw_open(&w);
	if (config_kamal_find(kamal, path, doc->root, ask, err) == 0 &&
	    schema_write(&run, doc->root, config_keys, "", &w, err) == 0) {
		const char *text = jw_finish(&w);

		config = json_parse(text, w.buf.len, err);
	}
	jw_done(&w);
	if (config && check_whole(doc, config, kamal, err)) {
		json_free(config);
		config = NULL;
	}
	if (config)
		config = add_hosts(config, kamal, err);
	config_kamal_done(kamal);
	return config;
}

struct json *config_load_asking(const char *path, bool (*ask)(const char *question), struct err *err)
{
	struct yaml_doc *doc;
	struct json *config = NULL;

	if (access(path, F_OK) != 0) {
		err_set(err, ERR_CONFIG, "There is no %s here; `nightferry init` writes a first one.", path);
		return NULL;
	}
	doc = yaml_load(path, YAML_OURS, err);
	if (!doc)
		return NULL;
	if (!doc->root || doc->root->kind != YAML_MAP)
		yaml_err(doc, doc->root, err,
			 "this file must be a map of keys; begin it with `app: ` and your app's name.");
	else
		config = resolve(path, doc, ask, err);
	yaml_free(doc);
	return config;
}

struct json *config_load(const char *path, struct err *err)
{
	return config_load_asking(path, NULL, err);
}
