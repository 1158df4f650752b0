/* What is worth telling people who are not at a seat: a change of phase, HOLD, a step that failed, the end.
 * Each is a fact, so that it is told once, also across engines; the watch `notify` brings it. */
#include "core/engine/inner.h"

#define DELIVER_REAL_MS 15000

bool notices_wanted(const struct engine *e)
{
	const struct json *notify = json_get(e->config, "notify");
	return json_count(json_get(notify, "command")) || *json_str(notify, "webhook", "");
}

static size_t count_facts(const struct engine *e, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < e->state->facts.n; i++)
		n += text_equal(e->state->facts.facts[i].name, name);
	return n;
}

/* Whether the newest notice about `about` says `text` already; `about` groups what replaces each other. */
static bool is_told(const struct engine *e, const char *about, const char *what)
{
	bool told = false;
	for (size_t i = 0; i < e->state->facts.n; i++) {
		const struct fact_seen *fact = &e->state->facts.facts[i];
		if (!text_equal(fact->name, "notice") || !fact->data)
			continue;
		struct json *data = json_parse(fact->data, strlen(fact->data), NULL);
		if (text_equal(json_str(data, "about", ""), about))
			told = text_equal(json_str(data, "what", ""), what);
		json_free(data);
	}
	return told;
}

static void tell(struct engine *e, const char *about, const char *what, const char *status, const char *fmt,
		 ...) __attribute__((format(printf, 5, 6)));

static void tell(struct engine *e, const char *about, const char *what, const char *status, const char *fmt,
		 ...)
{
	struct jw w;
	struct buf text = {0};
	char key[24];
	va_list ap;
	if (is_told(e, about, what))
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_copyf(key, sizeof key, "n%zu", count_facts(e, "notice") + 1);
	jw_event(&w, "fact");
	jw_str(&w, "name", "notice");
	jw_str(&w, "key", key);
	jw_str(&w, "step", "");
	jw_str(&w, "attempt", "");
	jw_obj(&w, "data");
	jw_str(&w, "n", key);
	jw_str(&w, "about", about);
	jw_str(&w, "what", what);
	jw_strf(&w, "text", "%s%s: %s", e->state->rehearsal ? "rehearsal of " : "", e->state->app,
		buf_text(&text));
	/* Nobody outside is told of a rehearsal. */
	jw_str(&w, "status", e->state->rehearsal ? "" : status);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_end(&w);
	engine_emit(e, &w, NULL);
	buf_done(&text);
}

static const struct json *phase_of(const struct engine *e, size_t at)
{
	const struct json *x = json_first(json_get(e->playbook, "phases"));
	for (size_t i = 0; x && i < at; i++)
		x = json_next(x);
	return x;
}

static void tell_phase(struct engine *e)
{
	const struct state *s = e->state;
	const struct step_seen *now = steps_current(s);
	if (!now || now->phase >= s->steps.n_phases)
		return;
	bool back = s->steps.turned;
	char what[48];
	text_copyf(what, sizeof what, "phase %s", s->steps.phases[now->phase].name);
	tell(e, "phase", what,
	     back ? json_str(e->playbook, "rollback_status", "")
		  : json_str(phase_of(e, now->phase), "status", ""),
	     "%s begins. %s", s->steps.phases[now->phase].name, now->say);
}

static void tell_steps(struct engine *e)
{
	const struct state *s = e->state;
	for (size_t i = 0; i < s->steps.n; i++) {
		const struct step_seen *x = &s->steps.steps[i];
		if ((x->state != STEP_FAILED && x->state != STEP_UNKNOWN) || !*x->attempt)
			continue;
		char what[80];
		text_copyf(what, sizeof what, "%s %s", x->state == STEP_FAILED ? "failed" : "unknown",
			   x->attempt);
		tell(e, x->id, what, "", "%s %s: %s", x->id,
		     x->state == STEP_FAILED ? "FAILED" : "is UNKNOWN", x->text);
	}
}

void notices_tick(struct engine *e)
{
	const struct state *s = e->state;
	if (e->stopping || e->journal_broken || !notices_wanted(e))
		return;
	tell_phase(e);
	tell_steps(e);
	if (s->people.hold)
		tell(e, "hold", "hold", "", "HOLD by %s: %s", s->people.hold_by, s->people.hold_why);
	else if (is_told(e, "hold", "hold"))
		tell(e, "hold", "released", "", "the hold is released");
	if (!s->closed_at_ms)
		return;
	const char *status = text_equal(s->closed_verdict, "done")          ? "done_status"
			     : text_equal(s->closed_verdict, "rolled-back") ? "rolled_back_status"
									    : "";
	tell(e, "end", s->closed_verdict, json_str(e->playbook, status, ""), "%s", s->closed_verdict);
}

bool notices_wait(const struct engine *e)
{
	return notices_wanted(e) && count_facts(e, "notice") > count_facts(e, "notified") &&
	       clock_real_ms(clock_life_ms() - e->ends_life_ms) < DELIVER_REAL_MS;
}
