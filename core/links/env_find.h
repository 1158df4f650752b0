/* What is so with one variable in one role: for core/links/env_parity.c. */
#ifndef CORE_LINKS_ENV_FIND_H
#define CORE_LINKS_ENV_FIND_H

#include "core/links/env_parity.h"

/* What a variable is counted as; of several roles the worst counts. */
enum env_sort {
	ENV_SAME,
	ENV_IN_BASE64,
	ENV_DIFFERS,
	ENV_STAYS,
	ENV_ACCEPTED,
	ENV_CHANGED,
	ENV_MISSING,
	ENV_SORTS
};
struct env_finding {
	enum env_sort sort;
	enum verdict verdict; /* PASS with an empty text: nothing to tell */
	char text[230];       /* what follows the name, with ROLES for where: "is missing in ROLES: ..." */
	char fact[120];
};
/* A config var of Heroku in this role. */
void env_find(const struct job *job, const struct env_sides *sides, const struct env_role *role,
	      const struct env_var *var, struct env_finding *f);
/* A variable that only the new side has; `f` stays as it is when there is nothing to tell. */
void env_find_extra(const struct env_sides *sides, const char *name, const char *value,
		    struct env_finding *f);

#endif
