/* This program on another machine: looked for, sent when it is absent or different, and tried. */
#ifndef CORE_LINKS_PUT_SELF_H
#define CORE_LINKS_PUT_SELF_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include <stdbool.h>

/* Below the home there: FOLDER/SHA-256/nightferry. Each build has its own, so that one that runs is never
 * overwritten. */
#define PUT_SELF_FOLDER ".nightferry/bin"

/* How a line for a POSIX shell there is run. `input` may be NULL. The exit status, or -1 with err. */
struct put_self {
	const char *host; /* for sentences */
	int (*run)(void *ctx, const char *script, const struct buf *input, struct buf *out, struct err *err);
	void (*sends)(void *ctx, size_t size_bytes); /* it is about to be sent; may be NULL */
	void *ctx;
};
/* `sha` gets the digest of this build. */
int put_self(const struct put_self *way, char sha[65], struct err *err);
/* What of "libx.so.1 => not found" lines is missing, as "libx.so.1, liby.so.2" and as Debian's packages for
 * them. False when nothing is. */
bool put_self_missing(const char *text, struct buf *libraries, struct buf *packages);

#endif
