/* The parts of Kamal's file, one after the other: see kamal_check.h. */
#include "core/night/kamal_check.h"
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"
#include "core/night/kamal_rules.h"
#include "core/night/kamal_whole.h"

#include <string.h>

/* ---- labels and options of containers ---- */

static int check_labels(const struct kamal_look *look, const struct yaml *labels, const char *where)
{
	static const char *const reserved[] = {"destination", "role", "service"};
	char place[200];

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (yaml_get(labels, reserved[i])) {
			text_copyf(place, sizeof(place), "%s/labels/%s", where, reserved[i]);
			return kamal_refuse(
			    look, yaml_get(labels, reserved[i]), place,
			    "invalid label. destination, role, and service are reserved labels");
		}
	return 0;
}

static bool is_restart_policy(const char *text)
{
	size_t digits;

	if (text_starts(text, "on-failure:")) {
		digits = strspn(text + 11, "0123456789");
		return digits && !text[11 + digits];
	}
	return strcmp(text, "no") == 0 || strcmp(text, "always") == 0 ||
	       strcmp(text, "unless-stopped") == 0 || strcmp(text, "on-failure") == 0;
}

static int check_restart(const struct kamal_look *look, const struct yaml *options, const char *where)
{
	const struct yaml *restart = yaml_get(options, "restart");
	char place[200];

	text_copyf(place, sizeof(place), "%s/options/restart", where);
	if (!restart)
		return 0;
	if (ruby_type(restart, NULL) != RUBY_TEXT)
		return kamal_refuse(look, restart, place,
				    "should be a string. Use \"no\" to disable restarts");
	return is_restart_policy(restart->text)
		   ? 0
		   : kamal_refuse(look, restart, place,
				  "should be no, always, unless-stopped, on-failure, or on-failure:N");
}

/* ---- env ---- */

static int check_env_keys(const struct kamal_look *look, const struct yaml *env, const char *where)
{
	struct buf unknown = {0};
	const struct yaml *first = NULL;
	size_t n = 0;

	for (const struct yaml *node = env->first; node; node = node->next) {
		if (strcmp(node->key, "clear") == 0 || strcmp(node->key, "secret") == 0 ||
		    strcmp(node->key, "tags") == 0)
			continue;
		first = first ? first : node;
		buf_addf(&unknown, "%s%.60s", n++ ? ", " : "", node->key);
	}
	if (n)
		kamal_refuse(look, first, where, "unknown key%s: %.200s", n > 1 ? "s" : "",
			     buf_text(&unknown));
	buf_done(&unknown);
	return n ? -1 : 0;
}

static int check_env(const struct kamal_look *look, const struct yaml *env, const char *where);

static int check_env_tags(const struct kamal_look *look, const struct yaml *tags, const char *where)
{
	char place[160];

	if (strcmp(where, "env") != 0)
		return kamal_refuse(look, tags, where, "tags are only allowed in the root env");
	if (tags->kind != YAML_MAP)
		return kamal_refuse(look, tags, "env/tags", "should be a hash");
	for (const struct yaml *tag = tags->first; tag; tag = tag->next) {
		kamal_where(place, sizeof(place), "env/tags", tag->key);
		if (tag->kind != YAML_MAP)
			return kamal_refuse(look, tag, place, "should be a hash");
		if (check_env(look, tag, place))
			return -1;
	}
	return 0;
}

static int check_env(const struct kamal_look *look, const struct yaml *env, const char *where)
{
	const struct yaml *clear = yaml_get(env, "clear"), *secret = yaml_get(env, "secret"),
			  *tags = yaml_get(env, "tags");
	char place[160];

	if (!env)
		return 0;
	if (!clear && !secret && !tags)
		return kamal_check_text_map(look, env, where);
	if (check_env_keys(look, env, where) ||
	    (clear && kamal_check_text_map(look, clear, kamal_where(place, sizeof(place), where, "clear"))) ||
	    (secret && kamal_check_texts(look, secret, kamal_where(place, sizeof(place), where, "secret"))))
		return -1;
	return tags ? check_env_tags(look, tags, where) : 0;
}

/* ---- proxy ---- */

static int check_bind(const struct kamal_look *look, const struct yaml *run, const char *where)
{
	if (!yaml_get(run, "publish") || ruby_true(yaml_get(run, "publish")))
		return 0;
	if (ruby_blank(yaml_get(run, "bind_ips")) && ruby_blank(yaml_get(run, "http_port")) &&
	    ruby_blank(yaml_get(run, "https_port")))
		return 0;
	return kamal_refuse(look, run, where,
			    "Cannot set http_port, https_port or bind_ips when publish is false");
}

int kamal_check_proxy(const struct kamal_look *look, const struct yaml *proxy, const char *where)
{
	const struct yaml *ssl = yaml_get(proxy, "ssl");
	bool pem = !ruby_blank(yaml_get(ssl, "certificate_pem")),
	     key = !ruby_blank(yaml_get(ssl, "private_key_pem"));

	if (kamal_check_map(look, proxy, kamal_proxy_rules, where))
		return -1;
	if (ruby_blank(yaml_get(proxy, "host")) && ruby_blank(yaml_get(proxy, "hosts")) && ruby_true(ssl))
		return kamal_refuse(look, ssl, where, "Must set a host to enable automatic SSL");
	if (yaml_get(proxy, "host") && yaml_get(proxy, "hosts"))
		return kamal_refuse(look, yaml_get(proxy, "hosts"), where,
				    "Specify one of 'host' or 'hosts', not both");
	if (pem && !key)
		return kamal_refuse(
		    look, ssl, where,
		    "Missing private_key_pem setting (required when certificate_pem is present)");
	if (key && !pem)
		return kamal_refuse(
		    look, ssl, where,
		    "Missing certificate_pem setting (required when private_key_pem is present)");
	return check_bind(look, yaml_get(proxy, "run"), where);
}

/* ---- registry ---- */

static int check_login(const struct kamal_look *look, const struct yaml *registry, const char *key,
		       const char *where)
{
	const struct yaml *value = yaml_get(registry, key);
	char place[160];

	kamal_where(place, sizeof(place), where, key);
	if (kamal_registry_is_local(registry))
		return 0;
	if (ruby_blank(value))
		return kamal_refuse(look, value ? value : registry, place, "is required");
	if (ruby_type(value, NULL) == RUBY_TEXT || (value->kind == YAML_LIST && yaml_count(value) == 1 &&
						    ruby_type(value->first, NULL) == RUBY_TEXT))
		return 0;
	return kamal_refuse(look, value, place,
			    "should be a string or an array with one string (for secret lookup)");
}

static int check_registry(const struct kamal_look *look, const struct yaml *registry, const char *where)
{
	return (registry && kamal_check_map(look, registry, kamal_registry_rules, where)) ||
		       check_login(look, registry, "username", where) ||
		       check_login(look, registry, "password", where)
		   ? -1
		   : 0;
}

/* ---- roles and accessories ---- */

static int check_logging(const struct kamal_look *look, const struct yaml *logging, const char *where)
{
	return logging ? kamal_check_map(look, logging, kamal_logging_rules, where) : 0;
}

static int check_role(const struct kamal_look *look, const struct kamal_role *role)
{
	const struct yaml *proxy = yaml_get(role->config, "proxy");
	char where[120], place[160];

	kamal_where(where, sizeof(where), "servers", role->name);
	if (role->node->kind == YAML_SCALAR)
		return kamal_refuse(look, role->node, where, "should be an array or a hash");
	if (!role->config)
		return kamal_check_hosts(look, role->node, where);
	if (kamal_check_map(look, role->config, kamal_role_rules, where) ||
	    check_labels(look, yaml_get(role->config, "labels"), where) ||
	    check_restart(look, yaml_get(role->config, "options"), where) ||
	    check_env(look, yaml_get(role->config, "env"), kamal_where(place, sizeof(place), where, "env")) ||
	    check_logging(look, yaml_get(role->config, "logging"),
			  kamal_where(place, sizeof(place), where, "logging")))
		return -1;
	return proxy && proxy->kind == YAML_MAP
		   ? kamal_check_proxy(look, proxy, kamal_where(place, sizeof(place), where, "proxy"))
		   : 0;
}

static int check_servers(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *servers = yaml_get(kamal->root, "servers");

	if (servers && servers->kind == YAML_LIST)
		return kamal_check_hosts(look, servers, "servers");
	for (size_t i = 0; i < kamal->n_roles; i++)
		if (check_role(look, &kamal->roles[i]))
			return -1;
	return 0;
}

static int check_placed(const struct kamal_look *look, const struct yaml *accessory, const char *where)
{
	static const char *const keys[] = {"host", "hosts", "role", "roles", "tag", "tags"};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		n += yaml_get(accessory, keys[i]) != NULL;
	return n == 1 ? 0
		      : kamal_refuse(look, accessory, where,
				     "specify one of `host`, `hosts`, `role`, `roles`, `tag` or `tags`");
}

static int check_accessory_roles(const struct kamal_look *look, const struct kamal *kamal,
				 const struct yaml *accessory, const char *where)
{
	const struct yaml *role = yaml_get(accessory, "role"), *roles = yaml_get(accessory, "roles");
	struct buf missing = {0};
	int failed;

	for (const struct yaml *n = roles ? roles->first : NULL; n; n = n->next)
		if (!kamal_role(kamal, n->text))
			buf_addf(&missing, "%s%.60s", missing.len ? ", " : "", n->text);
	failed =
	    missing.len ? kamal_refuse(look, roles, where, "unknown roles %.200s", buf_text(&missing)) : 0;
	buf_done(&missing);
	if (!failed && !roles && role && !kamal_role(kamal, role->text))
		failed = kamal_refuse(look, role, where, "unknown role %.60s", role->text);
	return failed;
}

static int check_accessory(const struct kamal_look *look, const struct kamal *kamal,
			   const struct yaml *accessory)
{
	const struct yaml *proxy = yaml_get(accessory, "proxy"), *registry = yaml_get(accessory, "registry");
	char where[120], place[160];

	kamal_where(where, sizeof(where), "accessories", accessory->key);
	if (kamal_check_map(look, accessory, kamal_accessory_rules, where) ||
	    check_placed(look, accessory, where) ||
	    check_labels(look, yaml_get(accessory, "labels"), where) ||
	    check_restart(look, yaml_get(accessory, "options"), where) ||
	    check_accessory_roles(look, kamal, accessory, where) ||
	    check_env(look, yaml_get(accessory, "env"), kamal_where(place, sizeof(place), where, "env")))
		return -1;
	if (!ruby_blank(proxy) &&
	    kamal_check_proxy(look, proxy, kamal_where(place, sizeof(place), where, "proxy")))
		return -1;
	return ruby_blank(registry)
		   ? 0
		   : check_registry(look, registry, kamal_where(place, sizeof(place), where, "registry"));
}

static int check_accessories(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *all = yaml_get(kamal->root, "accessories");

	for (const struct yaml *a = all ? all->first : NULL; a; a = a->next)
		if (check_accessory(look, kamal, a))
			return -1;
	return 0;
}

static int check_part(const struct kamal_look *look, const struct kamal *kamal, const char *key,
		      const struct kamal_rule *rules)
{
	const struct yaml *part = yaml_get(kamal->root, key);

	return part ? kamal_check_map(look, part, rules, key) : 0;
}

int kamal_check(const struct kamal *kamal, struct err *err)
{
	const struct kamal_look look = {.doc = kamal->doc, .err = err};
	const struct yaml *proxy = yaml_get(kamal->root, "proxy");

	if (kamal_check_map(&look, kamal->root, kamal_root_rules, "") || check_servers(&look, kamal) ||
	    check_registry(&look, yaml_get(kamal->root, "registry"), "registry") ||
	    check_accessories(&look, kamal) || kamal_check_aliases(&look, kamal) ||
	    check_part(&look, kamal, "boot", kamal_boot_rules) || kamal_check_builder(&look, kamal) ||
	    check_env(&look, yaml_get(kamal->root, "env"), "env") ||
	    check_part(&look, kamal, "logging", kamal_logging_rules) ||
	    (!ruby_blank(yaml_get(kamal->root, "output")) &&
	     check_part(&look, kamal, "output", kamal_output_rules)) ||
	    (proxy && kamal_check_proxy(&look, proxy, "proxy")) ||
	    check_part(&look, kamal, "ssh", kamal_ssh_rules) ||
	    check_part(&look, kamal, "sshkit", kamal_sshkit_rules))
		return -1;
	return kamal_check_whole(&look, kamal);
}
