/* Watches run as long as the night: one that ends is started again with back-off, its panel says "stale
 * since". */
#include "core/engine/inner.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS 30000

struct watch_slot {
	int64_t again_life_ms, backoff_ms;
	bool running;
};
/* One slot a row of watch_table; the engine is one per process. */
static struct watch_slot slots[64];

static void on_watch_ended(struct child *child);

static void start(struct engine *e, size_t i)
{
	const struct watch *row = watch_table[i];
	struct child_spec spec = {.role = "watch",
				  .name = row->name,
				  .verb = "run",
				  .step = "",
				  .attempt = "",
				  .secrets = row->secrets,
				  .lock_fd = -1,
				  .ended = on_watch_ended};
	slots[i].running = child_start(e, &spec, NULL) != NULL;
	if (!slots[i].running)
		slots[i].again_life_ms = clock_life_ms() + BACKOFF_MOST_MS;
}

static void on_watch_ended(struct child *child)
{
	struct engine *e = child->e;
	for (size_t i = 0; watch_table[i] && i < 64; i++) {
		if (!text_equal(watch_table[i]->name, child->name))
			continue;
		struct watch_slot *slot = &slots[i];
		bool lived = clock_life_ms() - child->started_life_ms > BACKOFF_MOST_MS;
		slot->backoff_ms = lived || !slot->backoff_ms ? BACKOFF_FIRST_MS : slot->backoff_ms * 2;
		if (slot->backoff_ms > BACKOFF_MOST_MS)
			slot->backoff_ms = BACKOFF_MOST_MS;
		slot->again_life_ms = clock_life_ms() + slot->backoff_ms;
		slot->running = false;
		if (e->stopping)
			return;
		struct jw w;
		jw_event(&w, "watch.down");
		jw_str(&w, "watch", child->name);
		jw_str(&w, "text",
		       child->end ? json_str(child->end, "text", "it ended")
				  : "its process ended without a word");
		jw_int(&w, "retry_ms", slot->backoff_ms);
		engine_emit(e, &w, NULL);
	}
}

void watches_start(struct engine *e)
{
	for (size_t i = 0; watch_table[i] && i < 64; i++)
		start(e, i);
}

void watches_tick(struct engine *e)
{
	int64_t now = clock_life_ms();
	for (size_t i = 0; watch_table[i] && i < 64 && !e->stopping; i++)
		if (!slots[i].running && now >= slots[i].again_life_ms)
			start(e, i);
}
