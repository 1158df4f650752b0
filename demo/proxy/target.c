/* Docker's names stand in for a resolver: a container's id leads to the port its process really has. */
#include "demo/proxy/proxy.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static cJSON *container_read(const char *folder, const char *file_name)
{
	char path[4400], text[65536];
	snprintf(path, sizeof path, "%s/%s", folder, file_name);
	FILE *file = fopen(path, "re");
	if (!file)
		return NULL;
	text[fread(text, 1, sizeof text - 1, file)] = 0;
	fclose(file);
	return cJSON_Parse(text);
}

static int container_is(const cJSON *container, const char *name, size_t length)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(container, "id"));
	const char *own = cJSON_GetStringValue(cJSON_GetObjectItem(container, "name"));
	return (length >= 12 && id && !strncmp(id, name, length)) ||
	       (own && strlen(own) == length && !strncmp(own, name, length));
}

int target_port(const char *target)
{
	char folder[4096];
	const char *state = getenv("DOCKER_STATE");
	size_t length = strcspn(target, ":");
	int port = 0;
	snprintf(folder, sizeof folder, "%s/containers", state ? state : "");
	DIR *dir = length ? opendir(folder) : NULL;
	for (struct dirent *entry; dir && !port && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		cJSON *container = container_read(folder, entry->d_name);
		const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(container, "status"));
		if (container_is(container, target, length) && status && !strcmp(status, "running"))
			port = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(container, "port"));
		cJSON_Delete(container);
	}
	if (dir)
		closedir(dir);
	return port;
}

int target_connect(const char *target, int timeout_ms)
{
	int port = target_port(target), error = 0;
	socklen_t size = sizeof error;
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (port <= 0) {
		errno = ECONNREFUSED;
		return -1;
	}
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno == EINPROGRESS &&
	    poll(&ready, 1, timeout_ms) == 0)
		error = ETIMEDOUT;
	if (!error)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		close(fd);
		errno = error;
		return -1;
	}
	fcntl(fd, F_SETFL, 0);
	return fd;
}

int target_healthy(const char *target, const char *path, int timeout_ms)
{
	char request[512], answer[64] = "";
	int fd = target_connect(target, timeout_ms), healthy = 0;
	if (fd < 0)
		return 0;
	int length = snprintf(request, sizeof request,
			      "GET %.300s HTTP/1.1\r\nHost: %.100s\r\nUser-Agent: "
			      "kamal-proxy/0.9.2\r\nConnection: close\r\n\r\n",
			      path, target);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	if (send(fd, request, (size_t)length, MSG_NOSIGNAL) == length && poll(&ready, 1, timeout_ms) == 1 &&
	    recv(fd, answer, sizeof answer - 1, 0) > 12)
		healthy = !strncmp(answer + 9, "200", 3);
	close(fd);
	return healthy;
}

int send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -1;
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}
