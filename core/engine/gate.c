/* Gates: an object with plan, evidence, tag and exits. The tag is a digest of what would change the decision,
 * never of ages or rates; evidence is looked at again while the gate is open. */
#include "core/engine/inner.h"
#include <openssl/evp.h>

#define COUNT_MS 3000
#define REFRESH_MS 5000
#define STALE_REAL_MS 30000 /* a look that hangs: several refreshes have not come */

static void digest_add(EVP_MD_CTX *ctx, const char *text)
{
	EVP_DigestUpdate(ctx, text, strlen(text) + 1);
}

/* The four characters people type. */
static void tag_make(const struct engine *e, const struct json *seen, char tag[8])
{
	const struct act_now *act = &e->act;
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	/* The rehearsal's phrase, and yesterday's, are not tonight's. */
	digest_add(ctx, json_str(e->opened, "night", ""));
	digest_add(ctx, act->step);
	digest_add(ctx, act->verb);
	static const char *const parts[] = {"target", "side", "verb", "to"};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		digest_add(ctx, json_str(act->plan, parts[i], ""));
	for (const struct json *x = json_first(json_get(act->plan, "does")); x; x = json_next(x))
		digest_add(ctx, json_text(x) ? json_text(x) : "");
	for (const struct json *x = json_first(seen); x; x = json_next(x)) {
		digest_add(ctx, json_str(x, "name", ""));
		digest_add(ctx, json_str(x, "verdict", ""));
		digest_add(ctx, json_str(x, "fact", ""));
		digest_add(ctx, json_bool(x, "waived", false) ? "waived" : "");
	}
	EVP_DigestFinal_ex(ctx, digest, NULL);
	EVP_MD_CTX_free(ctx);
	text_hex(tag, digest, 2);
}

static void add_line(struct engine *e, struct jw *w, const char *verdict, const char *name, const char *text,
		     const char *fact, int64_t at_ms)
{
	const struct waiver_seen *waiver =
	    text_equal(verdict, "PASS") ? NULL : waiver_for(e, name, verdict, fact);
	jw_obj(w, NULL);
	jw_str(w, "verdict", waiver ? "WARN" : verdict);
	jw_str(w, "name", name);
	if (waiver)
		jw_strf(w, "text", "waived by %s: \"%s\" (%s: %s)", waiver->by, waiver->reason, verdict,
			text);
	else
		jw_str(w, "text", text);
	jw_str(w, "fact", fact);
	jw_int(w, "at_ms", at_ms);
	jw_bool(w, "waived", waiver != NULL);
	jw_str(w, "waived_by", waiver ? waiver->by : "");
	jw_end(w);
}

/* What earlier steps proved and what people let pass: shown again wherever something irreversible is decided.
 */
static void add_earlier(struct engine *e, struct jw *w)
{
	static const char *const telling[] = {"wait-quiet", "restore", "count-rows",
					      "compare",    "smoke",   "canaries"};
	const struct state *s = e->state;
	const struct step_seen *here = steps_get(s, e->act.step);
	for (size_t i = 0; i < s->steps.n_forward && (!here || &s->steps.steps[i] < here); i++) {
		const struct step_seen *step = &s->steps.steps[i];
		char text[256];
		if (step->state == STEP_SKIPPED) {
			text_copyf(text, sizeof text, "skipped by %s: \"%s\"", step->by, step->text);
			add_line(e, w, "WARN", step->id, text, "skipped", step->ended_at_ms);
		}
		bool tells = false;
		for (size_t k = 0; k < sizeof telling / sizeof *telling; k++)
			tells |= text_equal(telling[k], step->kind);
		if (step->state == STEP_BYHAND && !step->manual) {
			text_copyf(text, sizeof text, "done by hand, seen by %s: \"%s\"", step->by,
				   step->text);
			add_line(e, w, "WARN", step->id, text, "by hand", step->ended_at_ms);
		}
		if (!tells || step->state != STEP_DONE || !step->n_seen)
			continue;
		const struct seen_line *worst = &step->seen[0];
		for (size_t k = 1; k < step->n_seen; k++)
			if (worst->verdict == 1 && step->seen[k].verdict != 1)
				worst = &step->seen[k];
		add_line(e, w, verdict_name((enum verdict)worst->verdict), step->id, worst->text, "",
			 step->ended_at_ms);
	}
}

/* Traffic is never moved to a database that is known to lack tables, whatever was skipped or ticked before.
 */
static void add_missing(struct engine *e, struct jw *w)
{
	const struct rows_state *rows = &e->state->rows;
	char names[160] = "", text[256], fact[160];
	size_t n = 0;
	int64_t at_ms = 0;
	for (size_t i = 0; i < rows->n; i++) {
		const struct rows_table *t = &rows->tables[i];
		if (t->old_rows < 0 || t->new_rows != -1)
			continue;
		if (n++ < 4)
			text_copyf(names + strlen(names), sizeof names - strlen(names), "%s%.32s",
				   n > 1 ? ", " : "", t->table);
		at_ms = t->new_at_ms > at_ms ? t->new_at_ms : at_ms;
	}
	if (!n)
		return;
	text_copyf(fact, sizeof fact, "%zu %s", n, names);
	text_copyf(text, sizeof text, "%zu table%s of OLD %s missing on NEW: %s%s", n, n > 1 ? "s" : "",
		   n > 1 ? "are" : "is", names, n > 4 ? " and more" : "");
	add_line(e, w, "FAIL", "missing", text, fact, at_ms);
}

/* Row differences that somebody let pass are no line of any step's evidence, so they are told here. */
static void add_waived_rows(struct engine *e, struct jw *w)
{
	const struct watching_state *watching = &e->state->watching;
	for (size_t i = 0; i < watching->n_waivers; i++) {
		const struct waiver_seen *x = &watching->waivers[i];
		if (!text_starts(x->about, "rows:") || waiver_get(e->state, x->about) != x)
			continue;
		jw_obj(w, NULL);
		jw_str(w, "verdict", "WARN");
		jw_str(w, "name", x->about);
		jw_strf(w, "text", "waived by %s: \"%s\" (%s)", x->by, x->reason, x->fact);
		jw_str(w, "fact", x->fact);
		jw_int(w, "at_ms", x->at_ms);
		jw_bool(w, "waived", true);
		jw_str(w, "waived_by", x->by);
		jw_end(w);
	}
}

static void collect(struct engine *e)
{
	struct act_now *act = &e->act;
	struct jw w = {0};
	jw_open(&w);
	jw_arr(&w, "seen");
	int64_t now = act->looked_wall_ms ? act->looked_wall_ms : clock_wall_ms();
	for (const struct json *x = json_first(json_get(act->plan, "seen")); x; x = json_next(x))
		add_line(e, &w, json_str(x, "verdict", "UNKNOWN"), json_str(x, "name", ""),
			 json_str(x, "text", ""), json_str(x, "fact", ""), now);
	struct json *checks = NULL;
	if (act->check_lines.len) {
		struct buf text = {0};
		buf_addf(&text, "[%s]", act->check_lines.data);
		checks = json_parse(text.data, text.len, NULL);
		buf_done(&text);
	}
	for (const struct json *x = json_first(checks); x; x = json_next(x))
		add_line(e, &w, json_str(x, "verdict", "UNKNOWN"), json_str(x, "name", ""),
			 json_str(x, "text", ""), json_str(x, "fact", ""), now);
	act->n_fresh = json_count(json_get(act->plan, "seen")) + json_count(checks);
	json_free(checks);
	if (*act->look_failed)
		add_line(e, &w, "UNKNOWN", "look", act->look_failed, "failed", clock_wall_ms());
	if (act->level >= GATE_TYPE && (text_equal(act->verb, "run") || text_equal(act->verb, "back"))) {
		add_earlier(e, &w);
		add_waived_rows(e, &w);
	}
	if (act->row && text_equal(act->row->name, "dns-point") && text_equal(act->verb, "run") &&
	    !e->state->steps.turned)
		add_missing(e, &w);
	jw_end(&w);
	const char *text = jw_finish(&w);
	buf_reset(&act->seen);
	buf_add(&act->seen, text + 8, w.buf.len - 9); /* {"seen":[...]} -> [...] */
	jw_done(&w);
}

static struct json *seen_parse(const struct act_now *act)
{
	return json_parse(buf_text(&act->seen), act->seen.len, NULL);
}

int gate_open(struct engine *e, struct err *err)
{
	struct act_now *act = &e->act;
	collect(e);
	struct json *seen = seen_parse(act);
	tag_make(e, seen, act->tag);
	json_free(seen);
	text_copyf(act->gate_id, sizeof act->gate_id, "g%d", ++e->n_gates);
	act->phase = ACT_GATE;
	if (!act->gate_life_ms)
		act->gate_life_ms = clock_life_ms();
	act->count_until_life_ms = 0;
	e->probed_life_ms = clock_life_ms();
	struct jw w;
	jw_event(&w, "gate.opened");
	jw_str(&w, "gate", act->gate_id);
	jw_str(&w, "step", act->step);
	jw_str(&w, "act", act->verb);
	jw_str(&w, "verb", json_str(act->plan, "verb", act->verb));
	jw_str(&w, "level", gate_name(act->level));
	jw_str(&w, "target", json_str(act->plan, "target", ""));
	jw_str(&w, "tag", act->tag);
	jw_raw(&w, "plan", act->plan_text, strlen(act->plan_text));
	jw_raw(&w, "seen", act->seen.data, act->seen.len);
	struct err own = {0}, *why = err ? err : &own;
	if (engine_emit(e, &w, why) == 0)
		return 0;
	/* What no seat can see, nobody can pass or leave. */
	if (text_equal(act->verb, "run"))
		act_give_up(e, "waiting", why->text);
	else
		act_reset(e);
	return -1;
}

/* One changed line: as it was, or as it is. */
static void write_side(struct jw *w, bool is, const char *was_text, const char *is_text)
{
	jw_str(w, NULL, is ? is_text : was_text);
}

static void write_line(struct jw *w, bool is, const struct json *was_line, const struct json *is_line)
{
	const struct json *x = is ? is_line : was_line;
	if (x)
		jw_strf(w, NULL, "%s %s %s", json_str(x, "verdict", ""), json_str(x, "name", ""),
			json_str(x, "text", ""));
	else
		jw_str(w, NULL, is ? "no longer seen" : "not seen");
}

static const struct json *line_named(const struct json *seen, const char *name)
{
	for (const struct json *x = json_first(seen); x; x = json_next(x))
		if (text_equal(json_str(x, "name", ""), name))
			return x;
	return NULL;
}

/* What would be done now, beside what the open gate shows. */
static size_t write_does(struct jw *w, bool is, const struct plan_seen *shown, const struct json *plan)
{
	const struct json *x = json_first(json_get(plan, "does"));
	char now[sizeof shown->does[0]];
	size_t n = 0;
	for (size_t i = 0; i < sizeof shown->does / sizeof *shown->does && (x || i < shown->n_does); i++) {
		const char *before = i < shown->n_does ? shown->does[i] : "nothing";
		text_copy(now, sizeof now, x && json_text(x) ? json_text(x) : "nothing");
		if (!text_equal(before, now)) {
			write_side(w, is, before, now);
			n++;
		}
		x = x ? json_next(x) : NULL;
	}
	return n;
}

/* `was` and `is` are two lists of the same length: the same fact at the same place. */
static void write_changes(struct engine *e, struct jw *w, bool is_side, const struct json *was,
			  const struct json *is)
{
	const struct plan_seen *shown = &e->state->steps.gate.plan;
	const struct json *plan = e->act.plan;
	jw_arr(w, is_side ? "is" : "was");
	if (!write_does(w, is_side, shown, plan) && !text_equal(shown->to, json_str(plan, "to", "")))
		write_side(w, is_side, shown->to, json_str(plan, "to", ""));
	for (const struct json *x = json_first(is); x; x = json_next(x)) {
		const struct json *y = line_named(was, json_str(x, "name", ""));
		if (!y || !text_equal(json_str(y, "verdict", ""), json_str(x, "verdict", "")) ||
		    !text_equal(json_str(y, "fact", ""), json_str(x, "fact", "")))
			write_line(w, is_side, y, x);
	}
	for (const struct json *x = json_first(was); x; x = json_next(x))
		if (!line_named(is, json_str(x, "name", "")))
			write_line(w, is_side, x, NULL);
	jw_end(w);
}

void gate_refresh(struct engine *e)
{
	struct act_now *act = &e->act;
	struct json *was = seen_parse(act);
	collect(e);
	struct json *is = seen_parse(act);
	char tag[8];
	tag_make(e, is, tag);
	if (strcmp(tag, act->tag) != 0) {
		memcpy(act->tag, tag, sizeof tag);
		act->count_until_life_ms = 0;
		struct jw w;
		jw_event(&w, "gate.changed");
		jw_str(&w, "gate", act->gate_id);
		jw_str(&w, "tag", tag);
		write_changes(e, &w, false, was, is);
		write_changes(e, &w, true, was, is);
		jw_raw(&w, "plan", act->plan_text, strlen(act->plan_text));
		jw_raw(&w, "seen", act->seen.data, act->seen.len);
		engine_emit(e, &w, NULL);
	} else if (!*act->look_failed) {
		/* Nothing moved, and that was looked at just now: the ages on every seat start anew. */
		struct jw w;
		jw_event(&w, "gate.looked");
		jw_str(&w, "gate", act->gate_id);
		jw_int(&w, "lines", (int64_t)act->n_fresh);
		engine_emit(e, &w, NULL);
	}
	json_free(was);
	json_free(is);
}

/* Why this gate cannot be passed by anybody now; false when it can. */
static bool blocked(struct engine *e, struct err *err)
{
	const struct act_now *act = &e->act;
	int64_t old_ms = clock_real_ms(clock_life_ms() - act->looked_life_ms);
	if (act->looked_life_ms && (text_equal(act->verb, "run") || text_equal(act->verb, "undo")) &&
	    old_ms > STALE_REAL_MS) {
		err_set(err, ERR_REFUSED,
			"this gate stays shut: its evidence was last looked at %lld s ago and the look since "
			"then "
			"hangs. It opens by itself when that ends; Esc leaves",
			(long long)(old_ms / 1000));
		return true;
	}
	struct json *seen = seen_parse(&e->act);
	bool bad = false;
	for (const struct json *x = json_first(seen); x && !bad; x = json_next(x)) {
		enum verdict v = verdict_of(json_str(x, "verdict", ""));
		if ((v == VERDICT_FAIL || v == VERDICT_UNKNOWN) && !json_bool(x, "waived", false)) {
			err_set(err, ERR_REFUSED,
				"this gate stays shut: %s %s (%s). Mend it and run again, W waives it with a "
				"reason, B is the way back",
				verdict_name(v), json_str(x, "name", ""), json_str(x, "text", ""));
			bad = true;
		}
	}
	json_free(seen);
	return bad;
}

static int gate_is(struct engine *e, const char *gate, struct err *err)
{
	if (e->act.phase != ACT_GATE || !text_equal(e->act.gate_id, gate))
		return err_set(err, ERR_REFUSED, "that gate is no longer open; nothing happened");
	if (e->state->people.hold)
		return err_set(err, ERR_REFUSED, "HOLD by %s: nothing starts until it is released",
			       e->state->people.hold_by);
	if (journal_tight(e->journal))
		return err_set(err, ERR_IO,
			       "the journal cannot be written, so nothing acts; make room on the disk");
	return 0;
}

int gate_yes(struct engine *e, const char *gate, const char *by, struct err *err)
{
	if (gate_is(e, gate, err) < 0)
		return -1;
	if (e->act.level != GATE_YES)
		return err_set(err, ERR_REFUSED, "this gate wants its phrase typed; y does nothing here");
	if (blocked(e, err))
		return -1;
	attempt_gate_passed(e, by, "y");
	return 0;
}

int gate_phrase(struct engine *e, const char *gate, const char *text, const char *by, struct err *err)
{
	if (gate_is(e, gate, err) < 0)
		return -1;
	struct act_now *act = &e->act;
	char want[160];
	text_copyf(want, sizeof want, "%s %s", json_str(act->plan, "target", ""), act->tag);
	text_lower(want);
	if (act->level < GATE_TYPE || !text_equal(want, text))
		return err_set(err, ERR_REFUSED,
			       "the phrase does not match what is shown now; nothing happened");
	if (blocked(e, err) || (act->level == GATE_POLL && poll_check(e, err) < 0))
		return -1;
	act->count_until_life_ms = clock_life_ms() + COUNT_MS;
	text_copy(act->by, sizeof act->by, by);
	struct jw w;
	jw_event(&w, "gate.counting");
	jw_str(&w, "gate", act->gate_id);
	jw_str(&w, "by", by);
	jw_int(&w, "until_ms", clock_wall_ms() + COUNT_MS);
	return engine_emit(e, &w, err);
}

void gate_stop_count(struct engine *e, const char *gate, const char *by)
{
	struct act_now *act = &e->act;
	/* Seats count on as long as nothing told them otherwise, which a full disk may have kept from them.
	 */
	bool counts = act->count_until_life_ms || e->state->steps.gate.counting_until_ms;
	if (act->phase != ACT_GATE || !text_equal(act->gate_id, gate) || !counts)
		return;
	act->count_until_life_ms = 0;
	struct jw w;
	jw_event(&w, "gate.stopped");
	jw_str(&w, "gate", act->gate_id);
	jw_str(&w, "by", by);
	engine_emit(e, &w, NULL);
}

void gate_tick(struct engine *e)
{
	struct act_now *act = &e->act;
	waivers_tick(e);
	poll_tick(e);
	if (act->phase != ACT_GATE)
		return;
	int64_t now = clock_life_ms();
	if (act->count_until_life_ms && now >= act->count_until_life_ms) {
		struct err err = {0};
		char by[32];
		text_copy(by, sizeof by, act->by);
		if (gate_is(e, act->gate_id, &err) < 0 || blocked(e, &err) ||
		    (act->level == GATE_POLL && poll_check(e, &err) < 0)) {
			gate_stop_count(e, act->gate_id, "nightferry");
			seats_say(e, "bad", "%s", err.text);
		} else {
			attempt_gate_passed(e, by, "phrase");
			/* What the journal did not take does not act by itself when the disk is mended. */
			gate_stop_count(e, act->gate_id, "nightferry, for the journal cannot be written");
		}
		return;
	}
	if (!act->refreshing && !act->count_until_life_ms && now - e->probed_life_ms > REFRESH_MS)
		act->row ? attempt_tick(e) : way_back_refresh(e);
}
