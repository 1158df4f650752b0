/* Finding servers: see dns_find.h. */
#include "core/links/dns_find.h"
#include "core/base/text.h"
#include "core/job.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who sits on the way is nearer than who is asked. */
enum { BOX_WAIT_MS = 500 };

static const struct {
	const char *address, *label;
} well_known[] = {
    /* anycast, all over the world */
    {"1.1.1.1", "Cloudflare"},
    {"8.8.8.8", "Google"},
    {"9.9.9.9", "Quad9"},
    {"208.67.222.222", "OpenDNS"},
    {"94.140.14.140", "AdGuard"},
    /* North and South America */
    {"4.2.2.2", "Level3"},
    {"149.112.121.10", "CIRA"},
    {"200.221.11.100", "UOL"},
    /* Europe */
    {"86.54.11.100", "DNS4EU"},
    {"193.17.47.1", "CZ.NIC"},
    {"185.222.222.222", "DNS.SB"},
    {"80.67.169.12", "FDN"},
    /* East Asia, Oceania */
    {"101.101.101.101", "TWNIC"},
    {"168.126.63.1", "KT"},
    {"139.130.4.4", "Telstra"},
    /* by IPv6, where there is any from here */
    {"2606:4700:4700::1111", "Cloudflare v6"},
    {"2001:4860:4860::8888", "Google v6"},
};

/* Their certificates are for these addresses, so no name has to be looked up first. */
static const struct {
	const char *address, *label;
} by_https[] = {
    {"https://1.1.1.1/dns-query", "Cloudflare https"},
    {"https://8.8.8.8/dns-query", "Google https"},
    {"https://9.9.9.9/dns-query", "Quad9 https"},
};

static void add(struct dns_servers *out, const char *address, const char *label, bool authoritative)
{
	for (size_t i = 0; i < out->n; i++)
		if (text_equal(out->list[i].address, address))
			return;
	if (out->n >= DNS_SERVERS_MAX || !*address)
		return;
	struct dns_server *server = &out->list[out->n++];
	text_copy(server->address, sizeof server->address, address);
	text_copy(server->label, sizeof server->label, label);
	server->authoritative = authoritative;
}

static void host_part(char *out, size_t size, const char *address)
{
	bool https = dns_is_https(address);
	text_copy(out, size, address + (https ? strlen("https://") : address[0] == '['));
	out[strcspn(out, https ? "/" : "#]")] = '\0';
}

/* The first two servers of this machine; an unreadable file only means that there are none. */
static void add_own(struct dns_servers *out)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], address[64];
	int left = 2;
	while (file && left && fgets(line, sizeof line, file))
		if (sscanf(line, "nameserver %63s", address) == 1) {
			add(out, address, "this machine", false);
			left--;
		}
	if (file)
		fclose(file);
}

void dns_find_caches(struct job *job, struct dns_servers *out)
{
	const struct json *list = json_path(job_config(job), "dns.resolvers");
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		char label[64];
		host_part(label, sizeof label, json_text(x) ? json_text(x) : "");
		add(out, json_text(x) ? json_text(x) : "", label, false);
	}
	if (json_count(list))
		return;
	add_own(out);
	for (size_t i = 0; i < sizeof well_known / sizeof *well_known; i++)
		if (!strchr(well_known[i].address, ':') || dns_has_route(well_known[i].address))
			add(out, well_known[i].address, well_known[i].label, false);
}

bool dns_find_is_stock(struct job *job)
{
	return json_count(json_path(job_config(job), "dns.resolvers")) == 0;
}

bool dns_find_box(const char *name)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	dns_ask(query, DNS_NOBODY, name, DNS_SOA, true, BOX_WAIT_MS);
	bool answered = query->end == DNS_ANSWERED;
	free(query);
	return answered;
}

void dns_find_https(struct dns_servers *out)
{
	for (size_t i = 0; i < sizeof by_https / sizeof *by_https; i++)
		add(out, by_https[i].address, by_https[i].label, false);
}

/* The first that answers; true when it is with NOERROR. `told`: somebody answered at all. */
static bool ask_first(const struct dns_servers *caches, struct dns_query *query, const char *name, int type,
		      bool *told)
{
	bool good = false;
	for (size_t i = 0; i < caches->n && i < 4; i++) {
		good = dns_ask(query, caches->list[i].address, name, type, true, DNS_WAIT_MS);
		*told = *told || query->end == DNS_ANSWERED;
		if (good || (query->end == DNS_ANSWERED && query->rcode == DNS_NXDOMAIN))
			break;
	}
	return good;
}

bool dns_recurse(struct job *job, struct dns_query *query, const char *name, int type)
{
	struct dns_servers *caches = xcalloc(1, sizeof *caches);
	bool told = false;
	dns_find_caches(job, caches);
	bool good = ask_first(caches, query, name, type, &told);
	if (!good && dns_find_is_stock(job) && (!told || dns_find_box(name))) {
		caches->n = 0;
		dns_find_https(caches);
		good = ask_first(caches, query, name, type, &told);
	}
	free(caches);
	return good;
}

bool dns_hosts_has(const struct dns_hosts *hosts, const char *name)
{
	for (size_t i = 0; i < hosts->n; i++)
		if (dns_same(hosts->list[i], name))
			return true;
	return false;
}

void dns_hosts_text(const struct dns_hosts *hosts, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < hosts->n; i++)
		buf_addf(&text, "%s%s", i ? ", " : "", hosts->list[i]);
	text_copy(out, size, hosts->n ? buf_text(&text) : "nobody");
	buf_done(&text);
}

static void take_hosts(const struct dns_query *query, const char *zone, struct dns_hosts *out)
{
	for (size_t i = 0; i < query->n && out->n < 16; i++) {
		const struct dns_record *r = &query->records[i];
		if (r->type == DNS_NS && dns_same(r->owner, zone) && !dns_hosts_has(out, r->value))
			text_copy(out->list[out->n++], DNS_NAME_MAX, r->value);
	}
}

/* The zone above names this one's servers in a referral; caches may still know older ones. */
static bool ask_parent(struct job *job, const char *zone, struct dns_query *query, struct dns_hosts *out)
{
	const char *dot = strchr(zone, '.');
	struct dns_hosts above = {0};
	if (!dot || !dns_recurse(job, query, dot + 1, DNS_NS))
		return false;
	take_hosts(query, dot + 1, &above);
	for (size_t i = 0; i < above.n && i < 3 && !out->n; i++) {
		char address[DNS_NAME_MAX];
		if (!dns_recurse(job, query, above.list[i], DNS_A) || !dns_value(query, DNS_A))
			continue;
		text_copy(address, sizeof address, dns_value(query, DNS_A));
		if (dns_ask(query, address, zone, DNS_NS, false, DNS_WAIT_MS))
			take_hosts(query, zone, out);
	}
	return out->n > 0;
}

int dns_find_delegation(struct job *job, const char *zone, struct dns_hosts *out, char *from, size_t size,
			struct err *err)
{
	const struct json *servers = json_path(job_config(job), "dns.servers");
	struct dns_query *query = xcalloc(1, sizeof *query);
	*out = (struct dns_hosts){0};
	text_copy(from, size, "the zone above it");
	for (const struct json *x = json_first(servers); x && !out->n; x = json_next(x))
		if (json_text(x) && dns_ask(query, json_text(x), zone, DNS_NS, false, DNS_WAIT_MS)) {
			take_hosts(query, zone, out);
			text_copyf(from, size, "%s", json_text(x));
		}
	if (!json_count(servers) && !ask_parent(job, zone, query, out) &&
	    dns_recurse(job, query, zone, DNS_NS)) {
		take_hosts(query, zone, out);
		text_copyf(from, size, "the cache %s", query->server);
	}
	free(query);
	if (out->n)
		return 0;
	return err_set(err, ERR_NET,
		       "dns: nobody says which name servers the zone %s has; look at dns.zone, dns.servers "
		       "and dns.resolvers in "
		       "nightferry.yml and at this machine's network",
		       zone);
}

int dns_find_zone(struct job *job, char *out, size_t size, struct err *err)
{
	const char *zone = job_config_str(job, "dns.zone", ""), *name = job_first_name(job);
	struct dns_query *query = xcalloc(1, sizeof *query);
	bool found = *zone;
	if (found)
		dns_name_clean(out, size, zone);
	for (const char *at = name; !found && at && strchr(at, '.'); at = strchr(at, '.') + 1) {
		found = dns_recurse(job, query, at, DNS_SOA) && dns_value(query, DNS_SOA);
		dns_name_clean(out, size, at);
	}
	free(query);
	if (found)
		return 0;
	return err_set(err, ERR_NET,
		       "dns: the zone of %s was not found; write it as dns.zone in nightferry.yml",
		       name ? name : "no name (dns.names is empty)");
}

/* A name instead of an address for people: ns1.acme.com instead of 127.0.0.2. */
static void label_by_names(struct dns_servers *out, const char *zone)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	struct dns_hosts hosts = {0};
	if (out->n && dns_ask(query, out->list[0].address, zone, DNS_NS, false, DNS_WAIT_MS))
		take_hosts(query, zone, &hosts);
	for (size_t h = 0; h < hosts.n; h++) {
		if (!dns_ask(query, out->list[0].address, hosts.list[h], DNS_A, false, DNS_WAIT_MS))
			continue;
		for (size_t i = 0; i < out->n; i++) {
			char host[64];
			host_part(host, sizeof host, out->list[i].address);
			if (dns_has(query, DNS_A, host))
				text_copy(out->list[i].label, sizeof out->list[i].label, hosts.list[h]);
		}
	}
	free(query);
}

static void add_addresses(struct job *job, const char *host, int type, struct dns_query *query,
			  struct dns_servers *out)
{
	if (!dns_recurse(job, query, host, type))
		return;
	for (size_t i = 0; i < query->n; i++) {
		if (query->records[i].authority || query->records[i].type != type)
			continue;
		/* A machine without IPv6 shall not show half of the servers as silent. */
		if (type != DNS_AAAA || dns_has_route(query->records[i].value))
			add(out, query->records[i].value, host, true);
	}
}

int dns_find_authoritative(struct job *job, const char *zone, struct dns_servers *out, struct err *err)
{
	const struct json *servers = json_path(job_config(job), "dns.servers");
	for (const struct json *x = json_first(servers); x; x = json_next(x)) {
		char label[64];
		host_part(label, sizeof label, json_text(x) ? json_text(x) : "");
		add(out, json_text(x) ? json_text(x) : "", label, true);
	}
	if (json_count(servers)) {
		label_by_names(out, zone);
		return 0;
	}
	struct dns_hosts hosts;
	char from[80];
	if (dns_find_delegation(job, zone, &hosts, from, sizeof from, err) < 0)
		return -1;
	struct dns_query *query = xcalloc(1, sizeof *query);
	for (size_t i = 0; i < hosts.n; i++) {
		add_addresses(job, hosts.list[i], DNS_A, query, out);
		add_addresses(job, hosts.list[i], DNS_AAAA, query, out);
	}
	free(query);
	if (out->n)
		return 0;
	return err_set(err, ERR_NET,
		       "dns: no name server of the zone %s has an address; look at this machine's network",
		       zone);
}
