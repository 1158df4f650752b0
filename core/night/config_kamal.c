/* Kamal's own configuration, as far as the night needs it. */
#include "core/night/config_kamal.h"
#include "core/base/text.h"
#include "core/base/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ERB is Ruby: its value is not known here. */
static void keep(char **out, const char *text)
{
	if (!text || strstr(text, "<%"))
		return;
	free(*out);
	*out = json_quote(text);
}

static const char *scalar(const struct yaml *node)
{
	return node && node->kind == YAML_SCALAR && !yaml_is_null(node) ? node->text : NULL;
}

/* The first host of a list, of `hosts:` of a role, or of `host: tag` maps. */
static const char *first_host(const struct yaml *node)
{
	const struct yaml *hosts = yaml_get(node, "hosts");

	if (hosts)
		node = hosts;
	if (node && node->kind == YAML_LIST)
		node = node->first;
	if (node && node->kind == YAML_MAP)
		return node->first ? node->first->key : NULL;
	return scalar(node);
}

static void read_servers(struct config_kamal *kamal, const struct yaml *servers)
{
	struct buf roles = {0};

	if (!servers)
		return;
	if (servers->kind == YAML_LIST) {
		keep(&kamal->address, first_host(servers));
		free(kamal->roles);
		kamal->roles = xstrdup("[\"web\"]");
		return;
	}
	keep(&kamal->address,
	     first_host(yaml_get(servers, "web") ? yaml_get(servers, "web") : servers->first));
	for (const struct yaml *role = servers->first; role; role = role->next) {
		char *name = json_quote(role->key);

		buf_addf(&roles, "%s%s", roles.len ? "," : "[", name);
		free(name);
	}
	buf_adds(&roles, roles.len ? "]" : "[]");
	free(kamal->roles);
	kamal->roles = xstrdup(buf_text(&roles));
	buf_done(&roles);
}

static void read_file(struct config_kamal *kamal, const struct yaml *root)
{
	const struct yaml *accessories = yaml_get(root, "accessories"), *ssh = yaml_get(root, "ssh");
	int64_t port;

	keep(&kamal->service, yaml_str(root, "service", NULL));
	read_servers(kamal, yaml_get(root, "servers"));
	keep(&kamal->user, yaml_str(ssh, "user", NULL));
	if (yaml_int(yaml_get(ssh, "port"), &port)) {
		free(kamal->port);
		kamal->port = xasprintf("%lld", (long long)port);
	}
	for (const struct yaml *a = accessories ? accessories->first : NULL; a; a = a->next)
		if (text_find(yaml_str(a, "image", ""), "postgres") ||
		    text_find(yaml_str(a, "image", ""), "postgis") ||
		    text_find(yaml_str(a, "image", ""), "pgvector")) {
			keep(&kamal->accessory, a->key);
			break;
		}
}

int config_kamal_load(struct config_kamal *kamal, const char *path, const char *destination, struct err *err)
{
	struct yaml_doc *doc = yaml_load(path, YAML_RUBY, err);
	size_t stem = strlen(path);
	char *over;

	if (!doc)
		return -1;
	read_file(kamal, doc->root);
	yaml_free(doc);
	if (!*destination)
		return 0;
	if (stem > 4 && strcmp(path + stem - 4, ".yml") == 0)
		stem -= 4;
	over = xasprintf("%.*s.%s.yml", (int)stem, path, destination);
	doc = access(over, F_OK) == 0 ? yaml_load(over, YAML_RUBY, err) : NULL;
	if (doc)
		read_file(kamal, doc->root);
	yaml_free(doc);
	free(over);
	return 0;
}

void config_kamal_done(struct config_kamal *kamal)
{
	free(kamal->service);
	free(kamal->roles);
	free(kamal->address);
	free(kamal->port);
	free(kamal->user);
	free(kamal->accessory);
	*kamal = (struct config_kamal){0};
}
