/* Heroku's config vars against what is inside each role's container. What leaves this process are names,
 * lengths, kinds of characters and keyed digests, never a value. */
#ifndef CORE_LINKS_ENV_PARITY_H
#define CORE_LINKS_ENV_PARITY_H

#include "core/job.h"
#include "core/links/env_set.h"

enum { ENV_ROLES = 16 };
struct env_role {
	char role[32], container[160];
	struct env_set vars;
};
struct env_sides {
	const struct env_set *old;
	const struct env_role *roles; /* those that have a container */
	size_t n_roles;
	const struct json *accept; /* names that may be missing or other on the new side */
	const char *database;      /* what the night fills; "" : not known */
};
/* One line that counts, and one for every variable that is not as it should be. */
void env_parity(const struct job *job, const struct env_sides *sides, struct evidence *ev);

/* Kinds of names, exact but for the prefix HEROKU_. */
enum env_rule {
	ENV_RULE_SAME,    /* must be the same */
	ENV_RULE_DIFFERS, /* names a place on Heroku: must be another */
	ENV_RULE_STAYS,   /* Heroku's own: must not come along */
	ENV_RULE_BUILD,   /* set by Heroku's buildpacks: may be missing */
};
enum env_rule env_rule_of(const char *name);

#endif
