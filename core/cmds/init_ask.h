/* What `nightferry init` asks people at a terminal, because no file around it can tell. */
#ifndef CORE_CMDS_INIT_ASK_H
#define CORE_CMDS_INIT_ASK_H

#include "core/base/buf.h"
#include <stdbool.h>

#define INIT_WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct init_answer {
	char zone[256], provider[40]; /* "": nobody knew */
};
/* Which zone this name of the app is in, and who serves it. Each twice at most: who does not know presses
 * Enter, and the line stays a comment. */
void init_ask_dns(const char *name, struct init_answer *answer);
bool init_is_dns_name(const char *text);
/* Adds the providers as the table of keys has them: "cloudflare, manual". */
void init_providers(struct buf *out);

#endif
