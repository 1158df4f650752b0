/* Nobody notices tonight that mail is lost: see dns_mail_see.h. */
#include "core/steps/dns_mail_see.h"
#include "core/base/text.h"
#include "core/links/dns_mail.h"
#include <stdlib.h>

int mail_record(struct job *job, const char *zone, struct err *err)
{
	struct dns_mail *now = xcalloc(1, sizeof *now);
	struct err unseen = {0};
	int rc = 0;
	if (job_fact(job, "mail-before", zone)) {
		/* What it was before the first change is what counts. */
	} else if (dns_mail_look(job, zone, now, &unseen) < 0) {
		job_log(job, "", "mail records are not compared: %s", unseen.text);
	} else {
		struct jw w;
		jw_fact(&w, "mail-before", zone);
		dns_mail_write(now, &w);
		rc = job_record(job, &w, err);
	}
	free(now);
	return rc;
}

static bool is_in(const struct dns_mail *mail, const char *line)
{
	for (size_t i = 0; line && i < mail->n; i++)
		if (text_equal(mail->lines[i], line))
			return true;
	return false;
}

void mail_prove(struct job *job, const char *zone, struct evidence *ev)
{
	const struct json *fact = job_fact(job, "mail-before", zone), *lines = json_get(fact, "lines");
	struct dns_mail *now = xcalloc(1, sizeof *now);
	struct err unseen = {0};
	size_t other = 0;
	if (!fact || dns_mail_look(job, zone, now, &unseen) < 0) {
		evidence_add(ev, VERDICT_WARN, "mail", "unseen",
			     "Whether the mail records of %s are as before is not seen: %s.", zone,
			     fact ? unseen.text : "nobody saw them before the change");
		free(now);
		return;
	}
	for (const struct json *x = json_first(lines); x; x = json_next(x))
		if (!is_in(now, json_text(x)) && other++ < 4)
			evidence_add(ev, VERDICT_FAIL, "mail", "gone", "This mail record is gone: %s.",
				     json_text(x));
	for (size_t i = 0; i < now->n; i++)
		if (!dns_mail_has(lines, now->lines[i]) && other++ < 8)
			evidence_add(ev, VERDICT_FAIL, "mail", "new",
				     "This mail record was not there before: %s.", now->lines[i]);
	if (!other)
		evidence_add(
		    ev, VERDICT_PASS, "mail", "same",
		    "All %zu mail records of %s are as before (MX, SPF, DMARC, DKIM by known names).", now->n,
		    zone);
	free(now);
}
