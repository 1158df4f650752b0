/* Watching a pg_restore that runs without us: its log, and what PostgreSQL tells of its progress. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/steps/restore_pulse.h"
#include <stdlib.h>
#include <string.h>

/* docker exec -d is back before anything has begun; on a busy host that takes its time. */
enum { LOOK_MS = 1000, DEAD_LOOKS = 5, NEVER_LOOKS = 60 };

static void mark_skipped(struct restore *r)
{
	const struct json *skip = json_path(job_config(r->job), "copy.skip_data");
	for (const struct json *s = json_first(skip); s; s = json_next(s)) {
		char schema[64];
		const char *label = json_text(s) ? json_text(s) : "", *dot = strchr(label, '.');
		text_copyf(schema, sizeof schema, "%.*s", dot ? (int)(dot - label) : 6,
			   dot ? label : "public");
		struct restore_item *item = restore_log_table(&r->log, schema, dot ? dot + 1 : label);
		if (item)
			item->skipped = true;
	}
}

int restore_contents(struct restore *r, struct err *err)
{
	struct buf toc = {0};
	int rc = copy_contents(r->ssh, r->db.container, r->file, &toc, err);
	if (rc == 0 && !restore_log_toc(&r->log, buf_text(&toc)))
		rc = err_set(err, ERR_WORLD, "the dump %s in %s lists no contents; run download again",
			     r->file, r->db.container);
	buf_done(&toc);
	if (rc < 0)
		return rc;
	r->has_source = pg_source_read(job_fact(r->job, "source", ""), &r->source);
	for (size_t i = 0; i < r->source.tables.n; i++) {
		struct restore_item *item = restore_log_table(&r->log, r->source.tables.list[i].schema,
							      r->source.tables.list[i].name);
		if (item)
			item->rows_total = r->source.tables.list[i].rows;
	}
	mark_skipped(r);
	return 0;
}

int restore_look(struct restore *r, struct detached_look *look, struct err *err)
{
	if (detached_look(&r->program, r->log_at, look, err) < 0)
		return -1;
	restore_log_feed(&r->log, buf_text(&look->log), look->log.len);
	r->log_at += (int64_t)look->log.len;
	r->process = *look->extra;
	return 0;
}

int restore_read_log(struct restore *r, struct detached_look *look, struct err *err)
{
	for (;;) {
		int64_t before = r->log_at;
		if (restore_look(r, look, err) < 0)
			return -1;
		if (r->log_at == before || r->log_at >= look->log_bytes)
			return 0;
		detached_look_done(look);
	}
}

void restore_left(const struct restore *r, char *out, size_t size)
{
	size_t done, n = restore_log_count(&r->log, RESTORE_DATA, &done);
	text_copyf(out, size, "%zu of %zu tables hold their rows", done, n);
}

/* ---- events ---- */

static const char *state_of(const struct restore_item *item)
{
	if (item->state == RESTORE_FAILED)
		return "failed";
	if (item->indexing)
		return "index";
	return item->state == RESTORE_DONE        ? "done"
	       : item->state == RESTORE_UNDER_WAY ? "copying"
						  : "waiting";
}

static void tell_tables(struct restore *r)
{
	for (size_t i = 0; i < r->log.n; i++) {
		struct restore_item *item = &r->log.items[i];
		if (item->kind != RESTORE_DATA)
			continue;
		int64_t now = item->rows * 16 + (int64_t)item->state * 2 + item->indexing;
		if (now == item->told && text_equal(item->note, item->told_note))
			continue;
		item->told = now;
		text_copy(item->told_note, sizeof item->told_note, item->note);
		struct jw w;
		jw_event(&w, "transfer.table");
		jw_str(&w, "table", item->label);
		jw_int(&w, "rows", item->rows);
		jw_int(&w, "rows_total", item->rows_total);
		jw_int(&w, "bytes", item->bytes);
		jw_str(&w, "state", state_of(item));
		jw_str(&w, "text", item->skipped ? "left out by copy.skip_data" : item->note);
		jw_num(&w, "rate", item->rate);
		jw_int(&w, "eta_ms", item->eta_ms);
		job_event(r->job, &w);
	}
}

/* Partitions are entries of their own in the dump and none in the source, so the total is the source's. */
static void sum_rows(const struct restore *r, int64_t *rows, int64_t *total)
{
	size_t done, n = restore_log_count(&r->log, RESTORE_DATA, &done);
	*rows = 0;
	*total = r->has_source ? pg_tables_rows(&r->source.tables) : -1;
	for (size_t i = 0; i < r->log.n; i++) {
		const struct restore_item *item = &r->log.items[i];
		if (item->kind == RESTORE_DATA && !item->skipped)
			*rows += item->rows;
		if (item->kind == RESTORE_DATA && item->skipped && item->rows_total > 0 && *total > 0)
			*total -= item->rows_total;
	}
	if (*total >= 0 && (done == n || *rows > *total))
		*rows = *total;
}

/* The database grows with rows and with indexes, so its size is the fairest measure of what is left. */
static int64_t eta_of(const struct restore *r, const struct restore_pulse *p, double rate)
{
	int64_t left = r->source.size_bytes - p->size_bytes;
	return r->has_source && rate > 0 && left > 0 ? (int64_t)((double)left * 1000 / rate) : -1;
}

static void tell(struct restore *r, struct restore_pulse *p)
{
	struct copy_total total = {.stage = "restore", COPY_UNKNOWN};
	char text[160];
	size_t tables, indexes, keys, harm = restore_log_harm(&r->log, NULL);
	int64_t still_ms = clock_life_ms() - p->moved_at_ms;
	total.tables_total = (int64_t)restore_log_count(&r->log, RESTORE_DATA, &tables);
	total.indexes_total = (int64_t)restore_log_count(&r->log, RESTORE_INDEX, &indexes);
	total.keys_total = (int64_t)restore_log_count(&r->log, RESTORE_KEY, &keys);
	total.tables = (int64_t)tables;
	total.indexes = (int64_t)indexes;
	total.keys = (int64_t)keys;
	sum_rows(r, &total.rows, &total.rows_total);
	total.rate = copy_rate(&p->rate, p->size_bytes);
	total.bytes = p->size_bytes;
	total.bytes_total = r->has_source ? r->source.size_bytes : -1;
	total.eta_ms = eta_of(r, p, total.rate);
	total.stalled_ms = clock_real_ms(still_ms) > RESTORE_STALLED_MS ? still_ms : 0;
	total.stalled_why = total.stalled_ms ? p->why : "";
	text_copyf(text, sizeof text, harm ? "pg_restore -j%d, %zu error%s so far" : "pg_restore -j%d",
		   r->jobs, harm, harm == 1 ? "" : "s");
	total.text = text;
	copy_tell(r->job, &total);
	int64_t done = (int64_t)(tables + indexes + keys);
	text_copyf(text, sizeof text, "%zu/%lld tables, %zu/%lld indexes, %zu/%lld keys", tables,
		   (long long)total.tables_total, indexes, (long long)total.indexes_total, keys,
		   (long long)total.keys_total);
	job_progress(r->job, done, total.tables_total + total.indexes_total + total.keys_total, "items",
		     text);
	tell_tables(r);
}

/* ---- the loop ---- */

static int look_again(struct restore *r, struct detached_look *look, struct err *err)
{
	struct err seen = {0};
	if (restore_look(r, look, &seen) == 0)
		return 0;
	detached_look_done(look);
	*look = (struct detached_look){.state = DETACHED_ALIVE};
	if (seen.kind == ERR_NET)
		return copy_reconnect(r->ssh, err) < 0 ? -1 : 1;
	return err_set(err, seen.kind, "%s", seen.text);
}

int restore_follow(struct restore *r, int *rc, struct err *err)
{
	struct restore_pulse pulse = {0};
	ssh_hush(r->ssh, true);
	for (int dead = 0;;) {
		struct detached_look look;
		int lost = look_again(r, &look, err);
		if (lost < 0)
			return -1;
		enum detached_state state = look.state;
		bool more = r->log_at < look.log_bytes && look.log.len > 0;
		*rc = state == DETACHED_ENDED ? look.rc : -1;
		detached_look_done(&look);
		if (!more && *rc == 0)
			restore_log_finish(&r->log);
		restore_pulse_read(r, &pulse);
		tell(r, &pulse);
		/* Between its end and the line in the rc file there is a moment; so one look is not enough.
		 */
		dead = state == DETACHED_DEAD || state == DETACHED_NEVER ? dead + 1 : 0;
		if (!lost && !more &&
		    (state == DETACHED_ENDED ||
		     dead >= (state == DETACHED_NEVER ? NEVER_LOOKS : DEAD_LOOKS))) {
			ssh_hush(r->ssh, false);
			return 0;
		}
		if (job_wait(r->job, more ? 1 : LOOK_MS))
			return err_set(err, ERR_CANCELLED, "stopped");
	}
}
