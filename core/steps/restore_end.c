/* What is told and recorded when a pg_restore has ended. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/restore.h"
#include "core/steps/restore_autopsy.h"
#include <string.h>

enum { LOG_LINES = 20 };

static int record_end(struct restore *r, int rc, int64_t ms, const struct restore_autopsy *a, struct err *err)
{
	struct jw w;
	char name[200];
	jw_fact(&w, "restored-by-us", "");
	jw_str(&w, "database", r->db.database);
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "rc", rc);
	jw_int(&w, "errors", (int64_t)a->errors);
	jw_int(&w, "harmless", (int64_t)(r->log.n_errors - a->errors));
	jw_int(&w, "bytes", r->file_bytes);
	jw_int(&w, "ms", ms);
	jw_bool(&w, "only_missing", r->again);
	jw_arr(&w, "causes");
	for (size_t i = 0; i < a->n && i < 16; i++) {
		restore_cause_name(&a->list[i], name, sizeof name);
		jw_obj(&w, NULL);
		jw_str(&w, "cause", name);
		jw_int(&w, "errors", (int64_t)a->list[i].errors);
		jw_int(&w, "tables", (int64_t)a->list[i].tables);
		jw_str(&w, "lost", a->list[i].lost);
		jw_end(&w);
	}
	jw_end(&w);
	return job_record(r->job, &w, err);
}

/* What stands behind the errors, what they cost, and the way on. */
static int explain(struct restore *r, int rc, const struct restore_autopsy *a, struct err *err)
{
	char said[240], fix[240], left[80];
	if (rc < 0)
		return err_set(err, ERR_WORLD,
			       "pg_restore vanished without a word (was the container or the host "
			       "restarted?); what it has loaded stays: "
			       "run wipe-target, prepare-target, restore");
	if (restore_log_whole(&r->log, rc))
		return 0;
	if (!a->errors)
		return err_set(
		    err, ERR_WORLD,
		    "pg_restore ended with %d before it came to its end, and its log names no error "
		    "for that (was it stopped?); read %s.log in %s, then run wipe-target, "
		    "prepare-target, restore",
		    rc, r->base, r->db.container);
	bool spares = true;
	for (size_t i = 0; i < a->n; i++)
		spares = spares && restore_cause_spares(&a->list[i]);
	restore_autopsy_say(a, said, sizeof said);
	restore_cause_fix(&a->list[0], fix, sizeof fix);
	restore_left(r, left, sizeof left);
	return err_set(err, ERR_WORLD, "%s. %s. %s; then %s", said, left, fix,
		       spares ? "run restore again: where the rest is whole, it brings only what is missing"
			      : "run wipe-target, prepare-target and restore");
}

static void tell_end(struct restore *r, int rc, int64_t ms, const struct restore_autopsy *a)
{
	char text[300], left[80], name[200], fix[240];
	size_t soft = r->log.n_errors - a->errors;
	restore_left(r, left, sizeof left);
	if (a->errors) {
		restore_autopsy_say(a, text, sizeof text);
	} else {
		text_copyf(text, sizeof text, "%s; pg_restore ended with %d, 0 errors%s", left, rc,
			   soft ? " and some that cost no row" : "");
	}
	copy_ended(r->job, "restore", restore_log_whole(&r->log, rc), r->file_bytes, ms, text);
	for (size_t i = 0; i < a->n && i < LOG_LINES; i++) {
		restore_cause_name(&a->list[i], name, sizeof name);
		restore_cause_fix(&a->list[i], fix, sizeof fix);
		job_log(r->job, "NEW", "cause: %s; %zu errors, %zu tables lost%s%s; to mend it: %s", name,
			a->list[i].errors, a->list[i].tables, a->list[i].tables ? ": " : "", a->list[i].lost,
			fix);
	}
	for (size_t i = 0; i < r->log.n_errors && i < LOG_LINES; i++)
		job_log(r->job, "NEW", "%s %s: %s%s", r->log.errors[i].type, r->log.errors[i].label,
			r->log.errors[i].text, r->log.errors[i].harmless ? " (costs no row)" : "");
	if (r->log.n_errors > LOG_LINES)
		job_log(r->job, "NEW", "and %zu errors more, in %s.log in %s", r->log.n_errors - LOG_LINES,
			r->base, r->db.container);
}

int restore_end(struct restore *r, int rc, int64_t ms, struct err *err)
{
	struct restore_autopsy a;
	restore_autopsy(&r->log, &a);
	tell_end(r, rc, ms, &a);
	int end = record_end(r, rc, ms, &a, err);
	if (end == 0)
		end = explain(r, rc, &a, err);
	restore_autopsy_done(&a);
	return end;
}
