/* A provider that no program speaks to: people change the records, and the zone's own servers tell what they
 * are. A change is a card, and waiting until every server has it. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_by_servers.h"
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
    .by_servers = true,
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
	(void)name;
	return dns_by_servers_zone(h->job, &h->servers, out, err);
}

static int by_hand_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err)
{
	const struct by_hand *h = own;
	return dns_by_servers_look(&h->servers, zone, name, out, err);
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
			all = dns_by_servers_ask(&h->servers.list[s], to->name, sets, why, sizeof why) == 0;
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
