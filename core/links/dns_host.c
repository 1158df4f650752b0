/* The new host's addresses: see dns_host.h. */
#include "core/links/dns_host.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/dns_find.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int dns_new_host(struct job *job, struct dns_addresses *out, struct err *err)
{
	const char *web = job_config_str(job, "web.new", ""), *host = job_config_str(job, "host.address", "");
	char address[256];
	unsigned char binary[16];
	text_copy(address, sizeof address, *web ? web + (web[0] == '[') : host);
	char *end = web[0] == '[' ? strchr(address, ']') : *web ? strrchr(address, ':') : NULL;
	if (end)
		*end = '\0';
	*out = (struct dns_addresses){0};
	if (inet_pton(AF_INET, address, binary) == 1 || inet_pton(AF_INET6, address, binary) == 1) {
		dns_addresses_add(out, address);
		return 0;
	}
	static const int types[] = {DNS_A, DNS_AAAA};
	struct dns_query *query = xcalloc(1, sizeof *query);
	for (size_t t = 0; t < 2 && *address; t++)
		if (dns_recurse(job, query, address, types[t]))
			for (size_t i = 0; i < query->n; i++)
				if (query->records[i].type == types[t])
					dns_addresses_add(out, query->records[i].value);
	free(query);
	if (out->n)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "dns: the new host \"%s\" has no address; look at host.address in nightferry.yml",
		       address);
}
