/* sslmode: is what goes over a network encrypted, and does the login still work with the URLs as they are? */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pg_sides.h"

static enum verdict sslmode_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct check sslmode_check = {
    .name = "sslmode",
    .help = "connections to both databases are encrypted where they leave the machine",
    .bite = "PG::ConnectionBad: SSL connection has been closed unexpectedly, or a URL that demands TLS of a "
	    "server without it",
    .secrets = secrets,
    .run = sslmode_run,
};

static void judge(const struct pg *pg, const struct pg_where *where, struct evidence *ev)
{
	const char *side = pg_side(pg);
	char fact[80];
	text_copyf(fact, sizeof fact, "%s %s", where->sslmode, pg_tls(pg) ? "TLS" : "plain");
	if (pg_tls(pg))
		evidence_add(ev, VERDICT_PASS, side, fact, "%s is reached over TLS (sslmode=%s)", side,
			     where->sslmode);
	else if (where->tunnel)
		evidence_add(ev, VERDICT_PASS, side, "tunnel",
			     "%s is reached through the SSH connection to its host, which encrypts", side);
	else if (where->loopback)
		evidence_add(ev, VERDICT_PASS, side, fact,
			     "%s is on this machine; without TLS nothing leaves it (sslmode=%s)", side,
			     where->sslmode);
	else
		evidence_add(ev, VERDICT_FAIL, side, fact,
			     "%s on %s is reached without TLS: passwords and rows would cross the network in "
			     "the clear; turn on ssl there and add "
			     "sslmode=require to the URL, or use an SSH tunnel",
			     side, pg_host(pg));
}

static enum verdict sslmode_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_where old_where, new_where;
	if (pg_where_old(job, &old_where, err) < 0 || pg_where_new(job, &new_where, err) < 0)
		return VERDICT_UNKNOWN;
	struct pg *old_pg = pg_open_old(job, err), *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	bool looked = old_pg && new_pg;
	if (looked) {
		judge(old_pg, &old_where, ev);
		judge(new_pg, &new_where, ev);
	}
	pg_close(old_pg);
	pg_close(new_pg);
	return looked ? evidence_verdict(ev) : VERDICT_UNKNOWN;
}
