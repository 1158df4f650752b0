/* Which servers to ask: the zone's own ones and the caches, from nightferry.yml or found. */
#ifndef CORE_LINKS_DNS_FIND_H
#define CORE_LINKS_DNS_FIND_H

#include "core/base/err.h"
#include "core/links/dns.h"
#include <stdbool.h>
#include <stddef.h>

struct job;

enum { DNS_SERVERS_MAX = 64, DNS_WAIT_MS = 2000 };
/* TEST-NET-1: nobody is there, so whoever answers sits on the way and answers in the name of others. */
#define DNS_NOBODY "192.0.2.53"
bool dns_find_box(const char *name);

struct dns_server {
	char address[64], label[64]; /* "127.0.0.2#5300", "ns1.acme.com" */
	bool authoritative;
};
struct dns_servers {
	struct dns_server list[DNS_SERVERS_MAX];
	size_t n;
};
/* Names of name servers. */
struct dns_hosts {
	char list[16][DNS_NAME_MAX];
	size_t n;
};

/* dns.resolvers, or well-known public ones and this machine's own. */
void dns_find_caches(struct job *job, struct dns_servers *out);
/* Nobody has chosen them: dns.resolvers is empty. */
bool dns_find_is_stock(struct job *job);
/* Well-known public caches by HTTPS, for networks that answer or block DNS themselves. */
void dns_find_https(struct dns_servers *out);
/* dns.servers, or every address of every name server of the zone. Both are added to `out`. */
int dns_find_authoritative(struct job *job, const char *zone, struct dns_servers *out, struct err *err);
/* dns.zone, or found from the first name. */
int dns_find_zone(struct job *job, char *out, size_t size, struct err *err);
/* Who the zone is delegated to: by the zone above it, or by dns.servers when they are configured. `from` says
 * who told. */
int dns_find_delegation(struct job *job, const char *zone, struct dns_hosts *out, char *from, size_t size,
			struct err *err);
bool dns_hosts_has(const struct dns_hosts *hosts, const char *name);
/* "a, b and 2 more" */
void dns_hosts_text(const struct dns_hosts *hosts, char *out, size_t size);
/* One question to the first cache that answers it; true when the answer is NOERROR. */
bool dns_recurse(struct job *job, struct dns_query *query, const char *name, int type);

#endif
