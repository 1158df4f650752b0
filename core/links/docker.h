/* Docker and kamal-proxy on the new host, through ssh. Everything here looks; what changes things is in the
 * steps.
 *
 * What cannot be understood is an error, never a guess. Names follow Kamal: container
 * SERVICE-ROLE[-DEST]-VERSION, accessory SERVICE-NAME, proxy service SERVICE-ROLE[-DEST]. */
#ifndef CORE_LINKS_DOCKER_H
#define CORE_LINKS_DOCKER_H

#include "core/base/json.h"
#include "core/links/ssh.h"

/* From the config: kamal.service, destination, roles, accessory. */
struct docker_names {
	char service[64], destination[64], roles[8][32];
	size_t n_roles;
	char accessory[128]; /* the container: "acme-db"; "" : the database is no accessory */
	bool own;            /* it is no accessory of Kamal's, but a container that nightferry.yml names */
	char elsewhere[128]; /* the server it runs on, when that is not the primary one */
};
int docker_names(struct job *job, struct docker_names *out, struct err *err);
/* The accessory's container or a sentence that there is none, or none here. */
int docker_need_accessory(const struct docker_names *names, struct err *err);

enum docker_kind { DOCKER_APP, DOCKER_ACCESSORY, DOCKER_PROXY, DOCKER_OTHER };
struct docker_container {
	enum docker_kind kind;
	char id[72], name[160], service[64], role[32], destination[64], version[80], status[24], health[16],
	    image[200], address[48];
	int exit_code, restarts;
	bool oom, running;
	bool replaced; /* _replaced_HEX: a boot was broken off and left it */
	bool stale;    /* replaced, or not the newest running one of its role, and running */
	int64_t created_ms, started_ms, finished_ms; /* 0 unknown */
	char ports[400];                             /* JSON as docker tells it */
};
/* Ours (service, destination), all accessories of the service, the proxy; newest first within a role. To be
 * free()d. */
int docker_containers(struct ssh *ssh, const struct docker_names *names, struct docker_container **out,
		      size_t *n, struct err *err);
/* The same from the text of one look; see docker_look_command(). */
int docker_containers_read(const char *text, const struct docker_names *names, struct docker_container **out,
			   size_t *n, struct err *err);
/* Says a line whenever a container comes, goes, is renamed, or its health changes; never for the health
 * checks' own execs. */
#define DOCKER_EVENTS                                                                                \
	"docker events --filter type=container --filter event=create --filter event=start --filter " \
	"event=die --filter "                                                                        \
	"event=oom --filter event=destroy --filter event=rename --filter event=pause --filter "      \
	"event=unpause --filter "                                                                    \
	"event=health_status --format '{{.Action}}'"
const char *docker_look_command(void); /* a shell command without quotes around it */
/* What its log lines are called: web, job, proxy, pg (the database), else an accessory's own name; "web
 * stale" for one that is not the newest of its role. */
void docker_label(const struct docker_container *container, const struct docker_names *names, char *out,
		  size_t size);
/* NULL when there is none of that name. */
const struct docker_container *docker_find(const struct docker_container *list, size_t n, const char *name);
/* The container's port is open to the world: HostIp is not loopback. `port` e.g. "5432/tcp"; where:
 * "0.0.0.0:5432". */
bool docker_exposed(const struct docker_container *container, char *where, size_t size);

struct docker_route {
	char service[96], hosts[300], target[96],
	    state[12]; /* hosts: comma-separated; state: running paused stopped */
	char health_path[100];
	bool tls;
};
/* kamal-proxy's state file. `state`, when asked for, gets the whole of it, to be json_free()d. */
int docker_routes(struct ssh *ssh, struct docker_route **out, size_t *n, struct json **state,
		  struct err *err);
int docker_routes_read(const char *text, size_t len, struct docker_route **out, size_t *n,
		       struct json **state, struct err *err);
const char *docker_routes_command(void);
/* Options of `kamal-proxy deploy` that make this service (one of the state's items) again, but for its
 * target. */
void docker_route_options(const struct json *service, struct buf *out);
/* "acme-web", "acme-web-production" */
void docker_service(const struct docker_names *names, const char *role, char *out, size_t size);

/* Kamal's deploy lock on the host. */
struct docker_lock {
	bool held;
	char by[96], why[160];
	int64_t since_ms;
};
const char *docker_lock_command(void);
void docker_lock_read(const char *text, struct docker_lock *out);
/* Frees its text: Locked by, Version, Message. */
int docker_lock(struct ssh *ssh, struct docker_lock *out, struct err *err);

/* The database inside: user and name from NEW_DATABASE_URL. "docker exec acme-db PROGRAM" with them quoted.
 */
struct docker_db {
	char container[128], user[64], database[64];
};
int docker_db(struct job *job, struct docker_db *out, struct err *err);
/* Major version of a program in the container: pg_restore, pg_dump. text: "15.20". */
int docker_pg_version(struct ssh *ssh, const char *container, const char *program, int *major, char *text,
		      size_t size, struct err *err);

/* Free bytes where each path lies; -1 unknown. Two paths of one file system have the same `device`. */
struct docker_disk {
	int64_t free_bytes, total_bytes;
	char device[96];
};
int docker_disk(struct ssh *ssh, const char *shell_path, struct docker_disk *out, struct err *err);
int64_t docker_time_ms(const char *text); /* RFC 3339 with nanoseconds; 0 for none and for year 1 */

#endif
