#include "core/steps/restore_pulse.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include <string.h>

/* Who holds the lock a session waits for. */
#define BLOCKER                                                                                             \
	"LEFT JOIN LATERAL (SELECT x.pid, x.application_name, x.state FROM pg_stat_activity x WHERE "       \
	"a.wait_event_type = 'Lock' AND x.pid = ANY (pg_blocking_pids(a.pid)) ORDER BY x.application_name " \
	"= "                                                                                                \
	"'pg_restore' LIMIT 1) b ON true "

static const char copies_sql[] =
    "SELECT n.nspname, c.relname, p.tuples_processed, p.bytes_processed, b.pid, b.application_name, b.state "
    "FROM pg_stat_progress_copy p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace JOIN pg_stat_activity a ON a.pid = p.pid " BLOCKER "WHERE p.datname = current_database()";

static const char indexes_sql[] =
    "SELECT n.nspname, c.relname, p.blocks_done + p.tuples_done, coalesce(i.relname, 'an index'), CASE WHEN "
    "p.tuples_total > 0 THEN 50 + p.tuples_done * 50 / p.tuples_total WHEN p.blocks_total > 0 THEN "
    "p.blocks_done * 50 / p.blocks_total ELSE -1 END, b.pid, b.application_name, b.state "
    "FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = "
    "c.relnamespace LEFT JOIN pg_class i ON i.oid = p.index_relid JOIN pg_stat_activity a ON a.pid = "
    "p.pid " BLOCKER "WHERE p.datname = current_database()";

static const char waits_sql[] =
    "SELECT a.wait_event_type, a.wait_event, b.pid, b.application_name, b.state FROM pg_stat_activity "
    "a " BLOCKER
    "WHERE a.application_name = 'pg_restore' AND a.datname = current_database() AND a.backend_type = "
    "'client backend' ORDER BY b.pid IS NULL, a.wait_event_type = 'Client', a.wait_event_type LIMIT 1";

/* The target may be out of reach for a while; the log still tells what happens. */
static struct pg *target(struct restore *r)
{
	if (r->pg && pg_alive(r->pg))
		return r->pg;
	pg_close(r->pg);
	r->pg = pg_open_new(r->job, PG_LOOK, NULL);
	if (r->pg)
		pg_hush(r->pg, true);
	return r->pg;
}

/* "lock held by session 4711 (psql, idle in transaction)"; "" when nobody is in its way. */
static void say_lock(const struct pg_result *rows, size_t i, int col, char *out, size_t size)
{
	char raw[200];
	*out = 0;
	if (pg_null(rows, i, col))
		return;
	if (text_equal(pg_get(rows, i, col + 1), "pg_restore"))
		text_copy(raw, sizeof raw, "waits for another job of this restore");
	else
		text_copyf(raw, sizeof raw, "lock held by session %s (%s, %s)", pg_get(rows, i, col),
			   *pg_get(rows, i, col + 1) ? pg_get(rows, i, col + 1) : "no name",
			   pg_get(rows, i, col + 2));
	text_clean(out, size, raw, strlen(raw));
}

/* Its own pace since it was first seen: steadier than the last second, and measured. */
static void take_pace(struct restore_item *item)
{
	int64_t now_ms = clock_life_ms(), ms, rows;
	if (!item->began_ms) {
		item->began_ms = now_ms;
		item->began_bytes = item->bytes;
		item->began_rows = item->rows;
	}
	ms = now_ms - item->began_ms;
	rows = item->rows - item->began_rows;
	item->rate = ms > 0 ? (double)(item->bytes - item->began_bytes) * 1000 / (double)ms : -1;
	item->eta_ms = rows > 0 && item->rows_total >= item->rows
			   ? (int64_t)((double)(item->rows_total - item->rows) * (double)ms / (double)rows)
			   : -1;
}

static void read_copies(struct restore *r, struct restore_pulse *p)
{
	struct pg_result *rows = pg_query(r->pg, copies_sql, NULL, NULL);
	p->tuples = 0;
	for (size_t i = 0; rows && i < pg_rows(rows); i++) {
		struct restore_item *item =
		    restore_log_table(&r->log, pg_get(rows, i, 0), pg_get(rows, i, 1));
		p->tuples += pg_get_int(rows, i, 2);
		if (!item || item->state == RESTORE_DONE)
			continue;
		item->state = RESTORE_UNDER_WAY;
		item->rows = pg_get_int(rows, i, 2);
		item->bytes = pg_get_int(rows, i, 3);
		take_pace(item);
		say_lock(rows, i, 4, item->note, sizeof item->note);
	}
	pg_result_free(rows);
}

/* Half of the bar is the reading of the table, half the writing of the index. */
static void say_index(const struct pg_result *rows, size_t i, struct restore_item *item)
{
	char raw[160], lock[100];
	say_lock(rows, i, 5, lock, sizeof lock);
	if (*lock)
		text_copyf(raw, sizeof raw, "%s %s", pg_get(rows, i, 3), lock);
	else if (pg_get_int(rows, i, 4) >= 0)
		text_copyf(raw, sizeof raw, "%s %lld%%", pg_get(rows, i, 3),
			   (long long)pg_get_int(rows, i, 4));
	else
		text_copy(raw, sizeof raw, pg_get(rows, i, 3));
	text_clean(item->note, sizeof item->note, raw, strlen(raw));
}

static void read_indexes(struct restore *r, struct restore_pulse *p)
{
	struct pg_result *rows = pg_query(r->pg, indexes_sql, NULL, NULL);
	p->blocks = 0;
	for (size_t i = 0; i < r->log.n_tables; i++) {
		r->log.tables[i]->indexing = false;
		if (r->log.tables[i]->state != RESTORE_UNDER_WAY)
			*r->log.tables[i]->note = 0;
	}
	for (size_t i = 0; rows && i < pg_rows(rows); i++) {
		struct restore_item *item =
		    restore_log_table(&r->log, pg_get(rows, i, 0), pg_get(rows, i, 1));
		p->blocks += pg_get_int(rows, i, 2);
		if (!item)
			continue;
		item->indexing = true;
		say_index(rows, i, item);
	}
	pg_result_free(rows);
}

/* pg_restore's own process, when the server waits for it. */
static const char *say_client(char process)
{
	return process == 'T'   ? "pg_restore is stopped (SIGSTOP); kill -CONT lets it go on"
	       : process == 'D' ? "pg_restore waits for the disk the dump lies on"
				: "the server waits for pg_restore, which sends nothing";
}

/* Why nothing moves, in words a tired person can act on. */
static void read_why(struct restore *r, struct restore_pulse *p)
{
	struct pg_result *rows = pg_query(r->pg, waits_sql, NULL, NULL);
	char raw[200], have[UNITS_MAX];
	int64_t free_bytes = -1;
	if (!rows || !pg_rows(rows)) {
		text_copy(raw, sizeof raw, "pg_restore has no session in the database; read its log");
	} else if (!pg_null(rows, 0, 2)) {
		say_lock(rows, 0, 2, raw, sizeof raw);
	} else if (text_equal(pg_get(rows, 0, 0), "Client")) {
		text_copy(raw, sizeof raw, say_client(r->process));
	} else if (text_equal(pg_get(rows, 0, 0), "IO")) {
		if (copy_data_room(r->ssh, r->db.container, &free_bytes, NULL) < 0)
			free_bytes = -1;
		text_copyf(raw, sizeof raw, "the server waits for its disk (%s), %s free there",
			   pg_get(rows, 0, 1), free_bytes < 0 ? "unknown" : units_size(have, free_bytes));
	} else {
		text_copyf(raw, sizeof raw, "the server waits for %s %s", pg_get(rows, 0, 0),
			   pg_get(rows, 0, 1));
	}
	text_clean(p->why, sizeof p->why, raw, strlen(raw));
	pg_result_free(rows);
}

void restore_pulse_read(struct restore *r, struct restore_pulse *p)
{
	int64_t now_ms = clock_life_ms();
	if (target(r)) {
		read_copies(r, p);
		read_indexes(r, p);
		pg_number(r->pg, "SELECT pg_database_size(current_database())", NULL, &p->size_bytes, NULL);
	}
	/* Statistics and checkpoints move the size a little by themselves. */
	int64_t sum = (p->size_bytes >> 20) + p->tuples + p->blocks + r->log_at;
	if (sum != p->last_sum || !p->moved_at_ms) {
		p->last_sum = sum;
		p->moved_at_ms = now_ms;
		*p->why = 0;
	}
	/* Real time: PostgreSQL's pace is no matter of our clock. */
	if (clock_real_ms(now_ms - p->moved_at_ms) > RESTORE_STALLED_MS && r->pg)
		read_why(r, p);
}
