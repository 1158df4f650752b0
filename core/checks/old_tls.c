/* old-tls: how long the way back stays open, and whether browsers would take plain http instead. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include "core/links/tls_look.h"
#include <stdlib.h>
#include <string.h>

static enum verdict old_tls_run(struct job *job, struct evidence *ev, struct err *err);

const struct check old_tls_check = {
    .name = "old-tls",
    .help = "until when the old side's certificate allows a way back, and whether it insists on https",
    .bite = "Heroku cannot renew a certificate once DNS leads elsewhere: after its end there is no way back",
    .run = old_tls_run,
};

enum { DAYS_LEAST = 14 };

/* Where the name leads now, "host:port"; "" when that is not known. */
static void old_place(struct job *job, const char *name, char *out, size_t size)
{
	struct dns_query *query = xcalloc(1, sizeof *query);
	text_copy(out, size, job_config_str(job, "web.old", ""));
	if (!*out && dns_recurse(job, query, name, DNS_A) && dns_value(query, DNS_CNAME) &&
	    !dns_same(dns_value(query, DNS_CNAME), job_config_str(job, "dns.new_name", "")))
		text_copyf(out, size, "%s:443", dns_value(query, DNS_CNAME));
	free(query);
}

static void see_name(struct job *job, const char *name, struct evidence *ev)
{
	char at[300];
	struct tls_look look;
	old_place(job, name, at, sizeof at);
	if (!*at) {
		evidence_add(ev, VERDICT_WARN, "certificate", "unseen",
			     "Where %s leads is not seen, so the end of its certificate is not known.", name);
		return;
	}
	tls_look(job, name, at, &look);
	long long days = (long long)((look.until_ms - clock_wall_ms()) / 86400000);
	if (!look.seen)
		evidence_add(ev, VERDICT_WARN, "certificate", "unseen", "%s", look.why);
	else
		evidence_add(ev, days < DAYS_LEAST || !look.trusted ? VERDICT_WARN : VERDICT_PASS,
			     "certificate", days < DAYS_LEAST ? "ends" : "",
			     "The old side's certificate of %s is good for %lld days: so long a way back is "
			     "possible.%s%s",
			     name, days, *look.why ? " But: " : "", look.why);
	if (*look.hsts)
		evidence_add(
		    ev, VERDICT_WARN, "hsts", look.hsts,
		    "%s insists on https (HSTS %s): without a good certificate on the new host nobody "
		    "gets in, not by http either.",
		    name, look.hsts);
	else if (look.status)
		evidence_add(ev, VERDICT_PASS, "hsts", "none", "%s does not insist on https (no HSTS).",
			     name);
}

static enum verdict old_tls_run(struct job *job, struct evidence *ev, struct err *err)
{
	(void)err;
	if (!text_equal(job_config_str(job, "web.scheme", "https"), "https"))
		evidence_add(ev, VERDICT_PASS, "https", "none", "The names are visited by http.");
	else
		for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x;
		     x = json_next(x))
			see_name(job, json_text(x) ? json_text(x) : "", ev);
	return evidence_verdict(ev);
}
