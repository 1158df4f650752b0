/* The way back's own gate: its cost first, then its steps. It changes nothing; each of its steps has a gate
 * too. */
#include "core/engine/inner.h"
#include "core/base/units.h"

enum { FIRST_LOOK_MS = 15000 };

static int digits(int64_t n)
{
	int d = 0;
	for (; n > 0; n /= 10)
		d++;
	return d;
}

/* A cost that grows by a row a second must not ask for the phrase anew each time; ten times as many must. */
static void cost_fact(const struct state *s, const struct way_back *back, char *out, size_t size)
{
	text_copyf(out, size, "%s %d %d", way_back_word(back->back), digits(back->rows), digits(back->jobs));
	for (size_t i = 0; i < s->traffic.n_new_tables && i < 4; i++)
		if (s->traffic.new_tables[i].rows >= 100)
			text_copyf(out + strlen(out), size - strlen(out), " %.24s",
				   s->traffic.new_tables[i].table);
}

static void see_cost(const struct engine *e, const struct way_back *back, struct jw *w)
{
	char fact[160];
	cost_fact(e->state, back, fact, sizeof fact);
	jw_obj(w, NULL);
	/* Unknown is never free, but it shuts nobody in: an unreachable new side is a reason to go back. */
	jw_str(w, "verdict", back->back == BACK_FREE ? "PASS" : "WARN");
	jw_str(w, "name", "cost");
	jw_strf(w, "text", "%s: %s", way_back_word(back->back), back->why);
	jw_str(w, "fact", fact);
	jw_end(w);
}

static void see_certificate(const struct engine *e, const struct way_back *back, struct jw *w)
{
	char at[UNITS_MAX];
	if (!back->started || !text_equal(json_str(json_get(e->config, "web"), "scheme", "https"), "https"))
		return;
	jw_obj(w, NULL);
	jw_str(w, "verdict", back->certificate_ms > clock_wall_ms() ? "PASS" : "WARN");
	jw_str(w, "name", "certificate");
	if (back->certificate_ms)
		jw_strf(w, "text", "the old side's certificate lasts until %s",
			units_iso(at, back->certificate_ms));
	else
		jw_str(w, "text",
		       "how long the old side's certificate lasts is not known: it was not seen tonight");
	jw_str(w, "fact", back->certificate_ms ? "known" : "unknown");
	jw_end(w);
}

/* A rehearsal has moved nobody: going back is clearing away. */
static void plan_rehearsal(const struct engine *e, struct jw *w)
{
	jw_str(w, "verb", "GIVES THE REHEARSAL UP");
	jw_str(w, "from", "a rehearsal is under way; visitors were never touched");
	jw_strf(w, "to", "no %s, no dump of it",
		json_str(json_get(e->config, "rehearsal"), "database", "database of it"));
	jw_str(w, "then", "nobody notices");
	jw_str(w, "back", "none is needed; `nightferry rehearse` begins another one");
	jw_str(w, "gate", "yes");
	jw_arr(w, "seen");
	jw_obj(w, NULL);
	jw_str(w, "verdict", "PASS");
	jw_str(w, "name", "cost");
	jw_str(w, "text",
	       "FREE: nothing of the old app, its traffic or the night's own database was changed");
	jw_str(w, "fact", "rehearsal");
	jw_end(w);
	jw_end(w);
}

static void plan_night(const struct engine *e, struct jw *w)
{
	const struct state *s = e->state;
	struct way_back back;
	way_back_of(s, clock_wall_ms(), &back);
	jw_str(w, "verb", "TAKES THE WAY BACK");
	jw_str(w, "from", s->flip_at_ms ? "visitors are sent to NEW" : "visitors are sent to OLD");
	jw_strf(w, "to", "OLD %s serves, as recorded before the freeze", s->old_name);
	if (back.back == BACK_FREE)
		jw_str(w, "then", "the old side serves again, as recorded before the freeze");
	else
		jw_strf(w, "then",
			"the old side serves again without what was written on NEW: the steps bring the rows "
			"into a file first; "
			"%lld changes and %lld deletions stay on NEW only",
			(long long)(back.updated > 0 ? back.updated : 0),
			(long long)(back.deleted > 0 ? back.deleted : 0));
	jw_str(w, "back", "nothing is changed by this gate; each of the steps meets its own");
	jw_str(w, "gate", "type");
	jw_arr(w, "seen");
	see_cost(e, &back, w);
	see_certificate(e, &back, w);
	jw_end(w);
}

static void make_plan(struct engine *e)
{
	const struct state *s = e->state;
	struct act_now *act = &e->act;
	struct jw w = {0};
	jw_open(&w);
	jw_str(&w, "target", s->old_name);
	jw_str(&w, "side", s->rehearsal ? "NEW" : "OLD");
	jw_arr(&w, "does");
	for (size_t i = s->steps.n_forward; i < s->steps.n && i < s->steps.n_forward + 12; i++)
		jw_strf(&w, NULL, "%d %s: %s", s->steps.steps[i].number, s->steps.steps[i].id,
			s->steps.steps[i].title);
	jw_end(&w);
	jw_int(&w, "estimate_ms", -1);
	if (s->rehearsal)
		plan_rehearsal(e, &w);
	else
		plan_night(e, &w);
	const char *text = jw_finish(&w);
	json_free(act->plan);
	free(act->plan_text);
	act->plan_text = xstrdup(text);
	act->plan = json_parse(text, strlen(text), NULL);
	jw_done(&w);
}

int gate_way_back(struct engine *e, const char *by, struct err *err)
{
	const struct state *s = e->state;
	struct act_now *act = &e->act;
	if (s->closed_at_ms)
		return err_set(err, ERR_REFUSED, "this night is closed; nothing starts in it any more");
	if (s->steps.turned)
		return err_set(err, ERR_REFUSED, "the way back is already being taken; R runs its next step");
	if (s->steps.n_forward == s->steps.n)
		return err_set(err, ERR_REFUSED, "this playbook has no way back");
	if (e->attempt_alive)
		return err_set(err, ERR_REFUSED,
			       "an attempt of the engine before this one still runs; it ends first, then B");
	if (nothing_owed(e, err) < 0)
		return -1;
	/* A step that only waits goes on until the way back is really taken. */
	if (!act_park(e))
		return err_set(err, ERR_REFUSED, "%s is under way; X cancels it, then B", act->step);
	memset(&act->seen, 0, sizeof act->seen);
	text_copy(act->step, sizeof act->step, "way-back");
	text_copy(act->verb, sizeof act->verb, "back");
	text_copy(act->by, sizeof act->by, by);
	act->row = NULL;
	act->level = s->rehearsal ? GATE_YES : GATE_TYPE;
	make_plan(e);
	return gate_open(e, err);
}

void way_back_refresh(struct engine *e)
{
	if (e->act.phase != ACT_GATE || e->act.row || !text_equal(e->act.verb, "back"))
		return;
	e->probed_life_ms = clock_life_ms();
	make_plan(e);
	gate_refresh(e);
}

bool way_back_is_seen(const struct engine *e)
{
	struct way_back back;
	way_back_of(e->state, clock_wall_ms(), &back);
	return e->state->rehearsal || back.back != BACK_UNKNOWN ||
	       clock_real_ms(clock_life_ms() - e->began_life_ms) > FIRST_LOOK_MS;
}
