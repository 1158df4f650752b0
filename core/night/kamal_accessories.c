/* Kamal's accessories, the Postgres among them, and the secrets that all parts together need. */
#include "core/base/text.h"
#include "core/base/yaml_ruby.h"
#include "core/night/kamal_json.h"

#include <stdlib.h>
#include <string.h>

/* ---- accessories ---- */

/* What runs PostgreSQL's server under its usual name and port. */
static bool is_postgres(const char *image)
{
	static const char *const images[] = {"postgres",         "postgis",        "pgvector",
					     "timescaledb",      "timescaledb-ha", "postgresql",
					     "supabase-postgres"};
	const char *slash = strrchr(image, '/'), *name = slash ? slash + 1 : image;
	size_t len = strcspn(name, ":@");

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (strlen(images[i]) == len && strncmp(images[i], name, len) == 0)
			return true;
	return false;
}

/* "5432" is published as "5432:5432", and without an address docker opens it to the world, past the host's
 * firewall. */
static void write_port(const struct yaml *port, struct jw *w)
{
	char text[120] = "", whole[250];
	const char *colon;

	ruby_text(port, text, sizeof(text));
	if (!ruby_true(port))
		*text = '\0';
	text_copyf(whole, sizeof(whole), "%s%s%s", text, *text && !strchr(text, ':') ? ":" : "",
		   *text && !strchr(text, ':') ? text : "");
	kamal_put_text(w, "port", whole);
	/* ADDRESS:HOST:CONTAINER has two colons outside of brackets. */
	colon = *whole == '[' ? strchr(whole, ']') : strchr(whole, ':');
	jw_bool(w, "open",
		*whole && (!colon || !strchr(colon + 1, ':') || text_starts(whole, "0.0.0.0:") ||
			   text_starts(whole, "[::]:")));
}

static bool is_secret(const struct yaml *env, const char *name)
{
	const struct yaml *list = kamal_env_secret(env);
	char has[256], secret[256];

	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next) {
		kamal_env_names(n->text ? n->text : "", has, secret, sizeof(has));
		if (strcmp(has, name) == 0)
			return true;
	}
	return false;
}

/* User and database as the image takes them; "" when a secret holds them. */
static void write_login(const struct yaml *env, struct jw *w)
{
	const struct yaml *clear = kamal_env_clear(env), *user = yaml_get(clear, "POSTGRES_USER"),
			  *database = yaml_get(clear, "POSTGRES_DB");
	bool hidden = is_secret(env, "POSTGRES_USER");

	if (ruby_blank(user))
		jw_str(w, "user", hidden ? "" : "postgres");
	else
		kamal_put(w, "user", user);
	if (!ruby_blank(database))
		kamal_put(w, "database", database);
	else if (is_secret(env, "POSTGRES_DB") || (ruby_blank(user) && hidden))
		jw_str(w, "database", "");
	else if (ruby_blank(user))
		jw_str(w, "database", "postgres");
	else
		kamal_put(w, "database", user);
}

static void write_accessory(const struct kamal *kamal, const struct yaml *accessory, struct jw *w)
{
	const struct yaml *registry = yaml_get(accessory, "registry"),
			  *service = yaml_get(accessory, "service"),
			  *network = yaml_get(accessory, "network"), *env = yaml_get(accessory, "env");
	const char *image = yaml_str(accessory, "image", ""), *server = yaml_str(registry, "server", "");
	struct kamal_hosts hosts;
	char *name = xasprintf("%s-%s", yaml_str(kamal->root, "service", ""), accessory->key),
	     *full = xasprintf("%s%s%s", server, *server ? "/" : "", image);
	bool postgres = is_postgres(image);

	kamal_accessory_hosts(kamal, accessory, &hosts);
	jw_obj(w, NULL);
	kamal_put_text(w, "name", accessory->key);
	if (ruby_true(service))
		kamal_put(w, "service", service);
	else
		kamal_put_text(w, "service", name);
	kamal_put_text(w, "image", full);
	jw_bool(w, "postgres", postgres);
	kamal_put_text(w, "host", hosts.n ? hosts.list[0].name : "");
	jw_arr(w, "hosts");
	for (size_t i = 0; i < hosts.n; i++)
		kamal_put_text(w, NULL, hosts.list[i].name);
	jw_end(w);
	write_port(yaml_get(accessory, "port"), w);
	if (ruby_true(network))
		kamal_put(w, "network", network);
	else
		jw_str(w, "network", "kamal");
	if (postgres)
		write_login(env, w);
	kamal_write_env(w, env, NULL);
	jw_bool(w, "proxied", !ruby_blank(yaml_get(accessory, "proxy")));
	jw_end(w);
	kamal_hosts_done(&hosts);
	free(name);
	free(full);
}

void kamal_write_accessories(const struct kamal *kamal, struct jw *w)
{
	const struct yaml *all = yaml_get(kamal->root, "accessories");

	jw_arr(w, "accessories");
	for (const struct yaml *a = all && all->kind == YAML_MAP ? all->first : NULL; a; a = a->next)
		write_accessory(kamal, a, w);
	jw_end(w);
}

/* ---- secrets ---- */

struct names {
	char **list;
	size_t n;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->list[i], name) == 0)
			return;
	if (!*name)
		return;
	names->list = xrealloc(names->list, names->n + 1, sizeof(names->list[0]));
	names->list[names->n++] = xstrdup(name);
}

static void add_texts(struct names *names, const struct yaml *list)
{
	for (const struct yaml *n = list && list->kind == YAML_LIST ? list->first : NULL; n; n = n->next)
		if (n->kind == YAML_SCALAR)
			add_name(names, n->text);
}

static void add_env(struct names *names, const struct yaml *env)
{
	const struct yaml *list = kamal_env_secret(env);
	char name[256], secret[256];

	for (const struct yaml *n = list ? list->first : NULL; n; n = n->next) {
		kamal_env_names(n->text ? n->text : "", name, secret, sizeof(name));
		add_name(names, secret);
	}
}

static void add_proxy(struct names *names, const struct yaml *proxy)
{
	const struct yaml *ssl = yaml_get(proxy, "ssl");

	add_name(names, yaml_str(ssl, "certificate_pem", ""));
	add_name(names, yaml_str(ssl, "private_key_pem", ""));
}

/* A login that is a list of one is the name of a secret. */
static void add_registry(struct names *names, const struct yaml *registry)
{
	add_texts(names, yaml_get(registry, "username"));
	add_texts(names, yaml_get(registry, "password"));
}

/* A whole key written into the file, which Kamal still takes, is no name. */
static void add_keys(struct names *names, const struct yaml *keys)
{
	for (const struct yaml *n = keys && keys->kind == YAML_LIST ? keys->first : NULL; n; n = n->next)
		if (n->kind == YAML_SCALAR && !strpbrk(n->text, " \n"))
			add_name(names, n->text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void kamal_write_secrets(const struct kamal *kamal, struct jw *w)
{
	const struct yaml *root = kamal->root, *env = yaml_get(root, "env"), *tags = yaml_get(env, "tags"),
			  *all = yaml_get(root, "accessories");
	struct names names = {0};

	add_env(&names, env);
	for (const struct yaml *n = tags ? tags->first : NULL; n; n = n->next)
		add_env(&names, n);
	for (size_t i = 0; i < kamal->n_roles; i++) {
		add_env(&names, yaml_get(kamal->roles[i].config, "env"));
		add_proxy(&names, kamal->roles[i].proxy ? kamal->roles[i].proxy->root : NULL);
	}
	for (const struct yaml *a = all && all->kind == YAML_MAP ? all->first : NULL; a; a = a->next) {
		add_env(&names, yaml_get(a, "env"));
		add_proxy(&names, yaml_get(a, "proxy"));
		add_registry(&names, yaml_get(a, "registry"));
	}
	add_registry(&names, yaml_get(root, "registry"));
	add_texts(&names, yaml_get(yaml_get(root, "builder"), "secrets"));
	add_keys(&names, yaml_get(yaml_get(root, "ssh"), "key_data"));
	if (names.n)
		qsort(names.list, names.n, sizeof(names.list[0]), by_text);
	jw_arr(w, "secrets");
	for (size_t i = 0; i < names.n; i++) {
		kamal_put_text(w, NULL, names.list[i]);
		free(names.list[i]);
	}
	jw_end(w);
	free(names.list);
}
