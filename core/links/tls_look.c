/* Looking at certificates: see tls_look.h. */
#include "core/links/tls_look.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MS = 10000, DAY_MS = 86400000 };

static int once(struct job *job, const char *url, const char *at, bool insecure, struct tls_look *out,
		struct err *err)
{
	struct http_request request = {.url = url,
				       .connect_to = at,
				       .ca_file = job_config_str(job, "web.ca", ""),
				       .insecure = insecure,
				       .timeout_ms = ANSWER_MS,
				       .connect_ms = ANSWER_MS / 2};
	struct http_reply reply;
	int rc = http_once(job, &request, &reply, err);
	out->seen = out->seen || reply.cert_until_ms;
	out->status = reply.status;
	if (reply.cert_until_ms) {
		out->until_ms = reply.cert_until_ms;
		text_copy(out->issuer, sizeof out->issuer, reply.cert_issuer);
		text_copy(out->names, sizeof out->names, reply.cert_names);
	}
	if (rc == 0)
		http_head(&reply, "strict-transport-security", out->hsts, sizeof out->hsts);
	http_reply_done(&reply);
	return rc;
}

void tls_look(struct job *job, const char *name, const char *at, struct tls_look *out)
{
	char *url = xasprintf("https://%s/", name);
	struct err err = {0}, unseen = {0};
	*out = (struct tls_look){0};
	int rc = once(job, url, at, false, out, &err);
	/* An answer that breaks off later is no matter of its certificate. */
	out->trusted = rc == 0 || (out->seen && !strstr(err.text, "certificate"));
	out->unknown = !out->seen && text_find(err.text, "unrecognized name") != NULL;
	if (!out->trusted)
		text_copy(out->why, sizeof out->why, err.text);
	/* Only a certificate that was refused is worth a second look. */
	if (!out->trusted && strstr(err.text, "certificate"))
		once(job, url, at, true, out, &unseen);
	free(url);
}

void tls_see(const struct tls_look *look, const char *side, const char *name, int days_least,
	     struct evidence *ev)
{
	long long days = (long long)((look->until_ms - clock_wall_ms()) / DAY_MS);
	if (look->unknown) {
		evidence_add(
		    ev, VERDICT_FAIL, "tls", "unknown name",
		    "%s has no certificate for %s and refuses the name: its proxy has to be told of it.",
		    side, name);
		return;
	}
	if (!look->seen) {
		evidence_add(ev, VERDICT_UNKNOWN, "tls", "unseen", "%s gave no certificate for %s: %s", side,
			     name, look->why);
		return;
	}
	if (!look->trusted)
		evidence_add(ev, VERDICT_FAIL, "tls", "not trusted", "%s: %s", name, look->why);
	evidence_add(ev,
		     !look->trusted      ? VERDICT_FAIL
		     : days < days_least ? VERDICT_WARN
					 : VERDICT_PASS,
		     "certificate", days < days_least ? "ends" : "",
		     "%s has a certificate for %s of %.60s, %s%lld days.", side,
		     *look->names ? look->names : "no names", *look->issuer ? look->issuer : "nobody",
		     days < 0 ? "over since " : "good for ", days < 0 ? -days : days);
	if (look->trusted && look->status / 100 == 5)
		evidence_add(ev, VERDICT_WARN, "answer", "error",
			     "%s answers %d for %s: the certificate is good, and nothing good is behind it.",
			     side, look->status, name);
}
