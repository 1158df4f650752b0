/* The stations on a value's way, one by one: for core/links/env_value.c only. */
#ifndef CORE_LINKS_ENV_WAYS_H
#define CORE_LINKS_ENV_WAYS_H

#include "core/links/env_value.h"

/* What a $NAME becomes: nothing, what `known` says, or ENV_ANY for something unknown. */
enum env_vars { ENV_VARS_GONE, ENV_VARS_KNOWN, ENV_VARS_ANY };
#define ENV_ANY "\xef\xa3\xbf" /* U+F8FF, of private use: it passes every station unchanged */

struct env_way {
	enum env_vars vars;
	env_known *known;
	void *ctx;
	unsigned causes; /* what happened on the way so far */
};
/* dotenv: the value of `text` as it stands in the file in this style. */
void env_way_dotenv(struct env_way *way, enum env_style style, const char *text, struct buf *out);
/* Kamal's env file for `env: secret`. */
void env_way_secret(struct env_way *way, const char *text, struct buf *out);
/* Kamal's docker argument for `env: clear`, as the host's shell hands it on. */
void env_way_clear(struct env_way *way, const char *text, struct buf *out);

#endif
