/* The way back's meter: see way_back.h. */
#include "core/base/units.h"
#include "core/night/kinds/fold.h"

enum { OLD_LOOK_MS = 20000 };

const char *way_back_word(enum back back)
{
	static const char *const words[] = {"UNKNOWN", "FREE", "COSTS", "ONE-WAY"};
	return (size_t)back < sizeof words / sizeof *words ? words[back] : "UNKNOWN";
}

static const struct fact_seen *fact(const struct state *state, const char *name)
{
	for (size_t i = 0; i < state->facts.n; i++)
		if (text_equal(state->facts.facts[i].name, name) && !*state->facts.facts[i].key)
			return &state->facts.facts[i];
	return NULL;
}

static int64_t fact_ms(const struct state *state, const char *name)
{
	const struct fact_seen *x = fact(state, name);
	return x ? x->at_ms : 0;
}

/* A start on something that was emptied and filled again afterwards is not the copy's. */
static bool started(const struct state *state)
{
	int64_t booted_ms = fact_ms(state, "app-booted");
	return state->flip_at_ms > 0 || (booted_ms > 0 && booted_ms >= fact_ms(state, "restored-by-us"));
}

static void tables_text(const struct traffic_state *t, char *out, size_t size)
{
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < t->n_new_tables; i++) {
		char count[UNITS_MAX];
		if (len + 60 > size) {
			text_copyf(out + len, size - len, " and %zu more", t->n_new_tables - i);
			return;
		}
		text_copyf(out + len, size - len, "%s%.30s %s", len ? ", " : "", t->new_tables[i].table,
			   units_count(count, t->new_tables[i].rows));
		len = strlen(out);
	}
}

static void count_exported(const struct state *state, struct way_back *out)
{
	const struct fact_seen *x = fact(state, "exported");
	struct json *data = x && x->data ? json_parse(x->data, strlen(x->data), NULL) : NULL;
	out->exported_rows = data ? json_int(data, "rows", -1) : -1;
	json_free(data);
}

/* Without a look for a while nobody knows what was written meanwhile; after the app was stopped for the way
 * back the last look stays true. */
static bool look_is_fresh(const struct state *state, int64_t now_ms)
{
	const struct watch_seen *watch = watch_get(state, "newrows");
	int64_t limit_ms =
	    watch && watch->interval_ms * 4 > OLD_LOOK_MS ? watch->interval_ms * 4 : OLD_LOOK_MS;
	if (state->closed_at_ms) /* beats are not kept; the last count is the last word */
		return state->traffic.new_rows_at_ms > 0;
	return watch && watch->ok_at_ms > 0 && now_ms - watch->ok_at_ms <= limit_ms;
}

static void decide(const struct state *state, int64_t now_ms, struct way_back *out)
{
	char rows[UNITS_MAX], jobs[UNITS_MAX], at[UNITS_MAX];
	bool fresh = look_is_fresh(state, now_ms);
	units_count(rows, out->rows > 0 ? out->rows : 0);
	if (!out->started) {
		out->back = BACK_FREE;
		text_copy(out->why, sizeof out->why,
			  "the new app has not run on this copy, so nothing was written there");
	} else if (out->certificate_ms > 0 && out->certificate_ms <= now_ms) {
		out->back = BACK_ONE_WAY;
		text_copyf(out->why, sizeof out->why,
			   "the old side's certificate ended at %s: visitors would be warned away",
			   units_iso(at, out->certificate_ms));
	} else if (out->jobs > 0) {
		out->back = BACK_ONE_WAY;
		text_copyf(out->why, sizeof out->why,
			   "%s job%s ran on NEW: what they sent or charged stays, and OLD would run them "
			   "again; %s rows written%s%s",
			   units_count(jobs, out->jobs), out->jobs == 1 ? "" : "s", rows,
			   *out->tables ? ": " : "", out->tables);
	} else if (out->encrypted > 0) {
		out->back = BACK_ONE_WAY;
		text_copyf(out->why, sizeof out->why,
			   "rows with encrypted values were written on NEW (%.60s), and nobody has shown "
			   "that OLD can "
			   "read them; %s rows written%s%s",
			   state->traffic.new_encrypted_where, rows, *out->tables ? ": " : "", out->tables);
	} else if (out->rows > 0 || state->new_write_at_ms > 0) {
		out->back = BACK_COSTS;
		text_copyf(out->why, sizeof out->why, "%s rows written on NEW%s%s%s",
			   out->rows > 0 ? rows : "some", *out->tables ? ": " : "", out->tables,
			   fresh ? "" : "; nobody has counted lately");
	} else if (!fresh || out->rows < 0) {
		out->back = BACK_UNKNOWN;
		text_copy(out->why, sizeof out->why, "nobody counts the rows written on NEW at the moment");
	} else {
		out->back = BACK_FREE;
		text_copyf(out->why, sizeof out->why, "no row was written on NEW so far%s",
			   out->jobs < 0 ? "; jobs are not known, no table of theirs was found"
					 : " and no job has run there");
	}
}

void way_back_of(const struct state *state, int64_t now_ms, struct way_back *out)
{
	const struct traffic_state *t = &state->traffic;
	*out = (struct way_back){.started = started(state),
				 .rows = t->new_rows_at_ms ? t->new_rows : -1,
				 .updated = t->new_rows_at_ms ? t->new_updated : -1,
				 .deleted = t->new_rows_at_ms ? t->new_deleted : -1,
				 .jobs = t->new_rows_at_ms ? t->new_jobs : -1,
				 .encrypted = t->new_rows_at_ms ? t->new_encrypted : -1,
				 .counted_at_ms = t->new_rows_at_ms,
				 .certificate_ms = t->old_certificate_ms};
	tables_text(t, out->tables, sizeof out->tables);
	count_exported(state, out);
	decide(state, now_ms, out);
}
