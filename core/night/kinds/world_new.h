/* The new side: its hosts, their containers, what their proxies route to.
 *
 * host.seen      CHANGE key host {host, address,
 * containers[{id,name,role,version,status,health,started_ms,finished_ms,
 *                restarts,looping,stale,replaced,exit_code,oom,image,open,log}],
 * routes[{service,hosts,target,container, version,state,tls,path}], lock{held,by,since_ms,why}, pg_version,
 * cores} times by our clock; host: "" is the primary one host.audit     CHANGE key host {host, lines[]} the
 * end of Kamal's audit log, oldest first host.load      SAMPLE key host {host, load, mem_used, mem_total,
 * disk_free, disk_total, disks[{path,free,total}], skew_ms}   bytes; disk: the fullest of them
 */
#ifndef CORE_NIGHT_KINDS_WORLD_NEW_H
#define CORE_NIGHT_KINDS_WORLD_NEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_DISKS 4

struct container_seen {
	char id[16], name[96], role[32], version[48], status[24], health[16], image[120], open[48];
	char log[28]; /* what its lines are called in the log */
	int64_t started_ms, finished_ms;
	int restarts, exit_code;
	bool stale;    /* more than one of its role runs, or _replaced_ */
	bool replaced; /* left by a boot that was broken off */
	bool looping;  /* it dies and is started, again and again */
	bool oom;
};
struct route_seen {
	char service[64], hosts[160], target[96], state[16], path[64];
	char container[96], version[48]; /* behind the target; "" : none that is known */
	bool tls;
};
struct host_disk {
	char path[64];
	int64_t free, total;
};
struct host_state {
	char name[64]; /* "" for the primary one */
	bool seen;
	int64_t at_ms;
	char address[64], pg_version[24];
	struct container_seen *containers;
	size_t n;
	struct route_seen *routes;
	size_t n_routes;
	bool lock_held;
	char lock_by[64], lock_why[120];
	int64_t lock_since_ms;
	double load;
	int64_t mem_used, mem_total, disk_free, disk_total, skew_ms, load_at_ms;
	struct host_disk disks[HOST_DISKS];
	size_t n_disks;
	int cores;
	char **audit; /* owned lines */
	size_t n_audit;
	int64_t audit_at_ms;
};
struct state;
/* The primary host, then the others in order of their first look; NULL beyond them. */
const struct host_state *host_at(const struct state *state, size_t i);

#endif
