/* docker version, info, system and port. */
#include "demo/docker/cmds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#define DOCKER_VERSION "28.2.2"
#define DOCKER_COMMIT "e6534b4"

static int object_print(const char *format, cJSON *object)
{
	int status = format_print(strcmp(format, "json") ? format : "{{json .}}", object, NULL, TEMPLATE_ROW);
	cJSON_Delete(object);
	return status ? 1 : 0;
}

int cmd_version(int argc, char **argv)
{
	const char *format = NULL;
	const struct option_row rows[] = {{"format", 'f', 's', &format}};
	if (argv[0][0] == '-') {
		puts("Docker version " DOCKER_VERSION ", build " DOCKER_COMMIT);
		return 0;
	}
	if (OPTIONS(rows, argc, argv, 0) < 0)
		return 125;
	if (!format) {
		puts("Client:\n Version:           " DOCKER_VERSION
		     "\n API version:       1.50\n OS/Arch:           "
		     "linux/amd64\n Context:           default\n\nServer:\n Engine:\n  Version:         "
		     " " DOCKER_VERSION "\n  API version:      1.50 (minimum version 1.24)\n  OS/Arch:       "
		     "   linux/amd64\n  Experimental: "
		     "    false");
		return 0;
	}
	cJSON *version = cJSON_CreateObject();
	const char *sides[] = {"Client", "Server"};
	for (int i = 0; i < 2; i++) {
		cJSON *side = cJSON_AddObjectToObject(version, sides[i]);
		text_set(side, "Version", DOCKER_VERSION);
		text_set(side, "APIVersion", "1.50");
		text_set(side, "ApiVersion", "1.50");
		text_set(side, "Os", "linux");
		text_set(side, "Arch", "amd64");
	}
	return object_print(format, version);
}

static cJSON *info_make(void)
{
	cJSON *info = cJSON_CreateObject(), *all = store_load(), *container;
	int running = 0, stopped = 0;
	cJSON_ArrayForEach(container, all)
	{
		running += is_running(container);
		stopped += !is_running(container);
	}
	struct sysinfo system;
	sysinfo(&system);
	number_set(info, "Containers", running + stopped);
	number_set(info, "ContainersRunning", running);
	number_set(info, "ContainersStopped", stopped);
	text_set(info, "ServerVersion", DOCKER_VERSION);
	text_set(info, "Driver", "overlay2");
	text_set(info, "LoggingDriver", "json-file");
	text_set(info, "DockerRootDir", getenv("DOCKER_STATE"));
	text_set(info, "OperatingSystem", "Debian GNU/Linux 12 (bookworm)");
	text_set(info, "OSType", "linux");
	text_set(info, "Architecture", "x86_64");
	number_set(info, "NCPU", get_nprocs());
	number_set(info, "MemTotal", (long long)system.totalram * system.mem_unit);
	text_set(info, "Name", "new.acme.example");
	cJSON_Delete(all);
	return info;
}

int cmd_info(int argc, char **argv)
{
	const char *format = NULL;
	const struct option_row rows[] = {{"format", 'f', 's', &format}};
	if (OPTIONS(rows, argc, argv, 0) < 0)
		return 125;
	cJSON *info = info_make();
	if (format)
		return object_print(format, info);
	printf(
	    "Server:\n Containers: %lld\n  Running: %lld\n  Paused: 0\n  Stopped: %lld\n Server Version: %s\n"
	    " Storage Driver: overlay2\n Operating System: %s\n CPUs: %lld\n Docker Root Dir: %s\n",
	    number_of(info, "Containers"), number_of(info, "ContainersRunning"),
	    number_of(info, "ContainersStopped"), DOCKER_VERSION, text_of(info, "OperatingSystem"),
	    number_of(info, "NCPU"), text_of(info, "DockerRootDir"));
	cJSON_Delete(info);
	return 0;
}

int cmd_system(int argc, char **argv)
{
	static const char *const kinds[] = {"Images", "Containers", "Local Volumes", "Build Cache"};
	static const char *const sizes[] = {"824.6MB", "1.24MB", "312.8MB", "0B"};
	const char *format = NULL;
	const struct option_row rows[] = {{"format", 0, 's', &format}, {"verbose", 'v', 'B', NULL}};
	if (argc < 2 || strcmp(argv[1], "df") != 0) {
		fputs("docker: unknown command: docker system\n", stderr);
		return 1;
	}
	if (OPTIONS(rows, argc - 1, argv + 1, 0) < 0)
		return 125;
	cJSON *info = info_make();
	char total[16], active[16];
	snprintf(total, sizeof total, "%lld", number_of(info, "Containers"));
	snprintf(active, sizeof active, "%lld", number_of(info, "ContainersRunning"));
	cJSON_Delete(info);
	if (!format)
		printf("%-16s%-10s%-10s%-12s%s\n", "TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE");
	for (int i = 0; i < 4; i++) {
		const char *count = i == 1 ? total : i == 3 ? "0" : i ? "2" : "3";
		const char *used = i == 1 ? active : count;
		if (!format) {
			printf("%-16s%-10s%-10s%-12s%s\n", kinds[i], count, used, sizes[i], "0B (0%)");
			continue;
		}
		cJSON *row = cJSON_CreateObject();
		text_set(row, "Type", kinds[i]);
		text_set(row, "TotalCount", count);
		text_set(row, "Active", used);
		text_set(row, "Size", sizes[i]);
		text_set(row, "Reclaimable", "0B (0%)");
		if (object_print(format, row))
			return 1;
	}
	return 0;
}

int cmd_port(int argc, char **argv)
{
	cJSON *all = store_load(), *container = argc > 1 ? store_find(all, argv[1]) : NULL;
	int status = 0;
	if (!container)
		status = no_such(argc > 1 ? argv[1] : "");
	else if (is_running(container) && number_of(container, "port"))
		printf("%s -> %s:%lld\n", text_of(container, "inside_port"), text_of(container, "host_ip"),
		       number_of(container, "port"));
	cJSON_Delete(all);
	return status;
}
