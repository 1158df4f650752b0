/* DNS packets: built by hand, read by the resolver library's own parser, which shows all that c-ares hides.
 */
#include "core/links/dns.h"
#include "core/base/text.h"
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { OPT_SIZE = 1232, OPT_NSID = 3, OPT_EDE = 15 };

void dns_name_clean(char *out, size_t size, const char *name)
{
	char clean[DNS_NAME_MAX];
	text_clean(clean, sizeof clean, name, strlen(name));
	size_t len = strlen(clean);
	if (len > 1 && clean[len - 1] == '.')
		clean[len - 1] = '\0';
	text_copy(out, size, clean);
	text_lower(out);
}

bool dns_same(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	la -= la && a[la - 1] == '.';
	lb -= lb && b[lb - 1] == '.';
	return la == lb && strncasecmp(a, b, la) == 0;
}

const char *dns_rcode_name(int rcode)
{
	static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
					    "NXDOMAIN", "NOTIMP",  "REFUSED"};
	return rcode >= 0 && rcode < (int)(sizeof names / sizeof *names) ? names[rcode] : "an error code";
}

const char *dns_type_name(int type)
{
	switch (type) {
	case DNS_A: return "A";
	case DNS_NS: return "NS";
	case DNS_CNAME: return "CNAME";
	case DNS_SOA: return "SOA";
	case DNS_MX: return "MX";
	case DNS_TXT: return "TXT";
	case DNS_AAAA: return "AAAA";
	case DNS_DNSKEY: return "DNSKEY";
	case DNS_SVCB: return "SVCB";
	case DNS_HTTPS: return "HTTPS";
	case DNS_CAA: return "CAA";
	default: return "record";
	}
}

static void put16(unsigned char *at, unsigned value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

size_t dns_packet_make(unsigned char out[DNS_QUESTION_MAX], const struct dns_query *query, uint16_t id,
		       bool edns)
{
	unsigned char wire[NS_MAXCDNAME];
	memset(out, 0, DNS_QUESTION_MAX);
	put16(out, id);
	out[2] = query->recurse ? 1 : 0;
	put16(out + 4, 1);
	put16(out + 10, edns ? 1 : 0);
	if (!query->name[0] || ns_name_pton(query->name, wire, sizeof wire) < 0)
		return 0;
	size_t len = 0, at = 12;
	while (wire[len])
		len += 1u + wire[len];
	memcpy(out + at, wire, len + 1);
	at += len + 1;
	put16(out + at, (unsigned)query->type);
	put16(out + at + 2, query->chaos ? ns_c_chaos : ns_c_in);
	at += 4;
	if (!edns)
		return at;
	/* OPT: root, type 41, our size in the class, no flags, one empty NSID option: "who are you?" */
	put16(out + at + 1, 41);
	put16(out + at + 3, OPT_SIZE);
	put16(out + at + 9, 4);
	put16(out + at + 11, OPT_NSID);
	return at + 15;
}

static void read_text(char *out, size_t size, const unsigned char *data, size_t len)
{
	char joined[DNS_NAME_MAX];
	size_t used = 0;
	for (size_t at = 0; at < len;) {
		size_t piece = data[at++];
		if (piece > len - at)
			piece = len - at;
		if (piece > sizeof joined - used)
			piece = sizeof joined - used;
		memcpy(joined + used, data + at, piece);
		used += piece;
		at += data[at - 1];
	}
	text_clean(out, size, joined, used);
}

static void read_caa(char *out, size_t size, const unsigned char *data, size_t len)
{
	size_t tag = len > 2 ? data[1] : 0;
	char text[DNS_NAME_MAX] = "";
	if (tag && tag + 2 <= len)
		snprintf(text, sizeof text, "%u %.*s \"%.*s\"", data[0], (int)tag, (const char *)data + 2,
			 (int)(len - 2 - tag), (const char *)data + 2 + tag);
	text_clean(out, size, text, strlen(text));
}

static bool read_name(char *out, size_t size, const ns_msg *msg, const unsigned char *at)
{
	char name[NS_MAXDNAME];
	if (ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), at, name, sizeof name) < 0)
		return false;
	dns_name_clean(out, size, name);
	return true;
}

/* "10 mail.acme.com"; of an HTTPS record the first two fields, "1 ." */
static bool read_mx(char *out, size_t size, const ns_msg *msg, const unsigned char *data, size_t len)
{
	char host[DNS_NAME_MAX];
	if (len < 3 || !read_name(host, sizeof host, msg, data + 2))
		return false;
	text_copyf(out, size, "%u %s", ns_get16(data), host);
	return true;
}

static bool read_value(struct dns_record *record, const ns_msg *msg, const ns_rr *rr)
{
	const unsigned char *data = ns_rr_rdata(*rr);
	size_t len = ns_rr_rdlen(*rr), size = sizeof record->value;
	switch (record->type) {
	case DNS_A: return len == 4 && inet_ntop(AF_INET, data, record->value, (socklen_t)size);
	case DNS_AAAA: return len == 16 && inet_ntop(AF_INET6, data, record->value, (socklen_t)size);
	case DNS_CNAME:
	case DNS_NS: return read_name(record->value, size, msg, data);
	case DNS_SOA: return read_name(record->value, size, msg, data);
	case DNS_SVCB:
	case DNS_HTTPS:
	case DNS_MX: return read_mx(record->value, size, msg, data, len);
	case DNS_TXT: read_text(record->value, size, data, len); return true;
	case DNS_CAA: read_caa(record->value, size, data, len); return true;
	default: return true;
	}
}

/* False when it cannot be read. */
static bool take_record(struct dns_query *query, const ns_msg *msg, const ns_rr *rr, bool authority)
{
	if (query->n >= DNS_RECORDS_MAX || ns_rr_class(*rr) != (query->chaos ? ns_c_chaos : ns_c_in))
		return true;
	struct dns_record *record = &query->records[query->n];
	*record = (struct dns_record){
	    .type = (int)ns_rr_type(*rr), .ttl_s = (int64_t)ns_rr_ttl(*rr), .authority = authority};
	dns_name_clean(record->owner, sizeof record->owner, ns_rr_name(*rr));
	/* RFC 2181: a TTL with its highest bit set is zero. */
	if (record->ttl_s > INT32_MAX)
		record->ttl_s = 0;
	bool good = read_value(record, msg, rr);
	query->n += good;
	return good;
}

/* RFC 2308: how long a cache may keep the "no" is the smaller of the SOA's own TTL and its last field. */
static void take_negative(struct dns_query *query, const ns_rr *rr)
{
	size_t len = ns_rr_rdlen(*rr);
	if (len < 20)
		return;
	int64_t minimum = (int64_t)ns_get32(ns_rr_rdata(*rr) + len - 4), ttl = (int64_t)ns_rr_ttl(*rr);
	query->negative_s = ttl < minimum ? ttl : minimum;
}

static void take_options(struct dns_query *query, const ns_rr *rr)
{
	const unsigned char *at = ns_rr_rdata(*rr);
	size_t left = ns_rr_rdlen(*rr);
	while (left >= 4) {
		unsigned code = ns_get16(at), len = ns_get16(at + 2);
		at += 4;
		left -= 4;
		if (len > left)
			return;
		if (code == OPT_NSID)
			text_clean(query->nsid, sizeof query->nsid, (const char *)at, len);
		if (code == OPT_EDE && len >= 2) {
			query->ede = (int)ns_get16(at);
			text_clean(query->ede_text, sizeof query->ede_text, (const char *)at + 2, len - 2);
		}
		at += len;
		left -= len;
	}
}

/* A refusal may come without the question (unbound's does); everything else must repeat it. */
static bool is_ours(const struct dns_query *query, ns_msg *msg)
{
	ns_rr rr;
	if (ns_msg_count(*msg, ns_s_qd) == 0)
		return ns_msg_getflag(*msg, ns_f_rcode) != 0;
	return ns_parserr(msg, ns_s_qd, 0, &rr) == 0 && (int)ns_rr_type(rr) == query->type &&
	       ns_rr_class(rr) == (query->chaos ? ns_c_chaos : ns_c_in) &&
	       dns_same(ns_rr_name(rr), query->name);
}

static void explain(struct dns_query *query)
{
	if (query->rcode == DNS_NOERROR)
		return;
	if (query->ede >= 0)
		text_copyf(query->why, sizeof query->why, "%s, reason %d %s", dns_rcode_name(query->rcode),
			   query->ede, query->ede_text);
	else
		text_copyf(query->why, sizeof query->why, "%s (%d)", dns_rcode_name(query->rcode),
			   query->rcode);
}

int dns_packet_read(struct dns_query *query, uint16_t id, const unsigned char *packet, size_t len)
{
	ns_msg msg;
	ns_rr rr;
	query->n = 0;
	/* What is cut off may be cut in the middle of a record: then only its head can be read. */
	if (len >= 12 && ns_get16(packet) == id && (packet[2] & 0x82) == 0x82)
		return 1;
	if (len < 12 || len > DNS_PACKET_MAX || ns_initparse(packet, (int)len, &msg) < 0 ||
	    ns_msg_id(msg) != id || !ns_msg_getflag(msg, ns_f_qr) || !is_ours(query, &msg))
		return -1;
	query->rcode = ns_msg_getflag(msg, ns_f_rcode);
	query->aa = ns_msg_getflag(msg, ns_f_aa);
	query->ra = ns_msg_getflag(msg, ns_f_ra);
	query->negative_s = query->ede = -1;
	query->nsid[0] = query->ede_text[0] = query->why[0] = '\0';
	/* A record that cannot be read must not look like one that is not there. */
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++)
		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0 || !take_record(query, &msg, &rr, false)) {
			query->n = 0;
			query->rcode = -1;
			return -1;
		}
	for (int i = 0; i < ns_msg_count(msg, ns_s_ns); i++) {
		if (ns_parserr(&msg, ns_s_ns, i, &rr) < 0)
			continue;
		if (ns_rr_type(rr) == ns_t_soa)
			take_negative(query, &rr);
		else if (ns_rr_type(rr) == ns_t_ns)
			take_record(query, &msg, &rr, true);
	}
	for (int i = 0; i < ns_msg_count(msg, ns_s_ar); i++)
		if (ns_parserr(&msg, ns_s_ar, i, &rr) == 0 && ns_rr_type(rr) == ns_t_opt)
			take_options(query, &rr);
	explain(query);
	return 0;
}

int64_t dns_ttl(const struct dns_query *query)
{
	int64_t ttl = -1;
	for (size_t i = 0; i < query->n; i++) {
		const struct dns_record *r = &query->records[i];
		if (r->authority || !dns_same(r->owner, query->name))
			continue;
		if (ttl < 0 || r->ttl_s < ttl)
			ttl = r->ttl_s;
	}
	return ttl;
}

const char *dns_value(const struct dns_query *query, int type)
{
	for (size_t i = 0; i < query->n; i++)
		if (!query->records[i].authority && query->records[i].type == type &&
		    dns_same(query->records[i].owner, query->name))
			return query->records[i].value;
	return NULL;
}

bool dns_has(const struct dns_query *query, int type, const char *value)
{
	for (size_t i = 0; i < query->n; i++)
		if (!query->records[i].authority && query->records[i].type == type &&
		    dns_same(query->records[i].value, value))
			return true;
	return false;
}
