/* connections: is there room for the counts, the restore and the app? */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"

#define OLD_NEED 5 /* four that count, and a watch */
#define NEW_NEED 8 /* a restore with two jobs, counts, watches, and the app's first ones */

static enum verdict connections_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct check connections_check = {
    .name = "connections",
    .help = "both databases have connections left for the copy",
    .bite = "FATAL: too many connections for role, in the middle of the copy",
    .secrets = secrets,
    .run = connections_run,
};

static int judge(struct pg *pg, int need, struct evidence *ev, struct err *err)
{
	int used = 0, limit = 0;
	int room = pg_room(pg, &used, &limit, err);
	const char *side = pg_side(pg);
	char fact[40];
	if (room < 0)
		return -1;
	text_copyf(fact, sizeof fact, "limit %d, %s", limit, room >= need ? "room" : "no room");
	if (room >= need)
		evidence_add(ev, VERDICT_PASS, side, fact, "%s: %d of %d connections used, %d left", side,
			     used, limit, room);
	else
		evidence_add(ev, room < 2 ? VERDICT_FAIL : VERDICT_WARN, side, fact,
			     "%s: %d of %d connections used, only %d left where %d are wanted: stop consoles "
			     "and idle processes, or raise the limit",
			     side, used, limit, room, need);
	return 0;
}

static enum verdict connections_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	bool looked =
	    new_pg && judge(old_pg, OLD_NEED, ev, err) == 0 && judge(new_pg, NEW_NEED, ev, err) == 0;
	pg_close(old_pg);
	pg_close(new_pg);
	return looked ? evidence_verdict(ev) : VERDICT_UNKNOWN;
}
