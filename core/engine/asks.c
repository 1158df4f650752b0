/* Questions of children: one at a time to whoever drives, the others wait their turn. The answer goes to the
 * child that asked and nowhere else. */
#include "core/engine/inner.h"

static void answer(struct child *c, const char *text, bool refused)
{
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "answer");
	jw_int(&w, "n", c->asking);
	jw_str(&w, "text", text);
	jw_bool(&w, "refused", refused);
	jw_finish(&w);
	child_send(c, w.buf.data);
	memset(w.buf.data, 0, w.buf.len);
	jw_done(&w);
	c->asking = 0;
}

void seat_ask(struct seat *seat)
{
	const struct child *c = seat->e->ask_child;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "t", "ask");
	jw_int(&w, "id", c->ask_id);
	jw_str(&w, "question", c->question);
	jw_bool(&w, "hidden", c->hides_answer);
	jw_finish(&w);
	seat_send_text(seat, w.buf.data, w.buf.len);
	jw_done(&w);
}

/* The one that has waited longest. */
static void ask_next(struct engine *e)
{
	e->ask_child = NULL;
	for (struct child *c = e->children; c; c = c->next)
		if (c->asking && !c->exited && (!e->ask_child || c->ask_id < e->ask_child->ask_id))
			e->ask_child = c;
	struct seat *driver = seat_driver(e);
	if (e->ask_child && driver)
		seat_ask(driver);
}

void ask_take(struct child *c, const struct json *m)
{
	struct engine *e = c->e;
	c->asking = json_int(m, "n", 0);
	c->ask_id = ++e->n_asks;
	text_copy(c->question, sizeof c->question, json_str(m, "question", ""));
	c->hides_answer = json_bool(m, "hidden", true);
	if (e->headless && !seat_driver(e))
		answer(c, "", true);
	else if (!e->ask_child)
		ask_next(e);
}

void ask_gone(struct child *c)
{
	c->asking = 0;
	if (c->e->ask_child == c)
		ask_next(c->e);
}

void cmd_answer(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	struct child *c = e->ask_child;
	const char *text = json_str(m, "text", "");
	/* An answer to a question that nobody waits with any more is nobody else's. */
	if (!c || !seat_drives(seat) || json_int(m, "id", 0) != c->ask_id)
		return;
	/* A code of digits is good once, and numbers cannot be cut from everything. */
	if (c->hides_answer && text[strspn(text, "0123456789")])
		secrets_learn(e, text);
	answer(c, text, json_bool(m, "refused", false));
	ask_next(e);
}
