/* Mail records of a zone: see dns_mail.h. */
#include "core/links/dns_mail.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>
#include <string.h>

/* Nobody can list them; these are what the large senders tell their customers to use. */
static const char *const selectors[] = {
    "default", "dkim", "mail",     "google", "selector1", "selector2", "k1",      "k2",   "k3",   "s1",
    "s2",      "pm",   "mandrill", "fm1",    "fm2",       "fm3",       "mxvault", "zoho", "smtp", "mta",
};

enum { QUESTIONS_MAX = 96 };

struct questions {
	struct dns_query list[QUESTIONS_MAX];
	size_t n;
};

static void ask_for(struct questions *q, const char *server, int type, const char *name)
{
	if (q->n < QUESTIONS_MAX)
		dns_query_set(&q->list[q->n++], server, name, type, false);
}

static void make(struct job *job, const char *zone, const char *server, struct questions *q)
{
	char name[DNS_NAME_MAX];
	q->n = 0;
	ask_for(q, server, DNS_MX, zone);
	ask_for(q, server, DNS_TXT, zone);
	text_copyf(name, sizeof name, "_dmarc.%s", zone);
	ask_for(q, server, DNS_TXT, name);
	for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++) {
		text_copyf(name, sizeof name, "%s._domainkey.%s", selectors[i], zone);
		ask_for(q, server, DNS_TXT, name);
	}
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x; x = json_next(x))
		if (json_text(x) && !dns_same(json_text(x), zone))
			ask_for(q, server, DNS_MX, json_text(x));
}

static bool is_mail(const struct dns_query *query, const struct dns_record *r)
{
	if (r->authority || !dns_same(r->owner, query->name))
		return false;
	if (r->type == DNS_CNAME) /* of a key that a sender keeps; a name that moves is none */
		return query->type == DNS_TXT;
	return r->type == query->type &&
	       (r->type != DNS_TXT || query->name[0] == '_' || strstr(query->name, "._domainkey.") ||
		text_starts(r->value, "v=spf1"));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* False when a question was not answered with authority. */
static bool take(const struct questions *q, struct dns_mail *out)
{
	out->n = 0;
	for (size_t i = 0; i < q->n; i++) {
		const struct dns_query *query = &q->list[i];
		if (query->end != DNS_ANSWERED || !query->aa ||
		    (query->rcode != DNS_NOERROR && query->rcode != DNS_NXDOMAIN))
			return false;
		for (size_t k = 0; k < query->n && out->n < DNS_MAIL_LINES; k++)
			if (is_mail(query, &query->records[k]))
				text_copyf(out->lines[out->n++], sizeof out->lines[0], "%s %s %s",
					   query->name, dns_type_name(query->records[k].type),
					   query->records[k].value);
	}
	qsort(out->lines, out->n, sizeof *out->lines, by_text);
	return true;
}

int dns_mail_look(struct job *job, const char *zone, struct dns_mail *out, struct err *err)
{
	struct dns_servers *servers = xcalloc(1, sizeof *servers);
	struct questions *q = xcalloc(1, sizeof *q);
	int rc = dns_find_authoritative(job, zone, servers, err);
	bool told = false;
	*out = (struct dns_mail){0};
	for (size_t i = 0; rc == 0 && i < servers->n && !told; i++) {
		make(job, zone, servers->list[i].address, q);
		dns_ask_all(q->list, q->n, DNS_WAIT_MS);
		told = take(q, out);
	}
	if (rc == 0 && !told)
		rc = err_set(err, ERR_NET, "dns: no name server of %s tells all of its mail records", zone);
	free(q);
	free(servers);
	return rc;
}

void dns_mail_write(const struct dns_mail *mail, struct jw *w)
{
	jw_arr(w, "lines");
	for (size_t i = 0; i < mail->n; i++)
		jw_str(w, NULL, mail->lines[i]);
	jw_end(w);
}

bool dns_mail_has(const struct json *lines, const char *line)
{
	for (const struct json *x = json_first(lines); x; x = json_next(x))
		if (text_equal(json_text(x), line))
			return true;
	return false;
}
