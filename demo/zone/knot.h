/* The real name server behind the API, spoken to through its own control program, knotc. */
#ifndef DEMO_ZONE_KNOT_H
#define DEMO_ZONE_KNOT_H

#include <stddef.h>
#include "demo/zone/records.h"

struct knot {
	const char *socket; /* knotd's control socket */
	const char *zone;   /* "acme.example" */
};

/* Read the zone's records into `set`, without ids. The SOA, the zone's own NS and the addresses of its name
 * servers are left out: Cloudflare keeps those to itself. 0, or -1 with a sentence in `why`. */
int knot_read(const struct knot *knot, struct record_set *set, char *why, size_t why_size);

/* Make the zone, which holds `from`, hold `to`: one transaction, all or nothing. 0, or -1 with a sentence. */
int knot_replace(const struct knot *knot, const struct record_set *from, const struct record_set *to,
		 char *why, size_t why_size);

/* Read the configuration and its modules' files again. */
int knot_reload(const struct knot *knot, char *why, size_t why_size);

#endif
