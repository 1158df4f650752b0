/* One line a request, with the answer of every side in it: see smoke_sides.h. */
#include "core/steps/smoke_sides.h"
#include "core/base/text.h"

enum { SHOWN_MOST = 8 };

struct row {
	const struct smoke_result *cells[SMOKE_SIDES]; /* NULL: not asked there */
	enum verdict verdict;
	bool differs;
};

static bool is_same(const struct smoke_result *a, const struct smoke_result *b)
{
	return text_equal(a->path, b->path) && text_equal(a->method, b->method) &&
	       text_equal(a->host, b->host);
}

/* Of several addresses of the public path the one that fails. */
static const struct smoke_result *find(const struct smoke_look *look, const struct smoke_result *like)
{
	const struct smoke_result *found = NULL;
	for (size_t i = 0; i < look->n; i++)
		if (is_same(&look->results[i], like) && (!found || look->results[i].verdict != VERDICT_PASS))
			found = &look->results[i];
	return found;
}

static enum verdict weigh(const struct smoke_result *cell, size_t side, bool flipped)
{
	if (!cell || cell->verdict == VERDICT_PASS)
		return VERDICT_PASS;
	bool decides = side == SMOKE_NEW || (side == SMOKE_PUBLIC && flipped);
	return decides ? cell->verdict : VERDICT_WARN;
}

static struct row row_of(const struct smoke_look *const looks[SMOKE_SIDES], const struct smoke_result *like,
			 bool flipped)
{
	struct row row = {.verdict = VERDICT_PASS};
	const struct smoke_result *first = NULL;
	for (size_t s = 0; s < SMOKE_SIDES; s++) {
		const struct smoke_result *cell = find(looks[s], like);
		enum verdict v = weigh(cell, s, flipped);
		row.cells[s] = cell;
		/* UNKNOWN is worse than WARN, FAIL is the worst. */
		if (v == VERDICT_FAIL || row.verdict == VERDICT_PASS ||
		    (v == VERDICT_UNKNOWN && row.verdict == VERDICT_WARN))
			row.verdict = v;
		if (cell && first)
			/* Behind the maintenance page another answer is wanted. */
			row.differs = row.differs || cell->verdict != first->verdict ||
				      (cell->status != first->status && cell->want == first->want);
		first = first ? first : cell;
	}
	return row;
}

static void see_row(const struct row *row, struct evidence *ev)
{
	const struct smoke_result *any = NULL;
	struct buf text = {0};
	for (size_t s = 0; s < SMOKE_SIDES; s++) {
		const struct smoke_result *cell = row->cells[s];
		any = any ? any : cell;
		buf_addf(&text, "%s%s %.50s", s ? "; " : "", smoke_side_name((enum smoke_side)s),
			 cell ? cell->text : "not asked");
	}
	evidence_add(ev, row->verdict, row->differs ? "differs" : "smoke", any->path, "%s %.40s%.60s: %s.",
		     any->method, any->host, any->path, buf_text(&text));
	buf_done(&text);
}

/* A request is seen with the first side that was asked it. */
static bool is_first(const struct smoke_look *const looks[SMOKE_SIDES], size_t side, size_t i)
{
	const struct smoke_result *like = &looks[side]->results[i];
	for (size_t s = 0; s < side; s++)
		if (find(looks[s], like))
			return false;
	for (size_t k = 0; k < i; k++)
		if (is_same(&looks[side]->results[k], like))
			return false;
	return true;
}

void smoke_sides_see(const struct smoke_look *const looks[SMOKE_SIDES], bool flipped, struct evidence *ev)
{
	size_t shown = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t s = 0; s < SMOKE_SIDES; s++)
			for (size_t i = 0; i < looks[s]->n; i++) {
				if (!is_first(looks, s, i))
					continue;
				struct row row = row_of(looks, &looks[s]->results[i], flipped);
				bool now =
				    pass == 0 ? row.differs : !row.differs && row.verdict != VERDICT_PASS;
				if (now && shown++ < SHOWN_MOST)
					see_row(&row, ev);
			}
	for (size_t s = 0; s < SMOKE_SIDES; s++) {
		char fact[40];
		bool good = looks[s]->n && looks[s]->passed == looks[s]->n;
		bool decides = s == SMOKE_NEW || (s == SMOKE_PUBLIC && flipped);
		text_copyf(fact, sizeof fact, "%zu/%zu", looks[s]->passed, looks[s]->n);
		evidence_add(ev,
			     good          ? VERDICT_PASS
			     : !decides    ? VERDICT_WARN
			     : looks[s]->n ? VERDICT_FAIL
					   : VERDICT_UNKNOWN,
			     "smoke", fact, looks[s]->n ? "%s: %zu of %zu as expected." : "%s was not asked.",
			     smoke_side_name((enum smoke_side)s), looks[s]->passed, looks[s]->n);
	}
}
