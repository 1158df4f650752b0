/* What shall strike, and when: a line as it is typed, or a surprise. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/cmds/drill.h"
#include <string.h>

static const struct drill_fault *fault_find(const char *name)
{
	for (const struct drill_fault *f = drill_faults; f->name; f++)
		if (text_equal(f->name, name))
			return f;
	return NULL;
}

static int no_fault(const char *name, struct err *err)
{
	struct buf all = {0};
	for (const struct drill_fault *f = drill_faults; f->name; f++)
		buf_addf(&all, "%s%s", f == drill_faults ? "" : ", ", f->name);
	err_set(err, ERR_USAGE, "there is no fault \"%.60s\"; there are %s", name, buf_text(&all));
	buf_done(&all);
	return -1;
}

/* By its id, or the first of a phase. */
static bool step_find(const struct json *playbook, const char *name, struct drill_one *one)
{
	char last[48] = "";
	int number = 0;
	for (const struct json *p = json_first(json_get(playbook, "phases")); p; p = json_next(p)) {
		bool phase = text_equal(json_str(p, "name", ""), name);
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s)) {
			const char *id = json_str(s, "id", "");
			number++;
			if (phase || text_equal(id, name)) {
				text_copy(one->step, sizeof one->step, id);
				text_copy(one->before, sizeof one->before, last);
				one->number = number;
				return true;
			}
			text_copy(last, sizeof last, id);
		}
	}
	return false;
}

static int no_step(const struct json *playbook, const char *name, struct err *err)
{
	struct buf all = {0};
	for (const struct json *p = json_first(json_get(playbook, "phases")); p; p = json_next(p))
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s))
			buf_addf(&all, "%s%s", all.len ? ", " : "", json_str(s, "id", ""));
	err_set(err, ERR_USAGE, "the playbook has no step \"%.60s\"; its steps are %s", name, buf_text(&all));
	buf_done(&all);
	return -1;
}

static bool manual(const struct json *playbook, const char *id)
{
	for (const struct json *p = json_first(json_get(playbook, "phases")); p; p = json_next(p))
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s))
			if (text_equal(json_str(s, "id", ""), id))
				return text_equal(json_str(s, "do", ""), "manual");
	return false;
}

/* "STEP", "STEP+40s", "STEP+2" */
static int take_moment(struct drill_one *one, const char *at, const struct json *playbook, struct err *err)
{
	char step[48];
	const char *plus = strchr(at, '+');
	size_t len = plus ? (size_t)(plus - at) : strlen(at);
	one->when = one->fault->when;
	if (len >= sizeof step)
		return no_step(playbook, at, err);
	text_copyf(step, sizeof step, "%.*s", (int)len, at);
	if (!step_find(playbook, step, one))
		return no_step(playbook, step, err);
	if (manual(playbook, one->step))
		return err_set(err, ERR_USAGE,
			       "%s is done by people, so nothing strikes while it runs; name another step",
			       one->step);
	if (!plus)
		return 0;
	one->offset_ms = units_parse_duration_ms(plus + 1);
	one->when = DRILL_WHILE;
	if (one->offset_ms >= 0)
		return 0;
	return err_set(err, ERR_USAGE,
		       "%s@%.60s: \"%.20s\" is no time; say how long after the step's begin, like +40s",
		       one->fault->name, at, plus + 1);
}

static int add(struct drill *drill, const char *word, const struct json *playbook, struct err *err)
{
	char name[48];
	struct drill_one one = {0};
	const char *at = strchr(word, '@');
	if (drill->n == DRILL_MOST)
		return err_set(err, ERR_USAGE, "%d faults in one night are the most", DRILL_MOST);
	if (!text_copyf(name, sizeof name, "%.*s", (int)(at ? at - word : (int)strlen(word)), word) ||
	    !(one.fault = fault_find(name)))
		return no_fault(name, err);
	if (take_moment(&one, at ? at + 1 : one.fault->at, playbook, err) < 0)
		return -1;
	for (size_t i = 0; i < drill->n; i++)
		/* Two different ones at one moment strike in the order in which they are named. */
		if (drill->list[i].fault == one.fault && text_equal(drill->list[i].step, one.step))
			return err_set(err, ERR_USAGE,
				       "%s strikes at %s twice; once is enough to see what is made of it",
				       name, one.step);
	drill->list[drill->n++] = one;
	return 0;
}

static void begin(struct drill *drill, const struct json *playbook)
{
	char last[48] = "";
	int number = 0;
	*drill = (struct drill){.state = state_new()};
	for (const struct json *p = json_first(json_get(playbook, "phases")); p; p = json_next(p))
		for (const struct json *s = json_first(json_get(p, "steps")); s; s = json_next(s)) {
			if (text_equal(json_str(s, "do", ""), "app-boot") && !*drill->start) {
				text_copy(drill->last, sizeof drill->last, last);
				drill->last_number = number;
				text_copy(drill->start, sizeof drill->start, json_str(s, "id", ""));
			}
			text_copy(last, sizeof last, json_str(s, "id", ""));
			number++;
		}
}

int drill_until(struct drill *drill, const char *step, const struct json *playbook, struct err *err)
{
	struct drill_one at = {0};
	if (!step_find(playbook, step, &at) || !text_equal(at.step, step))
		return no_step(playbook, step, err);
	for (size_t i = 0; i < drill->n; i++)
		if (drill->list[i].number > at.number)
			return err_set(err, ERR_USAGE,
				       "%s strikes at %s, and the drill would end before that, at %s",
				       drill->list[i].fault->name, drill->list[i].step, step);
	if (at.number < drill->last_number)
		return err_set(err, ERR_USAGE,
			       "at %s both databases are not compared yet; end the drill at %s or later",
			       step, drill->last);
	text_copy(drill->until, sizeof drill->until, step);
	drill->until_number = at.number;
	return 0;
}

int drill_plan(struct drill *drill, const char *spec, const struct json *playbook, struct err *err)
{
	char word[128];
	begin(drill, playbook);
	for (const char *p = spec; *p;) {
		size_t len = strcspn(p, ", ");
		if (len >= sizeof word)
			return err_set(err, ERR_USAGE, "a word of %zu letters is no FAULT@STEP+SECONDS", len);
		text_clean(word, sizeof word, p, len);
		if (len && add(drill, word, playbook, err) < 0)
			return -1;
		p += len;
		p += strspn(p, ", ");
	}
	return drill->n ? 0
			: err_set(err, ERR_USAGE,
				  "no fault is named; `nightferry drill --list` tells which there are");
}

int drill_surprise(struct drill *drill, uint64_t seed, const struct json *playbook, struct err *err)
{
	const struct drill_fault *left[64];
	size_t n = 0;
	begin(drill, playbook);
	for (const struct drill_fault *f = drill_faults; f->name && n < 64; f++)
		if (!strstr(f->help, "needs root"))
			left[n++] = f;
	for (int i = 0; i < DRILL_SURPRISES && n; i++) {
		/* Knuth's constants: the high bits are the good ones. */
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		size_t at = (size_t)(seed >> 33) % n;
		if (add(drill, left[at]->name, playbook, err) < 0)
			return -1;
		left[at] = left[--n];
	}
	return 0;
}

void drill_name(const struct drill_one *one, char *out, size_t size)
{
	char plus[40] = "";
	if (one->offset_ms)
		text_copyf(plus, sizeof plus, one->offset_ms % 1000 ? "+%lldms" : "+%llds",
			   (long long)(one->offset_ms % 1000 ? one->offset_ms : one->offset_ms / 1000));
	text_copyf(out, size, "%s@%s%s", one->fault->name, one->step, plus);
}

void drill_list(struct buf *out)
{
	for (const struct drill_fault *f = drill_faults; f->name; f++)
		buf_addf(out, "%-16s %-16s %s\n", f->name, f->at, f->help);
}

void drill_done(struct drill *drill)
{
	state_free(drill->state);
	buf_done(&drill->kept);
	drill->state = NULL;
}
