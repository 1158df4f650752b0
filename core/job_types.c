/* Evidence, plans and the names of verdicts: the plain data that children hand to the engine. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/job_write.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verdict_names[] = {"UNKNOWN", "PASS", "WARN", "FAIL"};
static const char *const gate_names[] = {"none", "yes", "type", "poll"};
static const char *const done_names[] = {"UNCLEAR", "DONE", "NOT_DONE", "RUNNING"};

const char *verdict_name(enum verdict verdict)
{
	return (unsigned)verdict < 4 ? verdict_names[verdict] : verdict_names[0];
}

enum verdict verdict_of(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (text_equal(name, verdict_names[i]))
			return (enum verdict)i;
	return VERDICT_UNKNOWN;
}

const char *gate_name(enum gate gate)
{
	return (unsigned)gate < 4 ? gate_names[gate] : gate_names[0];
}

enum gate gate_of(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (text_equal(name, gate_names[i]))
			return (enum gate)i;
	return GATE_NONE;
}

const char *done_name(enum done done)
{
	return (unsigned)done < 4 ? done_names[done] : done_names[0];
}

void evidence_add(struct evidence *ev, enum verdict verdict, const char *name, const char *fact,
		  const char *fmt, ...)
{
	ev->lines = xrealloc(ev->lines, ev->n + 1, sizeof *ev->lines);
	struct evidence_line *line = &ev->lines[ev->n++];
	memset(line, 0, sizeof *line);
	line->verdict = verdict;
	text_copy(line->name, sizeof line->name, name);
	text_copy(line->fact, sizeof line->fact, fact ? fact : "");
	va_list ap;
	va_start(ap, fmt);
	struct buf text = {0};
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_copy(line->text, sizeof line->text, buf_text(&text));
	buf_done(&text);
}

/* As many rows with another content are another fact; without hashes nobody can tell. */
void rows_fact(char *out, size_t size, int64_t old_rows, int64_t new_rows, const char *old_hash,
	       const char *new_hash)
{
	text_copyf(out, size, "OLD %lld NEW %lld%s%.6s%s%.6s", (long long)old_rows, (long long)new_rows,
		   *old_hash || *new_hash ? " content " : "", old_hash, *new_hash ? "/" : "", new_hash);
}

void evidence_done(struct evidence *ev)
{
	free(ev->lines);
	*ev = (struct evidence){0};
}

enum verdict evidence_verdict(const struct evidence *ev)
{
	static const int badness[] = {
	    [VERDICT_PASS] = 0, [VERDICT_WARN] = 1, [VERDICT_UNKNOWN] = 2, [VERDICT_FAIL] = 3};
	enum verdict worst = ev->n ? VERDICT_PASS : VERDICT_UNKNOWN;
	for (size_t i = 0; i < ev->n; i++)
		if (badness[ev->lines[i].verdict] > badness[worst])
			worst = ev->lines[i].verdict;
	return worst;
}

void evidence_write(const struct evidence *ev, struct jw *w, const char *key)
{
	jw_arr(w, key);
	for (size_t i = 0; i < ev->n; i++) {
		const struct evidence_line *line = &ev->lines[i];
		jw_obj(w, NULL);
		jw_str(w, "verdict", verdict_name(line->verdict));
		jw_str(w, "name", line->name);
		jw_str(w, "text", line->text);
		jw_str(w, "fact", line->fact);
		jw_end(w);
	}
	jw_end(w);
}

void plan_does(struct plan *plan, const char *fmt, ...)
{
	if (plan->n_does == sizeof plan->does / sizeof *plan->does)
		return;
	va_list ap;
	va_start(ap, fmt);
	struct buf text = {0};
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_copy(plan->does[plan->n_does++], sizeof plan->does[0], buf_text(&text));
	buf_done(&text);
}

void plan_refuse(struct plan *plan, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	struct buf text = {0};
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	text_copy(plan->refused, sizeof plan->refused, buf_text(&text));
	buf_done(&text);
}

void plan_done(struct plan *plan)
{
	evidence_done(&plan->seen);
	jw_done(&plan->data);
}

void plan_write(struct plan *plan, struct jw *w, const char *key)
{
	jw_obj(w, key);
	jw_str(w, "target", plan->target);
	jw_str(w, "side", plan->side);
	jw_str(w, "verb", plan->verb);
	jw_str(w, "from", plan->from);
	jw_str(w, "to", plan->to);
	jw_arr(w, "does");
	for (size_t i = 0; i < plan->n_does; i++)
		jw_str(w, NULL, plan->does[i]);
	jw_end(w);
	jw_str(w, "then", plan->then);
	jw_str(w, "back", plan->back);
	jw_str(w, "refused", plan->refused);
	jw_str(w, "gate", gate_name(plan->gate));
	jw_bool(w, "nothing_to_do", plan->nothing_to_do);
	jw_int(w, "estimate_ms", plan->estimate_ms);
	evidence_write(&plan->seen, w, "seen");
	if (plan->data.buf.len) {
		const char *data = jw_finish(&plan->data);
		jw_raw(w, "data", data, strlen(data));
	}
	jw_end(w);
}
