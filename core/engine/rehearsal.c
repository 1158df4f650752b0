/* A night that is a rehearsal: what it leaves out, and what it teaches the next one. */
#include "core/night/rehearsal.h"
#include "core/engine/inner.h"
#include "core/night/rehearsed.h"

static void app_folder(const struct engine *e, char *out, size_t size)
{
	const char *slash = strrchr(e->dir, '/');
	text_copyf(out, size, "%.*s", slash ? (int)(slash - e->dir) : 0, e->dir);
}

static const char *night_name(const struct engine *e)
{
	return json_str(e->opened, "night", "");
}

void rehearsed_open(const struct engine *e, struct jw *w)
{
	char folder[400];
	app_folder(e, folder, sizeof folder);
	rehearsed_write(folder, w);
}

int rehearsed_tell_dumps(struct engine *e, struct err *err)
{
	const struct json *dumps = json_path(e->opened, "rehearsed.dumps");
	for (const struct json *x = json_first(dumps); x; x = json_next(x)) {
		struct jw w;
		jw_event(&w, "fact");
		jw_str(&w, "name", "rehearsal-dump");
		jw_str(&w, "key", json_str(x, "backup", ""));
		jw_str(&w, "step", "");
		jw_str(&w, "attempt", "");
		jw_obj(&w, "data");
		jw_str(&w, "label", json_str(x, "label", ""));
		jw_str(&w, "night", json_str(x, "night", ""));
		jw_end(&w);
		if (engine_emit(e, &w, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what it leaves out ---- */

int rehearsal_may(const struct engine *e, const struct step *row, const char *id, struct err *err)
{
	const char *why = e->state->rehearsal ? rehearsal_omits(row) : NULL;
	return why ? err_set(err, ERR_REFUSED, "%s is %s", id, why) : 0;
}

void rehearsal_tick(struct engine *e)
{
	if (!e->state->rehearsal || e->stopping || e->attempt_alive || e->state->closed_at_ms ||
	    e->journal_broken || e->state->people.hold)
		return;
	for (const struct step_seen *next;
	     e->act.phase == ACT_IDLE && !e->parked && (next = steps_next(e->state));) {
		const char *why = rehearsal_omits(step_row(next->kind));
		if (!why || act_skipped(e, next->id, why, "rehearsal") < 0)
			return;
	}
}

/* ---- what it teaches ---- */

static int64_t source_bytes(const struct state *s)
{
	int64_t bytes = 0;
	for (size_t i = 0; i < s->facts.n; i++)
		if (text_equal(s->facts.facts[i].name, "source") && s->facts.facts[i].data) {
			struct json *data =
			    json_parse(s->facts.facts[i].data, strlen(s->facts.facts[i].data), NULL);
			bytes = json_int(data, "size_bytes", 0);
			json_free(data);
		}
	return bytes;
}

static void keep(struct engine *e, struct jw *w)
{
	char folder[400];
	struct err err = {0};
	app_folder(e, folder, sizeof folder);
	if (rehearsed_add(folder, w, &err) < 0)
		seats_say(e, "warn", "%s", err.text);
}

static void keep_dumps(struct engine *e, const char *attempt)
{
	for (size_t i = 0; i < e->state->facts.n; i++) {
		const struct fact_seen *fact = &e->state->facts.facts[i];
		if (!text_equal(fact->name, "backup") || !text_equal(fact->attempt, attempt) || !fact->data)
			continue;
		struct json *data = json_parse(fact->data, strlen(fact->data), NULL);
		struct jw w;
		rehearsed_line(&w, night_name(e), "dump");
		jw_str(&w, "backup", json_str(data, "id", ""));
		jw_str(&w, "label", json_str(data, "label", ""));
		keep(e, &w);
		json_free(data);
	}
}

void rehearsal_took(struct engine *e, bool done)
{
	const struct act_now *act = &e->act;
	if (!e->state->rehearsal || act->aside || !act->row || !*act->attempt ||
	    !text_equal(act->verb, "run"))
		return;
	keep_dumps(e, act->attempt);
	if (!done || !act->run_life_ms)
		return;
	struct jw w;
	rehearsed_line(&w, night_name(e), "step");
	jw_str(&w, "step", act->step);
	jw_str(&w, "kind", act->row->name);
	jw_int(&w, "ms", clock_life_ms() - act->run_life_ms);
	jw_int(&w, "look_ms", act->run_life_ms - act->began_life_ms - act->gate_ms);
	jw_int(&w, "bytes", source_bytes(e->state));
	jw_bool(&w, "by_size", act->row->by_size);
	keep(e, &w);
}

void rehearsal_over(struct engine *e)
{
	const struct watching_state *watching = &e->state->watching;
	char folder[400];
	struct err err = {0};
	for (size_t i = 0; e->state->rehearsal && i < watching->n_waivers; i++) {
		const struct waiver_seen *x = &watching->waivers[i];
		struct jw w;
		if (waiver_get(e->state, x->about) != x)
			continue;
		rehearsed_line(&w, night_name(e), "waiver");
		jw_str(&w, "about", x->about);
		jw_str(&w, "by", x->by);
		jw_str(&w, "reason", x->reason);
		keep(e, &w);
	}
	app_folder(e, folder, sizeof folder);
	if (e->state->rehearsal && rehearsed_trim(folder, &err) < 0)
		seats_say(e, "warn", "%s", err.text);
}
