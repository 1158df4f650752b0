/* extensions: can the new server make what the old database uses? */
#include "core/job.h"
#include "core/links/pg_extensions.h"
#include "core/links/pg_sides.h"

static enum verdict extensions_run(struct job *job, struct evidence *ev, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct check extensions_check = {
    .name = "extensions",
    .help = "every extension of the old database can be had on the new server",
    .bite = "schema \"heroku_ext\" does not exist: tables that use an extension vanish from the restore",
    .secrets = secrets,
    .run = extensions_run,
};

static int source_of(struct job *job, struct pg_source *source, struct err *err)
{
	if (pg_source_read(job_fact(job, "source", ""), source))
		return 0;
	struct pg *pg = pg_open_old(job, err);
	int rc = pg ? pg_source_look(pg, source, err) : -1;
	pg_close(pg);
	return rc;
}

static enum verdict extensions_run(struct job *job, struct evidence *ev, struct err *err)
{
	struct pg_source source = {0};
	struct pg_wants wants = {0};
	int rc = source_of(job, &source, err);
	struct pg *pg = rc == 0 ? pg_open_new(job, PG_LOOK, err) : NULL;
	if (rc == 0)
		rc = pg ? pg_wants_look(pg, &source, json_path(job_config(job), "steps.prepare-target.skip"),
					&wants, err)
			: -1;
	for (size_t i = 0; i < wants.n && rc == 0; i++) {
		const struct pg_want *want = &wants.list[i];
		evidence_add(ev, want->verdict, "extension", want->fact, "%s",
			     want->verdict == VERDICT_FAIL ? want->fix : want->text);
	}
	if (rc == 0 && !wants.n)
		evidence_add(ev, VERDICT_PASS, "extension", "none", "OLD uses no extensions");
	pg_wants_done(&wants);
	pg_source_done(&source);
	pg_close(pg);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
