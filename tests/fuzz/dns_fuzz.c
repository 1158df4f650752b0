/* Random bytes as the answer of a name server: read or refused, and what was read fits and is clean. The
 * first byte says what was asked. */
#include "core/base/text.h"
#include "core/links/dns.h"
#include "core/links/dns_cell.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room);
	if (len == room)
		abort();
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {DNS_A,   DNS_NS,   DNS_CNAME, DNS_SOA,   DNS_MX,
				    DNS_TXT, DNS_AAAA, DNS_SVCB,  DNS_HTTPS, DNS_CAA};
	static struct dns_query query;
	struct dns_want want = {.name = "www.acme.example",
				.old_target = "acme.herokudns.example",
				.new_target = "cutover.acme.example",
				.full_ttl_s = 20};
	struct dns_memory memory = {0};
	struct dns_seen seen;
	if (size < 3)
		return 0;
	memset(&query, 0, sizeof query);
	text_copy(query.name, sizeof query.name, "www.acme.example");
	query.type = types[data[0] % 10];
	query.recurse = data[0] & 16;
	query.chaos = data[0] & 32;
	query.end = DNS_ANSWERED;
	if (dns_packet_read(&query, (uint16_t)(data[1] << 8 | data[2]), data + 1, size - 1) != 0)
		return 0;
	if (query.n > DNS_RECORDS_MAX)
		abort();
	for (size_t i = 0; i < query.n; i++) {
		const struct dns_record *r = &query.records[i];
		check_text(r->owner, sizeof r->owner);
		check_text(r->value, sizeof r->value);
		if (r->ttl_s < 0 || r->ttl_s > INT32_MAX)
			abort();
	}
	check_text(query.why, sizeof query.why);
	check_text(query.nsid, sizeof query.nsid);
	check_text(query.ede_text, sizeof query.ede_text);
	dns_cell_judge(&want, &memory, &query, data[0] & 64, &seen);
	check_text(seen.value, sizeof seen.value);
	return 0;
}
