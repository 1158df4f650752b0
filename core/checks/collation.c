/* collation: encoding, sort order and its version, looked at while the target is empty and a change costs
 * nothing. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"

static enum verdict collation_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct check collation_check = {
    .name = "collation",
    .help = "encoding and sort order are the same on both sides, and the server's version of them is the "
	    "database's",
    .bite = "database has a collation version mismatch: indexes on text may be wrong after a change of the C "
	    "library",
    .secrets = secrets,
    .run = collation_run,
};

struct locale {
	char encoding[24], collate[64], ctype[64], provider[16], made[40], actual[40];
};

/* jsonb, because the catalog's columns changed their names between 14 and 17. */
static int look(struct pg *pg, struct locale *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, CASE "
		     "coalesce(j->>'datlocprovider', 'c') WHEN 'c' THEN 'libc' "
		     "WHEN 'i' THEN 'icu ' || coalesce(j->>'datlocale', j->>'daticulocale', '') ELSE "
		     "'builtin' END, coalesce(j->>'datcollversion', '') "
		     "FROM pg_database d, LATERAL to_jsonb(d) j WHERE d.datname = current_database()",
		     NULL, err);
	if (!r)
		return -1;
	*out = (struct locale){0};
	text_copy(out->encoding, sizeof out->encoding, pg_get(r, 0, 0));
	text_copy(out->collate, sizeof out->collate, pg_get(r, 0, 1));
	text_copy(out->ctype, sizeof out->ctype, pg_get(r, 0, 2));
	text_copy(out->provider, sizeof out->provider, pg_get(r, 0, 3));
	text_copy(out->made, sizeof out->made, pg_get(r, 0, 4));
	pg_result_free(r);
	if (pg_major(pg) < 15)
		return 0;
	return pg_value(pg,
			"SELECT coalesce(pg_database_collation_actual_version(oid), '') FROM pg_database "
			"WHERE datname = current_database()",
			NULL, out->actual, sizeof out->actual, err);
}

static void judge(const struct locale *o, const struct locale *n, struct evidence *ev)
{
	char fact[120];
	bool same = pg_same_locale(o->collate, n->collate) && pg_same_locale(o->ctype, n->ctype) &&
		    text_equal(o->provider, n->provider);
	if (!text_equal(o->encoding, n->encoding))
		evidence_add(ev, VERDICT_FAIL, "encoding", n->encoding,
			     "OLD is %s, NEW is %s: create NEW's database again with ENCODING '%s'",
			     o->encoding, n->encoding, o->encoding);
	else
		evidence_add(ev, VERDICT_PASS, "encoding", n->encoding, "both are %s", n->encoding);
	text_copyf(fact, sizeof fact, "%s %s", n->provider, n->collate);
	if (same)
		evidence_add(ev, VERDICT_PASS, "order", fact, "both sort by %s (%s)", n->collate,
			     n->provider);
	else
		evidence_add(ev, VERDICT_WARN, "order", fact,
			     "OLD sorts by %s (%s), NEW by %s (%s): lists may come in another order; to "
			     "change it, create NEW's database again with "
			     "LC_COLLATE '%s' while it is empty",
			     o->collate, o->provider, n->collate, n->provider, o->collate);
	if (*n->actual && !text_equal(n->made, n->actual))
		evidence_add(ev, VERDICT_WARN, "version", n->made,
			     "NEW's database was made with collation version %s and its server has %s: "
			     "wipe-target makes it anew; if it keeps rows, REINDEX "
			     "DATABASE and then ALTER DATABASE ... REFRESH COLLATION VERSION",
			     n->made, n->actual);
	else
		evidence_add(ev, VERDICT_PASS, "version", n->actual,
			     "NEW's collation version is its server's%s%s", *n->actual ? ": " : "",
			     n->actual);
}

static enum verdict collation_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct locale o, n;
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	bool looked = new_pg && look(old_pg, &o, err) == 0 && look(new_pg, &n, err) == 0;
	if (looked)
		judge(&o, &n, ev);
	pg_close(old_pg);
	pg_close(new_pg);
	return looked ? evidence_verdict(ev) : VERDICT_UNKNOWN;
}
