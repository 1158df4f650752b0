/* Waivers: a name, a reason, and the fact they are tied to. They fall with that fact, and they are seen in
 * every later gate and in the report. */
#include "core/engine/inner.h"

/* What is missing on the new side, or a target that lives, cannot be waived: there is nothing to be right
 * about. */
bool waiver_is_never(const char *about)
{
	static const char *const never[] = {"seen:count-rows", "seen:restore",  "seen:missing",
					    "seen:newest",     "seen:sessions", "seen:writes",
					    "seen:dump",       "seen:look",     "check:target-empty"};
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (text_equal(about, never[i]))
			return true;
	return false;
}

static const struct rows_table *table_of(const struct state *s, const char *name)
{
	for (size_t i = 0; i < s->rows.n; i++)
		if (text_equal(s->rows.tables[i].table, name))
			return &s->rows.tables[i];
	return NULL;
}

static void fall(struct engine *e, const struct waiver_seen *waiver, const char *is)
{
	char about[144], was[200];
	text_copy(about, sizeof about, waiver->about);
	text_copy(was, sizeof was, waiver->fact);
	struct jw w;
	jw_event(&w, "waiver.fallen");
	jw_str(&w, "about", about);
	jw_strf(&w, "why", "it was given for \"%s\", and that is \"%s\" now", was, is);
	engine_emit(e, &w, NULL);
	seats_say(e, "warn", "the waiver of %s has fallen: \"%s\" is \"%s\" now", about, was, is);
	if (e->act.phase == ACT_GATE) {
		gate_stop_count(e, e->act.gate_id, "nightferry, for a waiver has fallen");
		e->probed_life_ms = 0; /* its evidence is looked at again at once */
	}
}

/* The standing waiver of a line of evidence; one that was given for another fact falls here. */
const struct waiver_seen *waiver_for(struct engine *e, const char *name, const char *verdict,
				     const char *fact)
{
	static const char *const kinds[] = {"seen", "check"};
	for (size_t i = 0; i < 2; i++) {
		char about[144];
		text_copyf(about, sizeof about, "%s:%s", kinds[i], name);
		const struct waiver_seen *waiver = waiver_get(e->state, about);
		if (!waiver)
			continue;
		char now[200];
		text_copy(now, sizeof now, *fact ? fact : verdict);
		if (text_equal(waiver->fact, now))
			return waiver;
		fall(e, waiver, now);
	}
	return NULL;
}

/* Waivers of checks and rows fall when these change, gate or no gate. */
void waivers_tick(struct engine *e)
{
	const struct watching_state *w = &e->state->watching;
	for (size_t i = 0; i < w->n_waivers; i++) {
		char now[200];
		const struct waiver_seen *waiver = &w->waivers[i];
		if (waiver->fallen || text_starts(waiver->about, "seen:") ||
		    waiver_get(e->state, waiver->about) != waiver)
			continue;
		if (waiver_fact(e->state, waiver->about, now, sizeof now) && !text_equal(now, waiver->fact))
			fall(e, waiver, now);
	}
}

/* Why this must not be waved through; false: it may. */
static bool forbidden(const struct state *s, const char *about, char why[240])
{
	const struct rows_table *t = text_starts(about, "rows:") ? table_of(s, about + 5) : NULL;
	if (t && t->old_rows >= 0 && t->new_rows == -1)
		text_copyf(why, 240,
			   "the table %s is missing on NEW: that cannot be waived. Copy it again, or B is "
			   "the way back",
			   t->table);
	else if (t && t->new_rows < 0)
		text_copyf(why, 240, "%s is not copied and counted yet: that cannot be waived", t->table);
	else if (waiver_is_never(about))
		text_copyf(
		    why, 240,
		    "%s cannot be waived: rows that are missing stay missing. Mend it, or B is the way back",
		    about);
	else
		return false;
	return true;
}

/* What preflight's lines come to when those that stand waived by their check's name are taken out. No other
 * step's proof can be waved through: these lines only repeat what the checks have said. */
enum verdict waived_verdict(struct engine *e, const struct json *seen)
{
	enum verdict worst = VERDICT_PASS;
	for (const struct json *x = json_first(seen); x; x = json_next(x)) {
		enum verdict v = verdict_of(json_str(x, "verdict", ""));
		bool shut = v == VERDICT_FAIL || v == VERDICT_UNKNOWN;
		if (shut && e->headless)
			headless_waive(e, e->act.step, "check", x);
		if (shut && waiver_for(e, json_str(x, "name", ""), verdict_name(v), json_str(x, "fact", "")))
			v = VERDICT_WARN;
		/* FAIL is worse than UNKNOWN, UNKNOWN than the others. */
		if (v == VERDICT_FAIL || (v == VERDICT_UNKNOWN && worst != VERDICT_FAIL) ||
		    (v == VERDICT_WARN && worst == VERDICT_PASS))
			worst = v;
	}
	return seen ? worst : VERDICT_UNKNOWN;
}

void cmd_waive(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	char about[144], reason[160], fact[200], why[240];
	seat_clean(m, "about", about, sizeof about);
	seat_clean(m, "reason", reason, sizeof reason);
	seat_clean(m, "fact", fact, sizeof fact);
	if (!seat_may_act(seat))
		return;
	if (!*about || !*reason) {
		seat_say(seat, "warn", "a waiver wants what it waives and a reason in words");
		return;
	}
	if (forbidden(e->state, about, why)) {
		seat_say(seat, "bad", "%s", why);
		return;
	}
	/* Tied to what the seat showed when W was pressed: what became worse while the reason was typed is
	 * not waived. */
	char now[200] = "";
	bool seen = waiver_fact(e->state, about, now, sizeof now);
	if (!seen || (*fact && !text_equal(fact, now))) {
		seat_say(seat, "warn",
			 seen ? "nothing was waived: %s was \"%s\" when you looked and is \"%s\" now; look "
				"again, then W"
			      : "nothing called %s is seen now, so there is nothing to waive",
			 about, fact, now);
		return;
	}
	text_copy(fact, sizeof fact, now);
	struct jw w;
	jw_event(&w, "waiver.given");
	jw_str(&w, "about", about);
	jw_str(&w, "by", seat->name);
	jw_str(&w, "reason", reason);
	jw_str(&w, "fact", fact);
	engine_emit(e, &w, NULL);
	attempt_tick(e);
}
