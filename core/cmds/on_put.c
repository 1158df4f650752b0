/* This program on another machine, by the user's own ssh. */
#include "core/cmds/on_put.h"
#include "core/links/put_self.h"
#include <stdio.h>

static int run(void *ctx, const char *script, const struct buf *input, struct buf *out, struct err *err)
{
	return on_ssh_run(ctx, script, input, out, err);
}

static void sends(void *ctx, size_t size_bytes)
{
	const struct on_ssh *ssh = ctx;
	fprintf(stderr, "nightferry: sending itself to %s (%.1f MB)\n", ssh->host, (double)size_bytes / 1e6);
}

int on_put(struct on_ssh *ssh, char sha[65], struct err *err)
{
	return put_self(&(struct put_self){.host = ssh->host, .run = run, .sends = sends, .ctx = ssh}, sha,
			err);
}
