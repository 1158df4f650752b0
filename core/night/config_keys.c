/* The keys of nightferry.yml: types, defaults, help. What looks at a value closer is in config_look.c. */
#include "core/night/config_keys.h"
#include "core/night/config_look.h"

#include <string.h>

static int check_smoke(const struct schema_run *, const struct yaml *, struct err *);
static int write_steps(const struct schema_run *, const struct yaml *, struct jw *, struct err *);

static const char *const schemes[] = {"https", "http", NULL};

static const struct schema scheduler_fields[] = {
    {.name = "run", .required = true, .help = "the job's command, for example rake nightly"},
    {.name = "at",
     .required = true,
     .help = "\"02:30\" each day in UTC, \":10\" each hour, or \"10m\", as Heroku's dashboard shows it",
     .check = config_check_scheduled},
    {0},
};
static const struct schema heroku_fields[] = {
    {.name = "app", .required = true, .help = "the Heroku app's name, for example acme-production"},
    {.name = "api",
     .otherwise = "\"\"",
     .help = "another address of Heroku's API",
     .check = config_check_url},
    {.name = "data",
     .otherwise = "\"\"",
     .help = "another address of Heroku's data API",
     .check = config_check_url},
    {.name = "status",
     .otherwise = "\"\"",
     .help = "another address of Heroku's status page",
     .check = config_check_url},
    {.name = "scheduler",
     .type = SCHEMA_MAPS,
     .fields = scheduler_fields,
     .otherwise = "[]",
     .help = "the jobs of Heroku Scheduler, for example [{run: rake nightly, at: \"02:30\"}]"},
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
     .check = config_check_url},
    {.name = "accessory",
     .otherwise = "\"\"",
     .help = "the Kamal accessory that runs Postgres, for example db"},
    {.name = "container",
     .otherwise = "\"\"",
     .help = "the container on the new server that runs Postgres, where Kamal does not",
     .check = config_check_container},
    {.name = "app_role", .otherwise = "\"\"", .help = "the role the app logs in with"},
    {0},
};
static const struct schema web_fields[] = {
    {.name = "old", .otherwise = "\"\"", .help = "ADDRESS:PORT of the old side"},
    {.name = "new", .otherwise = "\"\"", .help = "ADDRESS:PORT of the new side"},
    {.name = "scheme", .otherwise = "\"https\"", .one_of = schemes, .help = "https or http"},
    {.name = "ca", .otherwise = "\"\"", .help = "a file with the certificate of an issuer of your own"},
    {.name = "marker",
     .otherwise = "\"\"",
     .help = "what only the new side answers: a header, for example \"X-Served-By: kamal\", or a path"},
    {0},
};
static const struct schema smoke_fields[] = {
    {.name = "get", .help = "a path, for example /up", .check = config_check_path},
    {.name = "post", .help = "a path, for example /login", .check = config_check_path},
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
     .check = config_check_word},
    {.name = "run", .required = true, .help = "a line for the shell in the new app's container"},
    {.name = "in",
     .otherwise = "\"\"",
     .help = "the role whose container it runs in, or host; default: the first role",
     .check = config_check_container},
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
     .check = config_check_bucket},
    {.name = "endpoint",
     .otherwise = "\"\"",
     .help = "the address of storage that is not Amazon's, for example https://fsn1.your-objectstorage.com",
     .check = config_check_endpoint},
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
     .check = config_check_hour},
    {.name = "end",
     .required = true,
     .help = "an hour of local time, for example \"02:00\"",
     .check = config_check_hour},
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
     .check = config_check_variable},
    {.name = "url",
     .otherwise = "\"\"",
     .help = "env: and the name of a variable that holds the new Redis' URL",
     .check = config_check_url},
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
     .check = config_check_url},
    {0},
};
const struct schema config_keys[] = {
    {.name = "app",
     .required = true,
     .help = "a short name for your app, for example acme",
     .check = config_check_word},
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
     .check = config_check_database},
    {.name = "redis",
     .type = SCHEMA_MAP,
     .fields = redis_fields,
     .help = "a map, for example {url: \"env:NEW_REDIS_URL\"}"},
    {.name = "dns",
     .type = SCHEMA_MAP,
     .fields = config_dns_keys,
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
     .check = config_check_group},
    {0},
};

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
