/* Watches and lines run as long as the night: one that ends is started again with back-off, its panel says
 * "stale since". Lines come first, for the others borrow from them. */
#include "core/engine/inner.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MOST_MS 30000
#define SLOTS_MAX 80

struct slot {
	const char *role;
	char name[32]; /* as its child's; "host@203.0.113.43" for another host than the primary one */
	const char *const *secrets;
	const char *own_secrets[2]; /* where the configuration names it, and no row can */
	struct json *params;        /* {"host": one of the config's hosts}, or NULL */
	int64_t again_life_ms, backoff_ms;
	struct child *child; /* NULL: it does not run */
};
/* One slot a row of line_table and watch_table; the engine is one per process. */
static struct slot slots[SLOTS_MAX];
static size_t n_slots;

static void on_ended(struct child *child);

static void start(struct engine *e, struct slot *slot)
{
	struct child_spec spec = {.role = slot->role,
				  .name = slot->name,
				  .verb = "run",
				  .step = "",
				  .attempt = "",
				  .params = slot->params,
				  .secrets = slot->secrets,
				  .lock_fd = -1,
				  .ended = on_ended};
	slot->child = child_start(e, &spec, NULL);
	if (!slot->child)
		slot->again_life_ms = clock_life_ms() + BACKOFF_MOST_MS;
}

static void on_ended(struct child *child)
{
	struct engine *e = child->e;
	for (struct slot *slot = slots; slot < slots + n_slots; slot++) {
		if (slot->child != child)
			continue;
		bool lived = clock_life_ms() - child->started_life_ms > BACKOFF_MOST_MS;
		slot->backoff_ms = lived || !slot->backoff_ms ? BACKOFF_FIRST_MS : slot->backoff_ms * 2;
		if (slot->backoff_ms > BACKOFF_MOST_MS)
			slot->backoff_ms = BACKOFF_MOST_MS;
		slot->again_life_ms = clock_life_ms() + slot->backoff_ms;
		slot->child = NULL;
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

static struct slot *add_slot(const char *role, const char *name, const char *const *secrets)
{
	if (n_slots == SLOTS_MAX)
		return NULL;
	slots[n_slots] = (struct slot){.role = role, .secrets = secrets};
	text_copy(slots[n_slots].name, sizeof slots[n_slots].name, name);
	return &slots[n_slots++];
}

/* Each of the other hosts has a process of its own: one that does not answer holds up nobody else. */
static void add_hosts(struct engine *e, const struct watch *watch)
{
	char name[32];
	size_t place = 0;
	for (const struct json *h = json_first(json_get(e->config, "hosts")); h; h = json_next(h)) {
		place++;
		if (json_bool(h, "primary", false))
			continue;
		/* What does not fit is told by its place in the list: hosts often differ in their last
		 * letters only. */
		if (!text_copyf(name, sizeof name, "%s@%s", watch->name,
				json_str(h, "name", json_str(h, "address", ""))))
			text_copyf(name, sizeof name, "%s@host %zu", watch->name, place);
		struct slot *slot = add_slot("watch", name, watch->secrets);
		if (!slot)
			return;
		struct jw w = {0};
		jw_open(&w);
		jw_json(&w, "host", h);
		const char *text = jw_finish(&w);
		slot->params = json_parse(text, strlen(text), NULL);
		jw_done(&w);
	}
}

/* Only where somebody wants to be told. Its address is a secret of the user's own name. */
static void add_notify(struct engine *e, const struct watch *watch)
{
	const char *webhook = json_str(json_get(e->config, "notify"), "webhook", "");
	struct slot *slot = notices_wanted(e) ? add_slot("watch", watch->name, NULL) : NULL;
	if (!slot || !text_starts(webhook, "env:"))
		return;
	slot->own_secrets[0] = webhook + 4;
	slot->secrets = slot->own_secrets;
}

void watches_start(struct engine *e)
{
	while (n_slots > 0)
		json_free(slots[--n_slots].params);
	for (size_t i = 0; line_table[i]; i++)
		add_slot("line", line_table[i]->name, line_table[i]->secrets);
	for (size_t i = 0; watch_table[i]; i++)
		if (text_equal(watch_table[i]->name, "notify"))
			add_notify(e, watch_table[i]);
		else if (!watch_table[i]->asked)
			add_slot("watch", watch_table[i]->name, watch_table[i]->secrets);
	for (size_t i = 0; watch_table[i]; i++)
		if (watch_table[i]->each_host)
			add_hosts(e, watch_table[i]);
	for (size_t i = 0; i < n_slots; i++)
		start(e, &slots[i]);
}

/* One that ended without a word has told nothing: whoever waits for it must not wait on. */
static void on_bisected(struct child *child)
{
	struct jw w;
	if (child->end || child->e->stopping)
		return;
	jw_event(&w, "rows.bisected");
	jw_str(&w, "table", json_str(child->e->bisecting, "table", ""));
	jw_str(&w, "state", "failed");
	jw_str(&w, "text", "its process ended without a word; Enter asks again");
	engine_emit(child->e, &w, NULL);
}

int watch_bisect(struct engine *e, const char *table, struct err *err)
{
	static const char name[] = "bisect";
	if (child_find(e, "watch", name))
		return err_set(err, ERR_REFUSED, "%s is being looked at; one table at a time",
			       json_str(e->bisecting, "table", "another table"));
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "table", table);
	const char *text = jw_finish(&w);
	json_free(e->bisecting);
	e->bisecting = json_parse(text, strlen(text), NULL);
	jw_done(&w);
	for (size_t i = 0; watch_table[i]; i++) {
		struct child_spec spec = {.role = "watch",
					  .name = name,
					  .verb = "run",
					  .step = "",
					  .attempt = "",
					  .params = e->bisecting,
					  .secrets = watch_table[i]->secrets,
					  .lock_fd = -1,
					  .ended = on_bisected};
		if (text_equal(watch_table[i]->name, name))
			return child_start(e, &spec, err) ? 0 : -1;
	}
	return err_set(err, ERR_BUG, "there is no watch \"%s\"", name);
}

void watches_tick(struct engine *e)
{
	int64_t now = clock_life_ms();
	for (size_t i = 0; i < n_slots && !e->stopping; i++)
		if (!slots[i].child && now >= slots[i].again_life_ms)
			start(e, &slots[i]);
}
