/* The subcommands of the docker stand-in, and what they share. Each returns the exit status. */
#ifndef DEMO_DOCKER_CMDS_H
#define DEMO_DOCKER_CMDS_H

#include "demo/docker/store.h"
#include "demo/docker/template.h"

enum { TEXTS_MAX = 64 };
struct texts {
	const char *item[TEXTS_MAX];
	int count;
};

/* One option: 'b' sets an int, 's' a const char *, 'l' adds to a struct texts; 'B' and 'S' are taken and
 * forgotten. */
struct option_row {
	const char *name;
	char letter, kind;
	void *into;
};
/*
 * Parses options and moves the other arguments to the front of argv; with `first` it stops at the first
 * argument that is none. Returns their number, or -1 after docker's complaint (exit status 125).
 */
int options_parse(const struct option_row *rows, size_t row_count, int argc, char **argv, int first);
#define OPTIONS(rows, argc, argv, first) \
	options_parse(rows, sizeof(rows) / sizeof((rows)[0]), argc, argv, first)

/* Prints one object by the template and a newline; says what is wrong on stderr and returns -1. */
int format_print(const char *format, const cJSON *root, const cJSON *labels, enum template_mode mode);

/* "No such container" in docker's words, on stderr. Returns 1. */
int no_such(const char *ref);
/* Whether the container passes docker's `ps` filters (label, name, id, status, ancestor). */
int filters_pass(const cJSON *container, const struct texts *filters);
/* The object `docker inspect` shows, and the row `docker ps` shows. Caller deletes. */
cJSON *view_inspect(const cJSON *container);
cJSON *view_row(const cJSON *container, int full_ids);
/* 64 hex digits that follow from the name of an image. */
void image_id(const char *reference, char id[65]);
/* The name an image has been tagged from, or the reference itself. */
const char *image_resolve(const char *reference, char name[256]);
void image_record(const char *reference, const char *source);
#define IMAGE_IMPORTED "imported:latest" /* what an imported image has been tagged from */

int cmd_ps(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_restart(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_rm(int argc, char **argv);
int cmd_rename(int argc, char **argv);
int cmd_logs(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_exec(int argc, char **argv);
int cmd_cp(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_system(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_port(int argc, char **argv);

/* Starts the container's process under a holder of its own; 0 when it runs. The state is not locked. */
int holder_start(const char *id);
/* Starts or stops the real PostgreSQL behind the database container as its owner; 0 when done. */
int postgres_start(void);
int postgres_stop(int grace_seconds);
/* Starts, or stops with SIGTERM and after the grace SIGKILL, as docker does, with events. 0 when done. */
int container_start(const cJSON *container);
int container_stop(const cJSON *container, int grace_seconds);

/* The container's own folder on the host, made when missing. */
char *rootfs_path(const cJSON *container, char path[PATH_MAX]);
/* Puts the container's paths, ports and names in a command's argument into the host's terms. Caller frees. */
char *argument_translate(const cJSON *container, const char *argument);

#endif
