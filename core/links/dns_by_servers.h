/* What providers without an API of ours look at: the records as the zone's own name servers tell them. */
#ifndef CORE_LINKS_DNS_BY_SERVERS_H
#define CORE_LINKS_DNS_BY_SERVERS_H

#include "core/links/dns_find.h"
#include "core/links/dns_provider.h"

/* Fills `servers`, and the zone's name and delegation. -1 and err when the zone is not found. */
int dns_by_servers_zone(struct job *job, struct dns_servers *servers, struct dns_zone *out, struct err *err);
/* One server's word. -1 and `why` when it does not tell. */
int dns_by_servers_ask(const struct dns_server *server, const char *name, struct dns_rrsets *out, char *why,
		       size_t size);
/* The first that tells. */
int dns_by_servers_look(const struct dns_servers *servers, const struct dns_zone *zone, const char *name,
			struct dns_rrsets *out, struct err *err);

#endif
