#include "core/links/env_parity.h"
#include "core/base/text.h"
#include "core/links/env_digest.h"
#include "core/links/env_find.h"
#include <string.h>

enum { LINES_MOST = 60, NAME_MOST = 64 };

struct counts {
	size_t of[ENV_SORTS], extra;
	struct evidence left_out; /* what found no room */
};

static bool alike(const struct env_finding *a, const struct env_finding *b)
{
	return a->verdict == b->verdict && text_equal(a->text, b->text) && text_equal(a->fact, b->fact);
}

static void tell(struct evidence *ev, const char *name, const struct env_finding *f, const char *roles,
		 struct counts *counts)
{
	char clean[NAME_MOST], fact[160];
	const char *at = strstr(f->text, "ROLES");
	if (!*f->text)
		return;
	text_clean(clean, sizeof clean, name, strlen(name));
	text_copyf(fact, sizeof fact, "%s%s%s", f->fact, *f->fact ? " in " : "", *f->fact ? roles : "");
	evidence_add(ev->n < LINES_MOST ? ev : &counts->left_out, f->verdict, clean, fact, "%s %.*s%s%s",
		     clean, (int)(at ? at - f->text : 230), f->text, at ? roles : "", at ? at + 5 : "");
}

/* Roles in which the same is so share a line. */
static void tell_variable(struct evidence *ev, const struct env_sides *sides, const char *name,
			  const struct env_finding *found, struct counts *counts)
{
	bool told[ENV_ROLES] = {false};
	for (size_t r = 0; r < sides->n_roles; r++) {
		char roles[120] = "";
		for (size_t k = r; k < sides->n_roles && !told[r]; k++)
			if (!told[k] && alike(&found[r], &found[k])) {
				text_copyf(roles + strlen(roles), sizeof roles - strlen(roles), "%s%s",
					   *roles ? ", " : "", sides->roles[k].role);
				told[k] = k > r;
			}
		if (*roles)
			tell(ev, name, &found[r], roles, counts);
	}
}

static bool seen_before(const struct env_sides *sides, size_t before, const char *name)
{
	for (size_t r = 0; r < before; r++)
		if (env_set_get(&sides->roles[r].vars, name))
			return true;
	return false;
}

/* What is on the new side only: nothing to compare with, but it must not lead to Heroku either. */
static void tell_extra(const struct env_sides *sides, const char *name, struct evidence *ev,
		       struct counts *counts)
{
	struct env_finding found[ENV_ROLES];
	for (size_t r = 0; r < sides->n_roles; r++) {
		const char *value = env_set_get(&sides->roles[r].vars, name);
		found[r] = (struct env_finding){.verdict = VERDICT_PASS};
		if (value)
			env_find_extra(sides, name, value, &found[r]);
	}
	counts->extra++;
	tell_variable(ev, sides, name, found, counts);
}

static void tell_extras(const struct env_sides *sides, struct evidence *ev, struct counts *counts)
{
	for (size_t r = 0; r < sides->n_roles; r++)
		for (size_t i = 0; i < sides->roles[r].vars.n; i++) {
			const char *name = sides->roles[r].vars.list[i].name;
			if (!env_set_get(sides->old, name) && !seen_before(sides, r, name))
				tell_extra(sides, name, ev, counts);
		}
}

static void sum_up(const struct env_sides *sides, const struct counts *c, struct evidence *ev)
{
	static const char *const words[ENV_SORTS] = {
	    [ENV_SAME] = "the same",
	    [ENV_IN_BASE64] = "the same in base64",
	    [ENV_DIFFERS] = "different as it must be",
	    [ENV_STAYS] = "left behind",
	    [ENV_ACCEPTED] = "accepted",
	    [ENV_CHANGED] = "changed",
	    [ENV_MISSING] = "missing",
	};
	char sum[200] = "";
	for (size_t i = 0; i < ENV_SORTS; i++)
		if (c->of[i])
			text_copyf(sum + strlen(sum), sizeof sum - strlen(sum), "%s%zu %s", *sum ? ", " : "",
				   c->of[i], words[i]);
	evidence_add(ev, VERDICT_PASS, "variables", "", "%zu on Heroku%s%s; %zu only on NEW", sides->old->n,
		     *sum ? ": " : "", sum, c->extra);
	char more[24];
	text_copyf(more, sizeof more, "%zu", c->left_out.n);
	if (c->left_out.n)
		evidence_add(ev, evidence_verdict(&c->left_out), "more", more,
			     "%zu more lines found no room here; mend these first and look again",
			     c->left_out.n);
}

/* A waiver of the check is tied to the fact of its worst line: that one stands for all of them, so that a
 * waiver falls with whatever changes among them. */
static void tie(const struct job *job, struct evidence *ev)
{
	enum verdict worst = evidence_verdict(ev);
	struct buf all = {0};
	char digest[ENV_DIGEST_MAX];
	for (size_t i = 0; i < ev->n; i++)
		if (ev->lines[i].verdict != VERDICT_PASS)
			buf_addf(&all, "%s %s\n", ev->lines[i].name, ev->lines[i].fact);
	env_digest(job, "", buf_text(&all), digest);
	buf_done(&all);
	for (size_t i = 0; i < ev->n && worst != VERDICT_PASS; i++)
		if (ev->lines[i].verdict == worst) {
			char *fact = ev->lines[i].fact;
			size_t len = strlen(fact);
			text_copyf(fact + len, sizeof ev->lines[i].fact - len, "%sall %s", len ? ", " : "",
				   digest);
			return;
		}
}

void env_parity(const struct job *job, const struct env_sides *sides, struct evidence *ev)
{
	struct evidence lines = {0};
	struct counts counts = {0};
	for (size_t i = 0; i < sides->old->n && sides->n_roles; i++) {
		struct env_finding found[ENV_ROLES];
		enum env_sort worst = ENV_SAME;
		for (size_t r = 0; r < sides->n_roles; r++) {
			env_find(job, sides, &sides->roles[r], &sides->old->list[i], &found[r]);
			worst = found[r].sort > worst ? found[r].sort : worst;
		}
		counts.of[worst]++;
		tell_variable(&lines, sides, sides->old->list[i].name, found, &counts);
	}
	tell_extras(sides, &lines, &counts);
	sum_up(sides, &counts, ev);
	for (size_t i = 0; i < lines.n; i++)
		evidence_add(ev, lines.lines[i].verdict, lines.lines[i].name, lines.lines[i].fact, "%s",
			     lines.lines[i].text);
	tie(job, ev);
	evidence_done(&lines);
	evidence_done(&counts.left_out);
}
