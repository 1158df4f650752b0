/* Where the new host is, by its address and not by DNS. */
#ifndef CORE_LINKS_DNS_HOST_H
#define CORE_LINKS_DNS_HOST_H

#include "core/base/err.h"
#include "core/links/dns_cell.h"

struct job;

/* The addresses of web.new, or of host.address. -1 when the config names none. */
int dns_new_host(struct job *job, struct dns_addresses *out, struct err *err);

#endif
