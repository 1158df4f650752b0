#include "demo/heroku/heroku.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PENDING_MS = 400,
	SIZE_KNOWN_MS = 400, /* after the start */
	SHORTEST_MS = 1500,  /* a backup never finishes sooner after its start */
	UPDATE_MS = 2000,    /* updated_at moves this often */
	LAG_MS = 1000,       /* processed_bytes is right this long after the end */
	URL_TTL_S = 3600,
	HISTORY = 4,
	HISTORY_FIRST = 41,
};

/* The one backup that may be under way, and the size that is still to be told. */
static struct {
	cJSON *transfer; /* borrowed from the list; NULL when idle */
	pid_t pid;
	int fd, wait_status;
	bool running, exited;
	int64_t made_ms, started_ms, updated_ms, sized_ms;
	char line[2048];
	size_t line_size;
	cJSON *lagging;
	int64_t lag_until_ms, lag_bytes;
} job = {.fd = -1};

static cJSON *transfers(void)
{
	return fixture_get("transfers");
}

static void time_put(cJSON *t, const char *name, int64_t at_ms)
{
	char at[HEROKU_STAMP_SIZE];

	stamp_ruby(at, at_ms);
	json_set(t, name, cJSON_CreateString(at));
}

static const char *uuid_of(const cJSON *t)
{
	return json_text(t, "uuid");
}

static cJSON *transfer_new(int64_t at_ms, bool scheduled)
{
	static const char *const EMPTY[] = {"source_bytes", "succeeded",   "started_at", "canceled_at",
					    "updated_at",   "finished_at", "deleted_at", "purged_at"};
	cJSON *t = cJSON_CreateObject(), *schedule;
	char uuid[HEROKU_UUID_SIZE], url[512];
	const cJSON *last = cJSON_GetArrayItem(transfers(), cJSON_GetArraySize(transfers()) - 1);
	const cJSON *num = cJSON_GetObjectItemCaseSensitive(last, "num");

	uuid_make(uuid);
	cJSON_AddStringToObject(t, "uuid", uuid);
	cJSON_AddNumberToObject(t, "num", last ? num->valuedouble + 1 : HISTORY_FIRST);
	cJSON_AddStringToObject(t, "from_name", "DATABASE");
	cJSON_AddStringToObject(t, "from_type", "pg_dump");
	snprintf(url, sizeof url, "postgres://%s:%s/%s", H.pg_host, H.pg_port, H.pg_name);
	cJSON_AddStringToObject(t, "from_url", url);
	cJSON_AddStringToObject(t, "to_name", scheduled ? "SCHEDULED BACKUP" : "BACKUP");
	cJSON_AddStringToObject(t, "to_type", "gof3r");
	snprintf(url, sizeof url, "https://transfers.example.net/xfrtu/%s", uuid);
	cJSON_AddStringToObject(t, "to_url", url);
	cJSON_AddObjectToObject(t, "options");
	cJSON_AddNumberToObject(t, "processed_bytes", 0);
	cJSON_AddNumberToObject(t, "warnings", 0);
	cJSON_AddNumberToObject(t, "num_keep", 25);
	for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++)
		cJSON_AddNullToObject(t, EMPTY[i]);
	time_put(t, "created_at", at_ms);
	if (scheduled) {
		schedule = cJSON_AddObjectToObject(t, "schedule");
		cJSON_AddStringToObject(schedule, "uuid",
					json_text(cJSON_GetArrayItem(fixture_get("schedules"), 0), "uuid"));
	}
	cJSON_AddArrayToObject(t, "logs");
	cJSON_AddItemToArray(transfers(), t);
	return t;
}

static void logs_add(cJSON *t, const char *level, const char *message)
{
	cJSON *line = cJSON_CreateObject();

	cJSON_AddStringToObject(line, "level", level);
	cJSON_AddStringToObject(line, "message", message);
	time_put(line, "created_at", now_ms());
	cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(t, "logs"), line);
}

/* A few nights of the schedule, so that lists are not empty. Their dumps are no longer in the store. */
void transfers_init(void)
{
	double size = (double)database_size_bytes();

	cJSON_AddArrayToObject(H.fixture, "transfers");
	for (int day = HISTORY; day > 0; day--) {
		int64_t at = (now_ms() / 86400000 - day) * 86400000 + 3600000 + day * 1700;
		cJSON *t = transfer_new(at, true);
		json_set(t, "source_bytes", cJSON_CreateNumber((double)(int64_t)(size * (1 - 0.002 * day))));
		json_set(t, "processed_bytes",
			 cJSON_CreateNumber((double)(int64_t)(size * (0.05 - 0.0001 * day))));
		json_set(t, "succeeded", cJSON_CreateBool(true));
		time_put(t, "started_at", at + 26000);
		time_put(t, "updated_at", at + 43000);
		time_put(t, "finished_at", at + 43000);
		logs_add(t, "info", "Backup completed");
	}
}

static void dump_path(char *out, size_t size, const char *uuid)
{
	snprintf(out, size, "%s/dumps/%s.dump", H.dir, uuid);
}

static int64_t dump_bytes(const char *uuid)
{
	char path[1024];
	struct stat st;

	dump_path(path, sizeof path, uuid);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static void env_text(char *out, size_t size, const char *name, const char *value)
{
	snprintf(out, size, "%s=%s", name, value);
}

/* The password travels in the environment: an argument list is for everyone to read. */
static void dump_start(const char *uuid)
{
	char env[8][640], path[1024];
	char *envp[9] = {env[0], env[1], env[2], env[3], env[4], env[5], env[6], env[7], NULL};
	char program[] = "pg_dump", custom[] = "-Fc", acl[] = "--no-acl", owner[] = "--no-owner";
	char quote[] = "--quote-all-identifiers", verbose[] = "--verbose",
	     skip[] = "--exclude-schema=heroku_ext";
	char *argv[] = {program, custom, acl, owner, quote, verbose, skip, NULL};
	const char *search = getenv("PATH");

	env_text(env[0], sizeof env[0], "PGHOST", H.pg_host);
	env_text(env[1], sizeof env[1], "PGPORT", H.pg_port);
	env_text(env[2], sizeof env[2], "PGUSER", H.pg_user);
	env_text(env[3], sizeof env[3], "PGPASSWORD", H.pg_password);
	env_text(env[4], sizeof env[4], "PGDATABASE", H.pg_name);
	env_text(env[5], sizeof env[5], "PGSSLMODE", "require");
	env_text(env[6], sizeof env[6], "PGAPPNAME", "Heroku PGBackups");
	env_text(env[7], sizeof env[7], "PATH", search ? search : "/usr/bin:/bin");
	dump_path(path, sizeof path, uuid);
	job.exited = false;
	job.line_size = 0;
	job.pid = child_start(argv, envp, path, &job.fd);
}

static void job_read(void)
{
	char data[4096];
	ssize_t got;

	while (job.fd >= 0 && (got = read(job.fd, data, sizeof data)) != -1) {
		if (got == 0) {
			close(job.fd);
			job.fd = -1;
		}
		for (ssize_t i = 0; i < got; i++) {
			if (data[i] != '\n' && job.line_size < sizeof job.line - 1) {
				job.line[job.line_size++] = data[i];
				continue;
			}
			job.line[job.line_size] = '\0';
			job.line_size = 0;
			if (job.transfer)
				logs_add(job.transfer, strstr(job.line, "error:") ? "error" : "info",
					 job.line);
		}
	}
}

static void job_end(bool succeeded)
{
	cJSON *t = job.transfer;

	time_put(t, "finished_at", now_ms());
	time_put(t, "updated_at", now_ms());
	json_set(t, "succeeded", cJSON_CreateBool(succeeded));
	logs_add(t, succeeded ? "info" : "error", succeeded ? "Backup completed" : "Backup failed");
	if (succeeded) {
		job.lagging = t;
		job.lag_until_ms = now_ms() + LAG_MS;
		job.lag_bytes = dump_bytes(uuid_of(t));
	}
	job.transfer = NULL;
	job.running = false;
}

static void job_start(int64_t now)
{
	time_put(job.transfer, "started_at", now);
	job.running = true;
	job.started_ms = job.updated_ms = job.sized_ms = now;
	job.exited = false;
	job.pid = 0;
	if (strcmp(H.control.backup, "fail") == 0 || strcmp(H.control.backup, "stall") == 0)
		return;
	dump_start(uuid_of(job.transfer));
}

static void job_tick(int64_t now)
{
	bool fail = strcmp(H.control.backup, "fail") == 0, stall = strcmp(H.control.backup, "stall") == 0;
	cJSON *t = job.transfer;

	if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(t, "source_bytes")) &&
	    now - job.sized_ms > SIZE_KNOWN_MS) {
		int64_t size = database_size_bytes();
		job.sized_ms = now;
		if (size >= 0)
			json_set(t, "source_bytes", cJSON_CreateNumber((double)size));
		time_put(t, "updated_at", now);
	}
	if (!stall && now - job.updated_ms > UPDATE_MS) {
		job.updated_ms = now;
		time_put(t, "updated_at", now);
		json_set(t, "processed_bytes", cJSON_CreateNumber((double)dump_bytes(uuid_of(t))));
	}
	if (now - job.started_ms < SHORTEST_MS || stall)
		return;
	if (job.pid == 0 && !job.exited && !fail) {
		dump_start(uuid_of(t)); /* a stall that was lifted */
	} else if (job.exited) {
		job_end(job.wait_status == 0);
	} else if (fail) {
		logs_add(t, "error",
			 "pg_dump: error: connection to server was lost: SSL SYSCALL error: EOF detected");
		if (job.pid > 0)
			kill(job.pid, SIGTERM);
		job_end(false);
	}
}

/* The next one that waits, oldest first: one backup at a time. */
static void job_next(void)
{
	cJSON *t;

	cJSON_ArrayForEach(t, transfers())
	{
		if (cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(t, "finished_at"))) {
			job.transfer = t;
			job.made_ms = now_ms();
			return;
		}
	}
}

void transfers_tick(void)
{
	int64_t now = now_ms();

	job_read();
	if (job.pid > 0 && waitpid(job.pid, &job.wait_status, WNOHANG) == job.pid) {
		job_read();
		job.exited = true;
		job.pid = 0;
	}
	if (job.lagging && now > job.lag_until_ms) {
		json_set(job.lagging, "processed_bytes", cJSON_CreateNumber((double)job.lag_bytes));
		time_put(job.lagging, "updated_at", now);
		job.lagging = NULL;
	}
	if (!job.transfer && job.pid <= 0)
		job_next();
	if (!job.transfer)
		return;
	if (job.running)
		job_tick(now);
	else if (now - job.made_ms > PENDING_MS && strcmp(H.control.backup, "pending") != 0)
		job_start(now);
}

size_t transfers_poll(struct pollfd *fds, size_t max)
{
	if (job.fd < 0 || max == 0)
		return 0;
	fds[0] = (struct pollfd){.fd = job.fd, .events = POLLIN};
	return 1;
}

void transfers_stop_all(void)
{
	if (job.pid > 0)
		kill(job.pid, SIGKILL);
}

/* By uuid, number, or the number in a name as the CLI shows it. */
static cJSON *transfer_find(const char *word)
{
	cJSON *t;
	char *end;
	long num = word ? strtol(word, &end, 10) : 0;

	cJSON_ArrayForEach(t, transfers())
	{
		double have = cJSON_GetObjectItemCaseSensitive(t, "num")->valuedouble;
		if (word && (strcmp(uuid_of(t), word) == 0 || (!*end && (long)have == num)))
			return t;
	}
	return NULL;
}

bool transfer_file(const char *uuid, char *path, size_t size)
{
	const cJSON *t = transfer_find(uuid);

	if (!t || !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "succeeded")))
		return false;
	dump_path(path, size, uuid_of(t));
	return access(path, R_OK) == 0;
}

static cJSON *transfer_json(const cJSON *t, bool verbose)
{
	cJSON *copy = cJSON_Duplicate(t, true);

	if (!verbose)
		cJSON_DeleteItemFromObject(copy, "logs");
	return copy;
}

void handle_transfers(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = cJSON_CreateArray();
	const cJSON *t;

	(void)req;
	cJSON_ArrayForEach(t, transfers()) cJSON_InsertItemInArray(list, 0, transfer_json(t, false));
	http_reply_json(reply, 200, list);
}

static cJSON *transfer_asked(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_find(http_arg(req, "num"));

	if (!t)
		reply_error(reply, 404, "not_found", "Not found.");
	return t;
}

void handle_transfer(struct http_request *req, struct http_reply *reply)
{
	const cJSON *t = transfer_asked(req, reply);
	const char *verbose = http_query(req, "verbose");

	if (t)
		http_reply_json(reply, 200, transfer_json(t, verbose && strcmp(verbose, "true") == 0));
}

void handle_capture(struct http_request *req, struct http_reply *reply)
{
	const char *name = http_arg(req, "db");

	if (!name || !addon_find(name) || addon_find(name) != database_addon()) {
		reply_no_database(reply);
		return;
	}
	http_reply_json(reply, 201, transfer_json(transfer_new(now_ms(), false), false));
}

static void transfer_abandon(cJSON *t)
{
	if (job.transfer == t) {
		if (job.pid > 0)
			kill(job.pid, SIGTERM);
		job.transfer = NULL;
		job.running = false;
	}
	if (job.lagging == t)
		job.lagging = NULL;
}

void handle_cancel(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *json;

	if (!t)
		return;
	if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(t, "finished_at"))) {
		reply_error(reply, 422, "invalid_params", "The transfer has already finished.");
		return;
	}
	transfer_abandon(t);
	time_put(t, "canceled_at", now_ms());
	time_put(t, "finished_at", now_ms());
	time_put(t, "updated_at", now_ms());
	json_set(t, "succeeded", cJSON_CreateBool(false));
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "canceled_at", json_text(t, "canceled_at"));
	http_reply_json(reply, 200, json);
}

void handle_transfer_delete(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *copy;
	char path[1024];

	if (!t)
		return;
	transfer_abandon(t);
	dump_path(path, sizeof path, uuid_of(t));
	unlink(path);
	time_put(t, "deleted_at", now_ms());
	copy = transfer_json(t, false);
	cJSON_Delete(cJSON_DetachItemViaPointer(transfers(), t));
	http_reply_json(reply, 200, copy);
}

/* The real CLI downloads over https only; others get http unless HEROKU_DUMP_HTTPS says which it is to be. */
static bool https_wanted(const struct http_request *req)
{
	const char *agent = http_header(req, "User-Agent");

	if (H.dump_https && *H.dump_https)
		return strcmp(H.dump_https, "1") == 0;
	return agent && strncmp(agent, "heroku-cli/", 11) == 0;
}

void handle_public_url(struct http_request *req, struct http_reply *reply)
{
	cJSON *t = transfer_asked(req, reply), *json;
	int64_t ttl_s = (int64_t)http_json_number(req, "ttl", URL_TTL_S);
	int64_t expires = now_ms() + ttl_s * 1000;
	char url[1024], at[HEROKU_STAMP_SIZE];

	if (!t)
		return;
	if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(t, "succeeded"))) {
		http_reply_text(reply, 500, "text/html", "<h1>Internal Server Error</h1>");
		return;
	}
	store_url(url, sizeof url, uuid_of(t), expires, https_wanted(req));
	stamp_ruby(at, expires);
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "url", url);
	cJSON_AddStringToObject(json, "expires_at", at);
	http_reply_json(reply, 200, json);
}

void handle_schedules(struct http_request *req, struct http_reply *reply)
{
	(void)req;
	http_reply_json(reply, 200, cJSON_Duplicate(fixture_get("schedules"), true));
}

void handle_schedule_add(struct http_request *req, struct http_reply *reply)
{
	const cJSON *hour = cJSON_GetObjectItemCaseSensitive(req->json, "hour");
	const char *zone = http_json_string(req, "timezone"), *name = http_json_string(req, "schedule_name");
	cJSON *schedule, *list = fixture_get("schedules");
	char uuid[HEROKU_UUID_SIZE];

	if (!hour || !zone || !name) {
		reply_error(reply, 422, "invalid_params", "hour, timezone and schedule_name are required.");
		return;
	}
	schedule = cJSON_CreateObject();
	uuid_make(uuid);
	cJSON_AddStringToObject(schedule, "uuid", uuid);
	cJSON_AddStringToObject(schedule, "name", name);
	cJSON_AddNumberToObject(schedule, "hour",
				cJSON_IsString(hour) ? atoi(hour->valuestring) : hour->valuedouble);
	cJSON_AddStringToObject(schedule, "timezone", zone);
	cJSON_AddItemToObject(schedule, "days",
			      cJSON_Parse("[\"Mon\",\"Tue\",\"Wed\",\"Thu\",\"Fri\",\"Sat\",\"Sun\"]"));
	cJSON_AddNumberToObject(schedule, "retain_weeks", 4);
	cJSON_AddNumberToObject(schedule, "retain_months", 12);
	time_put(schedule, "created_at", now_ms());
	time_put(schedule, "updated_at", now_ms());
	cJSON_AddNullToObject(schedule, "deleted_at");
	cJSON_AddItemToArray(list, schedule);
	http_reply_json(reply, 201, cJSON_Duplicate(schedule, true));
}

void handle_schedule_delete(struct http_request *req, struct http_reply *reply)
{
	cJSON *list = fixture_get("schedules"), *item;
	const char *uuid = http_arg(req, "uuid");

	cJSON_ArrayForEach(item, list)
	{
		if (strcmp(json_text(item, "uuid"), uuid) == 0) {
			http_reply_json(reply, 200, cJSON_Duplicate(item, true));
			cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
			return;
		}
	}
	reply_error(reply, 404, "not_found", "Not found.");
}
