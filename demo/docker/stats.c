/* docker stats --no-stream, from the processes as the kernel counts them. */
#include "demo/docker/cmds.h"

#include <ctype.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct usage {
	unsigned long long ticks;
	long long rss_bytes;
	int pids;
};

/* Sums the processes of a container: its session, and for the database the postmaster's children. */
static struct usage usage_read(pid_t main_pid)
{
	struct usage usage = {0};
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		char path[300], text[1024];
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		FILE *file = fopen(path, "re");
		if (!file)
			continue;
		size_t got = fread(text, 1, sizeof text - 1, file);
		fclose(file);
		text[got] = 0;
		const char *rest = strrchr(text, ')');
		int parent, group, session;
		unsigned long long user, system_ticks;
		long rss;
		if (!rest || sscanf(rest + 2,
				    "%*c %d %d %d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
				    "%*d %*u %*u %ld",
				    &parent, &group, &session, &user, &system_ticks, &rss) != 6)
			continue;
		if (session != main_pid && parent != main_pid && atoi(entry->d_name) != main_pid)
			continue;
		usage.ticks += user + system_ticks;
		usage.rss_bytes += rss * sysconf(_SC_PAGESIZE);
		usage.pids++;
	}
	if (proc)
		closedir(proc);
	return usage;
}

static cJSON *row_make(const cJSON *container, struct usage before, struct usage now, double seconds)
{
	char text[64];
	cJSON *row = cJSON_CreateObject();
	double total = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	double cpu = now.ticks > before.ticks
			 ? (double)(now.ticks - before.ticks) / (double)sysconf(_SC_CLK_TCK) / seconds * 100
			 : 0;
	snprintf(text, sizeof text, "%.12s", text_of(container, "id"));
	text_set(row, "Container", text);
	text_set(row, "ID", text);
	text_set(row, "Name", text_of(container, "name"));
	snprintf(text, sizeof text, "%.2f%%", cpu);
	text_set(row, "CPUPerc", text);
	snprintf(text, sizeof text, "%.4gMiB / %.4gGiB", (double)now.rss_bytes / 1048576, total / 1073741824);
	text_set(row, "MemUsage", text);
	snprintf(text, sizeof text, "%.2f%%", (double)now.rss_bytes / total * 100);
	text_set(row, "MemPerc", text);
	text_set(row, "NetIO", "0B / 0B");
	text_set(row, "BlockIO", "0B / 0B");
	snprintf(text, sizeof text, "%d", now.pids);
	text_set(row, "PIDs", text);
	return row;
}

static void row_print(const cJSON *row, const char *format)
{
	if (format)
		format_print(strcmp(format, "json") ? format : "{{json .}}", row, NULL, TEMPLATE_ROW);
	else
		printf("%-15s%-40s%-10s%-24s%-9s%-12s%-12s%s\n", text_of(row, "ID"), text_of(row, "Name"),
		       text_of(row, "CPUPerc"), text_of(row, "MemUsage"), text_of(row, "MemPerc"),
		       text_of(row, "NetIO"), text_of(row, "BlockIO"), text_of(row, "PIDs"));
}

static void stats_once(int count, char **names, int all_states, const char *format)
{
	enum { MOST = 64, SAMPLE_MS = 700 };
	struct usage before[MOST] = {0};
	cJSON *all = store_load(), *container, *shown[MOST];
	int rows = 0;
	cJSON_ArrayForEach(container, all)
	{
		int asked = !count && (all_states || is_running(container));
		for (int i = 0; i < count; i++)
			asked |= store_find(all, names[i]) == container;
		if (asked && rows < MOST) {
			before[rows] = usage_read((pid_t)number_of(container, "pid"));
			shown[rows++] = container;
		}
	}
	poll(NULL, 0, SAMPLE_MS);
	if (!format)
		printf("%-15s%-40s%-10s%-24s%-9s%-12s%-12s%s\n", "CONTAINER ID", "NAME", "CPU %",
		       "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS");
	for (int i = 0; i < rows; i++) {
		pid_t pid = (pid_t)number_of(shown[i], "pid");
		cJSON *row = row_make(shown[i], before[i], pid ? usage_read(pid) : (struct usage){0},
				      SAMPLE_MS / 1000.0);
		row_print(row, format);
		cJSON_Delete(row);
	}
	fflush(stdout);
	cJSON_Delete(all);
}

int cmd_stats(int argc, char **argv)
{
	int once = 0, all_states = 0;
	const char *format = NULL;
	const struct option_row rows[] = {{"no-stream", 0, 'b', &once},
					  {"all", 'a', 'b', &all_states},
					  {"format", 0, 's', &format},
					  {"no-trunc", 0, 'B', NULL}};
	int count = OPTIONS(rows, argc, argv, 0);
	if (count < 0)
		return 125;
	cJSON *all = store_load();
	for (int i = 0; i < count; i++) {
		if (!store_find(all, argv[i])) {
			no_such(argv[i]);
			cJSON_Delete(all);
			return 1;
		}
	}
	cJSON_Delete(all);
	do
		stats_once(count, argv, all_states, format);
	while (!once);
	return 0;
}
