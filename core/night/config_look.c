#include "core/night/config_look.h"
#include "core/base/scheduler.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/night/config.h"

#include <grp.h>
#include <string.h>

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

int config_check_url(const struct schema_run *run, const struct yaml *node, struct err *err)
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

int config_check_database(const struct schema_run *run, const struct yaml *map, struct err *err)
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
int config_check_name(const struct schema_run *run, const struct yaml *node, struct err *err)
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
int config_check_container(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	size_t len = strlen(node->text);

	if (len < 128 && node->text[0] != '-' && node->text[0] != '.' &&
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len)
		return 0;
	return yaml_err(run->doc, node, err,
			"\"%.80s\" is no name of a container; `docker ps` on the server lists them.",
			node->text);
}

int config_check_path(const struct schema_run *run, const struct yaml *node, struct err *err)
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

int config_check_hour(const struct schema_run *run, const struct yaml *node, struct err *err)
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

/* The name becomes a folder's. */
int config_check_word(const struct schema_run *run, const struct yaml *node, struct err *err)
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

int config_check_group(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	if (!*node->text || getgrnam(node->text))
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%.80s\" is no group of this machine; `getent group` lists them, `groupadd` makes one.",
	    node->text);
}

int config_check_variable(const struct schema_run *run, const struct yaml *node, struct err *err)
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
int config_check_bucket(const struct schema_run *run, const struct yaml *node, struct err *err)
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

int config_check_endpoint(const struct schema_run *run, const struct yaml *node, struct err *err)
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

int config_check_scheduled(const struct schema_run *run, const struct yaml *node, struct err *err)
{
	if (scheduler_next_ms(node->text, 0))
		return 0;
	return yaml_err(
	    run->doc, node, err,
	    "\"%.40s\" is no time of Heroku Scheduler; write \"02:30\" for each day in UTC, \":10\" for "
	    "each hour, or \"10m\".",
	    node->text);
}
