#include "core/steps/foreign.h"
#include "core/base/text.h"
#include "core/links/ssh.h"
#include <stdlib.h>
#include <string.h>

static void say_words(struct foreign *f)
{
	struct buf line = {0};
	for (size_t i = 0; f->argv[i]; i++)
		buf_addf(&line, "%s%s", i ? " " : "", f->argv[i]);
	text_clean(f->say, sizeof f->say, buf_text(&line), line.len);
	buf_done(&line);
}

static int words_of_list(const struct json *list, const char *name, struct foreign *f, struct err *err)
{
	size_t n = 0;
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		if (!json_text(x) || n == FOREIGN_ARGS - 1)
			return err_set(err, ERR_CONFIG,
				       "`%s:` is a list of at most %d texts; put numbers into quotes", name,
				       FOREIGN_ARGS - 1);
		f->argv[n++] = json_text(x);
	}
	return 0;
}

static int words_of_text(const char *text, const char *name, struct foreign *f, struct err *err)
{
	size_t n = 0;
	if (strpbrk(text, "'\"\\|&;<>$`*?(){}~#\n"))
		return err_set(
		    err, ERR_CONFIG,
		    "`%s:` has signs that only a shell understands; write it as a list of words, or "
		    "say `shell: true`",
		    name);
	f->words = xstrdup(text);
	for (char *p = f->words; *p;) {
		p += strspn(p, " \t");
		size_t len = strcspn(p, " \t");
		if (len && n == FOREIGN_ARGS - 1)
			return err_set(err, ERR_CONFIG, "`%s:` has more than %d words", name,
				       FOREIGN_ARGS - 1);
		if (len)
			f->argv[n++] = p;
		p += len;
		if (*p)
			*p++ = '\0';
	}
	return 0;
}

int foreign_words(const struct job *job, const char *name, bool shell, struct foreign *f, struct err *err)
{
	const struct json *value = json_get(job_params(job), name);
	const char *text = json_text(value);
	int rc = 0;
	*f = (struct foreign){0};
	if (text && *text && shell) {
		f->argv[0] = "sh";
		f->argv[1] = "-c";
		f->argv[2] = text;
	} else if (text) {
		rc = words_of_text(text, name, f, err);
	} else {
		rc = words_of_list(value, name, f, err);
	}
	if (rc == 0 && (!f->argv[0] || !*f->argv[0]))
		rc = err_set(err, ERR_CONFIG,
			     "`%s:` names no program; write it as a list: [terraform, apply]", name);
	if (rc == 0)
		say_words(f);
	else
		foreign_done(f);
	return rc;
}

void foreign_done(struct foreign *f)
{
	free(f->words);
	f->words = NULL;
}

int foreign_line(const struct job *job, const char *name, struct buf *line, struct err *err)
{
	const struct json *value = json_get(job_params(job), name);
	if (json_text(value))
		buf_adds(line, json_text(value));
	for (const struct json *x = json_text(value) ? NULL : json_first(value); x; x = json_next(x)) {
		if (!json_text(x))
			return err_set(err, ERR_CONFIG, "`%s:` is a list of texts; put numbers into quotes",
				       name);
		if (line->len)
			buf_addc(line, ' ');
		ssh_quote(line, json_text(x));
	}
	return line->len ? 0 : err_set(err, ERR_CONFIG, "`%s:` names no command", name);
}

/* A text, or a list of them, none of them empty: an empty one is said by everything. */
static bool has_value(const struct json *value)
{
	for (const struct json *x = json_first(value); x && !json_text(value); x = json_next(x))
		if (!json_text(x) || !*json_text(x))
			return false;
	return json_text(value) ? *json_text(value) != '\0' : json_count(value) > 0;
}

int foreign_proves(const struct job *job, struct err *err)
{
	const struct json *p = job_params(job);
	if (!has_value(json_get(p, "prove")))
		return 0;
	if (!has_value(json_get(p, "expect")))
		return err_set(
		    err, ERR_CONFIG,
		    "`prove:` needs `expect:`, a text that it says only when the thing is done; its exit "
		    "status alone proves nothing");
	return 1;
}

/* The first of the wanted texts that is not there; NULL: all are. */
static const char *missing(const struct json *expect, const char *text)
{
	if (json_text(expect))
		return strstr(text, json_text(expect)) ? NULL : json_text(expect);
	for (const struct json *x = json_first(expect); x; x = json_next(x))
		if (!json_text(x) || !strstr(text, json_text(x)))
			return json_text(x) ? json_text(x) : "(no text)";
	return NULL;
}

enum verdict foreign_judge(const struct job *job, const char *say, const struct buf *out, int status,
			   struct evidence *ev)
{
	const char *lacks = missing(json_get(job_params(job), "expect"), buf_text(out));
	enum verdict v = status != 0 ? VERDICT_UNKNOWN : lacks ? VERDICT_FAIL : VERDICT_PASS;
	char last[160];
	size_t end = out->len, begin;
	while (end && strchr("\r\n\t ", out->data[end - 1]))
		end--;
	for (begin = end; begin && out->data[begin - 1] != '\n';)
		begin--;
	text_clean(last, sizeof last, end ? out->data + begin : "", end - begin);
	if (v == VERDICT_PASS)
		evidence_add(ev, v, "proof", "as expected", "%.80s says what is expected: %s", say, last);
	else if (v == VERDICT_FAIL)
		evidence_add(ev, v, "proof", "not so", "%.80s does not say \"%.60s\"; its last line: %s", say,
			     lacks, last);
	else
		evidence_add(ev, v, "proof", "no answer", "%.80s ended with %d, so it proves nothing: %s",
			     say, status, *last ? last : "no words");
	return v;
}

void foreign_plan(const struct job *job, const char *say, const char *where, int proves, struct plan *plan)
{
	const struct json *p = job_params(job);
	const char *target = json_str(p, "target", "");
	text_copy(plan->target, sizeof plan->target, *target ? target : job_step(job));
	text_copy(plan->verb, sizeof plan->verb, "RUNS A PROGRAM");
	plan->gate = gate_of(json_str(p, "gate", "none"));
	plan_does(plan, "%s: %s", where, say);
	text_copy(
	    plan->back, sizeof plan->back,
	    "none that nightferry knows of: what the program does is its own, and so is taking it back");
	if (proves)
		text_copy(plan->to, sizeof plan->to, "the look that `prove:` names says what is expected");
	else
		text_copy(
		    plan->then, sizeof plan->then,
		    "Nothing proves what it did, for the playbook names no `prove:`: the step will stand as "
		    "UNKNOWN until somebody says by M what was seen.");
}

enum verdict foreign_unproved(struct evidence *ev, const char *ended)
{
	evidence_add(
	    ev, VERDICT_UNKNOWN, "proof", "none named",
	    "%s; no `prove:` is named, so what it did is for people to look at: M says what was seen", ended);
	return VERDICT_UNKNOWN;
}
