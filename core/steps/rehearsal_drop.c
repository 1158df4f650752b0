/* rehearsal-drop: the database that this rehearsal made goes, and with it the dump it fetched: both hold real
 * people's data, and a dump from before the freeze must not lie where tonight's is looked for. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_target.h"
#include "core/links/ssh.h"
#include "core/steps/host_copy.h"
#include "core/steps/rehearsal_database.h"
#include <string.h>

static int rehearsal_drop_plan(struct job *job, struct plan *plan, struct err *err);
static int rehearsal_drop_run(struct job *job, struct err *err);
static enum done rehearsal_drop_probe(struct job *job, struct err *err);
static enum verdict rehearsal_drop_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};
static const char *const needs[] = {"rehearsal-database", NULL};
static const char *const makes[] = {"rehearsal-dropped", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step rehearsal_drop_step = {
    .name = "rehearsal-drop",
    .help = "drops the rehearsal's database and removes its dump",
    .gate = GATE_YES,
    .cancel = CANCEL_NEVER,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .needs = needs,
    .makes = makes,
    .secrets = secrets,
    .plan = rehearsal_drop_plan,
    .run = rehearsal_drop_run,
    .probe = rehearsal_drop_probe,
    .prove = rehearsal_drop_prove,
};

/* ---- its files ---- */

/* What download and first-backup say they have made in this rehearsal; a path that is not ours is none. */
enum { FILES_MAX = 3 };
struct files {
	struct {
		const char *container, *path; /* container NULL: on the host itself */
	} list[FILES_MAX];
	size_t n;
};

static void add_file(struct files *files, const char *container, const char *path, const char *ours)
{
	if (!*path || !strstr(path, ours) || strstr(path, "/../") || strpbrk(path, "'\n"))
		return;
	files->list[files->n].container = container;
	files->list[files->n++].path = path;
}

static void find_files(struct job *job, struct files *files)
{
	const struct json *dump = job_fact(job, "dump", ""), *first = job_fact(job, "backup-first", "");
	const char *container = json_str(dump, "container", "");
	*files = (struct files){0};
	add_file(files, NULL, json_str(dump, "path", ""), "/.nightferry/");
	if (*container)
		add_file(files, container, json_str(dump, "inside", ""), "/tmp/nightferry-");
	add_file(files, NULL, json_str(first, "path", ""), "/.nightferry/");
}

/* How many of them are there; -1: nobody could look. */
static int count_files(struct job *job, const struct files *files, struct err *err)
{
	int there = 0;
	int64_t size;
	struct ssh *ssh = files->n ? ssh_open(job, SSH_ASKING, err) : NULL;
	if (files->n && !ssh)
		return -1;
	for (size_t i = 0; i < files->n && there >= 0; i++) {
		if (copy_file_size(ssh, files->list[i].container, files->list[i].path, &size, err) < 0)
			there = -1;
		else
			there += size >= 0;
	}
	ssh_close(ssh);
	return there;
}

static int remove_files(struct job *job, const struct files *files, struct err *err)
{
	struct ssh *ssh = files->n ? ssh_open(job, SSH_ASKING, err) : NULL;
	int rc = files->n && !ssh ? -1 : 0;
	for (size_t i = 0; i < files->n && rc == 0; i++) {
		const char *container = files->list[i].container;
		rc = container ? ssh_run(ssh, NULL, err, "docker exec '%s' rm -f '%s'", container,
					 files->list[i].path)
			       : ssh_run(ssh, NULL, err, "rm -f '%s'", files->list[i].path);
	}
	ssh_close(ssh);
	return rc;
}

/* ---- the plan ---- */

static int look_inside(struct job *job, struct plan *plan, struct err *err)
{
	struct pg_target seen;
	char rows[UNITS_MAX];
	struct pg *pg = pg_open_new(job, PG_LOOK, err);
	int rc = pg ? pg_target_look(job, pg, &seen, err) : -1;
	pg_close(pg);
	if (rc < 0)
		return -1;
	text_copyf(plan->from, sizeof plan->from, "%zu tables, %s rows", seen.tables,
		   units_count(rows, seen.rows));
	evidence_add(&plan->seen, seen.sessions ? VERDICT_FAIL : VERDICT_PASS, "sessions",
		     seen.sessions ? seen.session : "none",
		     seen.sessions ? "%zu session(s) that are not ours: %s" : "no session but ours",
		     seen.sessions, seen.session);
	if (seen.sessions)
		plan_refuse(plan, "somebody works in %s: %s; let them leave, then plan again", seen.database,
			    seen.session);
	return 0;
}

static int rehearsal_drop_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct rehearsal_db db;
	struct files files;
	find_files(job, &files);
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	int n = there < 0 ? -1 : count_files(job, &files, err);
	if (n < 0)
		return -1;
	const struct json *made = rehearsal_db_made(job, &db);
	text_copy(plan->target, sizeof plan->target, db.name);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "DROPS THE REHEARSAL");
	text_copy(plan->from, sizeof plan->from, "it is not there");
	text_copyf(plan->to, sizeof plan->to, "no %s, no dump of it", db.name);
	if (there)
		plan_does(plan, "DROP DATABASE %s", db.name);
	for (size_t i = 0; i < files.n; i++)
		plan_does(plan, "%s%s%srm -f %s", files.list[i].container ? "docker exec " : "",
			  files.list[i].container ? files.list[i].container : "",
			  files.list[i].container ? " " : "", files.list[i].path);
	text_copyf(plan->then, sizeof plan->then, "%s, the night's own database, is not touched", db.target);
	text_copy(plan->back, sizeof plan->back,
		  "none, and none is needed: another rehearsal fills another one");
	evidence_add(&plan->seen, VERDICT_PASS, "target", db.target,
		     "the night's own database is %s; this is %s", db.target, db.name);
	plan->nothing_to_do = !there && n == 0;
	plan->estimate_ms = 2000;
	if (there && !made)
		plan_refuse(plan, "%s was not made by this rehearsal, so it is not dropped", db.name);
	return there && made ? look_inside(job, plan, err) : 0;
}

/* ---- the act ---- */

static int drop(struct job *job, const struct rehearsal_db *db, struct err *err)
{
	struct buf name = {0};
	struct pg *pg = pg_open_new_at(job, db->target, PG_ACT, err);
	pg_add_name(&name, db->name);
	/* Our own watches look at it; FORCE is there since 13. */
	int rc = pg ? pg_exec(pg, err, "DROP DATABASE IF EXISTS %s%s", buf_text(&name),
			      pg_version(pg) >= 130000 ? " WITH (FORCE)" : "")
		    : -1;
	buf_done(&name);
	pg_close(pg);
	return rc;
}

static int rehearsal_drop_run(struct job *job, struct err *err)
{
	struct rehearsal_db db;
	struct files files;
	struct jw w;
	find_files(job, &files);
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	if (there < 0)
		return -1;
	if (there && !rehearsal_db_made(job, &db))
		return err_set(err, ERR_WORLD, "%s was not made by this rehearsal; nothing was dropped",
			       db.name);
	jw_fact(&w, "rehearsal-dropped", "");
	jw_str(&w, "database", db.name);
	jw_int(&w, "at_ms", clock_wall_ms());
	int rc = job_record(job, &w, err);
	if (rc == 0 && there)
		rc = drop(job, &db, err);
	return rc < 0 ? rc : remove_files(job, &files, err);
}

static enum done rehearsal_drop_probe(struct job *job, struct err *err)
{
	struct rehearsal_db db;
	struct files files;
	find_files(job, &files);
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	int n = there < 0 ? -1 : count_files(job, &files, err);
	return n < 0 ? DONE_UNCLEAR : there || n ? DONE_NOT_DONE : DONE_DONE;
}

static enum verdict rehearsal_drop_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct rehearsal_db db;
	struct files files;
	find_files(job, &files);
	int there = rehearsal_db_name(job, &db, err) < 0 ? -1 : rehearsal_db_there(job, &db, err);
	int n = there < 0 ? -1 : count_files(job, &files, err);
	if (n < 0)
		return VERDICT_UNKNOWN;
	evidence_add(ev, there ? VERDICT_FAIL : VERDICT_PASS, "database", there ? "there" : "gone",
		     there ? "%s is still there" : "%s is gone", db.name);
	evidence_add(ev, n ? VERDICT_FAIL : VERDICT_PASS, "dump", n ? "there" : "gone",
		     n ? "%d of its %zu files are still there" : "none of its files is left", n, files.n);
	return evidence_verdict(ev);
}
