/* new-tls: the certificates that visitors will meet on the new side. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/tls_look.h"
#include <string.h>

static enum verdict new_tls_run(struct job *job, struct evidence *ev, struct err *err);

const struct check new_tls_check = {
    .name = "new-tls",
    .help = "the new side has a good certificate for every name, where it can have one before the flip",
    .bite =
	"a certificate for the wrong name, or without its intermediate, locks everybody out after the flip",
    .run = new_tls_run,
};

enum { DAYS_LEAST = 7, NAMES_MAX = 24 };

static bool by_letsencrypt(struct job *job)
{
	const struct json *proxy = json_path(job_config(job), "kamal.proxy");
	return json_bool(proxy, "ssl", false) && !json_bool(proxy, "certificate", false);
}

static enum verdict new_tls_run(struct job *job, struct evidence *ev, struct err *err)
{
	const char *web = job_config_str(job, "web.new", ""), *host = job_config_str(job, "host.address", "");
	char at[300];
	(void)err;
	text_copy(at, sizeof at, web);
	if (!*at && *host)
		text_copyf(at, sizeof at, strchr(host, ':') ? "[%s]:443" : "%s:443", host);
	if (!text_equal(job_config_str(job, "web.scheme", "https"), "https"))
		evidence_add(ev, VERDICT_PASS, "tls", "none", "The names are visited by http.");
	else if (by_letsencrypt(job))
		/* A handshake makes the proxy ask for a certificate that it cannot get yet, and only five
		 * such failures an hour are forgiven. */
		evidence_add(
		    ev, VERDICT_WARN, "tls", "later",
		    "The proxy fetches its certificates only when DNS leads to it, so there is nothing "
		    "to see yet, and looking would use up the issuer's patience.");
	else if (!*at)
		evidence_add(ev, VERDICT_UNKNOWN, "tls", "unseen",
			     "The new side has no address; write host.address or web.new.");
	else {
		int left = NAMES_MAX;
		for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x && left--;
		     x = json_next(x)) {
			struct tls_look look;
			tls_look(job, json_text(x) ? json_text(x) : "", at, &look);
			tls_see(&look, "NEW", json_text(x) ? json_text(x) : "", DAYS_LEAST, ev);
		}
	}
	return evidence_verdict(ev);
}
