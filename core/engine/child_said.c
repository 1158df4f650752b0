/* What a child says: records, events and questions on its job line, and text for the log. */
#include "core/engine/inner.h"

enum { LINE_LOOKED_AT = 16000 }; /* of it the first 2000 that are no escapes are told */

static void log_open(struct jw *w)
{
	jw_event(w, "log.lines");
	jw_arr(w, "lines");
}

static void log_add(struct child *c, struct jw *w, const char *level, const char *text, size_t len)
{
	char clean[2000];
	struct buf cut = {0};
	/* Before it is cut to its length: half a secret would be known by nobody any more. */
	secrets_redact(c->e, text, len < LINE_LOOKED_AT ? len : LINE_LOOKED_AT, &cut);
	text_clean(clean, sizeof clean, buf_text(&cut), cut.len);
	buf_done(&cut);
	jw_obj(w, NULL);
	jw_int(w, "at_ms", clock_wall_ms());
	jw_str(w, "side", "");
	jw_str(w, "source", c->name);
	jw_str(w, "level", level);
	jw_str(w, "text", clean);
	jw_end(w);
}

static void log_send(struct child *c, struct jw *w)
{
	struct buf fields = {0};
	event_fields(w, &fields);
	engine_admit(c->e, c->src, fields.data, fields.len, NULL);
	buf_done(&fields);
	jw_done(w);
}

static void log_text(struct child *c, const char *level, const char *text, size_t len)
{
	struct jw w;
	log_open(&w);
	log_add(c, &w, level, text, len);
	log_send(c, &w);
}

static void send_ack(struct child *c, int64_t n, bool ok, const char *text)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "ack");
	jw_int(&w, "n", n);
	jw_bool(&w, "ok", ok);
	if (!ok)
		jw_str(&w, "text", text);
	jw_finish(&w);
	child_send(c, w.buf.data);
	jw_done(&w);
}

/* A record carries who made it and its number, so that a new engine can take in what its spool has and we
 * have not. */
static void take_record(struct child *c, const struct json *m)
{
	const struct json *ev = json_get(m, "ev");
	int64_t n = json_int(m, "n", 0);
	struct jw w = {0};
	jw_open(&w);
	for (const struct json *x = json_first(ev); x; x = json_next(x))
		if (!text_equal(json_key(x), "t"))
			jw_json(&w, json_key(x), x);
	if (*c->step)
		jw_str(&w, "step", c->step);
	if (*c->attempt)
		jw_str(&w, "attempt", c->attempt);
	jw_int(&w, "rec", n);
	const char *text = jw_finish(&w);
	struct err err = {0};
	int rc = engine_admit(c->e, c->src, text, strlen(text), &err);
	jw_done(&w);
	/* What was refused was not begun: a step acts only on what is written. */
	c->records = rc == 0 ? n : c->records;
	send_ack(c, n, rc == 0, err.text);
}

void child_take_line(struct child *c, const char *line, size_t len)
{
	static const char event[] = "{\"t\":\"event\",";
	if (len > sizeof event && memcmp(line, event, sizeof event - 1) == 0) {
		struct buf fields = {0};
		buf_addc(&fields, '{');
		buf_add(&fields, line + sizeof event - 1, len - sizeof event + 1);
		engine_admit(c->e, c->src, fields.data, fields.len, NULL);
		buf_done(&fields);
		return;
	}
	struct json *m = json_parse(line, len, NULL);
	const char *t = json_str(m, "t", "");
	if (text_equal(t, "record")) {
		take_record(c, m);
	} else if (text_equal(t, "ask")) {
		ask_take(c, m);
	} else if (text_equal(t, "secret")) {
		secrets_learn(c->e, json_str(m, "value", ""));
	} else if (text_equal(t, "end")) {
		json_free(c->end);
		c->end = m;
		return;
	} else {
		log_text(c, "warn", line, len);
	}
	json_free(m);
}

/* All lines of a piece go as one event: a step may say a great deal at once. Of a line without an end only
 * the begin is told. */
void child_take_text(struct child *c, struct buf *text, const char *level, const char *chunk, size_t n,
		     bool last)
{
	struct jw w;
	size_t at = 0, lines = 0;
	bool *rest = text == &c->out_text ? &c->out_rest : &c->err_rest;
	if (n)
		buf_add(text, chunk, n);
	log_open(&w);
	while (at < text->len) {
		char *nl = memchr(text->data + at, '\n', text->len - at);
		size_t len = nl ? (size_t)(nl - text->data) - at : text->len - at;
		if (!nl && !last && len <= 8000)
			break;
		if (len && !*rest) {
			log_add(c, &w, level, text->data + at, len);
			lines++;
		}
		*rest = !nl;
		at += len + (nl ? 1 : 0);
	}
	buf_cut(text, at);
	if (lines)
		log_send(c, &w);
	else
		jw_done(&w);
}
