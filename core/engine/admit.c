/* The one door: every event of every source comes in here, is cut of secrets, numbered, kept as its kind
 * says, folded, and handed on. */
#include "core/engine/inner.h"

#define RING_MAX_BYTES ((size_t)4 << 20)
#define SAMPLE_EVERY_MS 250
#define RETRY_MS 1000

struct shared *shared_new(const char *text, size_t len, uint64_t seq, enum keep keep)
{
	struct shared *s = xmalloc(sizeof *s + len + 2);
	*s = (struct shared){.refs = 1, .seq = seq, .keep = keep, .len = len + 1};
	memcpy(s->text, text, len);
	s->text[len] = '\n';
	s->text[len + 1] = '\0';
	return s;
}

void shared_unref(struct shared *shared)
{
	if (shared && --shared->refs == 0)
		free(shared);
}

static void ring_add(struct engine *e, struct shared *line)
{
	if (e->ring_n == e->ring_cap) {
		size_t cap = e->ring_cap ? e->ring_cap * 2 : 256;
		struct shared **ring = xmalloc(cap * sizeof *ring);
		for (size_t i = 0; i < e->ring_n; i++)
			ring[i] = e->ring[(e->ring_first + i) % e->ring_cap];
		free(e->ring);
		e->ring = ring;
		e->ring_first = 0;
		e->ring_cap = cap;
	}
	line->refs++;
	e->ring[(e->ring_first + e->ring_n++) % e->ring_cap] = line;
	e->ring_bytes += line->len;
	while (e->ring_bytes > RING_MAX_BYTES && e->ring_n > 1) {
		struct shared *old = e->ring[e->ring_first];
		e->ring_first = (e->ring_first + 1) % e->ring_cap;
		e->ring_n--;
		e->ring_bytes -= old->len;
		shared_unref(old);
	}
}

/* {"seq":..,"at":..,"src":"..", + the members of `fields` */
static void build_line(const char *src, const char *fields, size_t len, uint64_t seq, struct buf *out)
{
	struct jw w = {0};
	jw_open(&w);
	jw_int(&w, "seq", (int64_t)seq);
	jw_int(&w, "at", clock_wall_ms());
	jw_str(&w, "src", src);
	jw_finish(&w);
	buf_add(out, w.buf.data, w.buf.len - 1);
	buf_addc(out, ',');
	buf_add(out, fields + 1, len - 1);
	jw_done(&w);
}

/* Watches live through many steps: what is recorded meanwhile reaches them as it would at their start. */
static void tell_watches(struct engine *e, const struct event *event)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "fact");
	jw_str(&w, "name", json_str(event->body, "name", ""));
	jw_str(&w, "key", json_str(event->body, "key", ""));
	jw_json(&w, "data", json_get(event->body, "data"));
	const char *text = jw_finish(&w);
	for (struct child *c = e->children; c; c = c->next)
		if (text_equal(c->role, "watch") && !c->exited)
			child_send(c, text);
	jw_done(&w);
}

static int admit_now(struct engine *e, const struct kind *kind, const char *src, const char *fields,
		     size_t len, struct kept *kept, const char *key, struct err *err)
{
	enum keep keep = kind ? kind->keep : KEEP_RECORD;
	struct buf line = {0};
	uint64_t seq = e->seq + 1;
	build_line(src, fields, len, seq, &line);
	struct event *event = event_parse(line.data, line.len, err);
	if (!event) {
		buf_done(&line);
		return -1;
	}
	if (keep == KEEP_RECORD || keep == KEEP_CHANGE) {
		if (journal_append(e->journal, line.data, line.len, keep == KEEP_RECORD, err) < 0) {
			e->journal_broken = true;
			e->retry_life_ms = clock_life_ms() + RETRY_MS;
			seats_say(e, "bad", "%s",
				  err ? err->text : "the journal cannot be written, so nothing acts");
			event_free(event);
			buf_done(&line);
			return -1;
		}
		e->journal_broken = false;
	} else {
		trace_write(e->trace, line.data, line.len);
	}
	if (keep == KEEP_RECORD)
		die_at("engine", event->kind, json_str(event->body, "name", ""), false);
	e->seq = seq;
	state_fold(e->state, event);
	struct shared *shared = shared_new(line.data, line.len, seq, keep);
	shared->lines = json_count(json_get(event->body, "lines"));
	if (keep == KEEP_RECORD || keep == KEEP_CHANGE) {
		e->log = xrealloc(e->log, e->n_log + 1, sizeof *e->log);
		shared->refs++;
		e->log[e->n_log++] = shared;
	} else if (keep == KEEP_SAMPLE) {
		shared_unref(kept->line);
		shared->refs++;
		kept->line = shared;
		kept->admitted_life_ms = clock_life_ms();
	} else {
		ring_add(e, shared);
	}
	seats_send(e, shared, keep == KEEP_SAMPLE ? key : NULL);
	shared_unref(shared);
	if (text_equal(event->kind, "fact"))
		tell_watches(e, event);
	if (text_equal(event->kind, "log.lines"))
		signatures_look(e, event);
	if (e->headless)
		headless_print(e, line.data, line.len);
	event_free(event);
	buf_done(&line);
	return 0;
}

/* Children write the kind first; lines of text come by the thousand and need not be parsed to know that. */
static bool kind_first(const char *fields, size_t len, char out[64])
{
	static const char head[] = "{\"kind\":\"";
	if (len < sizeof head || memcmp(fields, head, sizeof head - 1) != 0)
		return false;
	const char *name = fields + sizeof head - 1;
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_.");
	if (!n || n > 63 || name[n] != '"')
		return false;
	text_copyf(out, 64, "%.*s", (int)n, name);
	return true;
}

static const char *read_kind(const char *fields, size_t len, char out[64])
{
	if (kind_first(fields, len, out))
		return out;
	struct json *j = json_parse(fields, len, NULL);
	text_copy(out, 64, json_str(j, "kind", ""));
	json_free(j);
	return out;
}

static void read_key(const struct kind *kind, const char *fields, size_t len, struct buf *key)
{
	struct json *j = json_parse(fields, len, NULL);
	struct event event = {.kind = kind->name, .body = j};
	event_key(&event, kind, key);
	json_free(j);
}

int engine_admit(struct engine *e, const char *src, const char *raw, size_t raw_len, struct err *err)
{
	struct buf cut = {0};
	secrets_redact(e, raw, raw_len, &cut);
	const char *fields = cut.data;
	size_t len = cut.len;
	char name[64];
	read_kind(fields, len, name);
	if (!*name) {
		buf_done(&cut);
		return err_set(err, ERR_BUG, "%s sent a line that is no event", src);
	}
	const struct kind *kind = kind_find(name);
	int rc = 0;
	if (!kind || kind->keep == KEEP_RECORD || kind->keep == KEEP_STREAM) {
		rc = admit_now(e, kind, src, fields, len, NULL, NULL, err);
		buf_done(&cut);
		return rc;
	}
	struct buf key = {0};
	read_key(kind, fields, len, &key);
	struct kept *kept = kept_find(&e->kept, buf_text(&key));
	if (kind->keep == KEEP_CHANGE) {
		if (!kept->fields || strcmp(kept->fields, fields) != 0) {
			rc = admit_now(e, kind, src, fields, len, kept, kept->key, err);
			/* the list may have moved while a line was written */
			kept = kept_find(&e->kept, buf_text(&key));
			if (rc == 0) {
				free(kept->fields);
				kept->fields = xstrdup(fields);
			}
		}
	} else if (clock_life_ms() - kept->admitted_life_ms >= SAMPLE_EVERY_MS) {
		free(kept->waiting);
		kept->waiting = NULL;
		rc = admit_now(e, kind, src, fields, len, kept, kept->key, err);
	} else {
		free(kept->waiting);
		kept->waiting = xstrdup(fields);
		text_copy(kept->waiting_src, sizeof kept->waiting_src, src);
	}
	buf_done(&key);
	buf_done(&cut);
	return rc;
}

void engine_flush_samples(struct engine *e)
{
	int64_t now = clock_life_ms();
	for (size_t i = 0; i < e->kept.n; i++) {
		struct kept *k = &e->kept.list[i];
		if (!k->waiting || now - k->admitted_life_ms < SAMPLE_EVERY_MS)
			continue;
		char *fields = k->waiting, kind[64];
		k->waiting = NULL;
		const struct kind *row = kind_find(read_kind(fields, strlen(fields), kind));
		if (row)
			admit_now(e, row, k->waiting_src, fields, strlen(fields), k, k->key, NULL);
		free(fields);
	}
}

void event_fields(struct jw *w, struct buf *out)
{
	static const char wrapper[] = "{\"t\":\"event\",";
	jw_finish(w);
	buf_addc(out, '{');
	buf_add(out, w->buf.data + sizeof wrapper - 1, w->buf.len - (sizeof wrapper - 1));
}

int engine_emit(struct engine *e, struct jw *w, struct err *err)
{
	struct buf fields = {0};
	event_fields(w, &fields);
	int rc = engine_admit(e, "engine", fields.data, fields.len, err);
	buf_done(&fields);
	jw_done(w);
	return rc;
}
