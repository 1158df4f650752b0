/* The keys of nightferry.yml: types, defaults, help, and a look at those that need one. */
#include "core/night/config_keys.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/config.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>

static int check_url(const struct schema_run *, const struct yaml *, struct err *);
static int check_database(const struct schema_run *, const struct yaml *, struct err *);
static int check_name(const struct schema_run *, const struct yaml *, struct err *);
static int check_smoke(const struct schema_run *, const struct yaml *, struct err *);
static int check_path(const struct schema_run *, const struct yaml *, struct err *);
static int check_hour(const struct schema_run *, const struct yaml *, struct err *);
static int write_steps(const struct schema_run *, const struct yaml *, struct jw *, struct err *);
static int check_word(const struct schema_run *, const struct yaml *, struct err *);
static int check_container(const struct schema_run *, const struct yaml *, struct err *);
static int check_bucket(const struct schema_run *, const struct yaml *, struct err *);
static int check_endpoint(const struct schema_run *, const struct yaml *, struct err *);
static int check_group(const struct schema_run *, const struct yaml *, struct err *);
static int check_variable(const struct schema_run *, const struct yaml *, struct err *);

static const char *const providers[] = {"cloudflare", "hetzner", "route53", "manual", NULL};
static const char *const schemes[] = {"https", "http", NULL};

static const struct schema heroku_fields[] = {
    {.name = "app", .required = true, .help = "the Heroku app's name, for example acme-production"},
    {.name = "api", .otherwise = "\"\"", .help = "another address of Heroku's API", .check = check_url},
    {.name = "data", .otherwise = "\"\"", .help = "another address of Heroku's data API", .check = check_url},
    {.name = "status",
     .otherwise = "\"\"",
     .help = "another address of Heroku's status page",
     .check = check_url},
    {0},
};
const struct schema config_kamal_keys[] = {
    {.name = "config", .otherwise = "\"config/deploy.yml\"", .help = "Kamal's file, beside this one"},
    {.name = "destination", .otherwise = "\"\"", .help = "the DESTINATION of kamal -d"},
    {.name = "service", .otherwise = "\"\"", .help = "the `service:` of Kamal's file"},
    {.name = "roles",
     .type = SCHEMA_TEXTS,
     .otherwise = "[\"web\"]",
     .help = "the roles, for example [web, job]"},
    {.name = "accessory", .otherwise = "\"\"", .help = "the accessory that runs Postgres, for example db"},
    {.name = "ruby",
     .type = SCHEMA_FLAG,
     .otherwise = "false",
     .help = "true: Kamal may be asked for what Ruby in its file means, which runs it"},
    {0},
};
static const struct schema host_fields[] = {
    {.name = "address", .otherwise = "\"\"", .help = "the new server's name or address"},
    /* Left open, these two are what the user's own OpenSSH configuration says. */
    {.name = "port", .type = SCHEMA_INT, .otherwise = "0", .min = 1, .max = 65535, .help = "the port of ssh"},
    {.name = "user", .otherwise = "\"\"", .help = "the user of ssh"},
    {.name = "key", .otherwise = "\"\"", .help = "the file with the private key"},
    {.name = "known_hosts", .otherwise = "\"\"", .help = "the file with the hosts' keys"},
    {.name = "proxy_jump", .otherwise = "\"\"", .help = "USER@HOST of a server that ssh goes through"},
    {.name = "proxy_command", .otherwise = "\"\"", .help = "a command that ssh talks through"},
    {0},
};
static const struct schema database_fields[] = {
    {.name = "url",
     .otherwise = "\"\"",
     .help = "env: and the name of a variable that holds the new database's URL",
     .check = check_url},
    {.name = "accessory",
     .otherwise = "\"\"",
     .help = "the Kamal accessory that runs Postgres, for example db"},
    {.name = "container",
     .otherwise = "\"\"",
     .help = "the container on the new server that runs Postgres, where Kamal does not",
     .check = check_container},
    {.name = "app_role", .otherwise = "\"\"", .help = "the role the app logs in with"},
    {0},
};
static const struct schema dns_fields[] = {
    {.name = "provider",
     .required = true,
     .one_of = providers,
     .help = "cloudflare, hetzner, route53 or manual"},
    {.name = "api", .otherwise = "\"\"", .help = "another address of the provider's API", .check = check_url},
    {.name = "zone",
     .otherwise = "\"\"",
     .help = "the zone the names are in, for example acme.com",
     .check = check_name},
    {.name = "names",
     .type = SCHEMA_TEXTS,
     .required = true,
     .help = "the names that move, for example [www.acme.com]",
     .check = check_name},
    {.name = "new_name",
     .otherwise = "\"\"",
     .help = "a name that already points to the new server",
     .check = check_name},
    {.name = "servers",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "name servers to ask, for example [1.2.3.4#53]"},
    {.name = "resolvers",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "resolvers to watch, for example [1.1.1.1, 8.8.8.8]"},
    {0},
};
static const struct schema web_fields[] = {
    {.name = "old", .otherwise = "\"\"", .help = "ADDRESS:PORT of the old side"},
    {.name = "new", .otherwise = "\"\"", .help = "ADDRESS:PORT of the new side"},
    {.name = "scheme", .otherwise = "\"https\"", .one_of = schemes, .help = "https or http"},
    {.name = "ca", .otherwise = "\"\"", .help = "a file with the certificate of an issuer of your own"},
    {0},
};
static const struct schema smoke_fields[] = {
    {.name = "get", .help = "a path, for example /up", .check = check_path},
    {.name = "post", .help = "a path, for example /login", .check = check_path},
    {.name = "expect",
     .type = SCHEMA_INT,
     .otherwise = "200",
     .min = 100,
     .max = 599,
     .help = "the status, for example 200"},
    {.name = "contains", .help = "a text of the page"},
    {.name = "header", .help = "a header, for example \"Accept: text/html\""},
    {.name = "json", .help = "a path into the answer's JSON, for example status or data.items"},
    {.name = "answers", .help = "a header of the answer, for example \"X-Served-By: kamal\""},
    {.name = "within", .type = SCHEMA_DURATION, .help = "the longest it may take, for example 2s"},
    {0},
};
static const struct schema canary_fields[] = {
    {.name = "name",
     .required = true,
     .length_max = 32,
     .help = "a short name for the gate, for example decrypt",
     .check = check_word},
    {.name = "run", .required = true, .help = "a line for the shell in the new app's container"},
    {.name = "in",
     .otherwise = "\"\"",
     .help = "the role whose container it runs in, or host; default: the first role",
     .check = check_container},
    {.name = "times",
     .type = SCHEMA_INT,
     .otherwise = "1",
     .min = 1,
     .max = 1000,
     .help = "how many times it must succeed"},
    {.name = "expect", .otherwise = "\"\"", .help = "a text that it must print"},
    {.name = "limit",
     .type = SCHEMA_DURATION,
     .as = "limit_ms",
     .otherwise = "60000",
     .help = "how long one run may take, for example 60s"},
    {0},
};
static const struct schema backup_fields[] = {
    {.name = "to",
     .required = true,
     .help = "a bucket and a folder in it, for example s3://acme-backups/nightferry",
     .check = check_bucket},
    {.name = "endpoint",
     .otherwise = "\"\"",
     .help = "the address of storage that is not Amazon's, for example https://fsn1.your-objectstorage.com",
     .check = check_endpoint},
    {.name = "region",
     .otherwise = "\"\"",
     .help = "the storage's region; default: AWS_REGION, or us-east-1"},
    {.name = "profile",
     .otherwise = "\"\"",
     .help = "the profile of ~/.aws; default: AWS_PROFILE, or default"},
    {0},
};
static const struct schema window_fields[] = {
    {.name = "start",
     .required = true,
     .help = "an hour of local time, for example \"01:00\"",
     .check = check_hour},
    {.name = "end",
     .required = true,
     .help = "an hour of local time, for example \"02:00\"",
     .check = check_hour},
    {0},
};
static const struct schema copy_fields[] = {
    {.name = "skip_data",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "tables whose rows stay behind, for example [versions]"},
    {.name = "jobs",
     .type = SCHEMA_INT,
     .otherwise = "2",
     .min = 1,
     .max = 64,
     .help = "how many tables are restored at once"},
    {0},
};
static const struct schema redis_fields[] = {
    {.name = "variable",
     .otherwise = "\"REDIS_URL\"",
     .help = "the config var that holds Redis' URL, for example REDISCLOUD_URL",
     .check = check_variable},
    {.name = "url",
     .otherwise = "\"\"",
     .help = "env: and the name of a variable that holds the new Redis' URL",
     .check = check_url},
    {.name = "namespace", .otherwise = "\"\"", .help = "the namespace of Sidekiq's keys, where it has one"},
    {.name = "verify",
     .type = SCHEMA_FLAG,
     .otherwise = "true",
     .help = "false: the new Redis' certificate is self-signed, and is taken as it is"},
    {0},
};
static const struct schema env_fields[] = {
    {.name = "accept",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "config vars that may be missing or other on the new side, for example [LANG]"},
    {0},
};
static const struct schema notify_fields[] = {
    {.name = "command",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a program and its arguments, for example [./tell-team]; it reads NIGHTFERRY_TEXT and others"},
    {.name = "webhook",
     .otherwise = "\"\"",
     .help = "an address that takes a POST of JSON, best as \"env:NOTIFY_URL\"",
     .check = check_url},
    {0},
};
const struct schema config_keys[] = {
    {.name = "app",
     .required = true,
     .help = "a short name for your app, for example acme",
     .check = check_word},
    {.name = "heroku",
     .type = SCHEMA_MAP,
     .required = true,
     .fields = heroku_fields,
     .help = "the old side, for example {app: acme-production}"},
    {.name = "kamal",
     .type = SCHEMA_MAP,
     .fields = config_kamal_keys,
     .help = "a map, for example {config: config/deploy.yml}",
     .write = config_write_kamal},
    {.name = "host",
     .type = SCHEMA_MAP,
     .fields = host_fields,
     .help = "a map, for example {address: 203.0.113.7}"},
    {.name = "database",
     .type = SCHEMA_MAP,
     .fields = database_fields,
     .help = "a map, for example {url: \"env:NEW_DATABASE_URL\"}",
     .check = check_database},
    {.name = "redis",
     .type = SCHEMA_MAP,
     .fields = redis_fields,
     .help = "a map, for example {url: \"env:NEW_REDIS_URL\"}"},
    {.name = "dns",
     .type = SCHEMA_MAP,
     .fields = dns_fields,
     .help = "a map, for example {provider: cloudflare, names: [www.acme.com]}"},
    {.name = "web", .type = SCHEMA_MAP, .fields = web_fields, .help = "a map, for example {scheme: https}"},
    {.name = "smoke",
     .type = SCHEMA_MAPS,
     .fields = smoke_fields,
     .otherwise = "[{\"get\":\"/up\",\"expect\":200}]",
     .help = "a list, for example [{get: /up, expect: 200}]",
     .check = check_smoke},
    {.name = "canary",
     .type = SCHEMA_MAPS,
     .fields = canary_fields,
     .otherwise = "[]",
     .help = "a list, for example [{name: decrypt, run: bin/canary}]"},
    {.name = "backup",
     .type = SCHEMA_MAP,
     .fields = backup_fields,
     .help = "a map, for example {to: \"s3://acme-backups/nightferry\"}"},
    {.name = "window",
     .type = SCHEMA_MAP,
     .fields = window_fields,
     .help = "a map, for example {start: \"01:00\", end: \"02:00\"}"},
    {.name = "people",
     .type = SCHEMA_INT,
     .otherwise = "1",
     .min = 1,
     .max = 50,
     .help = "how many people are there this night"},
    {.name = "stations",
     .type = SCHEMA_TEXTS,
     .otherwise = "[]",
     .help = "a list, for example [DB, APP, DNS]"},
    {.name = "playbook", .otherwise = "\"heroku-to-kamal\"", .help = "a playbook's name or its path"},
    {.name = "copy", .type = SCHEMA_MAP, .fields = copy_fields, .help = "a map, for example {jobs: 2}"},
    {.name = "env", .type = SCHEMA_MAP, .fields = env_fields, .help = "a map, for example {accept: [LANG]}"},
    {.name = "notify",
     .type = SCHEMA_MAP,
     .fields = notify_fields,
     .help = "a map, for example {webhook: \"env:NOTIFY_URL\"}"},
    {.name = "steps",
     .type = SCHEMA_ANY,
     .help = "a map, for example {restore: {jobs: 4}}",
     .write = write_steps},
    {.name = "group",
     .otherwise = "\"\"",
     .help = "the group of this machine whose members may join",
     .check = check_group},
    {0},
};

const char *config_env_name(const char *value)
{
	const char *name = text_starts(value, "env:") ? value + 4 : NULL;

	if (!name || !*name || (*name >= '0' && *name <= '9'))
		return NULL;
	for (const char *p = name; *p; p++)
		if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') ||
		      *p == '_'))
			return NULL;
	return name;
}

static int check_url(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	const char *text = node->text;

	if (config_env_name(text) || !*text)
		return 0;
	if (text_starts(text, "env:"))
		return yaml_err(run->doc, node, err,
				"after \"env:\" comes the name of an environment variable, for example "
				"env:NEW_DATABASE_URL.");
	if (strstr(text, "://"))
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%s\" must be a URL, or \"env:\" and the name of a variable that holds it.",
			node->key);
}

static int check_database(const struct schema_run *run, const struct yaml *map, struct err *err)
{
	if (yaml_str(map, "url", NULL) || yaml_str(map, "accessory", NULL) ||
	    yaml_str(map, "container", NULL) ||
	    yaml_str(yaml_get(run->doc->root, "kamal"), "accessory", NULL))
		return 0;
	return yaml_err_key(
	    run->doc, map, err,
	    "`database:` needs \"url\" or \"accessory\"; write url: \"env:NEW_DATABASE_URL\", or the name of "
	    "Kamal's accessory.");
}

/* A DNS name, nothing around it. */
static int check_name(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	size_t len = strlen(node->text);

	if (len && len < 254 && node->text[0] != '.' &&
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len)
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%.80s\" is no name in DNS; write only the name, for example www.acme.com.",
			node->text);
}

/* The name goes into commands on the server. */
static int check_container(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	size_t len = strlen(node->text);

	if (len < 128 && node->text[0] != '-' && node->text[0] != '.' &&
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len)
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%.80s\" is no name of a container; `docker ps` on the server lists them.",
			node->text);
}

static int check_smoke(const struct schema_run *run, const struct yaml *map, struct err *err)
{
	bool get = yaml_str(map, "get", NULL) != NULL, post = yaml_str(map, "post", NULL) != NULL;

	/* An unknown key is the better sentence, and comes from the table. */
	for (const struct yaml *n = map->first; n; n = n->next) {
		const struct schema *f = smoke_fields;

		while (f->name && strcmp(f->name, n->key) != 0)
			f++;
		if (!f->name)
			return 0;
	}
	if (get != post)
		return 0;
	return yaml_err(run->doc, map, err,
			"a smoke test needs either \"get\" or \"post\" with a path; write {get: /up}.");
}

static int check_path(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	if (node->text[0] == '/')
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%s\" is a path that begins with /; the address comes from `web:` and `dns:`.",
			node->key);
}

/* Minutes since midnight; -1 for no "HH:MM". */
static int parse_hour(const char *text)
{
	size_t digits = text ? strspn(text, "0123456789") : 0;
	int hour, minute;

	if (!text || digits < 1 || digits > 2 || text[digits] != ':' || strlen(text + digits) != 3 ||
	    strspn(text + digits + 1, "0123456789") != 2)
		return -1;
	hour = (int)units_parse_int(text, 0);
	minute = (int)units_parse_int(text + digits + 1, 0);
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static int check_hour(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	const struct yaml *map = yaml_get(run->doc->root, "window");

	if (parse_hour(node->text) < 0)
		return yaml_err(run->doc, node, err,
				"\"%s\" must be an hour of local time; write it like \"01:00\".", node->key);
	if (strcmp(node->key, "end") == 0 && parse_hour(node->text) == parse_hour(yaml_str(map, "start", "")))
		return yaml_err(run->doc, node, err,
				"the window ends when it starts; write a later \"end\".");
	return 0;
}

/* Scalars stay as written: the step's own table knows their types. */
static void write_param(const struct yaml_doc *doc, const struct yaml *param, struct jw *w)
{
	if (param->kind == YAML_SCALAR && !yaml_is_null(param))
		jw_str(w, param->key, param->text);
	else
		yaml_json(doc, param, w, param->key);
}

static int write_steps(const struct schema_run *run, const struct yaml *map, struct jw *w, struct err *err)
{
	if (!yaml_is_null(map) && map->kind != YAML_MAP)
		return yaml_err(run->doc, map, err,
				"`steps:` must be a map of steps; write {restore: {jobs: 4}}.");
	jw_obj(w, "steps");
	for (const struct yaml *step = map ? map->first : NULL; step; step = step->next) {
		if (step->kind != YAML_MAP)
			return yaml_err(
			    run->doc, step, err,
			    "`steps.%.40s:` must be a map of its parameters; write {restore: {jobs: 4}}.",
			    step->key);
		jw_obj(w, step->key);
		for (const struct yaml *p = step->first; p; p = p->next) {
			if (schema_check_secret(run, p, err))
				return -1;
			write_param(run->doc, p, w);
		}
		jw_end(w);
	}
	jw_end(w);
	return 0;
}

/* The name becomes a folder's. */
static int check_word(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	size_t len = strlen(node->text);

	if (len && len <= 40 && node->text[0] != '-' &&
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == len)
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%s\" may hold letters, digits, - and _, at most 40 of them; write for example acme.",
	    node->key);
}

static int check_group(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	if (!*node->text || getgrnam(node->text))
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%.80s\" is no group of this machine; `getent group` lists them, `groupadd` makes one.",
	    node->text);
}

static int check_variable(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	char text[120];

	text_copyf(text, sizeof(text), "env:%s", node->text);
	if (config_env_name(text))
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%.80s\" is no name of a variable; write only the name, for example REDIS_URL.",
			node->text);
}

/* s3://BUCKET[/FOLDER]: what needs no escaping in a URL, so that every storage signs and reads it the same
 * way. */
static int check_bucket(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	const char *bucket = text_starts(node->text, "s3://") ? node->text + 5 : "";
	size_t len = strcspn(bucket, "/"), all = strlen(bucket);

	if (len >= 3 && len <= 63 && strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-.") == len &&
	    all < 400 &&
	    strspn(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == all &&
	    !strstr(bucket, "..") && !strstr(bucket, "//"))
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%.80s\" is no bucket with a folder of plain characters; write s3://acme-backups/nightferry.",
	    node->text);
}

static int check_endpoint(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	const char *text = node->text;

	if (!*text || ((text_starts(text, "https://") || text_starts(text, "http://127.0.0.1") ||
			text_starts(text, "http://localhost")) &&
		       !strpbrk(strstr(text, "://") + 3, "/?#@ ")))
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%s\" must be https:// and a host, without a path; http:// is for this machine only.",
	    node->key);
}
