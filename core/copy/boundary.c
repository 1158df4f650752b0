/* Boundaries; see the header. Functions that a role of a hosted server may not call leave their field empty,
 * so that what is not known is never taken for equal. */
#include "core/copy/boundary.h"
#include "core/base/text.h"
#include <stdlib.h>
#include <string.h>

/* txid_* and not pg_*: the same 64-bit numbers, and older servers have them, too. */
static int read_numbers(struct pg *pg, struct copy_boundary *out, struct err *err)
{
	struct pg_result *r =
	    pg_query(pg,
		     "SELECT txid_snapshot_xmin(s), txid_snapshot_xmax(s), (SELECT oid FROM pg_database "
		     "WHERE datname = "
		     "current_database()), pg_is_in_recovery() FROM txid_current_snapshot() s",
		     NULL, err);
	if (!r)
		return -1;
	out->xid = (uint64_t)pg_get_int(r, 0, 0);
	out->next = (uint64_t)pg_get_int(r, 0, 1);
	out->database = (uint32_t)pg_get_int(r, 0, 2);
	bool standby = pg_get_bool(r, 0, 3);
	pg_result_free(r);
	if (standby)
		return err_set(
		    err, ERR_REFUSED,
		    "The %s is a standby: its transaction numbers are the primary's, and end with its "
		    "promotion. Copy from the primary",
		    pg_name(pg));
	return 0;
}

/* A failed statement would end the transaction that holds the snapshot, so each look asks first whether it
 * may.
 */
static void read_identity(struct pg *pg, struct copy_boundary *out)
{
	char text[32];
	if (pg_value(pg,
		     "SELECT CASE WHEN has_function_privilege('pg_control_system()', 'execute') THEN (SELECT "
		     "system_identifier::text FROM pg_control_system()) ELSE '' END",
		     NULL, text, sizeof text, NULL) == 0)
		text_copy(out->system, sizeof out->system, text);
	if (pg_value(pg,
		     "SELECT CASE WHEN has_function_privilege('pg_walfile_name(pg_lsn)', 'execute') AND "
		     "has_function_privilege('pg_current_wal_lsn()', 'execute') THEN "
		     "left(pg_walfile_name(pg_current_wal_lsn()), 8) ELSE '' END",
		     NULL, text, sizeof text, NULL) == 0)
		out->timeline = (unsigned)strtoul(text, NULL, 16);
	if (pg_value(pg,
		     "SELECT CASE WHEN has_function_privilege('pg_current_wal_lsn()', 'execute') THEN "
		     "(pg_current_wal_lsn() - '0/0')::bigint ELSE 0 END",
		     NULL, text, sizeof text, NULL) == 0)
		out->log_bytes = strtoull(text, NULL, 10);
}

static void read_holder(struct pg *pg, struct copy_boundary *out)
{
	struct pg_result *r = pg_query(
	    pg,
	    "SELECT what FROM (SELECT 'prepared transaction ' || gid AS what, age(transaction) AS old FROM "
	    "pg_prepared_xacts WHERE database = current_database() UNION ALL "
	    "SELECT 'the open transaction of ' || coalesce(nullif(application_name, ''), usename, '?') || ', "
	    "pid ' || "
	    "pid, age(backend_xid) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> "
	    "pg_backend_pid()) h ORDER BY old DESC LIMIT 1",
	    NULL, NULL);
	if (r && pg_rows(r))
		text_clean(out->held_by, sizeof out->held_by, pg_get(r, 0, 0), strlen(pg_get(r, 0, 0)));
	pg_result_free(r);
}

int copy_boundary_read(struct pg *pg, struct copy_boundary *out, struct err *err)
{
	*out = (struct copy_boundary){0};
	if (read_numbers(pg, out, err) < 0)
		return -1;
	read_identity(pg, out);
	if (out->xid < out->next)
		read_holder(pg, out);
	return 0;
}

int copy_boundary_open(struct pg *pg, struct copy_boundary *out, char *snapshot, size_t size, struct err *err)
{
	if (pg_exec(pg, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0 ||
	    copy_boundary_read(pg, out, err) < 0)
		return -1;
	return snapshot ? pg_value(pg, "SELECT pg_export_snapshot()", NULL, snapshot, size, err) : 0;
}

int copy_snapshot_join(struct pg *pg, const char *snapshot, struct err *err)
{
	struct buf quoted = {0};
	pg_add_text(&quoted, snapshot);
	int rc =
	    pg_exec(pg, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT %s",
		    buf_text(&quoted));
	buf_done(&quoted);
	return rc;
}

#define AGAIN                                                                                              \
	"; what was copied cannot be brought up to date, so run wipe-target and warm-copy again, or take " \
	"the backup way"

int copy_boundary_check(const struct copy_boundary *was, const struct copy_boundary *now, struct err *err)
{
	if (*was->system && *now->system && !text_equal(was->system, now->system))
		return err_set(
		    err, ERR_WORLD,
		    "OLD is another PostgreSQL cluster than the one that was copied (system %s, was "
		    "%s)" AGAIN,
		    now->system, was->system);
	if (was->database != now->database)
		return err_set(
		    err, ERR_WORLD,
		    "OLD's database is another one than was copied (oid %u, was %u): it was dropped and "
		    "made anew, or restored elsewhere" AGAIN,
		    now->database, was->database);
	if (was->timeline && now->timeline && was->timeline != now->timeline)
		return err_set(err, ERR_WORLD,
			       "OLD was promoted or restored since the copy (timeline %u, was %u)" AGAIN,
			       now->timeline, was->timeline);
	if (now->next < was->next || (was->log_bytes && now->log_bytes && now->log_bytes < was->log_bytes))
		return err_set(
		    err, ERR_WORLD,
		    "OLD stands at an earlier moment than when it was copied, so it was restored" AGAIN);
	if (now->next - was->xid >= COPY_BOUNDARY_MOST)
		return err_set(
		    err, ERR_WORLD,
		    "%llu transactions have begun on OLD since the copy, more than its 32-bit row marks "
		    "can tell apart" AGAIN,
		    (unsigned long long)(now->next - was->xid));
	return 0;
}
