/* Roles, hosts and environments of Kamal's file: see kamal_parts.h. */
#include "core/night/kamal_parts.h"
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"

#include <stdlib.h>
#include <string.h>

/* ---- hosts ---- */

bool kamal_hosts_have(const struct kamal_hosts *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (strcmp(hosts->list[i].name, name) == 0)
			return true;
	return false;
}

/* A host that is named twice keeps its place and takes the later tags. */
static void add_host(struct kamal_hosts *hosts, const char *name, const struct yaml *tags)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (strcmp(hosts->list[i].name, name) == 0) {
			hosts->list[i].tags = tags;
			return;
		}
	hosts->list = xrealloc(hosts->list, hosts->n + 1, sizeof(hosts->list[0]));
	hosts->list[hosts->n++] = (struct kamal_host){.name = name, .tags = tags};
}

static void add_item(struct kamal_hosts *hosts, const struct yaml *item)
{
	if (item->kind == YAML_MAP && item->first)
		add_host(hosts, item->first->key, item->first);
	else if (ruby_type(item, NULL) == RUBY_TEXT)
		add_host(hosts, item->text, NULL);
}

static void add_list(struct kamal_hosts *hosts, const struct yaml *list)
{
	if (!list || list->kind != YAML_LIST)
		return;
	for (const struct yaml *n = list->first; n; n = n->next)
		add_item(hosts, n);
}

static void add_all(struct kamal_hosts *hosts, const struct kamal_hosts *from)
{
	for (size_t i = 0; i < from->n; i++)
		add_host(hosts, from->list[i].name, from->list[i].tags);
}

void kamal_hosts_done(struct kamal_hosts *hosts)
{
	free(hosts->list);
	*hosts = (struct kamal_hosts){0};
}

/* A single tag is asked with Ruby's String#include?, which is true for a part of it as well. */
static bool has_tag(const struct yaml *tags, const char *tag)
{
	if (tags->kind == YAML_SCALAR)
		return strstr(tags->text, tag) != NULL;
	for (const struct yaml *n = tags->first; n; n = n->next)
		if (n->kind == YAML_SCALAR && strcmp(n->text, tag) == 0)
			return true;
	return false;
}

/* Kamal looks for tags only in roles that are plain lists, in the order of the file. */
static void add_tagged(const struct kamal *kamal, const char *tag, struct kamal_hosts *out)
{
	const struct yaml *servers = yaml_get(kamal->root, "servers");

	for (const struct yaml *role = servers && servers->kind == YAML_MAP ? servers->first : NULL; role;
	     role = role->next)
		for (const struct yaml *n = role->kind == YAML_LIST ? role->first : NULL; n; n = n->next)
			if (n->kind == YAML_MAP && n->first && has_tag(n->first, tag))
				add_host(out, n->first->key, n->first);
}

static void add_role(const struct kamal *kamal, const char *name, struct kamal_hosts *out)
{
	const struct kamal_role *role = kamal_role(kamal, name);

	if (role)
		add_all(out, &role->hosts);
}

static void add_each(const struct kamal *kamal, const struct yaml *node, struct kamal_hosts *out,
		     void (*add)(const struct kamal *, const char *, struct kamal_hosts *))
{
	if (node && node->kind == YAML_SCALAR)
		add(kamal, node->text, out);
	for (const struct yaml *n = node && node->kind == YAML_LIST ? node->first : NULL; n; n = n->next)
		if (n->kind == YAML_SCALAR)
			add(kamal, n->text, out);
}

void kamal_accessory_hosts(const struct kamal *kamal, const struct yaml *accessory, struct kamal_hosts *out)
{
	const struct yaml *host = yaml_get(accessory, "host");

	*out = (struct kamal_hosts){0};
	if (host && host->kind == YAML_SCALAR && !yaml_is_null(host))
		add_host(out, host->text, NULL);
	add_list(out, yaml_get(accessory, "hosts"));
	add_each(kamal, yaml_get(accessory, "role"), out, add_role);
	add_each(kamal, yaml_get(accessory, "roles"), out, add_role);
	add_each(kamal, yaml_get(accessory, "tag"), out, add_tagged);
	add_each(kamal, yaml_get(accessory, "tags"), out, add_tagged);
}

void kamal_all_hosts(const struct kamal *kamal, struct kamal_hosts *out)
{
	const struct yaml *accessories = yaml_get(kamal->root, "accessories");
	struct kamal_hosts hosts;

	*out = (struct kamal_hosts){0};
	for (size_t i = 0; i < kamal->n_roles; i++)
		add_all(out, &kamal->roles[i].hosts);
	for (const struct yaml *a = accessories ? accessories->first : NULL; a; a = a->next) {
		kamal_accessory_hosts(kamal, a, &hosts);
		add_all(out, &hosts);
		kamal_hosts_done(&hosts);
	}
}

/* ---- roles ---- */

const struct kamal_role *kamal_role(const struct kamal *kamal, const char *name)
{
	for (size_t i = 0; i < kamal->n_roles; i++)
		if (strcmp(kamal->roles[i].name, name) == 0)
			return &kamal->roles[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kamal_role *)a)->name, ((const struct kamal_role *)b)->name);
}

static void add_one(struct kamal *kamal, const char *name, const struct yaml *node)
{
	const struct yaml *proxy, *root = yaml_get(kamal->root, "proxy");
	struct kamal_role role = {.name = name, .node = node};

	role.config = node->kind == YAML_MAP ? node : NULL;
	role.primary = strcmp(name, kamal->primary) == 0;
	add_list(&role.hosts, role.config ? yaml_get(node, "hosts") : node);
	proxy = yaml_get(role.config, "proxy");
	/* The primary role's is on until somebody says no, the others' is off until somebody says yes. */
	role.proxied = role.primary ? !proxy || ruby_true(proxy) || yaml_is_null(proxy) : ruby_true(proxy);
	if (role.proxied)
		role.proxy = yaml_layered(kamal->doc, root, proxy);
	kamal->roles = xrealloc(kamal->roles, kamal->n_roles + 1, sizeof(kamal->roles[0]));
	kamal->roles[kamal->n_roles++] = role;
}

void kamal_take(struct kamal *kamal, struct yaml_doc *doc, const char *destination)
{
	const struct yaml *servers = yaml_get(doc->root, "servers"), *primary;

	*kamal = (struct kamal){.doc = doc, .root = doc->root, .destination = destination};
	primary = yaml_get(doc->root, "primary_role");
	ruby_text(primary, kamal->primary, sizeof(kamal->primary));
	if (!ruby_true(primary))
		text_copy(kamal->primary, sizeof(kamal->primary), "web");
	if (servers && servers->kind == YAML_LIST)
		add_one(kamal, "web", servers);
	else
		for (const struct yaml *n = servers ? servers->first : NULL; n; n = n->next)
			add_one(kamal, n->key, n);
	if (kamal->n_roles)
		qsort(kamal->roles, kamal->n_roles, sizeof(kamal->roles[0]), by_name);
}

void kamal_done(struct kamal *kamal)
{
	for (size_t i = 0; i < kamal->n_roles; i++) {
		kamal_hosts_done(&kamal->roles[i].hosts);
		yaml_free(kamal->roles[i].proxy);
	}
	free(kamal->roles);
	yaml_free(kamal->doc);
	*kamal = (struct kamal){0};
}

/* ---- environment ---- */

const struct yaml *kamal_env_clear(const struct yaml *env)
{
	const struct yaml *clear = yaml_get(env, "clear");

	if (clear)
		return clear->kind == YAML_MAP ? clear : NULL;
	return yaml_get(env, "secret") || yaml_get(env, "tags") ? NULL : env;
}

const struct yaml *kamal_env_secret(const struct yaml *env)
{
	const struct yaml *secret = yaml_get(env, "secret");

	return secret && secret->kind == YAML_LIST ? secret : NULL;
}

void kamal_env_names(const char *item, char *name, char *secret, size_t size)
{
	const char *colon = strchr(item, ':');

	text_copyf(name, size, "%.*s", (int)(colon ? colon - item : (long)strlen(item)), item);
	text_copy(secret, size, colon ? colon + 1 : item);
}
