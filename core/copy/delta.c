/* One round: one snapshot of the source for all tables, refusals first, then the source is read, then the
 * tables in lanes, then the rest.
 *
 * Each table has a boundary of its own, in the target beside its rows, but all tables of a round are read in
 * one snapshot: a foreign key between two of them holds at the end of the round as it held on the source. */
#include "core/copy/delta.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/delta_guard.h"
#include "core/copy/lanes.h"
#include "core/copy/order.h"
#include <stdlib.h>

struct round {
	struct pg *source, *target; /* the first session of each side; in a lane its own */
	const struct copy_delta_options *options;
	struct copy_delta *out;
	struct warm_state state;
	struct delta_tables tables;
	const struct warm_table **was; /* for each table */
	struct delta_seen *seen;       /* for each table, once the source was read */
	struct unit *units;
	size_t n_units;
	char snapshot[80];
	bool bare; /* of a copy that goes on: neither keys nor triggers stand there */
};
/* What a lane does at once: one table that changed, or some that did not. */
struct unit {
	size_t n, at[DELTA_STILL_MOST];
};

enum { STILL_BYTES = 16 << 20 };

#define AGAIN " since it was copied. Run wipe-target and warm-copy again, or take the backup way"

static int check_schema(struct round *r, struct err *err)
{
	if (!text_equal(r->state.types, r->tables.types))
		return err_set(err, ERR_WORLD,
			       "An enum, a domain or a composite type was changed on OLD" AGAIN);
	r->was = xcalloc(r->tables.n + 1, sizeof *r->was);
	size_t found = 0;
	for (size_t i = 0; i < r->tables.n; i++) {
		const struct delta_table *t = &r->tables.list[i];
		r->was[i] = warm_state_find(&r->state, t->schema, t->name);
		if (!r->was[i])
			return err_set(err, ERR_WORLD,
				       "Table %s was made on OLD, or was left out then and is not now," AGAIN,
				       t->label);
		if (!text_equal(r->was[i]->fingerprint, t->fingerprint))
			return err_set(
			    err, ERR_WORLD,
			    "The columns, keys, indexes or constraints of table %s were changed on OLD" AGAIN,
			    t->label);
		found++;
	}
	for (size_t i = 0; i < r->state.n && found < r->state.n; i++) {
		const struct warm_table *w = &r->state.list[i];
		if (!delta_tables_find(&r->tables, w->schema, w->name))
			return err_set(err, ERR_WORLD, "Table %s.%s was dropped or renamed on OLD" AGAIN,
				       w->schema, w->name);
	}
	return 0;
}

/* What both the look and the run need; leaves the source in its snapshot. */
static int open_round(struct round *r, const char *const *skip, struct err *err)
{
	struct copy_delta *out = r->out;
	if (warm_state_read(r->target, &r->state, err) < 0)
		return -1;
	if (!r->state.n)
		return err_set(err, ERR_REFUSED,
			       "The %s holds no warm copy to bring up to date. Run warm-copy first, or take "
			       "the backup way",
			       pg_name(r->target));
	if (r->state.unfinished)
		return err_set(err, ERR_REFUSED,
			       "The warm copy in the %s is not whole: it broke off, or still runs. Run "
			       "warm-copy again, it keeps the tables that are there; or take the backup way",
			       pg_name(r->target));
	out->was = r->state.source;
	if (pg_limit(r->source, 0, err) < 0 ||
	    copy_boundary_open(r->source, &out->now, r->snapshot, sizeof r->snapshot, err) < 0 ||
	    copy_boundary_check(&out->was, &out->now, err) < 0 ||
	    delta_tables_look(r->source, skip, &r->tables, err) < 0 || check_schema(r, err) < 0)
		return -1;
	out->tables = r->tables.n;
	for (size_t i = 0; i < r->tables.n; i++)
		out->source_bytes += r->tables.list[i].size_bytes;
	return 0;
}

static void close_round(struct round *r)
{
	if (pg_alive(r->source))
		pg_exec(r->source, NULL, "ROLLBACK");
	delta_seen_done(r->seen, r->tables.n);
	warm_state_done(&r->state);
	delta_tables_done(&r->tables);
	free(r->units);
	free(r->was);
}

int copy_delta_look(struct pg *source, struct pg *target, const char *const *skip, struct copy_delta *out,
		    struct err *err)
{
	*out = (struct copy_delta){0};
	struct round r = {.source = source, .target = target, .out = out};
	int rc = open_round(&r, skip, err);
	if (rc == 0)
		rc = delta_guard_set(target, &out->owner_only, err);
	close_round(&r);
	return rc;
}

/* ---- what is to be done ---- */

static struct delta_known known_of(const struct round *r, size_t at)
{
	return (struct delta_known){&r->tables.list[at], r->was[at], &r->seen[at]};
}

static void add_still(struct round *r, size_t at, int64_t *bytes)
{
	struct unit *last = r->n_units ? &r->units[r->n_units - 1] : NULL;
	int64_t size = r->tables.list[at].size_bytes;
	if (!last || last->n == DELTA_STILL_MOST || *bytes + size > STILL_BYTES) {
		last = &r->units[r->n_units++];
		*bytes = 0;
	}
	last->at[last->n++] = at;
	*bytes += size;
}

/* Those with changes take longest, and come first; each group from the largest down. */
static void make_units(struct round *r)
{
	int64_t bytes = STILL_BYTES + 1;
	r->units = xcalloc(r->tables.n + 1, sizeof *r->units);
	for (int still = 0; still < 2; still++) {
		for (size_t i = 0; i < r->tables.n; i++) {
			struct delta_known known = known_of(r, i);
			if (delta_is_still(&known) != still)
				continue;
			if (still)
				add_still(r, i, &bytes);
			else
				r->units[r->n_units++] = (struct unit){.n = 1, .at = {i}};
		}
	}
}

static int look_source(struct round *r, struct err *err)
{
	const struct copy_delta_options *o = r->options;
	const struct delta_look look = {.source = r->source,
					.snapshot = r->snapshot,
					.lanes = o->lanes ? o->lanes : 1,
					.tables = &r->tables,
					.was = r->was,
					.ctx = o->ctx,
					.read = o->read};
	r->seen = xcalloc(r->tables.n + 1, sizeof *r->seen);
	if (delta_look_run(&look, r->seen, err) < 0)
		return -1;
	make_units(r);
	for (size_t i = 0; i < r->n_units && o->tell; i++) {
		size_t at = r->units[i].at[0];
		struct delta_known known = known_of(r, at);
		if (!delta_is_still(&known))
			o->tell(o->ctx, &(struct copy_delta_tell){
					    .table = known.table, .seen = known.seen, .tables = r->tables.n});
	}
	return 0;
}

/* ---- the lanes ---- */

static int open_lane(struct round *r, struct err *err)
{
	r->source = pg_open_like(r->source, NULL, PG_LOOK, err);
	r->target = r->source ? pg_open_like(r->target, NULL, PG_ACT, err) : NULL;
	if (!r->target || pg_limit(r->source, 0, err) < 0)
		return -1;
	return copy_snapshot_join(r->source, r->snapshot, err);
}

static int begin(void *ctx, struct err *err)
{
	struct round *r = ctx;
	bool owner_only;
	if (open_lane(r, err) < 0)
		return -1;
	/* Commits of the copy do not wait for the disk, and it has to be alone. */
	if (r->bare)
		return pg_exec(r->target, err, "SET synchronous_commit = off") < 0
			   ? -1
			   : copy_hold(r->target, false, err);
	return delta_guard_set(r->target, &owner_only, err);
}

static int item(void *ctx, size_t at, void *said, struct err *err)
{
	struct round *r = ctx;
	const struct unit *u = &r->units[at];
	struct delta_known known[DELTA_STILL_MOST];
	struct delta_pair pair = {.source = r->source,
				  .target = r->target,
				  .snapshot = r->snapshot,
				  .boundary = r->out->now.xid,
				  .owner_only = r->out->owner_only};
	for (size_t i = 0; i < u->n; i++)
		known[i] = known_of(r, u->at[i]);
	return delta_is_still(&known[0]) ? delta_still_run(&pair, known, u->n, err)
					 : delta_table_run(&pair, &known[0], said, err);
}

static void add_done(struct copy_delta *out, const struct delta_done *done)
{
	out->equal += done->state == DELTA_EQUAL;
	out->changed_tables += done->state == DELTA_CHANGED;
	out->replaced += done->state == DELTA_REPLACED;
	out->rows += done->target_rows;
	out->changed += done->changed;
	out->removed += done->removed;
	out->bytes += done->bytes;
}

static void tell_table(const struct round *r, size_t table, const struct delta_done *done)
{
	const struct copy_delta *out = r->out;
	const struct copy_delta_options *o = r->options;
	if (done)
		add_done(r->out, done);
	if (done && o->read)
		o->read(o->ctx, r->tables.list[table].size_bytes);
	if (o->tell)
		o->tell(o->ctx, &(struct copy_delta_tell){.table = &r->tables.list[table],
							  .done = done,
							  .tables_done = out->equal + out->changed_tables +
									 out->replaced,
							  .tables = r->tables.n});
}

static void tell(void *ctx, size_t at, bool ended, const void *said)
{
	const struct round *r = ctx;
	const struct unit *u = &r->units[at];
	struct delta_known first = known_of(r, u->at[0]);
	bool still = delta_is_still(&first);
	/* Of those that did not change only the end is news. */
	for (size_t i = 0; i < u->n && (ended || !still); i++) {
		int64_t rows = r->seen[u->at[i]].rows;
		struct delta_done equal = {.state = DELTA_EQUAL, .source_rows = rows, .target_rows = rows};
		tell_table(r, u->at[i], !ended ? NULL : still ? &equal : said);
	}
}

_Static_assert(sizeof(struct delta_done) <= LANES_SAID_MOST, "fits into a record");

/* One delta at a time: orphans of another are caught by the tables' own locks and boundaries. */
static int lock_round(struct round *r, struct err *err)
{
	char got[4];
	if (pg_value(r->target, "SELECT pg_try_advisory_lock(hashtext('nightferry delta'))", NULL, got,
		     sizeof got, err) < 0)
		return -1;
	return text_equal(got, "t")
		   ? 0
		   : err_set(err, ERR_WORLD,
			     "Another delta is at work on the %s. Nothing was changed; wait for its end",
			     pg_name(r->target));
}

static int run_lanes(struct round *r, struct err *err)
{
	const struct copy_delta_options *o = r->options;
	struct lanes lanes = {.n = o->lanes ? o->lanes : 1,
			      .items = r->n_units,
			      .stop_fd = o->stop_fd,
			      .ctx = r,
			      .begin = begin,
			      .item = item,
			      .tell = tell};
	return lanes_run(&lanes, err);
}

static int run_round(struct round *r, int64_t began_ms, struct err *err)
{
	const struct copy_delta_options *o = r->options;
	if (delta_guard_set(r->target, &r->out->owner_only, err) < 0 || look_source(r, err) < 0)
		return -1;
	if (r->out->owner_only && delta_keys_take(r->target, err) < 0)
		return -1;
	if (run_lanes(r, err) < 0)
		return -1;
	if (o->last && delta_objects(r->source, r->target, &r->out->rest, err) < 0)
		return -1;
	int rc = pg_exec(r->source, err, "COMMIT");
	r->out->held_ms = clock_life_ms() - began_ms;
	if (rc < 0 || delta_keys_put_back(r->target, &r->out->keys, err) < 0 ||
	    delta_sequences(r->source, r->target, &r->out->rest, err) < 0)
		return -1;
	return o->last ? delta_views(r->source, r->target, &r->out->rest, err) : 0;
}

int copy_delta_run(struct pg *source, struct pg *target, const struct copy_delta_options *options,
		   struct copy_delta *out, struct err *err)
{
	*out = (struct copy_delta){0};
	struct round r = {.source = source, .target = target, .options = options, .out = out};
	int64_t began_ms = clock_life_ms();
	int rc = lock_round(&r, err);
	bool locked = rc == 0;
	if (rc == 0)
		rc = open_round(&r, options->skip, err);
	if (rc == 0)
		rc = run_round(&r, began_ms, err);
	close_round(&r);
	if (locked && pg_alive(target))
		pg_exec(target, NULL, "SELECT pg_advisory_unlock(hashtext('nightferry delta'))");
	out->ms = clock_life_ms() - began_ms;
	return rc;
}

/* ---- for a copy that goes on ---- */

int copy_delta_catch_up(struct pg *source, struct pg *target, const char *snapshot,
			const struct delta_tables *tables, const struct warm_state *state,
			const struct copy_delta_options *options, struct copy_delta *out, struct err *err)
{
	struct round r = {.source = source, .target = target, .options = options, .out = out, .bare = true};
	text_copy(r.snapshot, sizeof r.snapshot, snapshot);
	r.was = xcalloc(tables->n + 1, sizeof *r.was);
	r.tables.list = xcalloc(tables->n + 1, sizeof *r.tables.list);
	for (size_t i = 0; i < tables->n; i++) {
		const struct delta_table *t = &tables->list[i];
		r.was[r.tables.n] = warm_state_find(state, t->schema, t->name);
		if (!r.was[r.tables.n])
			continue;
		r.tables.list[r.tables.n++] = *t;
		out->source_bytes += t->size_bytes;
	}
	out->tables = r.tables.n;
	int rc = look_source(&r, err);
	if (rc == 0)
		rc = run_lanes(&r, err);
	delta_seen_done(r.seen, r.tables.n);
	free(r.tables.list);
	free(r.units);
	free(r.was);
	return rc;
}
