/* The DNS watch's look at names that go through a proxy: by HTTP, for DNS tells nothing of them. */
#ifndef CORE_WATCHES_DNS_EDGE_H
#define CORE_WATCHES_DNS_EDGE_H

#include "core/links/dns_edge.h"
#include "core/links/dns_matrix.h"

struct job;
struct jw;

struct edge_told {
	struct edge_seen last[DNS_NAMES_MAX];
	int64_t asked_ms; /* our time; 0: not yet */
};
/* Into the open list of a dns.plan. */
void edge_names(struct job *job, struct jw *w);
/* Asks when it is time, and tells as dns.cell what has changed. */
void edge_tell(struct job *job, struct edge_told *told);

#endif
