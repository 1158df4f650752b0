/* Large objects of both sides: a number for each thousand of them, and one by one only where these differ, so
 * that millions of them are a few thousand rows. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/large.h"
#include "core/copy/objects_inner.h"
#include <stdlib.h>
#include <string.h>

enum { THOUSANDS = 20 }; /* of which each object is looked at */

static const struct object_look large_look = {
    .kind = "large object",
    .plural = "large objects",
    .mend = "copy again, or lo_import it by hand: the rows that name it would find nothing",
};

static const char by_thousands[] =
    "SELECT lpad((m.oid::bigint / 1000)::text, 8, '0'), count(*) || ' with content ' || "
    "sum(hashtextextended(m.oid::text || " COPY_LARGE_DIGEST ", 0)), false FROM pg_largeobject_metadata m "
    "GROUP BY m.oid::bigint / 1000";
static const char one_by_one[] = "SELECT m.oid::text, " COPY_LARGE_DIGEST ", false FROM "
				 "pg_largeobject_metadata m WHERE m.oid::bigint / 1000 = $1::bigint";

struct large {
	struct pg *pg[2];
	struct object_entries side[2]; /* by thousands */
	struct copy_objects *out;
	struct copy_kind *kind;
	size_t looked_at;
};

static size_t count_of(const struct object_entries *entries)
{
	size_t n = 0;
	for (size_t i = 0; i < entries->n; i++)
		n += strtoull(entries->list[i].definition, NULL, 10);
	return n;
}

static int look_at_each(struct large *l, const char *thousand, struct err *err)
{
	struct object_entries a = {0}, b = {0};
	int rc = object_entries_look(l->pg[0], one_by_one, PG_ARGS(thousand), &a, err);
	if (rc == 0)
		rc = object_entries_look(l->pg[1], one_by_one, PG_ARGS(thousand), &b, err);
	if (rc == 0)
		objects_hold(l->out, &large_look, l->kind,
			     &(struct object_pair){.old_side = &a, .new_side = &b, .same_major = true});
	object_entries_done(&a);
	object_entries_done(&b);
	return rc;
}

/* Too many differ to name each: then the thousand is named. */
static void note_thousand(struct large *l, const char *thousand)
{
	char name[60];
	text_copyf(name, sizeof name, "between %s000 and %s999", thousand + strspn(thousand, "0"),
		   thousand + strspn(thousand, "0"));
	struct copy_object *o = objects_note(l->out, l->kind, COPY_DIFFERS, true, name);
	if (o)
		text_copyf(o->text, sizeof o->text, "large objects with numbers %s differ: %s", name,
			   large_look.mend);
}

static int hold_thousands(struct large *l, struct err *err)
{
	const struct object_entries *a = &l->side[0], *b = &l->side[1];
	int rc = 0;
	for (size_t i = 0, k = 0; rc == 0 && (i < a->n || k < b->n);) {
		int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->list[i].name, b->list[k].name);
		const char *thousand = order > 0 ? b->list[k].name : a->list[i].name;
		bool same = order == 0 && text_equal(a->list[i].definition, b->list[k].definition);
		i += order <= 0;
		k += order >= 0;
		if (same)
			continue;
		if (l->looked_at++ < THOUSANDS)
			rc = look_at_each(l, thousand, err);
		else
			note_thousand(l, thousand);
	}
	return rc;
}

int copy_large_measure(struct pg *pg, int64_t *bytes, int64_t *ms, struct err *err)
{
	int64_t began_ms = clock_life_ms();
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT coalesce(sum(length(x.b)), 0), md5(string_agg(md5(x.b), '')) FROM "
		     "(SELECT lo_get(m.oid, 0, 1048576) AS b FROM pg_largeobject_metadata m ORDER "
		     "BY m.oid LIMIT 16) x",
		     NULL, err);
	*bytes = r ? pg_get_int(r, 0, 0) : 0;
	*ms = clock_life_ms() - began_ms;
	*ms += *ms == 0;
	pg_result_free(r);
	return r ? 0 : -1;
}

int objects_large(struct pg *old_pg, struct pg *new_pg, struct copy_objects *out, struct err *err)
{
	struct large l = {.pg = {old_pg, new_pg}, .out = out};
	int64_t began_ms = clock_life_ms();
	int rc = 0;
	/* All of their content is read: no look of a moment. */
	for (int i = 0; i < 2 && rc == 0; i++)
		rc = pg_limit(l.pg[i], 0, err) < 0 ||
			     object_entries_look(l.pg[i], by_thousands, NULL, &l.side[i], err) < 0
			 ? -1
			 : 0;
	if (rc == 0) {
		l.kind = objects_kind(out, large_look.kind, large_look.plural);
		l.kind->old_n = count_of(&l.side[0]);
		l.kind->new_n = count_of(&l.side[1]);
		rc = hold_thousands(&l, err);
	}
	out->large_ms = clock_life_ms() - began_ms;
	if (rc < 0)
		err_wrap(err, "The large objects could not be compared");
	object_entries_done(&l.side[0]);
	object_entries_done(&l.side[1]);
	return rc;
}
