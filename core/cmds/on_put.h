/* This program on another machine. For core/cmds/on*.c only. */
#ifndef CORE_CMDS_ON_PUT_H
#define CORE_CMDS_ON_PUT_H

#include "core/cmds/on_ssh.h"

/* Below the home there: FOLDER/SHA-256/nightferry. Each build has its own, so that a running engine is never
 * overwritten. */
#define ON_FOLDER ".nightferry/bin"

/* Looks, sends it when it is absent or different, and looks that it can run. `sha` gets its digest. */
int on_put(const struct on_ssh *ssh, char sha[65], struct err *err);
/* What of "libx.so.1 => not found" lines is missing, as "libx.so.1, liby.so.2" and as Debian's packages for
 * them. False when nothing is. */
bool on_missing(const char *text, struct buf *libraries, struct buf *packages);

#endif
