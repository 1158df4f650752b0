/* certificates: after the flip, one handshake a name, so that the new host's proxy fetches each certificate
 * before a visitor has to wait for it. Only names that lead to the new host are asked, and none so often that
 * the issuer loses its patience. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include "core/links/dns_host.h"
#include "core/links/tls_look.h"
#include "core/steps/certificate_queue.h"
#include <stdlib.h>
#include <string.h>

static int certificates_plan(struct job *job, struct plan *plan, struct err *err);
static int certificates_run(struct job *job, struct err *err);
static enum done certificates_probe(struct job *job, struct err *err);
static enum verdict certificates_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"for", "duration", "15m", "how long names that do not lead to the new host are waited for"},
    {0},
};
static const char *const makes[] = {"certificates", NULL};

const struct step certificates_step = {
    .name = "certificates",
    .help = "has the new host fetch a certificate for every name and tenant, and counts them",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .plan = certificates_plan,
    .run = certificates_run,
    .probe = certificates_probe,
    .prove = certificates_prove,
};

/* Let's Encrypt: new certificates a week for one registered domain. */
enum { WEEK_MOST = 50, TELL_MS = 1000, SHOWN_MOST = 8, DAYS_LEAST = 7 };

struct issue {
	struct job *job;
	struct cert_queue queue;
	struct dns_addresses host;
	char at[300];
};

static bool is_https(struct job *job)
{
	return text_equal(job_config_str(job, "web.scheme", "https"), "https");
}

static void add_list(struct issue *issue, const char *dotted)
{
	for (const struct json *x = json_first(json_path(job_config(issue->job), dotted)); x;
	     x = json_next(x))
		if (json_text(x))
			cert_add(&issue->queue, json_text(x));
}

static struct issue *open_issue(struct job *job, struct err *err)
{
	const struct json *dns = json_get(job_config(job), "dns");
	if (json_count(json_get(dns, "names")) + json_count(json_get(dns, "tenants")) > CERT_NAMES_MAX) {
		err_set(err, ERR_REFUSED,
			"certificates: dns.names and dns.tenants hold more than %d names, more than one step "
			"asks for; "
			"take some out and visit them by hand",
			CERT_NAMES_MAX);
		return NULL;
	}
	struct issue *issue = xcalloc(1, sizeof *issue);
	const char *web = job_config_str(job, "web.new", "");
	issue->job = job;
	add_list(issue, "dns.names");
	add_list(issue, "dns.tenants");
	text_copy(issue->at, sizeof issue->at, web);
	if (dns_new_host(job, &issue->host, err) < 0) {
		free(issue);
		return NULL;
	}
	if (!*web)
		text_copyf(issue->at, sizeof issue->at,
			   strchr(issue->host.list[0], ':') ? "[%s]:443" : "%s:443", issue->host.list[0]);
	return issue;
}

static int certificates_plan(struct job *job, struct plan *plan, struct err *err)
{
	char domain[256];
	struct issue *issue = open_issue(job, err);
	if (!issue)
		return err->kind == ERR_REFUSED ? (plan_refuse(plan, "%s", err->text), 0) : -1;
	size_t n = issue->queue.n, crowd = cert_crowd(&issue->queue, domain, sizeof domain);
	text_copy(plan->target, sizeof plan->target, job_config_str(job, "host.address", "the new host"));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "ASKS FOR CERTIFICATES");
	text_copyf(plan->to, sizeof plan->to, "%zu of %zu names have a good certificate", n, n);
	plan_does(plan, "a TLS handshake with %s for each of %zu names, one after the other", issue->at, n);
	plan_does(plan,
		  "only names that lead there; a name that fails is asked %d times in all, minutes apart",
		  CERT_FAILURES_MOST);
	text_copy(plan->back, sizeof plan->back, "not needed: a certificate more harms nobody");
	if (crowd > WEEK_MOST)
		evidence_add(&plan->seen, VERDICT_WARN, "limit", domain,
			     "%zu names end in %s, and Let's Encrypt gives one domain %d new certificates a "
			     "week: those "
			     "beyond need a wildcard, or certificates made before the night.",
			     crowd, domain, WEEK_MOST);
	plan->nothing_to_do = !is_https(job);
	if (plan->nothing_to_do)
		text_copy(plan->from, sizeof plan->from, "the names are visited by http");
	plan->estimate_ms = (int64_t)n * 3000;
	free(issue);
	return 0;
}

/* A CNAME on the way to the new host, or its address at the end. */
static bool leads_there(const struct issue *issue, const char *name)
{
	const struct json *pointed = job_fact(issue->job, "dns-pointed", name);
	const char *new_name = job_config_str(issue->job, "dns.new_name", "");
	struct dns_query *query = xcalloc(1, sizeof *query);
	bool there = text_equal(json_str(pointed, "to", ""), "new");
	if (!there && (dns_recurse(issue->job, query, name, DNS_A) || query->n))
		for (size_t i = 0; i < query->n && !there; i++) {
			const struct dns_record *r = &query->records[i];
			there =
			    !r->authority &&
			    ((r->type == DNS_A && dns_addresses_has(&issue->host, r->value)) ||
			     (r->type == DNS_CNAME && *new_name && dns_same(r->value, new_name)) ||
			     (r->type == DNS_CNAME &&
			      text_equal(json_str(job_fact(issue->job, "dns-pointed", r->value), "to", ""),
					 "new")));
		}
	free(query);
	return there;
}

static void ask(struct issue *issue, struct cert_name *name)
{
	struct tls_look look;
	if (!leads_there(issue, name->name)) {
		cert_not_yet(name, "it does not lead to the new host yet", clock_life_ms());
		return;
	}
	tls_look(issue->job, name->name, issue->at, &look);
	if (look.trusted && look.seen)
		cert_good(&issue->queue, name);
	else
		cert_failed(&issue->queue, name,
			    look.unknown
				? "the proxy does not know the name: tell it, then run the step again"
				: look.why,
			    look.unknown, clock_life_ms());
}

static void tell(const struct issue *issue, int64_t next_ms)
{
	char text[200], wait[UNITS_MAX] = "";
	int64_t left_ms = next_ms - clock_life_ms();
	text_copyf(text, sizeof text, "issued %zu/%zu%s%s", issue->queue.issued, issue->queue.n,
		   left_ms > 1000 ? ", the next is asked in " : "",
		   left_ms > 1000 ? units_duration(wait, left_ms) : "");
	job_progress(issue->job, (int64_t)issue->queue.issued, (int64_t)issue->queue.n, "items", text);
}

static int record(const struct issue *issue, struct err *err)
{
	struct jw w;
	jw_fact(&w, "certificates", "");
	jw_int(&w, "names", (int64_t)issue->queue.n);
	jw_int(&w, "issued", (int64_t)issue->queue.issued);
	jw_obj(&w, "missing");
	for (size_t i = 0; i < issue->queue.n; i++)
		if (issue->queue.names[i].state != CERT_ISSUED)
			jw_str(&w, issue->queue.names[i].name, issue->queue.names[i].why);
	jw_end(&w);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(issue->job, &w, err);
}

static int certificates_run(struct job *job, struct err *err)
{
	const char *text = json_str(job_params(job), "for", NULL);
	int64_t for_ms = text ? units_parse_duration_ms(text) : json_int(job_params(job), "for", 900) * 1000;
	int64_t end_ms = clock_life_ms() + for_ms, next_ms = 0;
	struct issue *issue = open_issue(job, err);
	bool stop = false;
	if (!issue)
		return -1;
	while (!stop) {
		struct cert_name *name = cert_next(&issue->queue, clock_life_ms(), &next_ms);
		if (name)
			ask(issue, name);
		tell(issue, next_ms);
		if (!next_ms || clock_life_ms() >= end_ms)
			break;
		stop = name ? job_stopping(job) : job_wait(job, TELL_MS);
	}
	int rc = record(issue, err);
	if (rc == 0 && stop)
		rc = err_set(err, ERR_CANCELLED,
			     "certificates was stopped: issued %zu/%zu; the rest comes with the first visit",
			     issue->queue.issued, issue->queue.n);
	free(issue);
	return rc;
}

static enum done certificates_probe(struct job *job, struct err *err)
{
	(void)err;
	return job_fact(job, "certificates", "") ? DONE_DONE : DONE_NOT_DONE;
}

/* Those that have one are looked at anew; those that have none are not asked again for a proof's sake. */
static enum verdict certificates_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *fact = job_fact(job, "certificates", ""), *missing = json_get(fact, "missing");
	struct issue *issue = open_issue(job, err);
	size_t good = 0, shown = 0;
	if (!issue)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; is_https(job) && fact && i < issue->queue.n && !job_stopping(job); i++) {
		const char *name = issue->queue.names[i].name, *why = json_str(missing, name, NULL);
		struct tls_look look = {0};
		if (!why)
			tls_look(job, name, issue->at, &look);
		good += look.trusted && look.seen;
		if (why && shown++ < SHOWN_MOST)
			evidence_add(ev, VERDICT_FAIL, "missing", name, "%s has no certificate: %s.", name,
				     why);
		if (!why && (!look.trusted || !look.seen) && shown++ < SHOWN_MOST)
			tls_see(&look, "NEW", name, DAYS_LEAST, ev);
	}
	if (!is_https(job))
		evidence_add(ev, VERDICT_PASS, "issued", "none", "The names are visited by http.");
	else
		evidence_add(ev,
			     !fact                    ? VERDICT_UNKNOWN
			     : good == issue->queue.n ? VERDICT_PASS
						      : VERDICT_FAIL,
			     "issued", "", "Issued %zu/%zu.", good, issue->queue.n);
	free(issue);
	return evidence_verdict(ev);
}
