/* The next attempt after errors: only what is missing, where all the rest is proved to be whole. */
#include "core/base/text.h"
#include "core/steps/restore.h"
#include "core/steps/restore_autopsy.h"
#include <stdlib.h>
#include <string.h>

/* A refresh that came before the rows did is empty, and no error told so. */
static bool is_refresh(const struct restore_item *item)
{
	return text_equal(item->type, "MATERIALIZED VIEW DATA");
}

/* It cost no row, but what it is about may be there the next time. */
static size_t comments_again(const struct restore *r, struct buf *list)
{
	size_t n = 0;
	for (size_t i = 0; i < r->log.n_errors; i++)
		if (r->log.errors[i].harmless && r->log.errors[i].id &&
		    text_equal(r->log.errors[i].type, "COMMENT")) {
			buf_addf(list, "%d\n", r->log.errors[i].id);
			n++;
		}
	return n;
}

size_t restore_again_entries(const struct restore *r, struct buf *list)
{
	size_t n = comments_again(r, list);
	for (size_t i = 0; i < r->log.n; i++)
		if (r->log.items[i].state == RESTORE_FAILED || is_refresh(&r->log.items[i])) {
			buf_addf(list, "%d\n", r->log.items[i].id);
			n++;
		}
	return n;
}

static bool reached_all(const struct restore *r, char *why, size_t size)
{
	for (size_t i = 0; i < r->log.n; i++) {
		const struct restore_item *item = &r->log.items[i];
		if (item->state == RESTORE_DONE || item->state == RESTORE_FAILED || item->skipped)
			continue;
		text_copyf(why, size, "pg_restore ended before it came to %s %s", item->type, item->label);
		return false;
	}
	return true;
}

static bool causes_spare(const struct restore *r, char *why, size_t size)
{
	struct restore_autopsy a;
	char name[200];
	bool spare = true;
	restore_autopsy((struct restore_log *)&r->log, &a);
	for (size_t i = 0; i < a.n && spare; i++) {
		spare = restore_cause_spares(&a.list[i]);
		restore_cause_name(&a.list[i], name, sizeof name);
		if (!spare)
			text_copyf(why, size, "after this cause nobody knows what is whole: %s", name);
	}
	restore_autopsy_done(&a);
	return spare;
}

/* Rows that are there already would come twice, and triggers would do their work on rows that had it done. */
static int table_takes(struct restore *r, const struct restore_item *item, char *why, size_t size,
		       struct err *err)
{
	struct buf sql = {0}, name = {0};
	char seen[16] = "";
	pg_add_name(&name, item->schema);
	buf_addc(&name, '.');
	pg_add_name(&name, item->name);
	buf_adds(&sql, "SELECT CASE WHEN EXISTS (SELECT FROM pg_trigger WHERE tgrelid = ");
	pg_add_text(&sql, buf_text(&name));
	buf_addf(&sql, "::regclass) THEN 'trigger' WHEN EXISTS (SELECT FROM ONLY %s) THEN 'rows' ELSE '' END",
		 buf_text(&name));
	int rc = pg_value(r->pg, buf_text(&sql), NULL, seen, sizeof seen, err);
	buf_done(&sql);
	buf_done(&name);
	if (rc < 0 || !*seen)
		return rc < 0 ? -1 : 1;
	text_copyf(why, size,
		   text_equal(seen, "rows")
		       ? "%s has rows, and they would come twice"
		       : "%s has triggers or foreign keys by now, and they would act on its rows",
		   item->label);
	return 0;
}

static int tables_take(struct restore *r, char *why, size_t size, struct err *err)
{
	int fits = 1;
	for (size_t i = 0; i < r->log.n && fits > 0; i++) {
		const struct restore_item *item = &r->log.items[i];
		if (item->kind != RESTORE_DATA || item->state != RESTORE_FAILED)
			continue;
		char there[8];
		struct buf name = {0};
		pg_add_name(&name, item->schema);
		buf_addc(&name, '.');
		pg_add_name(&name, item->name);
		if (pg_value(r->pg, "SELECT 1 WHERE to_regclass($1) IS NOT NULL", PG_ARGS(buf_text(&name)),
			     there, sizeof there, err) < 0)
			fits = -1;
		else if (*there)
			fits = table_takes(r, item, why, size, err);
		buf_done(&name);
	}
	return fits;
}

int restore_again_fits(struct restore *r, const struct detached_look *look, char *why, size_t size,
		       struct err *err)
{
	*why = 0;
	if (look->state != DETACHED_ENDED || !restore_log_harm(&r->log, NULL))
		return 0;
	if (!restore_log_names_all(&r->log)) {
		text_copyf(why, size,
			   r->log.ignored ? "pg_restore counted %lld errors and its log names %zu"
					  : "pg_restore did not come to its end",
			   (long long)r->log.ignored, r->log.n_errors);
		return 0;
	}
	char such[140];
	size_t n;
	if (restore_mark_missing(r, &n, such, sizeof such, err) < 0)
		return -1;
	if (!reached_all(r, why, size) || !causes_spare(r, why, size))
		return 0;
	return tables_take(r, why, size, err);
}

/* ---- is the cause gone? ---- */

static const char *look_of(enum restore_why why)
{
	switch (why) {
	case WHY_SCHEMA: return "SELECT 1 FROM pg_namespace WHERE nspname = $1";
	case WHY_EXTENSION: return "SELECT 1 FROM pg_available_extensions WHERE name = $1";
	case WHY_ROLE: return "SELECT 1 FROM pg_roles WHERE rolname = $1";
	case WHY_PRELOAD:
		return "SELECT 1 WHERE strpos(current_setting('shared_preload_libraries', true), $1) > 0";
	case WHY_RIGHTS: return "SELECT 1 WHERE has_schema_privilege('public', 'CREATE') AND $1 <> ''";
	default: return NULL;
	}
}

static int plan_cause(struct restore *r, const struct restore_cause *cause, struct plan *plan,
		      struct err *err)
{
	char name[200], fix[240], there[8] = "";
	const char *sql = look_of(cause->why);
	restore_cause_name(cause, name, sizeof name);
	restore_cause_fix(cause, fix, sizeof fix);
	/* Room has a line of its own. */
	if (cause->why == WHY_DISK)
		return 0;
	if (!sql) {
		evidence_add(&plan->seen, VERDICT_WARN, "cause", name,
			     "%s: whether it is mended cannot be looked at from here", name);
		return 0;
	}
	if (pg_value(r->pg, sql, PG_ARGS(cause->what), there, sizeof there, err) < 0)
		return -1;
	evidence_add(&plan->seen, *there ? VERDICT_PASS : VERDICT_FAIL, "cause", *there ? name : "there",
		     *there ? "%s: it is mended" : "%s: it is still so", name);
	if (!*there && !*plan->refused)
		plan_refuse(plan, "The restore would fail as before, by %s: %s. Then plan again.", name, fix);
	return 0;
}

static size_t count_failed(const struct restore *r, enum restore_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < r->log.n; i++)
		n += r->log.items[i].kind == kind && r->log.items[i].state == RESTORE_FAILED;
	return n;
}

int restore_plan_again(struct restore *r, struct plan *plan, struct err *err)
{
	struct restore_autopsy a;
	struct buf list = {0};
	char said[240];
	int rc = 0;
	size_t n = restore_again_entries(r, &list);
	buf_done(&list);
	restore_autopsy(&r->log, &a);
	restore_autopsy_say(&a, said, sizeof said);
	evidence_add(&plan->seen, VERDICT_PASS, "autopsy", "", "before: %s", said);
	text_copyf(plan->to, sizeof plan->to, "only what is missing: %zu tables' rows, %zu indexes, %zu keys",
		   count_failed(r, RESTORE_DATA), count_failed(r, RESTORE_INDEX),
		   count_failed(r, RESTORE_KEY));
	plan_does(plan,
		  "docker exec -d %s pg_restore -j%d --no-owner --no-acl --verbose -L LIST -U %s -d %s %s",
		  r->db.container, r->jobs, r->db.user, r->db.database, r->file);
	plan_does(plan, "LIST: the %zu entries that failed, and materialized views anew; what is whole stays",
		  n);
	evidence_add(
	    &plan->seen, VERDICT_PASS, "rest", "whole",
	    "all else came without an error, and the tables that lack their rows are missing or empty");
	for (size_t i = 0; i < a.n && rc == 0; i++)
		rc = plan_cause(r, &a.list[i], plan, err);
	jw_bool(&plan->data, "again", true);
	jw_int(&plan->data, "entries", (int64_t)n);
	restore_autopsy_done(&a);
	return rc;
}

int restore_write_again(struct restore *r, const char *entries, struct err *err)
{
	struct ssh_reply reply;
	char *command = xasprintf("docker exec -i %s sh -c 'cat >%s.list'", r->db.container, r->base);
	int rc = ssh_exec(
	    r->ssh, &(struct ssh_call){.command = command, .input = entries, .input_len = strlen(entries)},
	    &reply, err);
	if (rc == 0 && reply.status != 0)
		rc = err_set(
		    err, ERR_IO,
		    "the list of what is missing could not be written in %s; nothing was changed, make "
		    "room there and run again",
		    r->db.container);
	ssh_reply_done(&reply);
	free(command);
	return rc;
}
