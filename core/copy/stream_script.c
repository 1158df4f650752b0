/* pg_dump's statements on the target: in batches as long as all goes well, and one by one where a batch
 * fails, so that the one that cannot be done is named. */
#include "core/base/text.h"
#include "core/copy/stream_inner.h"
#include <poll.h>
#include <string.h>

enum { BATCH_STATEMENTS = 100, BATCH_BYTES = 256 << 10 };

int stream_settings(struct pg *target, const struct copy_entry *entry, struct err *err)
{
	for (size_t i = 0; i < entry->n; i++)
		if (pg_exec(target, err, "%s", entry->list[i]) < 0 &&
		    !text_equal(pg_sqlstate(target), "42704"))
			return -1;
	return pg_exec(target, err, "SET client_min_messages = error");
}

/* A key is made known first and proved after that: other tables of the pair are not locked meanwhile. */
static int key_run(struct pg *target, const struct copy_entry *entry, struct err *err)
{
	char schema[64], name[64], constraint[64];
	bool only;
	const char *sql = entry->list[0];
	size_t len = strlen(sql);
	if ((len > 9 && text_equal(sql + len - 9, "NOT VALID")) ||
	    !copy_entry_table(entry, schema, name, &only) || !copy_entry_constraint(entry, constraint))
		return pg_exec(target, err, "%s", sql);
	struct buf prove = {0};
	buf_adds(&prove, "ALTER TABLE ");
	pg_add_name(&prove, schema);
	buf_addc(&prove, '.');
	pg_add_name(&prove, name);
	buf_adds(&prove, " VALIDATE CONSTRAINT ");
	pg_add_name(&prove, constraint);
	int rc = pg_exec(target, err, "%s NOT VALID", sql);
	if (rc == 0)
		rc = pg_exec(target, err, "%s", buf_text(&prove));
	buf_done(&prove);
	return rc;
}

int stream_entry_run(struct pg *target, const struct copy_entry *entry, bool foreign_key, struct err *err)
{
	size_t from = foreign_key && entry->n ? 1 : 0;
	if (from && key_run(target, entry, err) < 0)
		return -1;
	for (size_t i = from; i < entry->n; i++)
		if (pg_exec(target, err, "%s", entry->list[i]) < 0)
			return -1;
	return 0;
}

/* Made by prepare-target already, or what only an owner or administrator may say: nothing of the data hangs
 * on it. */
static bool may_fail(const struct copy_entry *e, const char *sqlstate)
{
	if (text_equal(e->type, "SCHEMA"))
		return text_equal(sqlstate, "42P06");
	if (text_equal(e->type, "EVENT TRIGGER"))
		return true;
	return text_equal(e->type, "COMMENT") && text_equal(sqlstate, "42501");
}

static bool alone(const struct copy_entry *e)
{
	return text_equal(e->type, "SCHEMA") || text_equal(e->type, "EXTENSION") ||
	       text_equal(e->type, "EVENT TRIGGER") || text_equal(e->type, "MATERIALIZED VIEW DATA");
}

/* Said with the last phase's statements, so that none of them is said again by a copy that goes on. */
static const char *note_of(const struct stream *s, const struct copy_entry *e, bool rest, char out[100])
{
	*out = 0;
	if (rest)
		text_copyf(out, 100, "UPDATE nightferry.unfinished_stream SET rest = %zu",
			   (size_t)(e - s->post.list) + 1);
	return out;
}

static int run_whole(struct stream *s, const struct copy_entry *e, bool rest, struct err *err)
{
	char note[100];
	if (!rest)
		return stream_entry_run(s->target, e, false, err);
	if (pg_exec(s->target, err, "BEGIN") == 0 && stream_entry_run(s->target, e, false, err) == 0 &&
	    pg_exec(s->target, err, "%s; COMMIT", note_of(s, e, rest, note)) == 0)
		return 0;
	if (pg_alive(s->target))
		pg_exec(s->target, NULL, "ROLLBACK");
	return -1;
}

static int run_one(struct stream *s, const struct copy_entry *e, bool rest, struct err *err)
{
	struct err own = {0};
	if (run_whole(s, e, rest, &own) == 0)
		return 0;
	if (!pg_alive(s->target) || !may_fail(e, pg_sqlstate(s->target))) {
		err_set(err, own.kind, "%s", own.text);
		return err_wrap(err, "%s %s", e->type, e->name);
	}
	if (!text_equal(e->type, "SCHEMA"))
		stream_left_out(s, e, own.text);
	return 0;
}

static bool stopped(const struct stream *s)
{
	struct pollfd fd = {.fd = s->order->stop_fd, .events = POLLIN};
	return poll(&fd, 1, 0) > 0;
}

/* Entries from..to-1, all or none; then each by itself. */
static int run_batch(struct stream *s, const struct copy_entry *const *list, size_t n, bool rest,
		     struct err *err)
{
	char note[100];
	struct buf sql = {0};
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < list[i]->n; k++)
			buf_addf(&sql, "%s;\n", list[i]->list[k]);
	if (n)
		buf_adds(&sql, note_of(s, list[n - 1], rest, note));
	int rc = n ? pg_exec(s->target, err, "%s", buf_text(&sql)) : 0;
	buf_done(&sql);
	if (rc == 0 || !pg_alive(s->target) || stopped(s))
		return rc;
	for (size_t i = 0; i < n; i++)
		if (run_one(s, list[i], rest, err) < 0)
			return -1;
	return 0;
}

static size_t bytes_of(const struct copy_entry *e)
{
	size_t bytes = 0;
	for (size_t k = 0; k < e->n; k++)
		bytes += strlen(e->list[k]);
	return bytes;
}

int stream_apply(struct stream *s, const struct copy_script *script, bool rest, struct err *err)
{
	const struct copy_entry *batch[BATCH_STATEMENTS];
	size_t n = 0, bytes = 0;
	for (size_t i = rest ? s->left.rest : 0; i < script->n; i++) {
		const struct copy_entry *e = &script->list[i];
		if (!*e->type || (rest && stream_is_task(s, e)))
			continue;
		bool single = alone(e);
		if (single || n == BATCH_STATEMENTS || bytes > BATCH_BYTES) {
			if (run_batch(s, batch, n, rest, err) < 0)
				return -1;
			n = bytes = 0;
		}
		if (stopped(s))
			return err_set(err, ERR_CANCELLED, "stopped on request");
		if (single && run_one(s, e, rest, err) < 0)
			return -1;
		if (!single) {
			batch[n++] = e;
			bytes += bytes_of(e);
		}
		stream_tell_total(s, rest ? "rest" : "definitions", false);
	}
	return run_batch(s, batch, n, rest, err);
}
