/* kamal-proxy: the one that runs and serves, and the commands that speak to it. */
#include "demo/proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

cJSON *log_begin(const char *level, const char *message)
{
	char text[64];
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	size_t used = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + used, sizeof text - used, ".%09ldZ", now.tv_nsec);
	cJSON *object = cJSON_CreateObject();
	cJSON_AddStringToObject(object, "time", text);
	cJSON_AddStringToObject(object, "level", level);
	cJSON_AddStringToObject(object, "msg", message);
	return object;
}

void log_object(cJSON *object)
{
	char *text = cJSON_PrintUnformatted(object);
	flockfile(stdout);
	puts(text);
	fflush(stdout);
	funlockfile(stdout);
	free(text);
	cJSON_Delete(object);
}

static void *connection_thread(void *argument)
{
	request_serve((int)(intptr_t)argument);
	return NULL;
}

int thread_start(void *(*run)(void *), int fd)
{
	pthread_t thread;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 512 * 1024);
	int failed = pthread_create(&thread, &attributes, run, (void *)(intptr_t)fd);
	pthread_attr_destroy(&attributes);
	return failed ? -1 : 0;
}

static int listen_http(void)
{
	const char *port = getenv("HTTP_PORT");
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)atoi(port ? port : "80"))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	inet_pton(AF_INET, "127.0.1.2", &address.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 512)) {
		cJSON *line = log_begin("ERROR", "Failed to start HTTP listener");
		cJSON_AddStringToObject(line, "error", strerror(errno));
		log_object(line);
		return -1;
	}
	cJSON *line = log_begin("INFO", "Server started");
	cJSON_AddNumberToObject(line, "http", ntohs(address.sin_port));
	log_object(line);
	return fd;
}

static void ended(int signal_number)
{
	(void)signal_number;
	unlink(PROXY_SOCKET);
	_exit(0);
}

static int serve(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, ended);
	signal(SIGINT, ended);
	int listener = services_load() ? -1 : listen_http();
	if (listener < 0 || control_start())
		return 1;
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EMFILE || errno == ENFILE))
			usleep(20000);
		else if (client >= 0 && thread_start(connection_thread, client))
			close(client);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "run"))
		return serve();
	if (argc > 1 && (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version"))) {
		puts("v0.9.2");
		return 0;
	}
	return control_call(argc - 1, argv + 1);
}
