/* The data API's view of the old database: plan, size, credentials, maintenance. */
#include "demo/heroku/heroku.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What the info page shows of the real database. */
struct facts {
	int64_t size_bytes;
	int tables, connections;
	char version[32];
	bool known;
};

static struct facts last; /* shown while the database does not answer */

static PGconn *old_connect(void)
{
	const char *keys[] = {
	    "host", "port", "user", "password", "dbname", "sslmode", "connect_timeout", "application_name",
	    NULL};
	const char *values[] = {H.pg_host, H.pg_port, H.pg_user, H.pg_password,
				H.pg_name, "require", "3",       "Heroku Postgres Manager",
				NULL};
	PGconn *conn = PQconnectdbParams(keys, values, 0);

	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	PQfinish(conn);
	return NULL;
}

static void facts_read(struct facts *f)
{
	static const char SQL[] =
	    "SELECT pg_database_size(current_database()),"
	    " (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	    "   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
	    "   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')),"
	    " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
	    "   AND pid <> pg_backend_pid()),"
	    " split_part(current_setting('server_version'), ' ', 1)";
	PGconn *conn = old_connect();
	PGresult *result = conn ? PQexec(conn, SQL) : NULL;

	*f = (struct facts){0};
	if (result && PQresultStatus(result) == PGRES_TUPLES_OK) {
		f->size_bytes = atoll(PQgetvalue(result, 0, 0));
		f->tables = atoi(PQgetvalue(result, 0, 1));
		f->connections = atoi(PQgetvalue(result, 0, 2));
		snprintf(f->version, sizeof f->version, "%s", PQgetvalue(result, 0, 3));
		f->known = true;
	}
	PQclear(result);
	PQfinish(conn);
}

int64_t database_size_bytes(void)
{
	struct facts f;

	facts_read(&f);
	return f.known ? f.size_bytes : -1;
}

void reply_no_database(struct http_reply *reply)
{
	http_reply_text(reply, 404, "application/json", "<h1>Not Found</h1>");
}

static bool database_named(const struct http_request *req)
{
	const char *name = http_arg(req, "db");
	const cJSON *addon = name ? addon_find(name) : NULL;

	return addon && addon == database_addon();
}

static bool essential(void)
{
	return strncmp(H.plan, "standard", 8) != 0 && strncmp(H.plan, "premium", 7) != 0;
}

static cJSON *info_add(cJSON *info, const char *name, cJSON *take_value)
{
	cJSON *row = cJSON_CreateObject(), *values;

	cJSON_AddStringToObject(row, "name", name);
	values = cJSON_AddArrayToObject(row, "values");
	if (take_value)
		cJSON_AddItemToArray(values, take_value);
	cJSON_AddItemToArray(info, row);
	return row;
}

static void info_text(cJSON *info, const char *name, const char *value)
{
	info_add(info, name, value ? cJSON_CreateString(value) : NULL);
}

static void plan_words(char *out, size_t size)
{
	snprintf(out, size, "%s", H.plan);
	*out = (char)toupper((unsigned char)*out);
	for (char *p = out; *p; p++)
		if (*p == '-')
			*p = ' ';
}

static void size_words(char *out, size_t size, int64_t bytes)
{
	double mb = (double)bytes / 1e6;

	if (mb < 1000)
		snprintf(out, size, "%.1f MB", mb);
	else
		snprintf(out, size, "%.2f GB", mb / 1000);
}

static cJSON *info_standard(const struct facts *f, const char *plan, const char *size, const char *used)
{
	cJSON *info = cJSON_CreateArray(), *row;
	char earliest[64];
	time_t back = time(NULL) - 4 * 86400;
	struct tm tm;

	gmtime_r(&back, &tm);
	strftime(earliest, sizeof earliest, "earliest from %Y-%m-%d %H:%M UTC", &tm);
	info_text(info, "Plan", plan);
	info_text(info, "Status", "Available");
	info_text(info, "Data Size", size);
	info_add(info, "Tables", cJSON_CreateNumber(f->tables));
	info_text(info, "PG Version", f->version);
	info_text(info, "Connections", used);
	info_text(info, "Connection Pooling", "Available");
	info_add(info, "Credentials", cJSON_CreateNumber(1));
	info_text(info, "Fork/Follow", "Available");
	info_text(info, "Rollback", earliest);
	info_text(info, "Created", "2019-03-02 10:11");
	info_text(info, "Region", "eu");
	info_text(info, "Data Encryption", "In Use");
	info_text(info, "Continuous Protection", "On");
	info_text(info, "Maintenance", "not required");
	info_text(info, "Maintenance window", "Sundays 02:00 to 06:00 UTC");
	row = info_add(info, "Followers", NULL);
	cJSON_AddBoolToObject(row, "resolve_db_name", true);
	row = info_add(info, "Forks", NULL);
	cJSON_AddBoolToObject(row, "resolve_db_name", true);
	return info;
}

static cJSON *info_essential(const struct facts *f, const char *plan, const char *size, const char *used)
{
	cJSON *info = cJSON_CreateArray();

	info_text(info, "Plan", plan);
	info_text(info, "Status", "Available");
	info_text(info, "Connections", used);
	info_text(info, "PG Version", f->version);
	info_text(info, "Created", "2019-03-02 10:11");
	info_text(info, "Data Size", size);
	info_add(info, "Tables", cJSON_CreateNumber(f->tables));
	info_text(info, "Fork/Follow", "Unsupported");
	info_text(info, "Rollback", "Unsupported");
	info_text(info, "Continuous Protection", "Off");
	info_text(info, "Region", "eu");
	return info;
}

static void standard_fields(cJSON *json, const struct facts *f, const char *plan_name)
{
	cJSON *plan = cJSON_CreateObject(), *attrs, *formation;

	cJSON_AddStringToObject(plan, "name", plan_name);
	cJSON_AddStringToObject(plan, "slug", H.plan);
	attrs = cJSON_AddObjectToObject(plan, "attrs_unparsed");
	cJSON_AddStringToObject(attrs, "hard_connlimit", "200");
	cJSON_AddStringToObject(attrs, "soft_connlimit", "120");
	cJSON_AddStringToObject(attrs, "capacity_bytes", "68719476736");
	json_set(json, "plan", plan);
	cJSON_AddNullToObject(json, "following");
	cJSON_AddNullToObject(json, "forked_from");
	cJSON_AddNullToObject(json, "leader");
	cJSON_AddBoolToObject(json, "hot_standby?", false);
	cJSON_AddStringToObject(json, "heroku_resource_id", json_text(database_addon(), "id"));
	formation = cJSON_AddObjectToObject(json, "formation");
	cJSON_AddStringToObject(formation, "id", "f0f00000-0001-4a4a-8b8b-000000000001");
	cJSON_AddBoolToObject(formation, "primary", true);
	cJSON_AddStringToObject(json, "metaas_source", "postgresql-cubed-41827");
	cJSON_AddNumberToObject(json, "num_connections", f->connections);
	cJSON_AddNumberToObject(json, "num_connections_waiting", 0);
	cJSON_AddNumberToObject(json, "num_tables", f->tables);
	cJSON_AddStringToObject(json, "postgres_version", f->version);
	cJSON_AddNumberToObject(json, "port", atoi(H.pg_port));
	cJSON_AddStringToObject(json, "database_password", H.pg_password);
	cJSON_AddNullToObject(json, "target_transaction");
	cJSON_AddNumberToObject(json, "credentials", 1);
}

static cJSON *database_json(const struct facts *f)
{
	char plan[32], size[32], used[32];
	cJSON *json = cJSON_CreateObject();

	plan_words(plan, sizeof plan);
	size_words(size, sizeof size, f->size_bytes);
	snprintf(used, sizeof used, "%d/%d", f->connections, essential() ? 20 : 120);
	cJSON_AddStringToObject(json, "addon_id", json_text(database_addon(), "id"));
	cJSON_AddStringToObject(json, "name", json_text(database_addon(), "name"));
	cJSON_AddStringToObject(json, "plan", plan);
	cJSON_AddStringToObject(json, "created_at", "2019-03-02 10:11:12 +0000");
	cJSON_AddStringToObject(json, "database_user", H.pg_user);
	cJSON_AddStringToObject(json, "database_name", H.pg_name);
	cJSON_AddBoolToObject(json, "available_for_ingress", true);
	cJSON_AddStringToObject(json, "resource_url", H.old_url);
	cJSON_AddBoolToObject(json, "waiting?", false);
	cJSON_AddNumberToObject(json, "num_bytes", (double)f->size_bytes);
	if (!essential())
		standard_fields(json, f, plan);
	cJSON_AddItemToObject(json, "info",
			      essential() ? info_essential(f, plan, size, used)
					  : info_standard(f, plan, size, used));
	return json;
}

/* Unlocked: a slow database must not hold up the log stream. */
void handle_database(struct http_request *req, struct http_reply *reply)
{
	struct facts f;

	facts_read(&f);
	http_lock();
	if (f.known)
		last = f;
	if (database_named(req))
		http_reply_json(reply, 200, database_json(&last));
	else
		reply_no_database(reply);
	http_unlock();
}

bool database_rotate(void)
{
	char password[65], sql[400];
	PGconn *conn = old_connect();
	PGresult *result;
	bool done;

	hex_make(password, 64);
	snprintf(sql, sizeof sql, "ALTER ROLE CURRENT_USER PASSWORD 'p%s'", password);
	result = conn ? PQexec(conn, sql) : NULL;
	done = result && PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	PQfinish(conn);
	if (!done)
		return false;
	snprintf(H.pg_password, sizeof H.pg_password, "p%s", password);
	snprintf(H.old_url, sizeof H.old_url, "postgres://%s:%s@%s:%s/%s", H.pg_user, H.pg_password,
		 H.pg_host, H.pg_port, H.pg_name);
	json_set(fixture_get("config_vars"), "DATABASE_URL", cJSON_CreateString(H.old_url));
	json_set(fixture_get("config_vars"), "HEROKU_POSTGRESQL_COBALT_URL", cJSON_CreateString(H.old_url));
	release_platform("Update DATABASE by heroku-postgresql");
	return true;
}

void handle_wait_status(struct http_request *req, struct http_reply *reply)
{
	if (database_named(req))
		http_reply_text(reply, 200, "application/json",
				"{\"message\":\"available\",\"waiting?\":false}");
	else
		reply_no_database(reply);
}

void handle_connection_reset(struct http_request *req, struct http_reply *reply)
{
	PGconn *conn;

	if (!database_named(req)) {
		reply_no_database(reply);
		return;
	}
	conn = old_connect();
	if (conn)
		PQclear(PQexec(conn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
				     " WHERE datname = current_database() AND usename = current_user"
				     " AND pid <> pg_backend_pid()"));
	PQfinish(conn);
	http_reply_text(reply, 200, "application/json", "{\"message\":\"Connections terminated\"}");
}

static cJSON *credential_json(void)
{
	cJSON *json = cJSON_CreateObject(), *list, *one = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "uuid", "c4ed0000-0001-4a4a-8b8b-000000000001");
	cJSON_AddStringToObject(json, "name", "default");
	cJSON_AddStringToObject(json, "state", "active");
	cJSON_AddStringToObject(json, "database", H.pg_name);
	cJSON_AddStringToObject(json, "host", H.pg_host);
	cJSON_AddNumberToObject(json, "port", atoi(H.pg_port));
	list = cJSON_AddArrayToObject(json, "credentials");
	cJSON_AddStringToObject(one, "user", H.pg_user);
	cJSON_AddStringToObject(one, "password", H.pg_password);
	cJSON_AddStringToObject(one, "state", "active");
	cJSON_AddItemToArray(list, one);
	return json;
}

void handle_credentials(struct http_request *req, struct http_reply *reply)
{
	const char *name = http_arg(req, "name");
	cJSON *list;

	if (!database_named(req)) {
		reply_no_database(reply);
	} else if (!name) {
		list = cJSON_CreateArray();
		cJSON_AddItemToArray(list, credential_json());
		http_reply_json(reply, 200, list);
	} else if (strcmp(name, "default") == 0) {
		http_reply_json(reply, 200, credential_json());
	} else {
		reply_error(reply, 404, "not_found", "Credential not found.");
	}
}

void handle_database_config(struct http_request *req, struct http_reply *reply)
{
	if (database_named(req))
		http_reply_text(reply, 200, "application/json",
				"{\"log_lock_waits\":{\"value\":true,\"desc\":\"Logs long lock waits.\","
				"\"default\":true}}");
	else
		reply_no_database(reply);
}

static cJSON *maintenance_json(void)
{
	const cJSON *addon = database_addon(), *extra = fixture_get("data_maintenance"), *item;
	cJSON *json = cJSON_CreateObject(), *of = cJSON_AddObjectToObject(json, "addon"), *names;
	cJSON *app = cJSON_AddObjectToObject(json, "app");
	static const char *const EMPTY[] = {
	    "required_by",      "scheduled_for",           "reason", "started_at", "completed_at",
	    "duration_seconds", "previously_scheduled_for"};

	cJSON_AddStringToObject(of, "uuid", json_text(addon, "id"));
	cJSON_AddStringToObject(of, "name", json_text(addon, "name"));
	names = cJSON_AddArrayToObject(of, "attachments");
	cJSON_AddItemToArray(names, cJSON_CreateString("DATABASE"));
	cJSON_AddStringToObject(of, "kind", "heroku-postgresql");
	cJSON_AddStringToObject(of, "plan", H.plan);
	cJSON_AddStringToObject(of, "window", "Sundays 02:00 to 06:00 UTC");
	cJSON_AddStringToObject(app, "name", json_text(fixture_get("app"), "name"));
	cJSON_AddStringToObject(app, "uuid", json_text(fixture_get("app"), "id"));
	cJSON_AddStringToObject(json, "status", "none");
	cJSON_AddStringToObject(json, "window", "Sundays 02:00 to 06:00 UTC");
	cJSON_AddStringToObject(json, "method", "changeover");
	cJSON_AddBoolToObject(json, "customer_requested", false);
	cJSON_AddStringToObject(json, "server_created_at", "2024-09-01T02:03:04Z");
	for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++)
		cJSON_AddNullToObject(json, EMPTY[i]);
	cJSON_ArrayForEach(item, extra) json_set(json, item->string, cJSON_Duplicate(item, true));
	return json;
}

void handle_maintenances(struct http_request *req, struct http_reply *reply)
{
	cJSON *json = cJSON_CreateObject(), *list;

	if (!app_matches(http_arg(req, "app"))) {
		cJSON_Delete(json);
		reply_not_found(reply, "app", "app");
		return;
	}
	list = cJSON_AddArrayToObject(json, "maintenances");
	cJSON_AddItemToArray(list, maintenance_json());
	http_reply_json(reply, 200, json);
}

void handle_maintenance_one(struct http_request *req, struct http_reply *reply)
{
	if (database_named(req))
		http_reply_json(reply, 200, maintenance_json());
	else
		reply_no_database(reply);
}
