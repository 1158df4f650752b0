/* The worker's verb "delta". Its order: `lanes`, `skip` (labels), `last`. It tells "total" at its begin and
 * as it reads, "table", and "result": where that is told, each table's rows were counted on both sides and
 * are as many. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/delta_tell.h"
#include "core/copy/order.h"
#include <stdlib.h>

static int delta_verb_run(const struct copy_order *order, struct err *err);

const struct copy_verb delta_verb = {.name = "delta", .run = delta_verb_run};

enum { LANES_USUAL = 2 };

static void tell_result(const struct copy_delta *d)
{
	struct jw w;
	order_line(&w, "result");
	jw_int(&w, "tables", (int64_t)d->tables);
	jw_int(&w, "equal", (int64_t)d->equal);
	jw_int(&w, "changed_tables", (int64_t)d->changed_tables);
	jw_int(&w, "replaced", (int64_t)d->replaced);
	jw_int(&w, "rows", d->rows);
	jw_int(&w, "changed", d->changed);
	jw_int(&w, "removed", d->removed);
	jw_int(&w, "bytes", d->bytes);
	jw_int(&w, "source_bytes", d->source_bytes);
	jw_int(&w, "sequences", d->rest.sequences);
	jw_int(&w, "objects", d->rest.objects);
	jw_int(&w, "views", d->rest.views);
	jw_int(&w, "keys", d->keys);
	jw_int(&w, "held_ms", d->held_ms);
	jw_int(&w, "ms", d->ms);
	jw_strf(&w, "boundary", "%llu", (unsigned long long)d->now.xid);
	jw_strf(&w, "behind", "%llu", (unsigned long long)(d->now.next - d->was.xid));
	jw_str(&w, "held_by", d->now.held_by);
	order_tell(&w);
}

static int delta_verb_run(const struct copy_order *order, struct err *err)
{
	struct copy_delta out = {0};
	struct delta_telling telling = {.began_ms = clock_life_ms(), .delta = &out};
	const char **skip = copy_order_skip(order);
	struct copy_delta_options options = {.lanes = (size_t)json_int(order->json, "lanes", LANES_USUAL),
					     .skip = skip,
					     .last = json_bool(order->json, "last", false),
					     .stop_fd = order->stop_fd,
					     .ctx = &telling,
					     .tell = delta_tell_table,
					     .read = delta_tell_read};
	struct pg *source = copy_open_source(order, err);
	struct pg *target = source ? copy_open_target(order, err) : NULL;
	int rc = target ? copy_delta_run(source, target, &options, &out, err) : -1;
	if (rc == 0)
		rc = copy_settle(target, err);
	if (rc == 0)
		tell_result(&out);
	pg_close(source);
	pg_close(target);
	free(skip);
	return rc;
}
