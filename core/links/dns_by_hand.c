/* A provider that no program speaks to: people change the records, and the zone's own servers tell what they
 * are. A change is a card, and waiting until every server has it. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns.h"
#include "core/links/dns_find.h"
#include "core/links/dns_provider.h"
#include <stdlib.h>
#include <string.h>

static void *by_hand_open(struct job *job, enum dns_manner manner, struct err *err);
static void by_hand_close(void *own);
static int by_hand_zone(void *own, const char *name, struct dns_zone *out, struct err *err);
static int by_hand_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err);
static int by_hand_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err);
static bool by_hand_lost(const void *own);

extern const struct dns_provider manual_provider;
const struct dns_provider manual_provider = {
    .name = "manual",
    .title = "the provider",
    .call = "by hand",
    .batch = true,
    .by_hand = true,
    .open = by_hand_open,
    .close = by_hand_close,
    .zone = by_hand_zone,
    .look = by_hand_look,
    .change = by_hand_change,
    .lost = by_hand_lost,
};

enum { PAUSE_MS = 2000 };

struct by_hand {
	struct job *job;
	struct dns_servers servers;
};

static void *by_hand_open(struct job *job, enum dns_manner manner, struct err *err)
{
	struct by_hand *h = xcalloc(1, sizeof *h);
	(void)manner;
	(void)err;
	h->job = job;
	return h;
}

static void by_hand_close(void *own)
{
	free(own);
}

static bool by_hand_lost(const void *own)
{
	(void)own;
	return false;
}

static int by_hand_zone(void *own, const char *name, struct dns_zone *out, struct err *err)
{
	struct by_hand *h = own;
	struct dns_hosts live;
	char from[80];
	(void)name;
	if (dns_find_zone(h->job, out->name, sizeof out->name, err) < 0 ||
	    dns_find_delegation(h->job, out->name, &live, from, sizeof from, err) < 0 ||
	    dns_find_authoritative(h->job, out->name, &h->servers, err) < 0)
		return -1;
	for (size_t i = 0; i < live.n && i < 8; i++)
		text_copy(out->name_servers[out->n_name_servers++], sizeof out->name_servers[0],
			  live.list[i]);
	return 0;
}

/* Values whose owner is the name itself: what is behind a CNAME is somebody else's record. */
static void take_set(const struct dns_query *query, const char *name, int type, struct dns_rrsets *out)
{
	struct dns_rrset set = {.weight = -1};
	for (size_t i = 0; i < query->n; i++) {
		const struct dns_record *r = &query->records[i];
		if (r->authority || r->type != type || !dns_same(r->owner, name))
			continue;
		set.ttl_s = set.lives_s = r->ttl_s;
		if (!dns_rrset_add(&set, r->value))
			text_copy(set.strange, sizeof set.strange, "a set of more than eight values");
	}
	if (!set.n || out->n >= DNS_RRSETS_MAX)
		return;
	text_copy(set.name, sizeof set.name, name);
	text_copy(set.type, sizeof set.type, dns_type_name(type));
	text_copyf(set.id, sizeof set.id, "%s/%s", name, set.type);
	out->list[out->n++] = set;
}

/* -1 and `why` when the server does not tell. */
static int look_at(const struct dns_server *server, const char *name, struct dns_rrsets *out, char *why,
		   size_t size)
{
	static const int types[] = {DNS_CNAME, DNS_A, DNS_AAAA, DNS_HTTPS};
	struct dns_query *query = xcalloc(1, sizeof *query);
	int rc = 0;
	out->n = 0;
	for (size_t t = 0; t < sizeof types / sizeof *types && rc == 0; t++) {
		dns_ask(query, server->address, name, types[t], false, DNS_WAIT_MS);
		bool told = query->end == DNS_ANSWERED && query->aa &&
			    (query->rcode == DNS_NOERROR || query->rcode == DNS_NXDOMAIN);
		if (!told) {
			text_copyf(why, size, "%s: %s", server->label,
				   *query->why ? query->why : "no answer with authority");
			rc = -1;
		}
		if (told && !(t && out->n && text_equal(out->list[0].type, "CNAME")))
			take_set(query, name, types[t], out);
	}
	free(query);
	return rc;
}

static int by_hand_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err)
{
	struct by_hand *h = own;
	char why[200] = "there is none";
	for (size_t i = 0; i < h->servers.n; i++)
		if (look_at(&h->servers.list[i], name, out, why, sizeof why) == 0)
			return 0;
	return err_set(err, ERR_NET, "dns: no name server of %s tells what %s is (%s)", zone->name, name,
		       why);
}

/* Servers at which every change has been made. */
static size_t servers_with(struct by_hand *h, const struct dns_change *changes, size_t n)
{
	struct dns_rrsets *sets = xcalloc(1, sizeof *sets);
	size_t right = 0;
	char why[200];
	for (size_t s = 0; s < h->servers.n; s++) {
		bool all = true;
		for (size_t i = 0; all && i < n; i++) {
			const struct dns_rrset *to = &changes[i].to;
			all = look_at(&h->servers.list[s], to->name, sets, why, sizeof why) == 0;
			const struct dns_rrset *now = all ? dns_rrsets_find(sets, to->type, "") : NULL;
			all = now && dns_rrset_same(now, to);
		}
		right += all;
	}
	free(sets);
	return right;
}

static void card(struct by_hand *h, const struct dns_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char values[300];
		dns_rrset_text(&changes[i].to, values, sizeof values);
		job_log(h->job, "", "by hand: %s  %s  %s  TTL %lld", changes[i].to.name, changes[i].to.type,
			values, (long long)changes[i].to.ttl_s);
	}
}

static int by_hand_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err)
{
	struct by_hand *h = own;
	card(h, changes, n);
	for (;;) {
		size_t right = servers_with(h, changes, n);
		char text[200];
		text_copyf(
		    text, sizeof text,
		    "change %zu record%s of %s by hand now: %zu of %zu name servers have the new values", n,
		    n == 1 ? "" : "s", zone->name, right, h->servers.n);
		job_progress(h->job, (int64_t)right, (int64_t)h->servers.n, "items", text);
		if (right == h->servers.n)
			return 0;
		if (job_wait(h->job, PAUSE_MS))
			return err_set(err, ERR_CANCELLED,
				       "stopped while people change the records by hand: %zu of %zu name "
				       "servers have the new values",
				       right, h->servers.n);
	}
}
