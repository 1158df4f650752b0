/* bisect: the first rows of one table that differ. Runs when a seat asks, once. */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/bisect.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/links/pg_tables.h"
#include <string.h>

static int bisect_run(struct job *job, struct err *err);

static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct watch bisect_watch = {
    .name = "bisect",
    .help = "the first rows of one table that differ; runs when somebody asks",
    .secrets = secrets,
    .asked = true,
    .run = bisect_run,
};

struct telling {
	struct job *job;
	const char *table;
};

static void tell(const struct telling *t, const char *state, const char *text,
		 const struct copy_bisected *found)
{
	static const char *const how[] = {"OLD", "NEW", "differs"};
	struct jw w;
	jw_event(&w, "rows.bisected");
	jw_str(&w, "table", t->table);
	jw_str(&w, "state", state);
	jw_str(&w, "text", text);
	if (found) {
		jw_str(&w, "key", found->key);
		jw_bool(&w, "more", found->more);
		jw_arr(&w, "rows");
		for (size_t i = 0; i < found->n; i++) {
			jw_obj(&w, NULL);
			jw_str(&w, "key", found->rows[i].key);
			jw_str(&w, "how", how[found->rows[i].how]);
			jw_str(&w, "columns", found->rows[i].columns);
			jw_end(&w);
		}
		jw_end(&w);
	}
	job_event(t->job, &w);
}

static void tell_progress(void *ctx, const char *text)
{
	tell(ctx, "looking", text, NULL);
}

static void tell_found(const struct telling *t, const struct copy_bisected *found)
{
	char text[200], read[UNITS_MAX];
	if (!*found->key)
		text_copy(text, sizeof text, found->why);
	else if (!found->n)
		text_copy(text, sizeof text, "no row differs any more");
	else
		text_copyf(text, sizeof text, "%zu of %zu ranges differ; %s rows were held side by side",
			   found->ranges_differ, found->ranges, units_count(read, found->rows_read));
	tell(t, "done", text, found);
}

static int look(struct job *job, const struct telling *t, struct err *err)
{
	struct pg_tables tables = {0};
	struct copy_bisected found;
	struct pg *old_pg = pg_open_old(job, err);
	struct pg *new_pg = old_pg ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = new_pg ? pg_tables_look(old_pg, &tables, err) : -1;
	const struct pg_table *table = rc == 0 ? pg_tables_find(&tables, t->table) : NULL;
	const struct copy_bisect_options options = {.progress = tell_progress, .ctx = (void *)(uintptr_t)t};
	if (rc == 0 && !table)
		rc = err_set(err, ERR_WORLD, "%s is not on OLD", t->table);
	if (rc == 0)
		rc = copy_bisect_run(old_pg, new_pg, table->schema, table->name, &options, &found, err);
	if (rc == 0)
		tell_found(t, &found);
	pg_tables_done(&tables);
	pg_close(old_pg);
	pg_close(new_pg);
	return rc;
}

static int bisect_run(struct job *job, struct err *err)
{
	const struct telling t = {.job = job, .table = json_str(job_params(job), "table", "")};
	if (!*t.table)
		return err_set(
		    err, ERR_USAGE,
		    "bisect looks at one table when a seat asks for it; by hand: nightferry rows --bisect "
		    "TABLE");
	tell(&t, "looking", "", NULL);
	int rc = look(job, &t, err);
	if (rc < 0)
		tell(&t, "failed", err->text, NULL);
	return rc;
}
