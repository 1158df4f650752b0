#include "core/steps/rehearsal_database.h"
#include "core/base/text.h"
#include "core/links/pg_sides.h"
#include <string.h>

/* As core/night/rehearsal.h writes it into every name. */
static const char mark[] = "_rehearsal_";

int rehearsal_db_name(struct job *job, struct rehearsal_db *out, struct err *err)
{
	struct pg_where target;
	const char *name = job_config_str(job, "rehearsal.database", "");
	if (!*name)
		return err_set(err, ERR_REFUSED,
			       "this is no rehearsal, so there is no database of its own to make or to drop");
	if (pg_where_target(job, &target, err) < 0)
		return -1;
	if (!strstr(name, mark) || !text_copy(out->name, sizeof out->name, name) ||
	    text_equal(name, target.database))
		return err_set(
		    err, ERR_REFUSED,
		    "%.80s is not named as a rehearsal's database is, or is the night's own target; "
		    "nothing of it is touched",
		    name);
	text_copy(out->host, sizeof out->host, target.host);
	text_copy(out->target, sizeof out->target, target.database);
	return 0;
}

int rehearsal_db_there(struct job *job, const struct rehearsal_db *db, struct err *err)
{
	char found[4] = "";
	struct pg *pg = pg_open_new_at(job, db->target, PG_LOOK, err);
	int rc = pg ? pg_value(pg, "SELECT 1 FROM pg_database WHERE datname = $1", PG_ARGS(db->name), found,
			       sizeof found, err)
		    : -1;
	pg_close(pg);
	return rc < 0 ? -1 : *found != '\0';
}

const struct json *rehearsal_db_made(struct job *job, const struct rehearsal_db *db)
{
	const struct json *fact = job_fact(job, "rehearsal-database", "");
	bool same = text_equal(json_str(fact, "database", ""), db->name) &&
		    text_equal(json_str(fact, "host", ""), db->host);
	return same ? fact : NULL;
}
