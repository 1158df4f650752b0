/* docker logs: both streams, from a time or a number of lines on, and followed. */
#include "demo/docker/cmds.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct logs {
	const char *since, *until, *tail;
	int follow, times, raw;
	double since_at, until_at;
	char path[PATH_MAX];
};

/* A point in time as docker takes it: RFC 3339, seconds since 1970, or a span back from now. */
static double moment_parse(const char *text)
{
	char *end;
	double at = time_parse(text), number = strtod(text, &end), span = 0;
	if (at >= 0)
		return at;
	if (!*end)
		return number;
	for (const char *from = text; *from && end != from; from = end + (*end != 0)) {
		number = strtod(from, &end);
		span += number * (*end == 'h' ? 3600 : *end == 'm' ? 60 : 1);
	}
	return time_now() - span;
}

/* PostgreSQL writes its own log, without docker's wrapping: its lines get the time of the look. */
static cJSON *line_parse(const struct logs *logs, const char *text)
{
	char now[40];
	if (!logs->raw)
		return cJSON_Parse(text);
	cJSON *line = cJSON_CreateObject();
	time_now_text(now);
	text_set(line, "log", text);
	text_set(line, "stream", "stderr");
	text_set(line, "time", now);
	return line;
}

static void line_print(const struct logs *logs, const char *text)
{
	cJSON *line = line_parse(logs, text);
	double at = time_parse(text_of(line, "time"));
	if (line && (!logs->since || at >= logs->since_at) && (!logs->until || at <= logs->until_at)) {
		FILE *out = !strcmp(text_of(line, "stream"), "stderr") ? stderr : stdout;
		if (logs->times)
			fprintf(out, "%s ", text_of(line, "time"));
		fputs(text_of(line, "log"), out);
		fflush(out);
	}
	cJSON_Delete(line);
}

/* Prints the whole lines from the file's position on; a torn last line is left for the next look. */
static void lines_print(const struct logs *logs, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	clearerr(file);
	for (long start = ftell(file); getline(&line, &room, file) > 0; start = ftell(file)) {
		if (line[strlen(line) - 1] != '\n') {
			fseek(file, start, SEEK_SET);
			break;
		}
		line_print(logs, line);
	}
	free(line);
}

static void tail_seek(FILE *file, long lines)
{
	long at, count = 0;
	fseek(file, 0, SEEK_END);
	for (at = ftell(file) - 1; at > 0 && lines > 0; at--) {
		fseek(file, at - 1, SEEK_SET);
		if (fgetc(file) == '\n' && ++count == lines)
			break;
	}
	fseek(file, lines > 0 ? (at > 0 ? at : 0) : 0, lines > 0 ? SEEK_SET : SEEK_END);
}

static int file_replaced(FILE *file, const char *path)
{
	struct stat open_one, named;
	return !fstat(fileno(file), &open_one) && !stat(path, &named) && open_one.st_ino != named.st_ino;
}

/* Follows until this run of the container ends: a restart is another run. */
static void logs_follow(const struct logs *logs, FILE *file, const cJSON *container)
{
	for (int running = 1; running; poll(NULL, 0, 50)) {
		cJSON *now = store_get(text_of(container, "id"));
		running =
		    now && is_running(now) &&
		    (logs->raw || !strcmp(text_of(now, "started_at"), text_of(container, "started_at")));
		cJSON_Delete(now);
		lines_print(logs, file);
		if (file_replaced(file, logs->path) && (file = freopen(logs->path, "re", file)) == NULL)
			return;
	}
}

int cmd_logs(int argc, char **argv)
{
	struct logs logs = {0};
	const struct option_row rows[] = {
	    {"follow", 'f', 'b', &logs.follow}, {"timestamps", 't', 'b', &logs.times},
	    {"tail", 'n', 's', &logs.tail},     {"since", 0, 's', &logs.since},
	    {"until", 0, 's', &logs.until},     {"details", 0, 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0);
	if (count != 1) {
		fputs(count < 0 ? "" : "docker: 'docker logs' requires 1 argument\n", stderr);
		return count < 0 ? 125 : 1;
	}
	cJSON *all = store_load(), *container = store_find(all, argv[0]);
	if (!container) {
		cJSON_Delete(all);
		return no_such(argv[0]);
	}
	logs.since_at = logs.since ? moment_parse(logs.since) : 0;
	logs.until_at = logs.until ? moment_parse(logs.until) : 0;
	logs.raw = !strcmp(text_of(container, "kind"), "postgres");
	if (logs.raw)
		snprintf(logs.path, sizeof logs.path, "%s",
			 *world_get("PG_LOG") ? world_get("PG_LOG") : "/dev/null");
	else
		store_path(logs.path, "logs/%s.log", text_of(container, "id"));
	FILE *file = fopen(logs.path, logs.raw ? "re" : "a+e");
	if (file) {
		rewind(file);
		if (logs.tail && strcmp(logs.tail, "all") != 0)
			tail_seek(file, atol(logs.tail));
		lines_print(&logs, file);
		if (logs.follow)
			logs_follow(&logs, file, container);
		else
			fclose(file);
	}
	cJSON_Delete(all);
	return 0;
}
