/* Counting for the quiet timer: see quiet_tally.h. */
#include "core/steps/quiet_tally.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

enum {
	NOISE_LEAST = 5,
	NOISE_PERCENT = 1,
	COMPARE_LEAST = 50, /* of fewer requests no rate is told apart from chance */
	SLOWER_TIMES = 2,
	SLOWER_LEAST_MS = 200,
	WORSE_PERCENT = 1,
};

void tally_request(struct tally_side *side, int status, double ms)
{
	side->requests++;
	side->errors += status >= 500;
	if (ms >= 0)
		side->times[side->n_times++ % TALLY_TIMES] = ms;
}

bool tally_kind(struct tally *tally, const char *signature)
{
	for (size_t i = 0; i < tally->n_kinds; i++)
		if (text_equal(tally->kinds[i].text, signature)) {
			tally->kinds[i].n++;
			return false;
		}
	if (tally->n_kinds < TALLY_KINDS) {
		text_copy(tally->kinds[tally->n_kinds].text, sizeof tally->kinds[0].text, signature);
		tally->kinds[tally->n_kinds++].n = 1;
	}
	return true;
}

void tally_begin(struct tally *tally)
{
	tally->old_side.requests = tally->old_side.errors = 0;
	tally->new_side.requests = tally->new_side.errors = 0;
	tally->old_side.n_times = tally->new_side.n_times = 0;
}

bool tally_noisy(int64_t requests, int64_t errors)
{
	return errors >= NOISE_LEAST && errors * 100 > requests * NOISE_PERCENT;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double tally_p95(const struct tally_side *side)
{
	size_t n = side->n_times < TALLY_TIMES ? side->n_times : TALLY_TIMES;
	if (!n)
		return -1;
	double *sorted = xcalloc(n, sizeof *sorted);
	memcpy(sorted, side->times, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_value);
	double p95 = sorted[(n * 95 - 1) / 100];
	free(sorted);
	return p95;
}

void tally_write(const struct tally_side *side, const char *key, struct jw *w)
{
	jw_obj(w, key);
	jw_int(w, "requests", side->requests);
	jw_int(w, "errors", side->errors);
	jw_num(w, "p95_ms", tally_p95(side));
	jw_end(w);
}

static double percent_of(const struct json *side)
{
	int64_t requests = json_int(side, "requests", 0);
	return requests > 0 ? 100.0 * (double)json_int(side, "errors", 0) / (double)requests : 0;
}

static void side_text(const struct json *side, char *out, size_t size)
{
	double p95 = json_num(side, "p95_ms", -1);
	char time[40] = "";
	if (p95 >= 0)
		text_copyf(time, sizeof time, ", 95 of 100 within %.0f ms", p95);
	text_copyf(out, size, "%lld requests, %.1f %% of them 500 and above%s",
		   (long long)json_int(side, "requests", 0), percent_of(side), time);
}

void tally_see(const struct json *old_side, const struct json *new_side, struct evidence *ev)
{
	char was[120], is[120];
	bool both = json_int(old_side, "requests", 0) >= COMPARE_LEAST &&
		    json_int(new_side, "requests", 0) >= COMPARE_LEAST;
	double p_old = json_num(old_side, "p95_ms", -1), p_new = json_num(new_side, "p95_ms", -1);
	bool worse = both && percent_of(new_side) > percent_of(old_side) + WORSE_PERCENT;
	bool slower = both && p_old >= 0 && p_new > p_old * SLOWER_TIMES && p_new > SLOWER_LEAST_MS;
	side_text(new_side, is, sizeof is);
	if (!json_is_object(old_side)) {
		evidence_add(ev, VERDICT_PASS, "sides", "", "NEW: %s; OLD was not seen.", is);
		return;
	}
	side_text(old_side, was, sizeof was);
	evidence_add(ev, worse || slower ? VERDICT_WARN : VERDICT_PASS, "sides",
		     worse    ? "more errors"
		     : slower ? "slower"
			      : "",
		     "NEW: %s; OLD: %s%s.", is, was,
		     worse    ? ": NEW fails more often"
		     : slower ? ": NEW is slower"
			      : "");
}
