/* Whether the copy moves, and when it does not, why: in words a tired person can act on. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/stream.h"
#include <string.h>

/* One look may see a server at the disk by chance; so many that see the same do not. */
enum { STALLED_MS = 30000, LOOKS_ALIKE = 6, SILENT_MS = 2000 };

void stream_pulse_take(struct stream_copy *s, int64_t sum)
{
	if (sum == s->last_sum && s->moved_at_ms)
		return;
	s->last_sum = sum;
	s->moved_at_ms = clock_life_ms();
	s->looks_alike = 0;
	*s->why = 0;
}

/* Sessions of the copy that have something to do in NEW: those that work first, then those that a stranger
 * holds up. */
static const char sessions_sql[] =
    "SELECT coalesce(a.wait_event_type, ''), coalesce(a.wait_event, ''), b.pid, coalesce(nullif("
    "b.application_name, ''), 'no name'), b.state FROM pg_stat_activity a LEFT JOIN LATERAL (SELECT x.pid, "
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
	text_copyf(raw, sizeof raw, "NEW waits for its disk (%s), %s free there", event,
		   free_bytes < 0 ? "unknown" : units_size(have, free_bytes));
	say(s, raw);
}

/* What it waits for has to be seen again and again; a session that computes stands still for nobody. */
static void take_wait(struct stream_copy *s, const char *type, const char *event)
{
	char waits[sizeof s->waits], raw[200];
	text_copyf(waits, sizeof waits, "%s %s", type, event);
	s->looks_alike = text_equal(waits, s->waits) ? s->looks_alike + 1 : 1;
	text_copy(s->waits, sizeof s->waits, waits);
	if (!*type) {
		s->moved_at_ms = clock_life_ms();
		return;
	}
	if (s->looks_alike < LOOKS_ALIKE)
		return;
	text_copyf(raw, sizeof raw, "NEW waits for %s", waits);
	if (text_equal(type, "Client"))
		say(s, "NEW waits for rows: OLD, or the line to it, gives none");
	else if (text_equal(type, "IO"))
		say_disk(s, event);
	else
		say(s, raw);
}

static void read_why(struct stream_copy *s)
{
	char raw[200];
	struct pg_result *r = target(s) ? pg_query(s->pg, sessions_sql, NULL, NULL) : NULL;
	*s->why = 0;
	if (!r) {
		say(s, "NEW does not answer");
	} else if (!pg_rows(r)) {
		take_wait(s, "nothing", "at all");
		if (s->looks_alike >= LOOKS_ALIKE)
			say(s, "no session of the copy works in NEW: OLD, or the line to it, stands still");
	} else if (!pg_null(r, 0, 2)) {
		text_copyf(raw, sizeof raw, "lock held by session %s (%s, %s)", pg_get(r, 0, 2),
			   pg_get(r, 0, 3), pg_get(r, 0, 4));
		say(s, raw);
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
