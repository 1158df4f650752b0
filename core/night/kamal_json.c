/* Kamal's file as JSON: see kamal_json.h. */
#include "core/night/kamal_json.h"
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"
#include "core/night/kamal_whole.h"

#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

void kamal_put_text(struct jw *w, const char *key, const char *text)
{
	size_t len = strlen(text);
	char *clean = xmalloc(len * 3 + 1);

	text_clean(clean, len * 3 + 1, text, len);
	jw_str(w, key, clean);
	free(clean);
}

void kamal_put(struct jw *w, const char *key, const struct yaml *node)
{
	char text[80];

	if (ruby_type(node, NULL) == RUBY_TEXT)
		kamal_put_text(w, key, node->text);
	else
		kamal_put_text(w, key, ruby_text(node, text, sizeof(text)));
}

void kamal_put_texts(struct jw *w, const char *key, const struct yaml *list)
{
	jw_arr(w, key);
	for (const struct yaml *n = list && list->kind == YAML_LIST ? list->first : NULL; n; n = n->next)
		kamal_put(w, NULL, n);
	jw_end(w);
}

static void put_int(struct jw *w, const char *key, const struct yaml *node, int64_t otherwise)
{
	int64_t number;

	jw_int(w, key, ruby_type(node, &number) == RUBY_INT ? number : otherwise);
}

static void put_keys(struct jw *w, const char *key, const struct yaml *map)
{
	jw_arr(w, key);
	for (const struct yaml *n = map && map->kind == YAML_MAP ? map->first : NULL; n; n = n->next)
		kamal_put_text(w, NULL, n->key);
	jw_end(w);
}

static void put_hosts(struct jw *w, const struct kamal_hosts *hosts)
{
	jw_arr(w, "hosts");
	for (size_t i = 0; i < hosts->n; i++)
		kamal_put_text(w, NULL, hosts->list[i].name);
	jw_end(w);
}

/* ---- env ---- */

static bool list_has(const struct yaml *list, const char *text)
{
	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next)
		if (n->kind == YAML_SCALAR && strcmp(n->text, text) == 0)
			return true;
	return false;
}

static void put_secrets(struct jw *w, const struct yaml *list, const struct yaml *but)
{
	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next) {
		char name[256], secret[256];

		if (n->kind != YAML_SCALAR || list_has(but, n->text))
			continue;
		kamal_env_names(n->text, name, secret, sizeof(name));
		jw_obj(w, NULL);
		kamal_put_text(w, "name", name);
		kamal_put_text(w, "secret", secret);
		jw_end(w);
	}
}

void kamal_write_env(struct jw *w, const struct yaml *below, const struct yaml *above)
{
	const struct yaml *low = kamal_env_clear(below), *high = kamal_env_clear(above);

	jw_obj(w, "env");
	jw_arr(w, "clear");
	for (const struct yaml *n = low ? low->first : NULL; n; n = n->next)
		kamal_put_text(w, NULL, n->key);
	for (const struct yaml *n = high ? high->first : NULL; n; n = n->next)
		if (!yaml_get(low, n->key))
			kamal_put_text(w, NULL, n->key);
	jw_end(w);
	jw_arr(w, "secret");
	put_secrets(w, kamal_env_secret(below), NULL);
	put_secrets(w, kamal_env_secret(above), kamal_env_secret(below));
	jw_end(w);
	jw_end(w);
}

/* ---- proxy ---- */

/* host: is a list with commas, hosts: is one of YAML's. */
static void put_names(struct jw *w, const struct yaml *proxy)
{
	const struct yaml *hosts = yaml_get(proxy, "hosts");
	const char *host = yaml_str(proxy, "host", "");
	char name[256];

	jw_arr(w, "hosts");
	for (const struct yaml *n = hosts && hosts->kind == YAML_LIST ? hosts->first : NULL; n; n = n->next)
		kamal_put(w, NULL, n);
	for (const char *p = host; !hosts && *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		text_copyf(name, sizeof(name), "%.*s", (int)len, p);
		kamal_put_text(w, NULL, name);
		p += len;
	}
	jw_end(w);
}

static void write_proxy(struct jw *w, const struct yaml *proxy)
{
	const struct yaml *ssl = yaml_get(proxy, "ssl"),
			  *path = yaml_get(yaml_get(proxy, "healthcheck"), "path");

	jw_obj(w, "proxy");
	put_names(w, proxy);
	jw_bool(w, "ssl", ruby_true(ssl));
	jw_bool(w, "certificate", !ruby_blank(yaml_get(ssl, "certificate_pem")));
	put_int(w, "app_port", yaml_get(proxy, "app_port"), 80);
	if (path)
		kamal_put(w, "healthcheck_path", path);
	else
		jw_str(w, "healthcheck_path", "/up");
	jw_end(w);
}

/* ---- roles ---- */

static void write_role(const struct kamal *kamal, const struct kamal_role *role, struct jw *w)
{
	const struct yaml *stop = yaml_get(role->config, "stop_timeout"),
			  *restart = yaml_get(yaml_get(role->config, "options"), "restart");

	jw_obj(w, role->name);
	put_hosts(w, &role->hosts);
	kamal_put(w, "cmd", yaml_get(role->config, "cmd"));
	jw_bool(w, "proxied", role->proxied);
	if (role->proxy)
		write_proxy(w, role->proxy->root);
	put_int(w, "stop_timeout", ruby_true(stop) ? stop : yaml_get(kamal->root, "stop_timeout"), -1);
	if (ruby_true(restart))
		kamal_put(w, "restart", restart);
	else
		jw_str(w, "restart", "unless-stopped");
	kamal_write_env(w, yaml_get(kamal->root, "env"), yaml_get(role->config, "env"));
	jw_end(w);
}

static void write_roles(const struct kamal *kamal, struct jw *w)
{
	const struct kamal_role *primary = kamal_role(kamal, kamal->primary);
	struct yaml_doc *proxy;

	jw_arr(w, "roles");
	for (size_t i = 0; i < kamal->n_roles; i++)
		kamal_put_text(w, NULL, kamal->roles[i].name);
	jw_end(w);
	kamal_put_text(w, "primary_role", kamal->primary);
	jw_obj(w, "role");
	for (size_t i = 0; i < kamal->n_roles; i++)
		write_role(kamal, &kamal->roles[i], w);
	jw_end(w);
	proxy =
	    primary && primary->proxy ? NULL : yaml_layered(kamal->doc, yaml_get(kamal->root, "proxy"), NULL);
	write_proxy(w, proxy ? proxy->root : primary && primary->proxy ? primary->proxy->root : NULL);
	yaml_free(proxy);
}

static bool carries(const struct yaml *tags, const char *tag)
{
	return tags && (tags->kind == YAML_LIST ? list_has(tags, tag) : text_equal(tags->text, tag));
}

static bool is_told(const struct kamal *kamal, size_t role, const char *host, const char *tag)
{
	for (size_t i = 0; i < role; i++)
		for (size_t h = 0; h < kamal->roles[i].hosts.n; h++)
			if (text_equal(kamal->roles[i].hosts.list[h].name, host) &&
			    carries(kamal->roles[i].hosts.list[h].tags, tag))
				return true;
	return false;
}

static void write_tags(const struct kamal *kamal, struct jw *w)
{
	const struct yaml *tags = yaml_get(yaml_get(kamal->root, "env"), "tags");

	jw_obj(w, "tags");
	for (const struct yaml *tag = tags && tags->kind == YAML_MAP ? tags->first : NULL; tag;
	     tag = tag->next) {
		jw_obj(w, tag->key);
		jw_arr(w, "hosts");
		for (size_t i = 0; i < kamal->n_roles; i++)
			for (size_t h = 0; h < kamal->roles[i].hosts.n; h++)
				if (carries(kamal->roles[i].hosts.list[h].tags, tag->key) &&
				    !is_told(kamal, i, kamal->roles[i].hosts.list[h].name, tag->key))
					kamal_put_text(w, NULL, kamal->roles[i].hosts.list[h].name);
		jw_end(w);
		kamal_write_env(w, tag, NULL);
		jw_end(w);
	}
	jw_end(w);
}

/* ---- hosts ---- */

static void write_host(const struct kamal *kamal, const char *name, bool primary, struct jw *w)
{
	const struct yaml *all = yaml_get(kamal->root, "accessories");

	jw_obj(w, NULL);
	kamal_put_text(w, "name", name);
	jw_arr(w, "roles");
	for (size_t i = 0; i < kamal->n_roles; i++)
		if (kamal_hosts_have(&kamal->roles[i].hosts, name))
			kamal_put_text(w, NULL, kamal->roles[i].name);
	jw_end(w);
	jw_arr(w, "accessories");
	for (const struct yaml *a = all && all->kind == YAML_MAP ? all->first : NULL; a; a = a->next) {
		struct kamal_hosts hosts;

		kamal_accessory_hosts(kamal, a, &hosts);
		if (kamal_hosts_have(&hosts, name))
			kamal_put_text(w, NULL, a->key);
		kamal_hosts_done(&hosts);
	}
	jw_end(w);
	jw_bool(w, "primary", primary);
	jw_end(w);
}

/* The primary one first: it is where the lock lies and what a night without more words speaks of. */
static void write_hosts(const struct kamal *kamal, struct jw *w)
{
	const struct kamal_role *primary = kamal_role(kamal, kamal->primary);
	struct kamal_hosts all;
	const char *first;

	kamal_all_hosts(kamal, &all);
	first = primary && primary->hosts.n ? primary->hosts.list[0].name : all.n ? all.list[0].name : "";
	jw_arr(w, "hosts");
	if (*first)
		write_host(kamal, first, true, w);
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.list[i].name, first) != 0)
			write_host(kamal, all.list[i].name, false, w);
	jw_end(w);
	kamal_hosts_done(&all);
}

/* ---- the rest ---- */

/* `root@` stands before a jump host that names nobody. */
static void write_ssh(const struct yaml *ssh, struct jw *w)
{
	const struct yaml *config = yaml_get(ssh, "config");
	const char *proxy = yaml_str(ssh, "proxy", "");
	char port[32], jump[256] = "";

	if (*proxy)
		text_copyf(jump, sizeof(jump), "%s%s", strchr(proxy, '@') ? "" : "root@", proxy);
	jw_obj(w, "ssh");
	kamal_put_text(w, "user", yaml_str(ssh, "user", "root"));
	ruby_text(yaml_get(ssh, "port"), port, sizeof(port));
	jw_int(w, "port", *port ? strtoll(port, NULL, 10) : 22);
	kamal_put_text(w, "proxy_jump", jump);
	kamal_put_text(w, "proxy_command", *proxy ? "" : yaml_str(ssh, "proxy_command", ""));
	kamal_put_texts(w, "keys", yaml_get(ssh, "keys"));
	jw_bool(w, "keys_only", ruby_true(yaml_get(ssh, "keys_only")));
	jw_bool(w, "forward_agent", ruby_true(yaml_get(ssh, "forward_agent")));
	jw_bool(w, "config", !config || ruby_true(config));
	jw_arr(w, "config_files");
	if (ruby_type(config, NULL) == RUBY_TEXT)
		kamal_put(w, NULL, config);
	for (const struct yaml *n = config && config->kind == YAML_LIST ? config->first : NULL; n;
	     n = n->next)
		kamal_put(w, NULL, n);
	jw_end(w);
	jw_end(w);
}

/* A login is the name of a secret when it is a list of one; else it is written out, and stays here. */
static void put_login(struct jw *w, const char *key, const struct yaml *value)
{
	if (value && value->kind == YAML_LIST && value->first)
		kamal_put(w, key, value->first);
	else
		jw_str(w, key, "");
}

static void write_registry(const struct yaml *registry, struct jw *w)
{
	jw_obj(w, "registry");
	kamal_put(w, "server", yaml_get(registry, "server"));
	jw_bool(w, "local", kamal_registry_is_local(registry));
	put_login(w, "username_secret", yaml_get(registry, "username"));
	put_login(w, "password_secret", yaml_get(registry, "password"));
	jw_end(w);
}

static void put_or(struct jw *w, const struct yaml *root, const char *key, const char *otherwise)
{
	if (ruby_true(yaml_get(root, key)))
		kamal_put(w, key, yaml_get(root, key));
	else
		jw_str(w, key, otherwise);
}

void kamal_write(const struct kamal *kamal, struct jw *w)
{
	const struct yaml *root = kamal->root;

	kamal_put(w, "service", yaml_get(root, "service"));
	put_or(w, root, "image", yaml_str(root, "service", ""));
	write_hosts(kamal, w);
	write_roles(kamal, w);
	write_tags(kamal, w);
	kamal_write_accessories(kamal, w);
	write_registry(yaml_get(root, "registry"), w);
	write_ssh(yaml_get(root, "ssh"), w);
	kamal_write_secrets(kamal, w);
	put_or(w, root, "secrets_path", ".kamal/secrets");
	put_or(w, root, "hooks_path", ".kamal/hooks");
	put_or(w, root, "minimum_version", "");
	jw_bool(w, "require_destination", ruby_true(yaml_get(root, "require_destination")));
	put_int(w, "retain_containers", yaml_get(root, "retain_containers"), 5);
	put_int(w, "readiness_delay", yaml_get(root, "readiness_delay"), 7);
	put_int(w, "deploy_timeout", yaml_get(root, "deploy_timeout"), 30);
	put_int(w, "drain_timeout", yaml_get(root, "drain_timeout"), 30);
	put_int(w, "stop_timeout", yaml_get(root, "stop_timeout"), -1);
	put_keys(w, "aliases", yaml_get(root, "aliases"));
}
