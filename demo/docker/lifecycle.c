/* docker start, stop, restart, kill, rm and rename. */
#include "demo/docker/cmds.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_postgres(const cJSON *container)
{
	return !strcmp(text_of(container, "kind"), "postgres");
}

/* Sets what the container shall be, under the lock, on the newest state. */
static void want(const char *id, const char *wanted)
{
	int lock = store_lock();
	cJSON *container = store_get(id);
	if (container) {
		text_set(container, "wanted", wanted);
		if (!strcmp(wanted, "running"))
			number_set(container, "restart_count", 0);
		store_save(container);
	}
	store_unlock(lock);
	cJSON_Delete(container);
}

static void postgres_record(const char *id, int started)
{
	char now[40];
	int lock = store_lock();
	cJSON *container = store_get(id);
	time_now_text(now);
	text_set(container, "status", started ? "running" : "exited");
	text_set(container, started ? "started_at" : "finished_at", now);
	number_set(container, "exit_code", 0);
	store_save(container);
	if (started)
		event_write(container, "start", NULL, NULL);
	else
		event_write(container, "die", "exitCode", "0");
	store_unlock(lock);
	cJSON_Delete(container);
}

int container_start(const cJSON *container)
{
	const char *id = text_of(container, "id");
	if (is_running(container))
		return 0;
	want(id, "running");
	if (!is_postgres(container))
		return holder_start(id);
	if (postgres_start())
		return -1;
	postgres_record(id, 1);
	return 0;
}

static int running_now(const char *id)
{
	cJSON *container = store_get(id);
	int running = container && is_running(container);
	cJSON_Delete(container);
	return running;
}

static void stop_begin(const cJSON *container, const char *signal_text, int signal_number)
{
	want(text_of(container, "id"), "stopped");
	event_write(container, "kill", "signal", signal_text);
	pid_t pid = (pid_t)number_of(container, "pid");
	if (pid > 0 && !is_postgres(container))
		kill(pid, signal_number);
}

static int stop_finish(const cJSON *container, int grace_seconds)
{
	const char *id = text_of(container, "id");
	if (is_postgres(container)) {
		if (postgres_stop(grace_seconds))
			return -1;
		postgres_record(id, 0);
	}
	double killed_at = time_now() + grace_seconds;
	for (int killed = 0; running_now(id); poll(NULL, 0, 20)) {
		if (time_now() < killed_at)
			continue;
		if (killed)
			return -1;
		cJSON *now = store_get(id);
		if (now)
			stop_begin(now, "9", SIGKILL);
		cJSON_Delete(now);
		killed = 1;
		killed_at = time_now() + 10;
	}
	event_write(container, "stop", NULL, NULL);
	return 0;
}

int container_stop(const cJSON *container, int grace_seconds)
{
	if (!is_running(container))
		return 0;
	stop_begin(container, "15", SIGTERM);
	return stop_finish(container, grace_seconds);
}

static int few_arguments(const char *command)
{
	fprintf(stderr, "docker: 'docker %s' requires at least 1 argument\n\nUsage:  docker %s\n", command,
		command);
	return 1;
}

int cmd_start(int argc, char **argv)
{
	const struct option_row rows[] = {{"attach", 'a', 'B', NULL}, {"interactive", 'i', 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0), status = 0;
	if (count <= 0)
		return count ? 125 : few_arguments("start");
	cJSON *all = store_load();
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		if (!container)
			status = no_such(argv[i]);
		else if (container_start(container))
			status = 1,
			fprintf(stderr, "Error response from daemon: cannot start container %s\n", argv[i]);
		else
			puts(argv[i]);
	}
	if (status)
		fprintf(stderr, "Error: failed to start containers: %s\n", argv[0]);
	cJSON_Delete(all);
	return status;
}

static int stop_all(int argc, char **argv, int restart)
{
	const char *grace = NULL, *signal_name = NULL;
	const struct option_row rows[] = {
	    {"time", 't', 's', &grace}, {"timeout", 0, 's', &grace}, {"signal", 's', 's', &signal_name}};
	int count = OPTIONS(rows, argc, argv, 0), status = 0, grace_seconds = grace ? atoi(grace) : 10;
	if (count <= 0)
		return count ? 125 : few_arguments(restart ? "restart" : "stop");
	cJSON *all = store_load();
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		if (container && is_running(container))
			stop_begin(container, "15", SIGTERM);
	}
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		if (!container) {
			status = no_such(argv[i]);
			continue;
		}
		int failed = is_running(container) && stop_finish(container, grace_seconds);
		cJSON *now = store_get(text_of(container, "id"));
		if (!failed && restart && now)
			failed = container_start(now);
		if (!failed && restart && now)
			event_write(now, "restart", NULL, NULL);
		cJSON_Delete(now);
		if (failed)
			fprintf(stderr, "Error response from daemon: cannot stop container: %s\n", argv[i]);
		else
			puts(argv[i]);
		fflush(stdout);
		status |= failed ? 1 : 0;
	}
	cJSON_Delete(all);
	return status;
}

int cmd_stop(int argc, char **argv)
{
	return stop_all(argc, argv, 0);
}

int cmd_restart(int argc, char **argv)
{
	return stop_all(argc, argv, 1);
}

static int signal_parse(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"KILL", SIGKILL}, {"TERM", SIGTERM}, {"INT", SIGINT},   {"HUP", SIGHUP},
		     {"QUIT", SIGQUIT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"SEGV", SIGSEGV}};
	if (!strncmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].name, name))
			return known[i].number;
	return atoi(name);
}

/* As docker's kill: the policy starts the container again only when a signal was not a stop. */
int cmd_kill(int argc, char **argv)
{
	const char *name = "KILL";
	const struct option_row rows[] = {{"signal", 's', 's', &name}};
	int count = OPTIONS(rows, argc, argv, 0), status = 0;
	if (count <= 0)
		return count ? 125 : few_arguments("kill");
	cJSON *all = store_load();
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		char number[12];
		if (!container || !is_running(container)) {
			status = 1;
			if (container)
				fprintf(stderr,
					"Error response from daemon: cannot kill container: %s: container %s "
					"is not running\n",
					argv[i], text_of(container, "id"));
			else
				no_such(argv[i]);
			continue;
		}
		int signal_number = signal_parse(name);
		snprintf(number, sizeof number, "%d", signal_number);
		if (signal_number == SIGKILL)
			container_stop(container, 0);
		else if (number_of(container, "pid") > 0) {
			event_write(container, "kill", "signal", number);
			kill((pid_t)number_of(container, "pid"), signal_number);
		}
		puts(argv[i]);
	}
	cJSON_Delete(all);
	return status;
}

int cmd_rm(int argc, char **argv)
{
	int force = 0, status = 0;
	const struct option_row rows[] = {{"force", 'f', 'b', &force}, {"volumes", 'v', 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0);
	if (count <= 0)
		return count ? 125 : few_arguments("rm");
	cJSON *all = store_load();
	for (int i = 0; i < count; i++) {
		const cJSON *container = store_find(all, argv[i]);
		if (!container) {
			status = force ? status : no_such(argv[i]);
			continue;
		}
		if (is_running(container) && !force) {
			fprintf(stderr,
				"Error response from daemon: cannot remove container \"%s\": container is "
				"running: stop "
				"the container before removing or force remove\n",
				argv[i]);
			status = 1;
			continue;
		}
		container_stop(container, 0);
		int lock = store_lock();
		store_remove(text_of(container, "id"));
		event_write(container, "destroy", NULL, NULL);
		store_unlock(lock);
		puts(argv[i]);
	}
	cJSON_Delete(all);
	return status;
}

int cmd_rename(int argc, char **argv)
{
	if (argc != 3)
		return few_arguments("rename");
	int lock = store_lock(), status = 0;
	cJSON *all = store_load(), *container = store_find(all, argv[1]), *clash = store_find(all, argv[2]);
	if (!container) {
		status = no_such(argv[1]);
	} else if (clash && !strcmp(text_of(clash, "name"), argv[2])) {
		fprintf(
		    stderr,
		    "Error response from daemon: Conflict. The container name \"/%s\" is already in use by "
		    "container "
		    "\"%s\". You have to remove (or rename) that container to be able to reuse that name.\n",
		    argv[2], text_of(clash, "id"));
		status = 1;
	} else {
		char old[256];
		snprintf(old, sizeof old, "/%s", text_of(container, "name"));
		text_set(container, "name", argv[2]);
		store_save(container);
		event_write(container, "rename", "oldName", old);
	}
	store_unlock(lock);
	cJSON_Delete(all);
	return status;
}
