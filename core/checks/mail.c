/* mail: where the zone's mail goes, and whether it would move along with the web app. */
#include "core/links/dns_mail.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <stdlib.h>
#include <string.h>

static enum verdict mail_run(struct job *job, struct evidence *ev, struct err *err);

const struct check mail_check = {
    .name = "mail",
    .help = "mail of the zone goes to hosts that do not move, and who may send does not change with them",
    .bite = "an MX that names the web host: after the flip all mail goes to a server that takes none",
    .run = mail_run,
};

/* The name that moves of which `text` speaks as a word: "10 www.acme.com", "v=spf1 a:www.acme.com -all". */
static const char *moving(struct job *job, const char *text)
{
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names")); x;
	     x = json_next(x)) {
		const char *name = json_text(x);
		size_t len = name ? strlen(name) : 0;
		for (const char *at = text; len && (at = text_find(at, name)) != NULL; at += len) {
			bool begins = at == text || strchr(" :", at[-1]);
			if (begins && (!at[len] || strchr(" /", at[len])))
				return name;
		}
	}
	return NULL;
}

/* "a" alone means the zone itself. */
static bool names_itself(const char *spf)
{
	return strstr(spf, " a ") || strstr(spf, " +a ") || strstr(spf, " a/");
}

static void see_line(struct job *job, const char *zone, const char *line, struct evidence *ev)
{
	const char *mx = strstr(line, " MX "), *spf = strstr(line, " TXT v=spf1");
	const char *name = mx ? moving(job, mx + 4) : spf ? moving(job, spf + 5) : NULL;
	if (mx && name)
		evidence_add(ev, VERDICT_FAIL, "mx", name,
			     "Mail goes to %s (%s), which moves tonight: give mail a name of its own first.",
			     name, line);
	else if (spf && (name || (names_itself(spf) && moving(job, zone))))
		evidence_add(ev, VERDICT_WARN, "spf", name ? name : zone,
			     "Who may send mail is told by %s, which moves tonight: after the flip the new "
			     "host may, and "
			     "the old one may not.",
			     name ? name : zone);
	else if (mx || spf)
		evidence_add(ev, VERDICT_PASS, mx ? "mx" : "spf", line, "%s", line);
}

static enum verdict mail_run(struct job *job, struct evidence *ev, struct err *err)
{
	char zone[DNS_NAME_MAX];
	struct dns_mail *mail = xcalloc(1, sizeof *mail);
	if (dns_find_zone(job, zone, sizeof zone, err) == 0 && dns_mail_look(job, zone, mail, err) == 0) {
		for (size_t i = 0; i < mail->n; i++)
			see_line(job, zone, mail->lines[i], ev);
		evidence_add(ev, VERDICT_PASS, "mail", "",
			     mail->n ? "%s has %zu mail records; they are compared after the flip."
				     : "%s has no mail records.",
			     zone, mail->n);
	}
	free(mail);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
