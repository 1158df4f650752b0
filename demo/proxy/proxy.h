/* A stand-in for kamal-proxy: routes by host to one container per service, controlled through a socket. */
#ifndef DEMO_PROXY_PROXY_H
#define DEMO_PROXY_PROXY_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>

/* Below the container's root folder, which is the working directory of server and client alike: so the
 * socket's path stays short wherever the world lies. */
#define PROXY_FOLDER "home/kamal-proxy/.config/kamal-proxy"
#define PROXY_SOCKET PROXY_FOLDER "/kamal-proxy.sock"
#define PROXY_STATE PROXY_FOLDER "/kamal-proxy.state"

enum pause_state { PAUSE_RUNNING, PAUSE_PAUSED, PAUSE_STOPPED };

/* What one request needs to know of its service, copied out of the state. */
struct route {
	char service[128], target[160], health_path[256], stop_message[512];
	enum pause_state state;
};

/* Services, as kamal-proxy's state file has them. */
int services_load(void);
/* Finds the service for a host; 0, or -1 when none serves it. */
int services_route(const char *host, struct route *route);
/* Puts the service in place of one of the same name; takes it over. NULL, or why not. */
const char *services_put(cJSON *service);
int services_remove(const char *name);
int services_pause(const char *name, enum pause_state state, const char *message);
void services_list(FILE *out);

/* The real port on 127.0.0.1 behind "ID12:80", from docker's state; 0 when there is none. */
int target_port(const char *target);
/* Connects to it; a descriptor, or -1 with errno. */
int target_connect(const char *target, int timeout_ms);
/* 1 when the target answers GET path with 200 within the time. */
int target_healthy(const char *target, const char *path, int timeout_ms);

/* `deploy SERVICE --target ... --host ...`: the exit status; text for the caller goes to out. */
int deploy_run(int argc, char **argv, FILE *out);
/* A Go duration ("30s", "500ms", "1m30s") in milliseconds, or the default when it is none. */
int duration_parse_ms(const char *text, int otherwise_ms);

/* One HTTP connection, on its own thread; closes it. */
void request_serve(int client);
/* Opens the control socket and answers it on its own thread. 0, or -1. */
int control_start(void);
/* Sends a command line to the running proxy and prints the answer; the exit status. */
int control_call(int argc, char **argv);

/* Runs a function on a detached thread of its own with the descriptor as its argument. 0, or -1. */
int thread_start(void *(*run)(void *), int fd);

/* All of it, however often the socket takes only a part. 0, or -1. */
int send_all(int fd, const char *bytes, size_t length);

/* Writes one JSON object as one line on standard output. Takes the object. */
void log_object(cJSON *object);
/* Starts such an object with time, level and message. */
cJSON *log_begin(const char *level, const char *message);

#endif
