/* .kamal/secrets: which names it has and how their values are written. The values stay in the file: none is
 * kept, no $(command) is run. */
#ifndef CORE_LINKS_KAMAL_SECRETS_H
#define CORE_LINKS_KAMAL_SECRETS_H

#include "core/base/err.h"
#include "core/links/env_value.h"
#include <stdbool.h>

struct kamal_secret {
	char name[96];
	enum env_style style;
	bool empty; /* written as nothing */
};
struct kamal_secrets {
	struct kamal_secret *list; /* the newest line of a name counts */
	size_t n;
	char files[2][64]; /* as they were found, relative to the folder: ".kamal/secrets-common" */
	size_t n_files;
};
/* The files that Kamal reads: PATH-common, then PATH.DESTINATION or, without one, PATH; never both. A file
 * that is not there is no error, one that cannot be read is. */
int kamal_secrets_load(struct kamal_secrets *out, const char *folder, const char *path,
		       const char *destination, struct err *err);
/* One file's text, as dotenv's grammar takes it. */
void kamal_secrets_read(struct kamal_secrets *out, const char *text);
const struct kamal_secret *kamal_secrets_find(const struct kamal_secrets *secrets, const char *name);
void kamal_secrets_done(struct kamal_secrets *secrets);

#endif
