/* What of Kamal's file must be there and fit together: see kamal_whole.h. */
#include "core/night/kamal_whole.h"
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"

#include <string.h>

bool kamal_registry_is_local(const struct yaml *registry)
{
	return text_starts(yaml_str(registry, "server", ""), "localhost:");
}

/* ---- aliases and builder ---- */

static bool is_command(const char *name)
{
	static const char *const commands[] = {
	    "setup", "deploy", "redeploy", "rollback", "details",  "audit",     "config",
	    "docs",  "init",   "remove",   "upgrade",  "version",  "accessory", "app",
	    "build", "lock",   "proxy",    "prune",    "registry", "secrets",   "server"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i], name) == 0)
			return true;
	return false;
}

int kamal_check_aliases(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *aliases = yaml_get(kamal->root, "aliases");
	char place[160];

	for (const struct yaml *n = aliases ? aliases->first : NULL; n; n = n->next) {
		enum ruby_type type = ruby_type(n, NULL);

		kamal_where(place, sizeof(place), "aliases", n->key);
		if (type == RUBY_NIL || type == RUBY_LIST || type == RUBY_MAP || type == RUBY_DATE)
			return kamal_refuse(look, n, place, "should be a string");
		if (!*n->key || n->key[strspn(n->key, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
			return kamal_refuse(
			    look, n, place,
			    "Invalid alias name: '%.60s'. Must only contain lowercase letters, "
			    "alphanumeric, hyphens and underscores.",
			    n->key);
		if (is_command(n->key))
			return kamal_refuse(look, n, place,
					    "Alias '%.60s' conflicts with a built-in command.", n->key);
	}
	return 0;
}

int kamal_check_builder(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *builder = yaml_get(kamal->root, "builder"), *cache = yaml_get(builder, "cache"),
			  *arch = yaml_get(builder, "arch");
	const char *type = yaml_str(cache, "type", NULL);

	if (builder && kamal_check_map(look, builder, kamal_builder_rules, "builder"))
		return -1;
	if (type && strcmp(type, "gha") != 0 && strcmp(type, "registry") != 0)
		return kamal_refuse(look, yaml_get(cache, "type"), "builder", "Invalid cache type: %.60s",
				    type);
	if (ruby_blank(arch))
		return kamal_refuse(look, builder, "builder", "Builder arch not set");
	if (yaml_get(builder, "pack") && arch->kind == YAML_LIST && yaml_count(arch) > 1)
		return kamal_refuse(look, arch, "builder", "buildpacks only support building for one arch");
	if (yaml_get(builder, "local") && !ruby_true(yaml_get(builder, "local")) &&
	    ruby_blank(yaml_get(builder, "remote")))
		return kamal_refuse(look, yaml_get(builder, "local"), "builder",
				    "Cannot disable local builds, no remote is set");
	return 0;
}

/* ---- what is required ---- */

static int check_servers_there(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *servers = yaml_get(kamal->root, "servers");
	const struct kamal_role *primary = kamal_role(kamal, kamal->primary);

	if (!servers)
		return ruby_blank(yaml_get(kamal->root, "accessories"))
			   ? kamal_refuse(look, NULL, "", "No servers or accessories specified")
			   : 0;
	if (!primary)
		return kamal_refuse(look, servers, "", "The primary_role %.60s isn't defined",
				    kamal->primary);
	if (!primary->hosts.n)
		return kamal_refuse(look, primary->node, "",
				    "No servers specified for the %.60s primary_role", primary->name);
	if (ruby_true(yaml_get(kamal->root, "allow_empty_roles")))
		return 0;
	for (size_t i = 0; i < kamal->n_roles; i++)
		if (!kamal->roles[i].hosts.n)
			return kamal_refuse(
			    look, kamal->roles[i].node, "",
			    "No servers specified for the %.60s role. You can ignore this with "
			    "allow_empty_roles: true",
			    kamal->roles[i].name);
	return 0;
}

static int check_required(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *root = kamal->root, *service = yaml_get(root, "service"),
			  *registry = yaml_get(root, "registry"), *image = yaml_get(root, "image"),
			  *must = yaml_get(root, "require_destination");
	int64_t retain;

	if (ruby_true(must) && !*kamal->destination)
		return kamal_refuse(look, must, "", "You must specify a destination");
	if (ruby_blank(service))
		return kamal_refuse(look, service, "", "Missing required configuration for service");
	if (ruby_blank(registry))
		return kamal_refuse(look, registry, "", "Missing required configuration for registry");
	if (ruby_blank(image) && !kamal_registry_is_local(registry))
		return kamal_refuse(look, image, "", "Missing required configuration for image");
	if (check_servers_there(look, kamal))
		return -1;
	if (ruby_type(yaml_get(root, "retain_containers"), &retain) == RUBY_INT && retain < 1)
		return kamal_refuse(look, yaml_get(root, "retain_containers"), "",
				    "Must retain at least 1 container");
	if (service->text[strspn(service->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
						"0123456789_-")])
		return kamal_refuse(
		    look, service, "",
		    "Service name can only include alphanumeric characters, hyphens, and underscores");
	return 0;
}

/* ---- TLS ---- */

static bool has_tls(const struct kamal_role *role)
{
	return role->proxy && ruby_true(yaml_get(role->proxy->root, "ssl"));
}

/* Let's Encrypt asks one server; it answers for no second one. */
static int check_one_host(const struct kamal_look *look, const struct kamal_role *role)
{
	const struct kamal_look merged = {.doc = role->proxy, .err = look->err};
	const struct yaml *ssl;

	if (!role->proxy)
		return 0;
	ssl = yaml_get(role->proxy->root, "ssl");
	if (kamal_check_proxy(&merged, role->proxy->root, "proxy"))
		return -1;
	if (!has_tls(role) || role->hosts.n < 2 ||
	    (!ruby_blank(yaml_get(ssl, "certificate_pem")) && !ruby_blank(yaml_get(ssl, "private_key_pem"))))
		return 0;
	return kamal_refuse(
	    look, ssl, "",
	    "SSL is only supported on a single server unless you provide custom certificates, "
	    "found %zu servers for role %.60s",
	    role->hosts.n, role->name);
}

/* The names of a proxy in either form: calls `each` with every one. */
static void add_names(const struct yaml *proxy, struct buf *names)
{
	const struct yaml *hosts = yaml_get(proxy, "hosts");
	const char *host = yaml_str(proxy, "host", "");

	for (const struct yaml *n = hosts ? hosts->first : NULL; n; n = n->next)
		if (n->kind == YAML_SCALAR)
			buf_addf(names, "%s,", n->text);
	if (!hosts && *host)
		buf_addf(names, "%s,", host);
}

static bool in_list(const char *list, const char *name, size_t len)
{
	for (; *list; list += strcspn(list, ",") + 1)
		if (strcspn(list, ",") == len && strncmp(list, name, len) == 0)
			return true;
	return false;
}

static int check_tls_names(const struct kamal_look *look, const struct kamal *kamal)
{
	struct buf seen = {0}, names = {0}, twice = {0};
	int failed = 0;

	for (size_t i = 0; i < kamal->n_roles; i++) {
		if (!has_tls(&kamal->roles[i]))
			continue;
		buf_reset(&names);
		add_names(kamal->roles[i].proxy->root, &names);
		for (const char *p = buf_text(&names); *p; p += strcspn(p, ",") + 1) {
			size_t len = strcspn(p, ",");

			if (in_list(buf_text(&seen), p, len) && !in_list(buf_text(&twice), p, len))
				buf_addf(&twice, "%.*s,", (int)len, p);
		}
		buf_adds(&seen, buf_text(&names));
	}
	if (twice.len)
		failed = kamal_refuse(look, yaml_get(kamal->root, "servers"), "",
				      "Different roles can't share the same host for SSL: %.*s",
				      (int)(twice.len - 1), buf_text(&twice));
	buf_done(&seen);
	buf_done(&names);
	buf_done(&twice);
	return failed;
}

/* ---- one proxy a host ---- */

static bool is_same(const struct yaml *a, const struct yaml *b)
{
	int64_t x, y;

	if (ruby_type(a, &x) != ruby_type(b, &y) || x != y || yaml_count(a) != yaml_count(b))
		return false;
	if (a->kind == YAML_SCALAR)
		return ruby_type(a, NULL) == RUBY_INT || strcmp(a->text, b->text) == 0;
	for (const struct yaml *n = a->first, *m = b->first; n; n = n->next, m = m->next) {
		const struct yaml *other = a->kind == YAML_MAP ? yaml_get(b, n->key) : m;

		if (!other || !is_same(n, other))
			return false;
	}
	return true;
}

/* `run:` of everything that is proxied on this host must be one and the same. */
static int check_runs(const struct kamal_look *look, const struct kamal *kamal, const char *host)
{
	const struct yaml *all = yaml_get(kamal->root, "accessories"), *first = NULL;
	bool same = true;

	for (size_t i = 0; i < kamal->n_roles; i++) {
		const struct kamal_role *role = &kamal->roles[i];
		const struct yaml *run = role->proxy ? yaml_get(role->proxy->root, "run") : NULL;

		if (ruby_blank(run) || !kamal_hosts_have(&role->hosts, host))
			continue;
		same = same && (!first || is_same(first, run));
		first = first ? first : run;
	}
	for (const struct yaml *a = all ? all->first : NULL; a; a = a->next) {
		const struct yaml *run = yaml_get(yaml_get(a, "proxy"), "run");
		struct kamal_hosts hosts;

		if (ruby_blank(run))
			continue;
		kamal_accessory_hosts(kamal, a, &hosts);
		if (kamal_hosts_have(&hosts, host)) {
			same = same && (!first || is_same(first, run));
			first = first ? first : run;
		}
		kamal_hosts_done(&hosts);
	}
	return same ? 0
		    : kamal_refuse(look, first, "", "Conflicting proxy run configurations for host %.80s",
				   host);
}

static int check_every_run(const struct kamal_look *look, const struct kamal *kamal)
{
	struct kamal_hosts hosts;
	int failed = 0;

	kamal_all_hosts(kamal, &hosts);
	for (size_t i = 0; i < hosts.n && !failed; i++)
		failed = check_runs(look, kamal, hosts.list[i].name);
	kamal_hosts_done(&hosts);
	return failed;
}

static int check_loudness(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *output = yaml_get(kamal->root, "hooks_output");

	for (const struct yaml *n = output && output->kind == YAML_MAP ? output->first : output; n;
	     n = n == output ? NULL : n->next) {
		char word[60], hook[100] = "";

		ruby_text(n, word, sizeof(word));
		if (n != output)
			text_copyf(hook, sizeof(hook), " for hook '%s'", n->key);
		if (strcmp(word, "quiet") != 0 && strcmp(word, "verbose") != 0)
			return kamal_refuse(look, n, "",
					    "Invalid hooks_output '%s'%s, must be one of: quiet, verbose",
					    word, hook);
	}
	return 0;
}

static int check_local_registry(const struct kamal_look *look, const struct kamal *kamal)
{
	const struct yaml *builder = yaml_get(kamal->root, "builder");
	const char *remote = yaml_str(builder, "remote", "");

	if (!kamal_registry_is_local(yaml_get(kamal->root, "registry")) || !*remote ||
	    text_starts(remote, "ssh://"))
		return 0;
	return kamal_refuse(look, yaml_get(builder, "remote"), "",
			    "Local registry with remote builder requires an SSH URL (e.g., ssh://user@host)");
}

int kamal_check_whole(const struct kamal_look *look, const struct kamal *kamal)
{
	if (check_required(look, kamal))
		return -1;
	for (size_t i = 0; i < kamal->n_roles; i++)
		if (check_one_host(look, &kamal->roles[i]))
			return -1;
	return check_tls_names(look, kamal) || check_local_registry(look, kamal) ||
		       check_every_run(look, kamal) || check_loudness(look, kamal)
		   ? -1
		   : 0;
}
