/* A backup that is under way: a real pg_dump, told of as slowly as Heroku tells. */
#include "demo/heroku/transfers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PENDING_MS = 400,
	SIZE_KNOWN_MS = 400, /* after the start */
	SHORTEST_MS = 1500,  /* a backup never finishes sooner after its start */
	UPDATE_MS = 2000,    /* updated_at moves this often */
	LAG_MS = 1000,       /* processed_bytes is right this long after the end */
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

void backup_path(char *out, size_t size, const char *uuid)
{
	snprintf(out, size, "%s/dumps/%s.dump", H.dir, uuid);
}

static int64_t dump_bytes(const char *uuid)
{
	char path[1024];
	struct stat st;

	backup_path(path, sizeof path, uuid);
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
	backup_path(path, sizeof path, uuid);
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
				transfer_log(job.transfer, strstr(job.line, "error:") ? "error" : "info",
					     job.line);
		}
	}
}

static void job_end(bool succeeded)
{
	cJSON *t = job.transfer;

	transfer_time(t, "finished_at", now_ms());
	transfer_time(t, "updated_at", now_ms());
	json_set(t, "succeeded", cJSON_CreateBool(succeeded));
	transfer_log(t, succeeded ? "info" : "error", succeeded ? "Backup completed" : "Backup failed");
	if (succeeded) {
		job.lagging = t;
		job.lag_until_ms = now_ms() + (H.control.lag_s ? H.control.lag_s * 1000 : LAG_MS);
		job.lag_bytes = dump_bytes(transfer_uuid(t));
	}
	job.transfer = NULL;
	job.running = false;
}

static void job_start(int64_t now)
{
	transfer_time(job.transfer, "started_at", now);
	job.running = true;
	job.started_ms = job.updated_ms = job.sized_ms = now;
	job.exited = false;
	job.pid = 0;
	if (strcmp(H.control.backup, "fail") == 0 || strcmp(H.control.backup, "stall") == 0)
		return;
	dump_start(transfer_uuid(job.transfer));
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
		transfer_time(t, "updated_at", now);
	}
	if (!stall && now - job.updated_ms > UPDATE_MS) {
		job.updated_ms = now;
		transfer_time(t, "updated_at", now);
		json_set(t, "processed_bytes", cJSON_CreateNumber((double)dump_bytes(transfer_uuid(t))));
	}
	if (now - job.started_ms < SHORTEST_MS || stall)
		return;
	if (strcmp(H.control.backup, "cancel") == 0) {
		transfer_cancel(t);
		return;
	}
	if (job.pid == 0 && !job.exited && !fail) {
		dump_start(transfer_uuid(t)); /* a stall that was lifted */
	} else if (job.exited) {
		job_end(job.wait_status == 0);
	} else if (fail) {
		transfer_log(
		    t, "error",
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

	cJSON_ArrayForEach(t, transfers_list())
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
		transfer_time(job.lagging, "updated_at", now);
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
void backup_abandon(const cJSON *t)
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
