/* A run without a screen passes the same gates by the same rules: a target named beforehand for one attempt,
 * and in place of the typed tag every piece of evidence must be PASS. */
#include "core/engine/inner.h"
#include "core/base/units.h"
#include "core/night/rehearsal.h"

static const char *allowed(const char **list, size_t n, const char *step)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(step);
		if (strncmp(list[i], step, len) == 0 && list[i][len] == '=')
			return list[i] + len + 1;
	}
	return NULL;
}

/* A rehearsal's database is named by its moment, which nobody knows beforehand: "acme_rehearsal_*" names it.
 */
static bool names_target(const struct engine *e, const char *given, const char *target)
{
	size_t len = strlen(given);
	static const char tail[] = REHEARSAL_MARK "*";
	bool any =
	    e->state->rehearsal && len >= sizeof tail && text_equal(given + len + 1 - sizeof tail, tail);
	return text_equal(given, target) || (any && strncmp(given, target, len - 1) == 0);
}

static void fail(struct engine *e, const char *fmt, ...)
{
	struct buf text = {0};
	va_list ap;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	struct buf cut = {0};
	secrets_redact(e, buf_text(&text), text.len, &cut);
	fprintf(stderr, "nightferry: %s\n", buf_text(&cut));
	/* The night stays open: a person can attach, or run can be started again when the cause is mended. */
	engine_end(e, 1);
	buf_done(&cut);
	buf_done(&text);
}

bool headless_waive(struct engine *e, const char *step, const char *kind, const struct json *line)
{
	char key[160], about[144];
	text_copyf(key, sizeof key, "%s:%s", step, json_str(line, "name", ""));
	text_copyf(about, sizeof about, "%s:%s", kind, json_str(line, "name", ""));
	const char *reason = allowed(e->headless->waive, e->headless->n_waive, key);
	if (!reason || waiver_get(e->state, about) || waiver_is_never(about))
		return false;
	struct jw w;
	jw_event(&w, "waiver.given");
	jw_str(&w, "about", about);
	jw_str(&w, "by", "headless");
	jw_str(&w, "reason", reason);
	const char *fact = json_str(line, "fact", "");
	jw_str(&w, "fact", *fact ? fact : json_str(line, "verdict", ""));
	return engine_emit(e, &w, NULL) == 0;
}

/* The gate looks at its evidence again. */
static bool try_waive(struct engine *e, const char *step, const struct json *line)
{
	if (!headless_waive(e, step, "seen", line))
		return false;
	gate_refresh(e);
	return true;
}

static void try_gate(struct engine *e)
{
	struct act_now *act = &e->act;
	const char *target = json_str(act->plan, "target", "");
	const char *given = allowed(e->headless->yes, e->headless->n_yes, act->step);
	if (!given) {
		fail(e, "the gate of %s is shut: it wants --yes %s=%s; nothing happened", act->step,
		     act->step, target);
		return;
	}
	if (!names_target(e, given, target)) {
		fail(e,
		     "the gate of %s is shut: --yes names \"%s\", but the target is \"%s\"; nothing happened",
		     act->step, given, target);
		return;
	}
	struct json *seen = json_parse(buf_text(&act->seen), act->seen.len, NULL);
	for (const struct json *x = json_first(seen); x; x = json_next(x))
		if (verdict_of(json_str(x, "verdict", "")) != VERDICT_PASS &&
		    !json_bool(x, "waived", false)) {
			if (try_waive(e, act->step, x)) {
				json_free(seen);
				return;
			}
			fail(e,
			     "the gate of %s is shut: %s %s: %s; without a person every piece of evidence "
			     "must be PASS",
			     act->step, json_str(x, "verdict", ""), json_str(x, "name", ""),
			     json_str(x, "text", ""));
			json_free(seen);
			return;
		}
	json_free(seen);
	if (act->level == GATE_POLL && !json_bool(e->playbook, "unattended", false)) {
		fail(e,
		     "the gate of %s is a poll, and nobody is here to be asked; a playbook that says "
		     "`unattended: true` may do without",
		     act->step);
		return;
	}
	attempt_gate_passed(e, "headless", "--yes");
}

static void try_manual(struct engine *e, const struct step_seen *step)
{
	const char *words = allowed(e->headless->done, e->headless->n_done, step->id);
	if (!words) {
		fail(e, "%s is done by people: attach and press M, or give --done %s=WORDS", step->id,
		     step->id);
		return;
	}
	struct jw w;
	jw_event(&w, "step.byhand");
	jw_str(&w, "step", step->id);
	jw_str(&w, "by", "headless");
	jw_str(&w, "words", words);
	engine_emit(e, &w, NULL);
}

/* True when nothing more is to be started. A step of the other way would never come: the night would go on to
 * its end, past every gate that was named beforehand. */
static bool until_reached(struct engine *e)
{
	const char *until = e->headless->until;
	const struct steps_state *s = &e->state->steps;
	const struct step_seen *step = until ? steps_get(e->state, until) : NULL;
	bool of_back = step && (size_t)(step - s->steps) >= s->n_forward,
	     back = s->turned || e->headless->back;
	if (until && !step) {
		fail(e, "the playbook has no step \"%s\" to stop after", until);
		e->exit_status = 2;
	} else if (step && of_back != back) {
		fail(e, "%s belongs to the way %s, so --until would never come to it; nothing was started",
		     until, of_back ? "back, which --back takes" : "forward, and this is the way back");
		e->exit_status = 2;
	} else if (step && step_state_finished(step->state)) {
		engine_end(e, 0);
	}
	return e->ends_life_ms != 0;
}

/* The way back opens like anybody's, by its own gate. */
static bool turned_back(struct engine *e)
{
	struct err err = {0};
	if (!e->headless->back || e->state->steps.turned)
		return false;
	if (way_back_is_seen(e) && gate_way_back(e, "headless", &err) < 0)
		fail(e, "%s", err.text);
	return true;
}

/* A sentence may have sent back to a step that is done, and what follows it comes again by itself; or
 * somebody has looked at one that is UNKNOWN, and decided to try again. */
static bool run_again(struct engine *e)
{
	struct err err = {0};
	while (e->headless_again < e->headless->n_again) {
		const char *id = e->headless->again[e->headless_again++];
		const struct step_seen *step = steps_get(e->state, id);
		if (step && !step_state_finished(step->state) && step->state != STEP_UNKNOWN)
			continue; /* it comes anyway */
		text_copy(e->headless_step, sizeof e->headless_step, id);
		if (attempt_begin(e, id, "run", "headless", &err) < 0)
			fail(e, "%s", err.text);
		return true;
	}
	return false;
}

/* What goes on without us (a pg_restore on the host) is joined by the same command, once a look has found it.
 */
static bool look_first(struct engine *e, const struct step_seen *step)
{
	const struct step *row = step_row(step->kind);
	if (!row || !row->joins || text_equal(e->headless_probed, step->id))
		return false;
	text_copy(e->headless_probed, sizeof e->headless_probed, step->id);
	return attempt_probe_again(e, step->id, "headless", NULL) == 0;
}

void headless_tick(struct engine *e)
{
	if (!e->headless || e->stopping || e->ends_life_ms || e->attempt_alive || e->state->closed_at_ms)
		return;
	if (e->journal_broken) {
		fail(e, "the journal in %s cannot be written, so nothing acts; make room and run again",
		     e->dir);
		return;
	}
	/* Whoever holds has the night; it goes on by itself when the hold is released. */
	if (e->state->people.hold) {
		if (!e->headless_held)
			fprintf(stderr, "nightferry: HOLD by %s: waiting until a seat releases it\n",
				e->state->people.hold_by);
		e->headless_held = true;
		return;
	}
	e->headless_held = false;
	if (e->act.phase == ACT_GATE && !e->act.refreshing)
		try_gate(e);
	if (e->act.phase != ACT_IDLE || e->ends_life_ms)
		return;
	if (run_again(e) || until_reached(e) || turned_back(e))
		return;
	const struct step_seen *step = steps_next(e->state);
	if (!step)
		return;
	if (step->manual) {
		try_manual(e, step);
		return;
	}
	/* What this process has tried and has not proved stops the night; what an engine before it left is
	 * tried again. */
	bool tried = text_equal(e->headless_step, step->id);
	if (!tried && step->state == STEP_UNKNOWN && look_first(e, step))
		return;
	if (tried || (step->state == STEP_UNKNOWN && !e->headless_joins)) {
		fail(e, "%s is %s: %s", step->id, step_state_name(step->state),
		     *step->text ? step->text : "no reason was given");
		return;
	}
	text_copy(e->headless_step, sizeof e->headless_step, step->id);
	struct err err = {0};
	if (attempt_begin(e, step->id, "run", "headless", &err) < 0)
		fail(e, "%s", err.text);
}

static void print_value(const struct json *x)
{
	const char *text = json_text(x);
	if (text)
		printf("%.160s", text);
	else if (json_is_number(x) || json_is_bool(x)) {
		char *number = json_print(x);
		fputs(number, stdout);
		free(number);
	} else {
		printf("%zu", json_count(x));
	}
}

void headless_print(struct engine *e, const char *line, size_t len)
{
	if (e->headless->quiet)
		return;
	struct json *j = json_parse(line, len, NULL);
	const char *kind = json_str(j, "kind", "");
	char at[UNITS_MAX];
	/* Text of logs and what comes every second are in the trace; a person reads what happened and how far
	 * it is. */
	const struct kind *row = kind_find(kind);
	if (!row || row->keep == KEEP_RECORD || row->keep == KEEP_CHANGE ||
	    text_equal(kind, "step.progress")) {
		printf("%s %-16s", units_clock(at, json_int(j, "at", 0)), kind);
		for (const struct json *x = json_first(j); x; x = json_next(x)) {
			static const char *const known[] = {"seq", "at", "src", "kind", "h", "rec", "v"};
			bool skip = json_is_null(x) || (json_text(x) && !*json_text(x));
			for (size_t i = 0; i < sizeof known / sizeof *known; i++)
				skip |= text_equal(json_key(x), known[i]);
			if (skip)
				continue;
			printf(" %s=", json_key(x));
			print_value(x);
		}
		putchar('\n');
		fflush(stdout);
	}
	json_free(j);
}
