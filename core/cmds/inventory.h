/* What there is on Heroku, as Markdown: between the command (inventory.c) and its sections
 * (inventory_write.c). */
#ifndef CORE_CMDS_INVENTORY_H
#define CORE_CMDS_INVENTORY_H

#include "core/base/buf.h"
#include "core/job.h"
#include "core/links/heroku.h"

/* Every section. `key` makes the fingerprints of config vars. -1 and err when Heroku cannot be seen; what
 * else cannot be seen is said in its place. No value of a config var is in it: that is looked for at the end,
 * and refused. */
int inventory_write(struct job *job, const char *key, struct buf *out, struct err *err);

#endif
