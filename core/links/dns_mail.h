/* A zone's mail records, which no move of a web app may touch: MX of the zone and of the names that move,
 * SPF, DMARC, and DKIM keys of the selectors that are known by name. */
#ifndef CORE_LINKS_DNS_MAIL_H
#define CORE_LINKS_DNS_MAIL_H

#include "core/base/err.h"
#include "core/base/json.h"
#include <stdbool.h>
#include <stddef.h>

struct job;

enum { DNS_MAIL_LINES = 80 };

struct dns_mail {
	char lines[DNS_MAIL_LINES][560]; /* "acme.com MX 10 mail.acme.com", sorted */
	size_t n;
};
/* By the first of the zone's own servers that answers every question. -1 and err: none does. Of a text of
 * more than 255 bytes the first 255 count. */
int dns_mail_look(struct job *job, const char *zone, struct dns_mail *out, struct err *err);
/* "lines": [...], and back: an array of those. */
void dns_mail_write(const struct dns_mail *mail, struct jw *w);
bool dns_mail_has(const struct json *lines, const char *line);

#endif
