/* Amazon Route 53: XML over HTTPS, every request signed. A batch of changes is made together or not at all.
 *
 * libcurl signs the query as it stands, and Amazon signs it sorted: parameters are written in the order of
 * their names, and what stands in a value is escaped. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/aws_login.h"
#include "core/links/dns.h"
#include "core/links/dns_find.h"
#include "core/links/dns_provider.h"
#include "core/links/http.h"
#include "core/links/route53_inner.h"
#include "core/links/xml.h"
#include <stdlib.h>
#include <string.h>

static void *route53_open(struct job *job, enum dns_manner manner, struct err *err);
static void route53_close(void *own);
static int route53_zone(void *own, const char *name, struct dns_zone *out, struct err *err);
static int route53_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err);
static int route53_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err);
static bool route53_lost(const void *own);

extern const struct dns_provider route53_provider;
const struct dns_provider route53_provider = {
    .name = "route53",
    .title = "Route 53",
    .call = "one batch",
    .batch = true,
    .weights = true,
    .open = route53_open,
    .close = route53_close,
    .zone = route53_zone,
    .look = route53_look,
    .change = route53_change,
    .lost = route53_lost,
};

enum { PAGE_MAX = 100, INSYNC_FIRST_MS = 1000, INSYNC_MS = 3000, INSYNC_MOST_MS = 180000 };

static void *route53_open(struct job *job, enum dns_manner manner, struct err *err)
{
	const char *base = job_config_str(job, "dns.api", "");
	struct http_where where;
	struct route53 *r = xcalloc(1, sizeof *r);
	r->job = job;
	r->manner = manner;
	if (!*base)
		base = "https://route53.amazonaws.com";
	if (!http_where(base, &where) || (!where.loopback && !text_equal(where.scheme, "https")))
		err_set(err, ERR_CONFIG, "route53: dns.api must begin with https://; mend nightferry.yml");
	else if (aws_login_find(job, &r->login, err) == 0) {
		r->http = http_open(job);
		r->base = xstrdup(base);
		r->base[strlen(base) - (base[strlen(base) - 1] == '/')] = '\0';
		return r;
	}
	free(r);
	return NULL;
}

static void route53_close(void *own)
{
	struct route53 *r = own;
	http_close(r->http);
	aws_login_done(&r->login);
	free(r->base);
	free(r);
}

static bool route53_lost(const void *own)
{
	const struct route53 *r = own;
	return r->lost;
}

/* Names come as "\052.acme.com." for "*.acme.com". */
static void take_name(char *out, size_t size, const char *name)
{
	char plain[DNS_NAME_MAX];
	size_t n = 0;
	for (const char *at = name; *at && n + 1 < sizeof plain; at++) {
		if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3) {
			plain[n++] = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		} else {
			plain[n++] = *at;
		}
	}
	plain[n] = '\0';
	dns_name_clean(out, size, plain);
}

static void take_set(const struct json *x, struct dns_rrset *out)
{
	*out = (struct dns_rrset){.weight = -1, .raw = x};
	take_name(out->name, sizeof out->name, xml_text(x, "Name"));
	text_copy(out->type, sizeof out->type, xml_text(x, "Type"));
	text_copy(out->member, sizeof out->member, xml_text(x, "SetIdentifier"));
	text_copyf(out->id, sizeof out->id, "%s/%s/%.60s", out->name, out->type, out->member);
	if (xml_child(x, "Weight"))
		out->weight = (int)strtol(xml_text(x, "Weight"), NULL, 10);
	out->ttl_s = out->lives_s = strtoll(xml_text(x, "TTL"), NULL, 10);
	if (xml_child(x, "AliasTarget"))
		text_copy(out->strange, sizeof out->strange, "an alias to an AWS resource");
	else if (*out->member && out->weight < 0)
		text_copy(out->strange, sizeof out->strange, "one of several by place, latency or failover");
	else if (xml_child(x, "HealthCheckId"))
		text_copy(out->strange, sizeof out->strange, "tied to a health check");
	const struct json *records = xml_child(x, "ResourceRecords");
	for (const struct json *v = xml_child(records, "ResourceRecord"); v;
	     v = xml_next(v, "ResourceRecord"))
		if (!dns_rrset_add(out, xml_text(v, "Value")))
			text_copy(out->strange, sizeof out->strange, "a set of more than eight values");
}

static int route53_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err)
{
	struct route53 *r = own;
	char escaped[DNS_NAME_MAX];
	text_copyf(escaped, sizeof escaped, "%s%s", *name == '*' ? "%2A" : "", name + (*name == '*'));
	char *path =
	    xasprintf("/2013-04-01/hostedzone/%s/rrset?maxitems=%d&name=%s", zone->id, PAGE_MAX, escaped);
	out->answer = route53_call(r, NULL, path, NULL, err);
	free(path);
	const struct json *sets = xml_child(out->answer, "ResourceRecordSets");
	struct dns_rrset *set = xcalloc(1, sizeof *set);
	bool room = true;
	for (const struct json *x = xml_child(sets, "ResourceRecordSet"); x && room;
	     x = xml_next(x, "ResourceRecordSet")) {
		/* `name` is where the list begins, not what it holds. */
		take_set(x, set);
		if (!dns_same(set->name, name))
			break;
		room = out->n < DNS_RRSETS_MAX;
		if (room)
			out->list[out->n++] = *set;
	}
	free(set);
	if (!room)
		return dns_rrsets_overflow(out, "route53", name, err);
	return out->answer ? 0 : -1;
}

/* The zone's own NS record says which servers Amazon gave it. */
static int take_servers(struct route53 *r, struct dns_zone *zone, struct err *err)
{
	struct dns_rrsets *sets = xcalloc(1, sizeof *sets);
	int rc = route53_look(r, zone, zone->name, sets, err);
	const struct dns_rrset *ns = dns_rrsets_find(sets, "NS", "");
	zone->n_name_servers = 0;
	for (size_t i = 0; ns && i < ns->n && i < 8; i++)
		text_copy(zone->name_servers[zone->n_name_servers++], sizeof zone->name_servers[0],
			  ns->values[i]);
	dns_rrsets_done(sets);
	free(sets);
	return rc;
}

static bool is_delegated(struct route53 *r, const struct dns_zone *zone)
{
	struct dns_hosts live;
	struct err unseen = {0};
	char from[80];
	bool equal = dns_find_delegation(r->job, zone->name, &live, from, sizeof from, &unseen) == 0;
	for (size_t i = 0; equal && i < zone->n_name_servers; i++)
		equal = dns_hosts_has(&live, zone->name_servers[i]);
	return equal && zone->n_name_servers;
}

/* Several zones may have one name, and only one of them is asked by the world. 1: found, 0: none, -1: err. */
static int pick_zone(struct route53 *r, const struct json *answer, const char *name, struct dns_zone *out,
		     struct err *err)
{
	const struct json *zones = xml_child(answer, "HostedZones");
	int n = 0;
	for (const struct json *x = xml_child(zones, "HostedZone"); x; x = xml_next(x, "HostedZone")) {
		struct dns_zone zone = {0};
		const char *id = xml_text(x, "Id");
		take_name(zone.name, sizeof zone.name, xml_text(x, "Name"));
		if (!dns_same(zone.name, name) ||
		    text_equal(xml_text(xml_child(x, "Config"), "PrivateZone"), "true"))
			continue;
		text_copy(zone.id, sizeof zone.id, text_starts(id, "/hostedzone/") ? id + 12 : id);
		if (take_servers(r, &zone, err) < 0)
			return -1;
		if (!n++ || is_delegated(r, &zone))
			*out = zone;
	}
	return n > 0;
}

static int route53_zone(void *own, const char *name, struct dns_zone *out, struct err *err)
{
	struct route53 *r = own;
	for (const char *at = name; at && strchr(at, '.'); at = strchr(at, '.') + 1) {
		char *path = xasprintf("/2013-04-01/hostedzonesbyname?dnsname=%s&maxitems=%d", at, PAGE_MAX);
		struct json *answer = route53_call(r, NULL, path, NULL, err);
		free(path);
		int rc = answer ? pick_zone(r, answer, at, out, err) : -1;
		json_free(answer);
		if (rc)
			return rc > 0 ? 0 : -1;
	}
	return err_set(err, ERR_AUTH,
		       "route53: this account (%s) has no public hosted zone for %s; check which account the "
		       "credentials are of",
		       r->login.from, name);
}

/* Their servers all have it, or the time is over: then the proof will say who has not. */
static int wait_insync(struct route53 *r, const struct json *answer)
{
	const struct json *info = xml_child(answer, "ChangeInfo");
	const char *id = xml_text(info, "Id");
	char *path = xasprintf("/2013-04-01/change/%s", text_starts(id, "/change/") ? id + 8 : id);
	int64_t until_ms = clock_life_ms() + INSYNC_MOST_MS;
	bool pending = text_equal(xml_text(info, "Status"), "PENDING") && *id;
	for (int64_t pause_ms = INSYNC_FIRST_MS; pending && clock_life_ms() < until_ms;
	     pause_ms = INSYNC_MS) {
		job_progress(r->job, 0, 0, "",
			     "Route 53 has taken the change and brings it to all its servers");
		if (job_wait(r->job, pause_ms))
			break;
		struct err unseen = {0};
		struct json *now = route53_call(r, NULL, path, NULL, &unseen);
		pending = !now || text_equal(xml_text(xml_child(now, "ChangeInfo"), "Status"), "PENDING");
		json_free(now);
	}
	free(path);
	return 0;
}

static int route53_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err)
{
	struct route53 *r = own;
	struct buf body = {0};
	char *path = xasprintf("/2013-04-01/hostedzone/%s/rrset/", zone->id);
	route53_batch(&body, changes, n);
	struct json *answer = route53_call(r, "POST", path, buf_text(&body), err);
	bool lost = r->lost;
	int rc = answer ? wait_insync(r, answer) : -1;
	r->lost = rc < 0 && lost;
	json_free(answer);
	buf_done(&body);
	free(path);
	return rc;
}
