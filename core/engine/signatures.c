/* Known errors in the lines of all sources: the first of each is an event with cause and fix, the others are
 * counted. */
#include "core/engine/inner.h"
#include "core/night/signature.h"

static void tell_first(struct engine *e, const struct signature *s, const struct json *line)
{
	struct jw w;
	jw_event(&w, "log.signature");
	jw_str(&w, "id", s->id);
	jw_str(&w, "title", s->title);
	jw_str(&w, "cause", s->cause);
	jw_str(&w, "fix", s->fix);
	jw_arr(&w, "match");
	for (size_t i = 0; i < SIGNATURE_MATCHES && s->match[i]; i++)
		jw_str(&w, NULL, s->match[i]);
	jw_end(&w);
	jw_bool(&w, "warn", s->warn);
	jw_str(&w, "side", json_str(line, "side", ""));
	jw_str(&w, "source", json_str(line, "source", ""));
	jw_str(&w, "text", json_str(line, "text", ""));
	jw_int(&w, "line_at_ms", json_int(line, "at_ms", clock_wall_ms()));
	engine_emit(e, &w, NULL);
}

static void tell_again(struct engine *e, const struct signature *s, uint64_t count, const struct json *line)
{
	struct jw w;
	jw_event(&w, "log.again");
	jw_str(&w, "id", s->id);
	jw_int(&w, "count", (int64_t)count);
	jw_int(&w, "line_at_ms", json_int(line, "at_ms", clock_wall_ms()));
	engine_emit(e, &w, NULL);
}

static void signatures_new(struct engine *e)
{
	size_t n = 0;
	while (signature_table[n].id)
		n++;
	e->signature_counts = xcalloc(n + 1, sizeof *e->signature_counts);
}

void signatures_look(struct engine *e, const struct event *event)
{
	if (!e->signature_counts)
		signatures_new(e);
	for (const struct json *x = json_first(json_get(event->body, "lines")); x; x = json_next(x)) {
		const struct signature *s = signature_of(json_str(x, "text", ""));
		if (!s)
			continue;
		const struct signature_seen *seen = log_signature_by_id(&e->state->logs, s->id);
		if (!seen) {
			e->signature_counts[s - signature_table] = 1;
			tell_first(e, s, x);
			continue;
		}
		/* What is waiting to be told is not in the state yet. */
		uint64_t *count = &e->signature_counts[s - signature_table];
		*count = (*count > seen->count ? *count : seen->count) + 1;
		tell_again(e, s, *count, x);
	}
}
