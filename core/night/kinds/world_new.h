/* The new side: its host, its containers, what its proxy routes to.
 *
 * host.seen      CHANGE {address, containers[{id,name,role,version,status,health,started_ms,restarts,stale}],
 *                routes[{service,hosts,target,state,tls}], lock{held,by,since_ms,why}, pg_version, cores}
 * host.load      SAMPLE {load, mem_used, mem_total, disk_free, disk_total, skew_ms}   bytes
 */
#ifndef CORE_NIGHT_KINDS_WORLD_NEW_H
#define CORE_NIGHT_KINDS_WORLD_NEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container_seen {
	char id[16], name[96], role[32], version[48], status[24], health[16];
	int64_t started_ms;
	int restarts;
	bool stale; /* more than one of its role runs, or _replaced_ */
};
struct route_seen {
	char service[64], hosts[160], target[96], state[16];
	bool tls;
};
struct host_state {
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
	int cores;
};

#endif
