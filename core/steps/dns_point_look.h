/* The records behind the names that move: as they are at the provider, and as they shall be. */
#ifndef CORE_STEPS_DNS_POINT_LOOK_H
#define CORE_STEPS_DNS_POINT_LOOK_H

#include "core/job.h"
#include "core/links/cloudflare.h"
#include "core/links/dns_matrix.h"

enum { POINT_TARGETS_MAX = 2 * DNS_NAMES_MAX };

struct point_target {
	char name[DNS_NAME_MAX], key[DNS_NAME_MAX + 8], id[64], type[12], now[256], want[256];
	int64_t ttl_s, want_ttl_s; /* 1: Cloudflare's "automatic" */
	bool proxied, want_proxied, same;
	const struct json *record; /* the whole object as it is, borrowed from the look */
};
struct point {
	struct job *job;
	bool back; /* to the old side */
	struct cloudflare *cloudflare;
	struct cloudflare_zone zone;
	struct point_target targets[POINT_TARGETS_MAX];
	size_t n;
	struct json *answers[DNS_NAMES_MAX];
	size_t n_answers;
	char refused[320];
	char extra[200]; /* other records that lead browsers: HTTPS, SVCB */
};

/* -1: could not look. What must not be changed is a sentence in `refused`. Done with point_done() in both
 * cases. */
int point_look(struct job *job, bool back, enum cloudflare_manner manner, struct point *out, struct err *err);
void point_done(struct point *point);
/* Compares record and wish. */
bool point_same(const struct point_target *target, const struct json *record);
size_t point_left(const struct point *point); /* targets that are not yet as they shall be */
/* "www.acme.com and api.acme.com" of those that are (not) as they shall be. */
void point_names(const struct point *point, bool same, char *out, size_t size);

/* Evidence; each line also says whether the change may go on. False: refused, and the sentence is in
 * `refused`. */
bool point_see_delegation(struct point *point, struct evidence *ev, struct err *err);
bool point_see_new_name(struct point *point, struct evidence *ev, struct err *err);
void point_see_records(const struct point *point, struct evidence *ev);

#endif
