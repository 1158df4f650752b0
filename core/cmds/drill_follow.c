/* The night as it is written, read along: when a fault is due, and what the cockpit made of it. */
#include "core/base/text.h"
#include "core/cmds/drill.h"
#include <stdlib.h>
#include <string.h>

enum {
	MEND_AFTER_MS = 1500,     /* somebody has seen it, and puts it right */
	MEND_AT_LAST_MS = 150000, /* nobody has seen it, and the night shall go on all the same */
};

/* ---- signs ---- */

static bool says(const struct drill_one *one, const char *text, const char *line)
{
	char step[80];
	if (!text_equal(text, DRILL_STEP))
		return strstr(line, text) != NULL;
	text_copyf(step, sizeof step, "\"step\":\"%s\"", one->step);
	return strstr(line, step) != NULL;
}

static bool shows(const struct drill_sign *sign, const struct drill_one *one, const struct event *event,
		  const char *line)
{
	if (!sign->kind || !text_equal(sign->kind, event->kind) ||
	    (sign->src && !text_starts(event->src, sign->src)))
		return false;
	for (size_t i = 0; i < sizeof sign->says / sizeof *sign->says && sign->says[i]; i++)
		if (!says(one, sign->says[i], line))
			return false;
	return true;
}

/* The words of an event, as people read them. */
static void words_of(const struct event *event, const struct drill_sign *sign, char *out, size_t size)
{
	static const char *const fields[] = {"stalled_why", "text",  "why",   "outcome",
					     "state",       "words", "reason"};
	const struct json *b = event->body;
	*out = '\0';
	for (const struct json *x = json_first(json_get(b, "lines")); x && !*out; x = json_next(x))
		if (sign && sign->says[0] && strstr(json_str(x, "text", ""), sign->says[0]))
			text_copy(out, size, json_str(x, "text", ""));
	for (size_t i = 0; i < sizeof fields / sizeof *fields && !*out; i++)
		text_copy(out, size, json_str(b, fields[i], ""));
}

static void tell(struct drill_told *told, const struct event *event, const struct drill_sign *sign)
{
	*told = (struct drill_told){.at_ms = event->at_ms};
	text_copyf(told->by, sizeof told->by, "%s",
		   text_equal(event->src, "engine") ? event->kind : event->src);
	words_of(event, sign, told->text, sizeof told->text);
}

/* ---- what people, or a driver in their place, made of it ---- */

static bool decides(const struct event *event, struct drill_told *told)
{
	static const struct {
		const char *kind, *does;
	} kinds[] = {
	    {"attempt.started", "runs"},
	    {"step.byhand", "says it is done by hand:"},
	    {"step.skipped", "skips"},
	    {"waiver.given", "waives"},
	    {"night.turned", "takes the way back"},
	    {"hold.called", "holds"},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (!text_equal(event->kind, kinds[i].kind))
			continue;
		const struct json *b = event->body;
		*told = (struct drill_told){.at_ms = event->at_ms};
		text_copy(told->by, sizeof told->by, json_str(b, "by", ""));
		text_copyf(told->text, sizeof told->text, "%s %s", kinds[i].does,
			   json_str(b, "step", json_str(b, "about", "")));
		return true;
	}
	return false;
}

static void see(struct drill_one *one, const struct event *event, const char *line)
{
	const struct drill_fault *f = one->fault;
	if (one->stage == DRILL_TO_COME && !one->began_ms && text_equal(event->kind, "attempt.started") &&
	    text_equal(json_str(event->body, "step", ""), one->step))
		one->began_ms = event->at_ms;
	if (one->stage != DRILL_STRUCK || event->at_ms < one->struck_ms)
		return;
	bool seen = one->noticed.at_ms != 0;
	for (size_t i = 0; !one->noticed.at_ms && i < sizeof f->noticed / sizeof *f->noticed; i++)
		if (shows(&f->noticed[i], one, event, line))
			tell(&one->noticed, event, &f->noticed[i]);
	/* What passes by itself needs nobody. */
	if (seen && !one->decided.at_ms && !one->over.at_ms)
		decides(event, &one->decided);
	bool whole = !f->mended || (one->mend == DRILL_MENDED && event->at_ms >= one->mended_ms);
	if (whole && one->noticed.at_ms && !one->over.at_ms && shows(&f->over, one, event, line))
		tell(&one->over, event, &f->over);
}

static bool hands_at_work(const struct drill *drill)
{
	for (size_t i = 0; i < drill->n; i++)
		if (drill->list[i].stage == DRILL_STRIKING || drill->list[i].mend == DRILL_MENDING)
			return true;
	return false;
}

/* The cockpit may be quicker than the word of those who struck. */
static void see_kept(const struct drill *drill, struct drill_one *one)
{
	const char *p = buf_text(&drill->kept), *nl;
	for (; (nl = strchr(p, '\n')); p = nl + 1) {
		struct event *event = event_parse(p, (size_t)(nl - p), NULL);
		char *line = xasprintf("%.*s", (int)(nl - p), p);
		if (event)
			see(one, event, line);
		free(line);
		event_free(event);
	}
}

/* Screens and state have room for its beginning only, and the way out stands at its end. */
static void take_words(struct drill *drill, const struct event *event)
{
	const struct json *b = event->body;
	bool ended =
	    text_equal(event->kind, "attempt.ended") && !text_equal(json_str(b, "outcome", ""), "done");
	bool stood = text_equal(event->kind, "step.state") && text_equal(json_str(b, "state", ""), "failed");
	if (ended || stood)
		text_copy(drill->said, sizeof drill->said, json_str(b, "text", ""));
}

void drill_take(struct drill *drill, const char *line, size_t len, bool journal)
{
	struct event *event = event_parse(line, len, NULL);
	if (!event)
		return;
	char *text = xmalloc(len + 1);
	memcpy(text, line, len);
	text[len] = '\0';
	if (hands_at_work(drill))
		buf_addf(&drill->kept, "%s\n", text);
	else
		buf_reset(&drill->kept);
	for (size_t i = 0; i < drill->n; i++)
		see(&drill->list[i], event, text);
	take_words(drill, event);
	if (journal)
		state_fold(drill->state, event);
	drill->engines += text_equal(event->kind, "engine.started");
	free(text);
	event_free(event);
}

/* ---- moments ---- */

static bool finished(const struct drill *drill, const char *id)
{
	const struct step_seen *step = steps_get(drill->state, id);
	return step && step_state_finished(step->state);
}

static bool is_due(const struct drill *drill, const struct drill_one *one, int64_t now_ms)
{
	if (one->when == DRILL_BEFORE)
		return !*one->before || one->began_ms || finished(drill, one->before);
	return one->began_ms && now_ms >= one->began_ms + one->offset_ms;
}

/* It was too quick for it. */
static bool is_missed(const struct drill *drill, const struct drill_one *one, int64_t now_ms)
{
	return one->began_ms && finished(drill, one->step) && now_ms < one->began_ms + one->offset_ms;
}

static void strike(struct drill *drill, size_t i, int64_t now_ms)
{
	struct drill_one *one = &drill->list[i];
	if (is_missed(drill, one, now_ms)) {
		one->stage = DRILL_NEVER;
		text_copyf(one->why, sizeof one->why, "its moment never came: %s was over before", one->step);
	} else if (is_due(drill, one, now_ms)) {
		bool begun = drill->hands.start(drill->hands.ctx, i, one, "strike") == 0;
		one->stage = begun ? DRILL_STRIKING : DRILL_NEVER;
		if (!begun)
			text_copy(one->why, sizeof one->why, "demo/fault could not be started");
	}
}

static void look_strike(struct drill *drill, size_t i)
{
	struct drill_one *one = &drill->list[i];
	enum drill_hand hand =
	    drill->hands.look(drill->hands.ctx, i, &one->struck_ms, one->why, sizeof one->why);
	if (hand != DRILL_BUSY)
		one->stage = hand == DRILL_OK ? DRILL_STRUCK : DRILL_NEVER;
	if (one->stage == DRILL_STRUCK)
		see_kept(drill, one);
}

static void mend(struct drill *drill, size_t i, int64_t now_ms)
{
	struct drill_one *one = &drill->list[i];
	int64_t at_ms =
	    one->noticed.at_ms ? one->noticed.at_ms + MEND_AFTER_MS : one->struck_ms + MEND_AT_LAST_MS;
	if (one->mend == DRILL_UNMENDED && now_ms >= at_ms && !*one->why) {
		if (drill->hands.start(drill->hands.ctx, i, one, "mend") == 0)
			one->mend = DRILL_MENDING;
		else
			text_copy(one->why, sizeof one->why, "it could not be put right: no process");
	} else if (one->mend == DRILL_MENDING) {
		enum drill_hand hand =
		    drill->hands.look(drill->hands.ctx, i, &one->mended_ms, one->why, sizeof one->why);
		if (hand != DRILL_BUSY)
			one->mend = hand == DRILL_OK ? DRILL_MENDED : DRILL_UNMENDED;
		if (one->mend == DRILL_MENDED)
			see_kept(drill, one);
	}
}

/* Where no event says so: what it met is done, and nothing of it is left. */
static void look_over(const struct drill *drill, struct drill_one *one)
{
	const struct step_seen *step = steps_get(drill->state, one->step);
	bool whole = !one->fault->mended || one->mend == DRILL_MENDED;
	if (one->fault->over.kind || one->over.at_ms || !whole || !step || !step_state_finished(step->state))
		return;
	int64_t at_ms = step->ended_at_ms > one->mended_ms ? step->ended_at_ms : one->mended_ms;
	one->over.at_ms = at_ms > one->struck_ms ? at_ms : one->struck_ms;
	text_copy(one->over.by, sizeof one->over.by, step->attempt);
	text_copyf(one->over.text, sizeof one->over.text, "%s is done", one->step);
}

void drill_tick(struct drill *drill, int64_t now_ms)
{
	for (size_t i = 0; i < drill->n; i++) {
		struct drill_one *one = &drill->list[i];
		if (one->stage == DRILL_TO_COME)
			strike(drill, i, now_ms);
		else if (one->stage == DRILL_STRIKING)
			look_strike(drill, i);
		else if (one->stage == DRILL_STRUCK && one->fault->mended && one->mend != DRILL_MENDED)
			mend(drill, i, now_ms);
		if (one->stage == DRILL_STRUCK)
			look_over(drill, one);
	}
}

bool drill_busy(const struct drill *drill)
{
	for (size_t i = 0; i < drill->n; i++) {
		const struct drill_one *one = &drill->list[i];
		bool due = one->stage == DRILL_TO_COME && one->when == DRILL_BEFORE &&
			   (!*one->before || finished(drill, one->before));
		bool broken = one->stage == DRILL_STRUCK && one->fault->mended && !*one->why &&
			      one->mend != DRILL_MENDED && one->noticed.at_ms;
		if (due || broken || one->stage == DRILL_STRIKING || one->mend == DRILL_MENDING)
			return true;
	}
	return false;
}

bool drill_night_done(const struct drill *drill)
{
	return *drill->until ? finished(drill, drill->until)
			     : text_equal(drill->state->closed_verdict, "done");
}

static void earlier(const struct drill *drill, const char *step, int number, const char **best, int *least)
{
	if (!*step || finished(drill, step) || (*best && number >= *least))
		return;
	*best = step;
	*least = number;
}

const char *drill_stop(const struct drill *drill)
{
	const char *best = NULL;
	int least = 0;
	for (size_t i = 0; i < drill->n; i++) {
		const struct drill_one *one = &drill->list[i];
		if (one->stage == DRILL_TO_COME && one->when == DRILL_BEFORE)
			earlier(drill, one->before, one->number - 1, &best, &least);
	}
	if (drill->judge == DRILL_NOT_ASKED)
		earlier(drill, drill->last, drill->last_number, &best, &least);
	earlier(drill, drill->until, drill->until_number, &best, &least);
	return best;
}

void drill_end(struct drill *drill, int64_t now_ms)
{
	drill->ended_ms = now_ms;
	for (size_t i = 0; i < drill->n; i++) {
		struct drill_one *one = &drill->list[i];
		if (one->stage == DRILL_TO_COME && !*one->why)
			text_copyf(one->why, sizeof one->why,
				   one->began_ms ? "its moment never came: the night ended before, in %s"
				   : finished(drill, one->step)
				       ? "its moment never came: there was nothing to do in %s"
				       : "its moment never came: the night did not get to %s",
				   one->step);
		if (one->stage == DRILL_TO_COME || one->stage == DRILL_STRIKING)
			one->stage = DRILL_NEVER;
	}
}
