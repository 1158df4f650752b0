#include "core/copy/stream.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int stream_verb_run(const struct copy_order *order, struct err *err);

const struct copy_verb stream_verb = {.name = "stream", .run = stream_verb_run};

enum { LANES_LEAST = 2, LANES_USUAL = 8, MEMORY_LEAST_MB = 64, MEMORY_MOST_MB = 2048, MANY_TABLES = 1000 };

/* ---- the machine ---- */

static int64_t free_memory_mb(void)
{
	char line[160];
	long long kb = 0;
	FILE *f = fopen("/proc/meminfo", "re");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "MemAvailable: %lld kB", &kb) != 1)
		;
	if (f)
		fclose(f);
	return kb >> 10;
}

/* A quarter of what is free, shared by the lanes; nothing where NEW lives on another machine. */
static int memory_for(const struct copy_order *order, size_t lanes)
{
	int64_t mb = free_memory_mb() / 4 / (int64_t)lanes;
	if (!json_bool(json_get(order->json, "target"), "here", false) || mb < MEMORY_LEAST_MB)
		return 0;
	return (int)(mb > MEMORY_MOST_MB ? MEMORY_MOST_MB : mb);
}

/* One more than there are cores, because a lane often waits for a line or a disk; and never more than half of
 * what the source has left. */
static void choose_lanes(struct stream *s)
{
	int used, limit;
	int64_t asked = json_int(s->order->json, "lanes", 0);
	s->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	size_t lanes = asked > 0 ? (size_t)asked : (size_t)s->cores + 1;
	size_t most = asked > 0 ? LANES_MOST : LANES_USUAL;
	int room = pg_room(s->source, &used, &limit, NULL) / 2;
	lanes = lanes > most ? most : lanes;
	lanes = asked <= 0 && lanes < LANES_LEAST ? LANES_LEAST : lanes;
	s->lanes_wanted = room > 0 && (size_t)room < lanes ? (size_t)room : lanes;
}

/* ---- the begin ---- */

static int open_snapshot(struct stream *s, struct err *err)
{
	if (pg_exec(s->source, err, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") < 0)
		return -1;
	return pg_value(s->source, "SELECT pg_export_snapshot()", NULL, s->snapshot, sizeof s->snapshot, err);
}

static int look(struct stream *s, struct err *err)
{
	const char **skip = copy_order_skip(s->order);
	int rc = copy_catalog_read(s->source, skip, &s->catalog, err);
	free(skip);
	s->kept = xcalloc(s->catalog.n + 1, sizeof *s->kept);
	return rc;
}

/* From here on the copy can be gone on with. */
static int begin_notes(struct stream *s, struct err *err)
{
	const struct copy_stream_hooks *hooks = s->hooks;
	if (!hooks || !hooks->kept)
		return 0;
	if (hooks->defined && hooks->defined(hooks->ctx, s->target, err) < 0)
		return -1;
	return stream_same_definitions(s, "pre", &s->pre, err);
}

/* Both halves of the definitions are read at once: rows need the first, and the second is there when the
 * first table is. Each pg_dump locks every table, though, and a server has room for so many locks: with very
 * many tables the second one begins when the first has given its own back. */
static int definitions(struct stream *s, struct err *err)
{
	bool many = s->catalog.n > MANY_TABLES;
	if (copy_dumper_find(s->order, pg_major(s->source), &s->dumper, err) < 0 ||
	    copy_dump_start(&s->dumper, "pre-data", s->snapshot, &s->pre_dump, err) < 0 ||
	    (!many && copy_dump_start(&s->dumper, "post-data", s->snapshot, &s->post_dump, err) < 0))
		return -1;
	stream_tell_total(s, "definitions", true);
	if (copy_dump_end(&s->pre_dump, s->order->stop_fd, &s->pre, err) < 0)
		return -1;
	if (many && copy_dump_start(&s->dumper, "post-data", s->snapshot, &s->post_dump, err) < 0)
		return -1;
	if (s->pre.n && !*s->pre.list[0].type && stream_settings(s->target, &s->pre.list[0], err) < 0)
		return -1;
	if (!s->resumed)
		return stream_apply(s, &s->pre, false, err) < 0 ? -1 : begin_notes(s, err);
	return stream_same_definitions(s, "pre", &s->pre, err) < 0 ? -1 : stream_go_on(s, err);
}

static void note_kept(struct stream *s)
{
	for (size_t i = 0; i < s->catalog.n; i++) {
		const struct copy_table *t = &s->catalog.list[i];
		s->kept[i] = s->left.rows_in || s->hooks->kept(s->hooks->ctx, t);
		if (s->kept[i] && !t->skipped)
			s->kept_bytes += t->size_bytes;
	}
}

static int open_all(struct stream *s, struct err *err)
{
	const struct copy_stream_hooks *hooks = s->hooks;
	struct copy_order order = *s->order;
	s->source = copy_open_source(&order, err);
	if (!s->source)
		return -1;
	choose_lanes(s);
	s->target = copy_open_target(&order, err);
	if (!s->target || copy_hold(s->target, s->resumed, err) < 0 || open_snapshot(s, err) < 0 ||
	    look(s, err) < 0)
		return -1;
	if ((s->resumed ? stream_mark_read(s, err) : stream_need_empty(s, err)) < 0)
		return -1;
	if (hooks && hooks->opened && hooks->opened(hooks->ctx, s->source, s->target, s->snapshot, err) < 0)
		return -1;
	if (s->resumed)
		note_kept(s);
	return s->resumed ? 0 : stream_mark(s, err);
}

/* ---- the end ---- */

static void tell_result(struct stream *s, int64_t sequences)
{
	int64_t tables = 0, indexes = 0, keys = 0, pieces = 0;
	for (size_t i = 0; i < s->catalog.n; i++)
		tables += !s->catalog.list[i].skipped;
	for (size_t i = 0; i < s->n_tasks; i++) {
		pieces += s->tasks[i]->kind == STREAM_ROWS;
		keys += s->tasks[i]->kind == STREAM_KEY;
		indexes += s->tasks[i]->kind == STREAM_INDEX || s->tasks[i]->kind == STREAM_UNIQUE;
	}
	struct jw w;
	order_line(&w, "result");
	jw_int(&w, "tables", tables);
	jw_int(&w, "rows", s->total.rows);
	jw_int(&w, "bytes", s->total.bytes);
	jw_int(&w, "pieces", pieces);
	jw_int(&w, "indexes", indexes);
	jw_int(&w, "keys", keys);
	jw_int(&w, "sequences", sequences);
	jw_int(&w, "objects", s->objects);
	jw_int(&w, "left_out", (int64_t)s->left_out);
	jw_int(&w, "ms", clock_life_ms() - s->began_ms);
	jw_int(&w, "lanes", (int64_t)s->n_lanes);
	jw_str(&w, "dumper", s->dumper.says);
	order_tell(&w);
}

static int finish(struct stream *s, struct err *err)
{
	int64_t sequences = 0;
	if (stream_sequences(s, &sequences, err) < 0 || stream_apply(s, &s->post, true, err) < 0)
		return -1;
	if (stream_unmark(s, err) < 0 || copy_settle(s->target, err) < 0)
		return -1;
	stream_tell_total(s, "done", true);
	tell_result(s, sequences);
	return 0;
}

static void close_all(struct stream *s)
{
	stream_lanes_stop(s);
	copy_dump_done(&s->pre_dump);
	copy_dump_done(&s->post_dump);
	copy_script_done(&s->pre);
	copy_script_done(&s->post);
	stream_tasks_done(s);
	free(s->kept);
	copy_catalog_done(&s->catalog);
	pg_close(s->source);
	pg_close(s->target);
}

int copy_stream_run(const struct copy_order *order, const struct copy_stream_hooks *hooks, struct err *err)
{
	struct copy_order own = *order;
	struct stream s = {.order = &own,
			   .hooks = hooks,
			   .began_ms = clock_life_ms(),
			   .life = {-1, -1},
			   .pre_dump = {.pid = -1, .out_fd = -1, .err_fd = -1},
			   .post_dump = {.pid = -1, .out_fd = -1, .err_fd = -1}};
	int64_t asked = json_int(order->json, "lanes", 0);
	s.resumed = hooks && hooks->kept && json_bool(order->json, "resume", false);
	own.maintenance_mb =
	    memory_for(order, asked > 0 ? (size_t)asked : (size_t)sysconf(_SC_NPROCESSORS_ONLN) + 1);
	int rc = open_all(&s, err);
	if (rc == 0)
		rc = definitions(&s, err);
	if (rc == 0) {
		stream_tasks_rows(&s);
		stream_tell_waiting(&s);
		rc = stream_lanes_start(&s, err);
	}
	if (rc == 0)
		rc = stream_lanes_run(&s, err);
	if (rc == 0)
		rc = finish(&s, err);
	close_all(&s);
	return rc;
}

static int stream_verb_run(const struct copy_order *order, struct err *err)
{
	return copy_stream_run(order, NULL, err);
}
