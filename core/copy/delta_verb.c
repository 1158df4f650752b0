/* The worker's verb "delta". Its order: `lanes`, `skip` (labels), `last`. It tells "total" at its begin and
 * as it reads, "table", and "result": where that is told, each table's rows were counted on both sides and
 * are as many. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/delta.h"
#include "core/copy/order.h"
#include <stdlib.h>

static int delta_verb_run(const struct copy_order *order, struct err *err);

const struct copy_verb delta_verb = {.name = "delta", .run = delta_verb_run};

enum { LANES_USUAL = 2, TELL_MS = 200 };

struct telling {
	int64_t read_bytes, began_ms, told_ms;
	size_t tables_done;
	const struct copy_delta *delta;
};

static const char *state_word(const struct copy_delta_tell *t)
{
	static const char *const words[] = {
	    [DELTA_EQUAL] = "equal", [DELTA_CHANGED] = "changed", [DELTA_REPLACED] = "replaced"};
	return t->done ? words[t->done->state] : t->seen ? "waiting" : "looking";
}

static void tell_total(struct telling *telling)
{
	struct jw w;
	telling->told_ms = clock_life_ms();
	order_line(&w, "total");
	jw_int(&w, "tables", (int64_t)telling->tables_done);
	jw_int(&w, "tables_total", (int64_t)telling->delta->tables);
	jw_int(&w, "read_bytes", telling->read_bytes);
	jw_int(&w, "size_bytes", 2 * telling->delta->source_bytes);
	jw_int(&w, "changed", telling->delta->changed);
	jw_int(&w, "removed", telling->delta->removed);
	jw_int(&w, "bytes", telling->delta->bytes);
	jw_int(&w, "ms", telling->told_ms - telling->began_ms);
	order_tell(&w);
}

/* Of both sides; ten thousand small tables are no ten thousand lines. */
static void note_read(void *ctx, int64_t bytes)
{
	struct telling *telling = ctx;
	telling->read_bytes += bytes;
	if (clock_life_ms() - telling->told_ms >= TELL_MS)
		tell_total(telling);
}

static void tell(void *ctx, const struct copy_delta_tell *t)
{
	struct telling *telling = ctx;
	struct jw w;
	if (!t->seen)
		telling->tables_done = t->tables_done;
	order_line(&w, "table");
	jw_str(&w, "table", t->table->label);
	jw_str(&w, "state", state_word(t));
	jw_int(&w, "rows", t->done ? t->done->target_rows : t->seen ? t->seen->rows : -1);
	jw_int(&w, "changed", t->done ? t->done->changed : t->seen ? t->seen->changed : -1);
	jw_int(&w, "removed", t->done ? t->done->removed : -1);
	jw_int(&w, "bytes", t->done ? t->done->bytes : -1);
	jw_str(&w, "why", t->done ? t->done->why : "");
	order_tell(&w);
	if (t->done && t->tables_done == t->tables)
		tell_total(telling);
}

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

static const char **skip_list(const struct copy_order *order)
{
	const struct json *skip = json_get(order->json, "skip");
	const char **list = xcalloc(json_count(skip) + 1, sizeof *list);
	size_t n = 0;
	for (const struct json *t = json_first(skip); t; t = json_next(t))
		if (json_text(t))
			list[n++] = json_text(t);
	return list;
}

static int delta_verb_run(const struct copy_order *order, struct err *err)
{
	struct copy_delta out = {0};
	struct telling telling = {.began_ms = clock_life_ms(), .delta = &out};
	const char **skip = skip_list(order);
	struct copy_delta_options options = {.lanes = (size_t)json_int(order->json, "lanes", LANES_USUAL),
					     .skip = skip,
					     .last = json_bool(order->json, "last", false),
					     .stop_fd = order->stop_fd,
					     .ctx = &telling,
					     .tell = tell,
					     .read = note_read};
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
