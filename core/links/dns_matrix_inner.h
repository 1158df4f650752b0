/* What the files of dns_matrix share. */
#ifndef CORE_LINKS_DNS_MATRIX_INNER_H
#define CORE_LINKS_DNS_MATRIX_INNER_H

#include "core/links/dns_matrix.h"

/* For the first look at the caches: whether a box on the way answers in their name, ... */
void dns_matrix_find_way(struct dns_matrix *matrix);
/* ... and, knowing what came of it, whether to ask by HTTPS instead. True: the caches are others now. */
bool dns_matrix_another_way(struct dns_matrix *matrix, const struct dns_query *alive);

/* Before caches are asked what they hold, each is asked for the zone's name servers: that tells whether it is
 * there, and a cache that knows them points at them where it holds no answer, instead of asking them itself.
 * One query for each cache, unasked where all names have moved, if not `always`; the caller frees it. */
struct dns_query *dns_matrix_ask_alive(const struct dns_matrix *matrix, bool always);
bool dns_matrix_is_dead(const struct dns_query *alive);
/* Of a cache that is dead, or does not show what it holds. */
void dns_matrix_judge_alive(const struct dns_query *query, const struct dns_query *alive,
			    struct dns_seen *seen);

/* Asks once, of those that have not told it with an answer. */
void dns_matrix_ask_sites(struct dns_matrix *matrix);

bool dns_matrix_six_named(const struct dns_matrix *six, size_t name);

#endif
