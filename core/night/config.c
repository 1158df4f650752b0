/* nightferry.yml resolved: its own keys, what Kamal's file says, and the rules no table can say. */
#include "core/night/config.h"
#include "core/night/config_kamal.h"
#include "core/night/config_keys.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sources {
	struct config_kamal kamal;
	char *accessory; /* from whichever of the two places names it */
};

static const char *lookup(void *arg, const char *dotted)
{
	const struct sources *from = arg;
	const struct {
		const char *name, *text;
	} known[] = {
	    {"kamal.service", from->kamal.service}, {"kamal.roles", from->kamal.roles},
	    {"kamal.accessory", from->accessory},   {"database.accessory", from->accessory},
	    {"host.address", from->kamal.address},  {"host.port", from->kamal.port},
	    {"host.user", from->kamal.user},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, dotted) == 0)
			return known[i].text;
	return NULL;
}

static void find_sources(struct sources *from, const char *path, const struct yaml *root, struct err *err)
{
	const struct yaml *kamal = yaml_get(root, "kamal");
	const char *file = yaml_str(kamal, "config", "config/deploy.yml"), *slash = strrchr(path, '/'), *name;
	char *full =
	    slash && file[0] != '/' ? xasprintf("%.*s/%s", (int)(slash - path), path, file) : xstrdup(file);

	if (access(full, F_OK) == 0)
		config_kamal_load(&from->kamal, full, yaml_str(kamal, "destination", ""), err);
	free(full);
	name = yaml_str(yaml_get(root, "database"), "accessory", yaml_str(kamal, "accessory", NULL));
	if (name)
		from->accessory = json_quote(name);
	else if (from->kamal.accessory)
		from->accessory = xstrdup(from->kamal.accessory);
	if (!from->kamal.service && yaml_str(root, "app", NULL))
		from->kamal.service = json_quote(yaml_str(root, "app", ""));
}

/* What only the whole can tell. */
static int check_whole(const struct yaml_doc *doc, const struct json *config, const struct err *kamal,
		       struct err *err)
{
	const struct yaml *host = yaml_get(doc->root, "host");

	if (!*json_str(json_get(config, "host"), "address", ""))
		return yaml_err_key(doc, host ? host : doc->root, err,
				    "`host:` needs \"address\", the new server's name or address%s%s.",
				    *kamal->text ? "; Kamal's file could not be read for it: " : "",
				    kamal->text);
	if (!*json_str(json_get(config, "database"), "url", "") &&
	    !*json_str(json_get(config, "database"), "accessory", ""))
		return yaml_err(doc, doc->root, err,
				"this file needs `database:`; write database: {url: "
				"\"env:NEW_DATABASE_URL\"}, or {accessory: "
				"db}.");
	return 0;
}

static struct json *resolve(const char *path, const struct yaml_doc *doc, struct err *err)
{
	struct sources from = {0};
	struct err kamal = {0};
	const struct schema_run run = {.doc = doc, .lookup = lookup, .arg = &from};
	struct json *config = NULL;
	struct jw w;

	find_sources(&from, path, doc->root, &kamal);
	jw_open(&w);
	if (schema_write(&run, doc->root, config_keys, "", &w, err) == 0) {
		const char *text = jw_finish(&w);

		config = json_parse(text, w.buf.len, err);
	}
	jw_done(&w);
	config_kamal_done(&from.kamal);
	free(from.accessory);
	if (config && check_whole(doc, config, &kamal, err)) {
		json_free(config);
		return NULL;
	}
	return config;
}

struct json *config_load(const char *path, struct err *err)
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
		config = resolve(path, doc, err);
	yaml_free(doc);
	return config;
}
