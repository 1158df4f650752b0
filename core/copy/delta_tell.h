/* What a delta tells while it goes on, as lines of its worker: "total" as it reads, "table". */
#ifndef CORE_COPY_DELTA_TELL_H
#define CORE_COPY_DELTA_TELL_H

#include "core/copy/delta.h"

struct delta_telling {
	int64_t began_ms, read_bytes, told_ms;
	size_t tables_done;
	const struct copy_delta *delta;
	int64_t *moved; /* bytes of rows are added to it; may be NULL */
};
/* For copy_delta_options: `ctx` is the telling. */
void delta_tell_read(void *ctx, int64_t bytes);
void delta_tell_table(void *ctx, const struct copy_delta_tell *t);

#endif
