/* The records behind the names that move: as they are at the provider, and as they shall be. What dns-point,
 * dns-ttl and dns-weight share. */
#ifndef CORE_STEPS_DNS_SETS_H
#define CORE_STEPS_DNS_SETS_H

#include "core/job.h"
#include "core/links/dns_matrix.h"
#include "core/links/dns_provider.h"

/* A name of addresses has two records, with hints three or more; a name that becomes weighted needs three
 * changes. */
enum { DNS_TARGETS_MAX = 4 * DNS_NAMES_MAX };

struct dns_target {
	char key[DNS_NAME_MAX + 140]; /* of its facts: "www.acme.com", "www.acme.com AAAA" or HTTPS */
	struct dns_rrset now, want;
	bool same;
};
struct dns_sets {
	struct job *job;
	const char *step;          /* "dns-point" */
	const char *before, *done; /* facts: what was, and that it is done */
	const char *where;         /* what it is when it is done, for sentences: "at NEW" */
	const char *to;            /* goes into the fact `done` */
	bool back;                 /* to what was recorded */
	bool members;              /* weighted sets are welcome */
	bool hints;                /* HTTPS and SVCB records, too: browsers follow them first */
	/* Says what a target shall be; `want` is a copy of `now` at first. May refuse with dns_refuse(). */
	void (*wish)(struct dns_sets *, struct dns_target *);
	void *ctx;

	struct dns_api *api;
	const struct dns_provider *provider;
	struct dns_zone zone;
	struct dns_target targets[DNS_TARGETS_MAX];
	size_t n;
	struct dns_rrsets answers[DNS_NAMES_MAX];
	size_t n_answers;
	char refused[320];
	char extra[200]; /* other records that lead browsers: HTTPS, SVCB */
};

/* Fills what is below `ctx`. -1: could not look. What must not be changed is a sentence in `refused`. Done
 * with dns_sets_done() in both cases. */
int dns_sets_look(struct dns_sets *sets, enum dns_manner manner, struct err *err);
void dns_sets_done(struct dns_sets *sets);
/* The first reason stays. */
void dns_refuse(struct dns_sets *sets, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t dns_sets_left(const struct dns_sets *sets); /* targets that are not yet as they shall be */
/* "www.acme.com, api.acme.com" of those that are (not) as they shall be. */
void dns_sets_names(const struct dns_sets *sets, bool same, char *out, size_t size);
int64_t dns_sets_longest_s(const struct dns_sets *sets, bool want);
/* What was recorded before tonight's change, for the way back. NULL: never touched. */
const struct json *dns_sets_before(const struct dns_sets *sets, const struct dns_target *target);

/* DO lines, the providers' way; the data that dns_sets_check() compares with. */
void dns_sets_plan(const struct dns_sets *sets, struct plan *plan);
/* -1: the world is not what the approved plan saw; nothing was changed. */
int dns_sets_check(const struct dns_sets *sets, struct err *err);
/* Changes what is not yet as it shall be: what was is written down first, every doubt is looked at again. A
 * change that ended half-way says exactly how far it came. */
int dns_sets_change(struct dns_sets *sets, struct err *err);
/* Done, not done, or half-way with a sentence in err. */
enum done dns_sets_probe(const struct dns_sets *sets, struct err *err);

/* Evidence. False: refused, and the sentence is in `refused`. */
bool dns_sets_see_delegation(struct dns_sets *sets, struct evidence *ev, struct err *err);
bool dns_sets_see_new_name(struct dns_sets *sets, struct evidence *ev, struct err *err);
void dns_sets_see_records(const struct dns_sets *sets, struct evidence *ev);
void dns_sets_prove_records(const struct dns_sets *sets, struct evidence *ev);

#endif
