/* What one answer of one server about one name means, given what the same server said before. Pure: no
 * network, no clock.
 *
 * The learned rule: a cache that got its answer later than the first authoritative server changed, and has
 * the old one, was told it anew by a server that lags. (TTL now, full TTL) say when it was told. */
#ifndef CORE_LINKS_DNS_CELL_H
#define CORE_LINKS_DNS_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_query;

enum dns_state {
	DNS_CELL_NONE = 0, /* not asked yet */
	DNS_CELL_OLD,
	DNS_CELL_NEW,
	DNS_CELL_MIXED,     /* several caches behind one address: says both */
	DNS_CELL_NEG,       /* "there is no such name" */
	DNS_CELL_OTHER,     /* an address of nobody we know */
	DNS_CELL_FAIL,      /* SERVFAIL: counts as not flipped */
	DNS_CELL_REFUSED,   /* does not talk to us: not counted */
	DNS_CELL_SILENT,    /* no answer: not counted */
	DNS_CELL_FLOOR,     /* keeps answers longer than their TTL allows */
	DNS_CELL_STALE,     /* serves an answer that has run out */
	DNS_CELL_RELEARNED, /* was told the old answer again after the change */
	DNS_CELL_LAGGING,   /* an authoritative server that has not followed the others */
	DNS_CELL_COLD,      /* a cache that holds no answer: nobody has asked it lately */
	DNS_CELL_ALIVE,     /* a cache that answers, but does not say what it holds already */
};
const char *dns_state_name(enum dns_state state); /* "RELEARNED" */
/* The answer still leads visitors to the old side, and waiting helps. */
bool dns_state_waits(enum dns_state state);

enum { DNS_ADDRESSES_MAX = 32 };
struct dns_addresses {
	char list[DNS_ADDRESSES_MAX][46];
	size_t n;
};
void dns_addresses_add(struct dns_addresses *set, const char *address);
bool dns_addresses_has(const struct dns_addresses *set, const char *address);
/* Any of that family. */
bool dns_addresses_any(const struct dns_addresses *set, bool six);

/* What a name shall be and was. Targets are CNAME values, "" when the name has none. */
struct dns_want {
	char name[256], old_target[256], new_target[256];
	struct dns_addresses old_set, new_set;
	int64_t full_ttl_s;   /* the old record's whole TTL, -1 unknown */
	int64_t first_new_ms; /* some authoritative server answered NEW; 0 not yet */
	int64_t all_new_ms;   /* all of them did; 0 not yet */
};

/* One cell's memory, zeroed at its birth. */
struct dns_memory {
	int64_t deadline_ms; /* the last second any old answer seen so far may live */
	int64_t old_ms, old_ttl_s;
	int64_t new_ms;
	int64_t entry_ms;     /* when the newest old answer dies */
	enum dns_state entry; /* FLOOR or RELEARNED: what that answer was found to be */
	bool again; /* the newest old answer came after all we knew of had died, or was learned too late */
};

/* What is shown of a cell. */
struct dns_seen {
	enum dns_state state;
	char value[120], why[120];
	int64_t ttl_s, expires_ms, at_ms, rtt_ms; /* ttl_s -1, expires_ms 0: none */
};

/* The answer by itself: OLD NEW NEG OTHER FAIL REFUSED SILENT; COLD for a cache that was asked only what it
 * holds; NONE for the question for an IPv6 address that the name does not have. */
enum dns_state dns_cell_plain(const struct dns_want *want, const struct dns_query *query, bool authoritative);
/* `query` is one finished question for want->name. Updates the memory. */
void dns_cell_judge(const struct dns_want *want, struct dns_memory *memory, const struct dns_query *query,
		    bool authoritative, struct dns_seen *out);

#endif
