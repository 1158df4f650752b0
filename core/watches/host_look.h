/* One look at a host: one command, and what its answer says. */
#ifndef CORE_WATCHES_HOST_LOOK_H
#define CORE_WATCHES_HOST_LOOK_H

#include "core/links/docker.h"

enum { LOOK_DISKS = 4, LOOK_LOOPS = 32, LOOK_AUDIT = 50 };

struct look_disk {
	char device[96], path[64];
	int64_t free, total;
};
/* A container whose count of restarts grew: when it last did, by our life time. */
struct look_loop {
	char id[72];
	int restarts;
	int64_t grew_ms;
};
struct host_look {
	struct docker_names names;
	struct docker_container *list;
	size_t n;
	struct docker_route *routes;
	size_t n_routes;
	struct docker_lock lock;
	bool no_kamal; /* no container is expected */
	double load;
	int cores;
	int64_t mem_total, mem_used, skew_ms;
	struct look_disk disks[LOOK_DISKS];
	size_t n_disks;
	struct look_loop loops[LOOK_LOOPS]; /* kept from look to look */
	char **audit;                       /* the newest lines of Kamal's audit log, cleaned */
	size_t n_audit;
	char trouble[200]; /* what could not be seen, though the host answers */
};

/* To be freed. */
char *host_look_command(const struct host_look *look);
int host_look_read(struct host_look *look, const struct ssh_reply *reply, struct err *err);
/* It has died and was started again within the last two minutes, or waits for that now. */
bool host_look_looping(const struct host_look *look, const struct docker_container *container);
/* The container a route's target means; NULL when none has that id. */
const struct docker_container *host_look_target(const struct host_look *look,
						const struct docker_route *route);
void host_look_done(struct host_look *look);

#endif
