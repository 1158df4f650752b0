/* See the header. */
#include "core/copy/delta_tell.h"
#include "core/base/clock.h"
#include "core/copy/order.h"

enum { TELL_MS = 200 };

static const char *state_word(const struct copy_delta_tell *t)
{
	static const char *const words[] = {
	    [DELTA_EQUAL] = "equal", [DELTA_CHANGED] = "changed", [DELTA_REPLACED] = "replaced"};
	return t->done ? words[t->done->state] : t->seen ? "waiting" : "looking";
}

static void tell_total(struct delta_telling *telling)
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
void delta_tell_read(void *ctx, int64_t bytes)
{
	struct delta_telling *telling = ctx;
	telling->read_bytes += bytes;
	if (clock_life_ms() - telling->told_ms >= TELL_MS)
		tell_total(telling);
}

void delta_tell_table(void *ctx, const struct copy_delta_tell *t)
{
	struct delta_telling *telling = ctx;
	struct jw w;
	if (!t->seen)
		telling->tables_done = t->tables_done;
	if (t->done && telling->moved)
		__atomic_fetch_add(telling->moved, t->done->bytes, __ATOMIC_RELAXED);
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
