#include "core/steps/target_fit.h"
#include "core/base/text.h"
#include "core/links/target.h"
#include "core/steps/host_copy.h"
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static void take_extension(struct pg_source *source, const struct pg_extension *e)
{
	for (size_t i = 0; i < source->n_extensions; i++)
		if (text_equal(source->extensions[i].name, e->name))
			return;
	source->extensions =
	    xrealloc(source->extensions, source->n_extensions + 1, sizeof *source->extensions);
	source->extensions[source->n_extensions++] = *e;
}

static int look_host(struct job *job, struct target_fit *fit, struct err *err)
{
	const struct json *dump = job_fact(job, "dump", "");
	const char *file = json_str(dump, "inside", "");
	struct docker_names names;
	fit->free_bytes = -1;
	if (target_no_host(job))
		return 0;
	if (docker_names(job, &names, err) < 0)
		return -1;
	if (!*names.accessory || *names.elsewhere)
		return 0;
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	if (!ssh)
		return -1;
	text_copy(fit->container, sizeof fit->container, names.accessory);
	int rc = docker_pg_version(ssh, names.accessory, "pg_restore", &fit->restore_major, fit->restore_by,
				   sizeof fit->restore_by, err);
	if (rc == 0)
		rc = copy_data_room(ssh, names.accessory, &fit->free_bytes, err);
	fit->has_dump = rc == 0 && *file;
	if (fit->has_dump)
		rc = dump_needs_look(ssh, names.accessory, file, &fit->needs, err);
	ssh_close(ssh);
	for (size_t i = 0; i < fit->needs.n_extensions; i++)
		take_extension(&fit->source, &fit->needs.extensions[i]);
	return rc;
}

/* Those that are there, and those that come with an extension, need no statement of their own. */
static int look_schemas(struct pg *pg, struct target_fit *fit, struct err *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < fit->needs.n_schemas; i++) {
		char there[4];
		bool with = false;
		if (pg_value(pg, "SELECT 1 FROM pg_namespace WHERE nspname = $1",
			     PG_ARGS(fit->needs.schemas[i]), there, sizeof there, err) < 0)
			return -1;
		for (size_t k = 0; k < fit->wants.n; k++)
			with = with || (!fit->wants.list[k].skipped && !fit->wants.list[k].installed &&
					text_equal(fit->wants.list[k].schema, fit->needs.schemas[i]));
		if (!*there && !with)
			memmove(fit->needs.schemas[kept++], fit->needs.schemas[i],
				sizeof *fit->needs.schemas);
	}
	fit->needs.n_schemas = kept;
	return 0;
}

static int look_roles(struct job *job, struct pg *pg, struct target_fit *fit, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM pg_roles WHERE rolname = $1";
	const char *app = job_config_str(job, "database.app_role", "");
	char there[4];
	text_copy(fit->user, sizeof fit->user, pg_user(pg));
	if (*app && !text_equal(app, pg_user(pg)))
		text_copy(fit->app_role, sizeof fit->app_role, app);
	if (pg_value(pg, sql, PG_ARGS(app), there, sizeof there, err) < 0)
		return -1;
	fit->app_role_there = *there;
	fit->strangers = xcalloc(fit->source.access.n + 1, sizeof *fit->strangers);
	for (size_t i = 0; i < fit->source.access.n; i++) {
		const struct pg_role *role = &fit->source.access.list[i];
		if (!role->granted)
			continue;
		if (pg_value(pg, sql, PG_ARGS(role->name), there, sizeof there, err) < 0)
			return -1;
		if (!*there)
			fit->strangers[fit->n_strangers++] = xstrdup(role->name);
	}
	return 0;
}

int target_fit_look(struct job *job, struct pg *pg, const struct json *skip, struct target_fit *out,
		    struct err *err)
{
	*out = (struct target_fit){.free_bytes = -1};
	if (!pg_source_read(job_fact(job, "source", ""), &out->source))
		return err_set(
		    err, ERR_REFUSED,
		    "Nothing is recorded about OLD yet, so nobody knows what the dump expects; run "
		    "record-source first.");
	if (look_host(job, out, err) < 0 || pg_source_look(pg, &out->now, err) < 0 ||
	    look_roles(job, pg, out, err) < 0)
		return -1;
	if (pg_wants_look(pg, &out->source, skip, &out->wants, err) < 0)
		return -1;
	return look_schemas(pg, out, err);
}

void target_fit_done(struct target_fit *fit)
{
	for (size_t i = 0; i < fit->n_strangers; i++)
		free(fit->strangers[i]);
	free(fit->strangers);
	pg_wants_done(&fit->wants);
	dump_needs_done(&fit->needs);
	pg_source_done(&fit->now);
	pg_source_done(&fit->source);
	*fit = (struct target_fit){0};
}

enum verdict target_fit_other(struct job *job, struct pg *pg, char *why, size_t size)
{
	const struct json *source = job_fact(job, "source", "");
	const char *cluster = json_str(source, "cluster", "");
	char now[32] = "";
	*why = 0;
	pg_value(pg, "SELECT system_identifier FROM pg_control_system()", NULL, now, sizeof now, NULL);
	if (*cluster && *now && !text_equal(cluster, now))
		return VERDICT_PASS;
	if (*cluster && *now && text_equal(json_str(source, "database", ""), pg_database(pg))) {
		text_copyf(why, size,
			   "%s on %s is the OLD database itself: the same cluster and the same name",
			   pg_database(pg), pg_host(pg));
		return VERDICT_FAIL;
	}
	if (*cluster && *now)
		text_copyf(why, size, "%s is on the same server as the OLD database %s", pg_database(pg),
			   json_str(source, "database", ""));
	else
		text_copyf(why, size, "%s, so nobody can say that this is not OLD itself",
			   source ? "the servers do not tell which they are"
				  : "nothing is recorded about OLD (record-source)");
	return VERDICT_WARN;
}

/* From 15 on a database knows the version it was made with; an empty one has nothing that was sorted by it.
 */
void target_fit_collation(const struct target_fit *fit, char *sql, size_t size)
{
	struct buf out = {0};
	*sql = 0;
	if (!*fit->now.actual || text_equal(fit->now.made, fit->now.actual) || fit->now.tables.n)
		return;
	buf_adds(&out, "ALTER DATABASE ");
	pg_add_name(&out, fit->now.database);
	buf_adds(&out, " REFRESH COLLATION VERSION");
	text_copy(sql, size, buf_text(&out));
	buf_done(&out);
}
