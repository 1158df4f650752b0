/* Whether the copy moves, and when it does not, why: in words a tired person can act on. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/stream.h"
#include <string.h>

/* One look may see a server at the disk by chance; so many that see the same do not. */
enum { STALLED_MS = 30000, LOOKS_ALIKE = 6, SILENT_MS = 2000, OLD_AGAIN_MS = 15000 };

void stream_pulse_take(struct stream_copy *s, int64_t sum)
{
	if (sum == s->last_sum && s->moved_at_ms)
		return;
	s->last_sum = sum;
	s->moved_at_ms = clock_life_ms();
	s->looks_alike = 0;
	s->old_at_ms = 0;
	*s->why = 0;
}

/* ---- NEW ---- */

/* Sessions of the copy that have something to do in NEW: those that work first, then those that a stranger
 * holds up. */
static const char sessions_sql[] =
    "SELECT coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''), b.pid, coalesce(nullif("
    "b.application_name, ''), 'no name'), coalesce(b.state, 'state not shown to us'), coalesce((SELECT "
    "x.wait_event FROM pg_stat_activity x "
    "WHERE x.wait_event_type = 'IO' LIMIT 1), '') FROM pg_stat_activity a LEFT JOIN LATERAL (SELECT x.pid, "
    "x.application_name, x.state FROM pg_stat_activity x WHERE a.wait_event_type = 'Lock' AND x.pid = ANY "
    "(pg_blocking_pids(a.pid)) AND x.application_name <> 'nightferry copy' LIMIT 1) b ON true WHERE "
    "a.application_name = 'nightferry copy' AND a.datname = current_database() AND a.backend_type = 'client "
    "backend' AND a.state = 'active' ORDER BY a.wait_event_type IS NOT NULL, b.pid IS NULL, "
    "a.wait_event_type = 'Client', a.wait_event_type LIMIT 1";

static struct pg *target(struct stream_copy *s)
{
	if (s->pg && pg_alive(s->pg))
		return s->pg;
	pg_close(s->pg);
	s->pg = pg_open_new(s->job, PG_LOOK, NULL);
	if (s->pg)
		pg_hush(s->pg, true);
	return s->pg;
}

static void say(struct stream_copy *s, const char *text)
{
	text_clean(s->why, sizeof s->why, text, strlen(text));
}

static void say_disk(struct stream_copy *s, const char *event)
{
	char raw[200], have[UNITS_MAX];
	int64_t free_bytes = -1;
	if (!s->worker.ssh || !*s->container ||
	    copy_data_room(s->worker.ssh, s->container, &free_bytes, NULL) < 0)
		free_bytes = -1;
	text_copyf(
	    raw, sizeof raw, "NEW waits for its disk (%s)%s%s", event,
	    free_bytes < 0 ? "" : ", free there: ", free_bytes < 0 ? "" : units_size(have, free_bytes));
	say(s, raw);
}

/* ---- OLD, where NEW waits for rows ---- */

/* Who reads there: lanes, or pg_dump before them. One that a stranger holds up first, then those that work.
 */
static const char readers_sql[] =
    "SELECT coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''), b.pid, coalesce(nullif("
    "b.application_name, ''), 'no name'), coalesce(b.state, 'state not shown to us'), a.application_name = "
    "'pg_dump', a.state = 'active' FROM pg_stat_activity a LEFT JOIN LATERAL (SELECT x.pid, "
    "x.application_name, x.state FROM pg_stat_activity x WHERE a.wait_event_type = 'Lock' AND x.pid = ANY "
    "(pg_blocking_pids(a.pid)) LIMIT 1) b ON true WHERE a.application_name IN ('nightferry copy', 'pg_dump') "
    "AND a.datname = current_database() AND a.usename = current_user ORDER BY b.pid IS NULL, a.state <> "
    "'active', a.wait_event_type IS NOT NULL, a.wait_event_type = 'Client', a.wait_event_type LIMIT 1";

/* A server that computes, and a pg_dump that does, stand still for nobody. */
static void moves(struct stream_copy *s)
{
	s->moved_at_ms = clock_life_ms();
	*s->why = 0;
}

static void say_reader(struct stream_copy *s, const struct pg_result *r)
{
	char raw[200];
	const char *type = pg_get(r, 0, 0), *event = pg_get(r, 0, 1), *place = copy_worker_place(&s->worker);
	bool dump = pg_get_bool(r, 0, 5), active = pg_get_bool(r, 0, 6);
	if (pg_null(r, 0, 2) && (active ? !*type : dump)) {
		moves(s);
		return;
	}
	if (!pg_null(r, 0, 2))
		text_copyf(raw, sizeof raw, "OLD: %s waits for a lock held by session %s (%s, %s)",
			   dump ? "pg_dump" : "the copy", pg_get(r, 0, 2), pg_get(r, 0, 3), pg_get(r, 0, 4));
	else if (!active)
		text_copyf(raw, sizeof raw,
			   "NEW waits for rows, and nobody asks OLD for any: the copy on %s stands still",
			   place);
	else if (text_equal(type, "Client"))
		text_copyf(raw, sizeof raw,
			   "OLD has rows that do not arrive: the line between OLD and %s, or the copy there, "
			   "stands still",
			   place);
	else
		text_copyf(raw, sizeof raw, "OLD waits for %s (%s)",
			   text_equal(type, "IO") ? "its disk" : type, event);
	say(s, raw);
}

/* A session of its own each time: one that was open would wait for a server that says nothing. `pg` NULL: OLD
 * was not reached. */
void stream_pulse_old(struct stream_copy *s, struct pg *pg, const struct err *why)
{
	char raw[200];
	struct pg_result *r = pg ? pg_query(pg, readers_sql, NULL, NULL) : NULL;
	if (!r) {
		text_copyf(raw, sizeof raw, "NEW waits for rows: %.170s",
			   why && *why->text ? why->text : "OLD does not answer");
		say(s, raw);
	} else if (!pg_rows(r)) {
		say(s, "OLD answers, but has no session of the copy any more: the line between them broke");
	} else {
		say_reader(s, r);
	}
	pg_result_free(r);
}

static void ask_old(struct stream_copy *s)
{
	struct err err = {0};
	int64_t now_ms = clock_life_ms();
	if (s->old_at_ms && clock_real_ms(now_ms - s->old_at_ms) < OLD_AGAIN_MS)
		return;
	struct pg *pg = pg_open_old(s->job, &err);
	if (pg)
		pg_hush(pg, true);
	if (err.kind != ERR_CANCELLED)
		stream_pulse_old(s, pg, &err);
	pg_close(pg);
	s->old_at_ms = clock_life_ms();
}

/* ---- both ---- */

/* What it waits for has to be seen again and again; a session that computes stands still for nobody. */
static void take_wait(struct stream_copy *s, const char *type, const char *event)
{
	char waits[sizeof s->waits], raw[200];
	text_copyf(waits, sizeof waits, "%s %s", type, event);
	s->looks_alike = text_equal(waits, s->waits) ? s->looks_alike + 1 : 1;
	text_copy(s->waits, sizeof s->waits, waits);
	if (s->looks_alike == 1) {
		*s->why = 0;
		s->old_at_ms = 0;
	}
	if (!*type) {
		moves(s);
		return;
	}
	if (s->looks_alike < LOOKS_ALIKE)
		return;
	text_copyf(raw, sizeof raw, "NEW waits for %s", waits);
	if (text_equal(type, "Client") || text_equal(type, "nothing"))
		ask_old(s);
	else if (text_equal(type, "IO"))
		say_disk(s, event);
	else
		say(s, raw);
}

/* What holds it up is known at once, and what it waited for before is no longer true. */
static void say_held(struct stream_copy *s, const char *text)
{
	*s->waits = 0;
	say(s, text);
}

static void read_why(struct stream_copy *s)
{
	char raw[200];
	if (strchr(s->worker.processes, 'T')) {
		text_copyf(raw, sizeof raw,
			   "a process of the copy on %s is stopped (SIGSTOP); kill -CONT lets it go on",
			   copy_worker_place(&s->worker));
		say_held(s, raw);
		return;
	}
	struct pg_result *r = target(s) ? pg_query(s->pg, sessions_sql, NULL, NULL) : NULL;
	if (!r) {
		say_held(s, "NEW does not answer");
	} else if (!pg_rows(r)) {
		take_wait(s, "nothing", "at all");
	} else if (!pg_null(r, 0, 2)) {
		text_copyf(raw, sizeof raw, "lock held by session %s (%s, %s)", pg_get(r, 0, 2),
			   pg_get(r, 0, 3), pg_get(r, 0, 4));
		say_held(s, raw);
	} else if (text_equal(pg_get(r, 0, 0), "LWLock") && *pg_get(r, 0, 5)) {
		/* Behind a process of the server that itself waits for the disk. */
		take_wait(s, "IO", pg_get(r, 0, 5));
	} else {
		take_wait(s, pg_get(r, 0, 0), pg_get(r, 0, 1));
	}
	pg_result_free(r);
}

void stream_idle(void *ctx)
{
	struct stream_copy *s = ctx;
	/* Real time: PostgreSQL's pace is no matter of our clock. */
	if (s->moved_at_ms && clock_real_ms(clock_life_ms() - s->moved_at_ms) > STALLED_MS)
		read_why(s);
	/* A worker that is stopped itself tells nothing. */
	if (*s->why && clock_life_ms() - s->told_at_ms > SILENT_MS)
		stream_tell(s);
}
