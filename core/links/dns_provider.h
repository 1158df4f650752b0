/* Who holds the zone: one small contract, several providers. A look is repeated when it was held back, a
 * change is sent once; when its answer is lost, dns_api_lost() is true: look, then decide.
 *
 * Records are spoken of as sets: all values of one name and type, with their TTL. Names and targets have
 * no final dot. Each provider's own object goes along (`raw`), so that what is written down
 * before a change holds everything that can be put back. */
#ifndef CORE_LINKS_DNS_PROVIDER_H
#define CORE_LINKS_DNS_PROVIDER_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;
struct plan;
struct dns_api;

enum { DNS_VALUES_MAX = 8, DNS_RRSETS_MAX = 24, DNS_SETS_CHANGED_MAX = 64 };

enum dns_manner {
	DNS_BRISK,   /* plans, proofs, checks: "wait five minutes" is an error */
	DNS_PATIENT, /* runs: waits as long as it is told to, and can be cancelled */
};

struct dns_zone {
	char id[64], name[256];
	char status[32]; /* "active"; "" when the provider knows no such thing */
	char name_servers[8][256];
	size_t n_name_servers;
	int64_t ttl_s; /* of records without a TTL of their own; 0: there are none */
};

/* One set of records; zeroed with weight -1 it is none. */
struct dns_rrset {
	char id[300]; /* the provider's own: an id, or "www/CNAME" */
	char name[256], type[12];
	char values[DNS_VALUES_MAX][256];
	size_t n;
	int64_t ttl_s;    /* as it is written there: 1 is Cloudflare's "automatic", 0 the zone's own */
	int64_t lives_s;  /* what that means for caches */
	bool proxied;     /* Cloudflare answers with its own addresses */
	int weight;       /* of one set among several of this name and type; -1: the only one */
	char member[130]; /* which of those: Route 53's SetIdentifier */
	char strange[80]; /* what makes it unchangeable here: "an alias to an AWS resource"; else "" */
	/* The provider's own object, as long as the values are still those of it; borrowed from the look. */
	const struct json *raw;
};
struct dns_rrsets {
	struct dns_rrset list[DNS_RRSETS_MAX];
	size_t n;
	struct json *answer;
};

/* What is, as the newest look saw it, and what shall be. n 0: there is none, or there shall be none. */
struct dns_change {
	struct dns_rrset from, to;
};

struct dns_provider {
	const char *name;  /* "route53", as dns.provider has it */
	const char *title; /* "Route 53" */
	const char *call;  /* how the change is made, for people: "PATCH", "one batch" */
	bool batch;        /* all changes of one call are made together, or none */
	bool by_hand;      /* people change the records; here they are only told what, and watched */
	bool by_servers;   /* the zone's name servers are all that tells of the records */
	bool weights;
	void *(*open)(struct job *, enum dns_manner, struct err *);
	void (*close)(void *);
	/* `name` or the nearest name above it that is a zone of this login. */
	int (*zone)(void *, const char *name, struct dns_zone *, struct err *);
	/* Every set of exactly that name. */
	int (*look)(void *, const struct dns_zone *, const char *name, struct dns_rrsets *, struct err *);
	/* Before `names` looks in a row: reads the zone's records in pages where that takes fewer requests,
	 * and the looks until the first change are answered from them. A gate that is open looks every few
	 * seconds, and the account's allowance is needed for the change. May be NULL. */
	int (*gather)(void *, const struct dns_zone *, size_t names, struct err *);
	/* Returns 0 when the provider says that it is done, everywhere as far as it can tell. */
	int (*change)(void *, const struct dns_zone *, const struct dns_change *, size_t n, struct err *);
	bool (*lost)(const void *);
	/* Requests left in this window, -1 unknown; may be NULL. */
	int64_t (*left)(const void *);
	/* Makes ready what change() will do, without a change: DO lines, evidence, a refusal, and in the
	 * plan's data what change() then asks job_plan() for. NULL: nothing is to be made ready. */
	int (*prepare)(void *, bool back, struct plan *, struct err *);
	/* 1 and `who`: a program of an earlier attempt still changes records. -1: it cannot be known. NULL:
	 * there are no such programs. */
	int (*running)(void *, char *who, size_t size, struct err *);
};
extern const struct dns_provider *const dns_provider_table[]; /* NULL-ended */
/* Names of the secrets of all providers, for the tables of steps and checks. */
extern const char *const dns_secrets[];

/* dns.provider of nightferry.yml; NULL for one that is not in the table. */
const struct dns_provider *dns_provider_of(struct job *job);

/* NULL and err when config or login cannot be used. Asks nothing of the network. */
struct dns_api *dns_api_open(struct job *job, enum dns_manner manner, struct err *err);
void dns_api_close(struct dns_api *api);
const struct dns_provider *dns_api_provider(const struct dns_api *api);
int dns_api_zone(struct dns_api *api, const char *name, struct dns_zone *out, struct err *err);
/* Done with dns_rrsets_done() in both cases. */
int dns_api_look(struct dns_api *api, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
		 struct err *err);
int dns_api_gather(struct dns_api *api, const struct dns_zone *zone, size_t names, struct err *err);
/* More than one only where the provider makes them together. */
int dns_api_change(struct dns_api *api, const struct dns_zone *zone, const struct dns_change *changes,
		   size_t n, struct err *err);
bool dns_api_lost(const struct dns_api *api);
/* 0 where there is nothing to prepare. */
int dns_api_prepare(struct dns_api *api, bool back, struct plan *plan, struct err *err);
int dns_api_running(struct dns_api *api, char *who, size_t size, struct err *err);
int64_t dns_api_left(const struct dns_api *api);

void dns_rrsets_done(struct dns_rrsets *sets);
/* -1: `name` has more records than there is room for, and what is not seen cannot be left as it is. */
int dns_rrsets_overflow(const struct dns_rrsets *sets, const char *who, const char *name, struct err *err);
/* NULL when there is none. `member` "" is the only one. */
const struct dns_rrset *dns_rrsets_find(const struct dns_rrsets *sets, const char *type, const char *member);
/* As far as people could see a difference: type, values in any order, TTL, proxied, weight. */
bool dns_rrset_same(const struct dns_rrset *a, const struct dns_rrset *b);
/* "a.example, b.example" */
void dns_rrset_text(const struct dns_rrset *set, char *out, size_t size);
/* False when there is no room. */
bool dns_rrset_add(struct dns_rrset *set, const char *value);
/* The object of a fact, and back: id, name, type, content, values, ttl, lives_s and what else there is. */
void dns_rrset_write(struct jw *w, const char *key, const struct dns_rrset *set);
void dns_rrset_read(const struct json *object, struct dns_rrset *out);

#endif
