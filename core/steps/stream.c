/* stream: the old database straight into the new one, without a file. The work is done by a worker beside the
 * data, which goes on without us and is joined again. What an attempt that broke off has left is known by a
 * mark in the target, and the next one empties it first. */
#include "core/steps/stream.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/copy/lanes.h"
#include "core/links/docker.h"
#include "core/steps/wipe_database.h"
#include <stdlib.h>
#include <string.h>

static int stream_plan(struct job *job, struct plan *plan, struct err *err);
static int stream_run(struct job *job, struct err *err);
static enum done stream_probe(struct job *job, struct err *err);
static enum verdict stream_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"lanes", "int", "0", "tables and indexes at once; 0: one more than the cores of the machine it runs on"},
    {"where", "text", "auto", "auto, host, or here: where the copy runs"},
    {0},
};
static const char *const makes[] = {"restored-by-us", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step stream_step = {
    .name = "stream",
    .help = "copies the old database straight into the new one, without a file",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_THROWAWAY,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = stream_plan,
    .run = stream_run,
    .probe = stream_probe,
    .prove = stream_prove,
};

/* ---- opening ---- */

static int int_param(const struct job *job, const char *name)
{
	const struct json *value = json_get(job_params(job), name);
	return (int)(json_is_string(value) ? units_parse_int(json_text(value), 0) : json_value(value, 0));
}

static int open_all(struct job *job, struct stream_copy *s, struct err *err)
{
	struct docker_names names;
	struct pg_where where;
	const char *at = json_str(job_params(job), "where", "auto");
	*s = (struct stream_copy){.job = job, .lanes = int_param(job, "lanes")};
	if (s->lanes < 0 || s->lanes > LANES_MOST)
		return err_set(err, ERR_CONFIG,
			       "stream: lanes is %d, but it goes from 0 to %d; mend the playbook", s->lanes,
			       LANES_MOST);
	if (!text_equal(at, "auto") && !text_equal(at, "host") && !text_equal(at, "here"))
		return err_set(err, ERR_CONFIG, "stream: where is \"%.40s\", but it is auto, host or here",
			       at);
	if (pg_where_new(job, &where, err) < 0)
		return -1;
	text_copy(s->database, sizeof s->database, where.database);
	if (docker_names(job, &names, NULL) == 0 && !*names.elsewhere)
		text_copy(s->container, sizeof s->container, names.accessory);
	s->has_source = pg_source_read(job_fact(job, "source", ""), &s->source);
	return copy_worker_open(job, &s->worker, STREAM_FACT, err);
}

static void close_all(struct stream_copy *s)
{
	pg_close(s->pg);
	pg_source_done(&s->source);
	copy_worker_close(&s->worker);
}

void stream_token(const struct job *job, const char *attempt, char *out, size_t size)
{
	text_copyf(out, size, "%s %s", *job_night(job) ? job_night(job) : "by hand", attempt);
}

int stream_find(struct stream_copy *s, struct stream_found *out, struct err *err)
{
	char token[128] = "", found[128] = "";
	struct pg_tables tables = {0};
	*out = (struct stream_found){0};
	if (!s->pg)
		s->pg = pg_open_new(s->job, PG_LOOK, err);
	if (!s->pg || pg_tables_look(s->pg, &tables, err) < 0)
		return -1;
	out->tables = tables.n;
	pg_tables_done(&tables);
	int64_t marked = 0;
	if (pg_number(s->pg,
		      "SELECT count(*) FROM pg_class WHERE oid = to_regclass('nightferry.unfinished_stream')",
		      NULL, &marked, err) < 0)
		return -1;
	out->marked = marked > 0;
	if (!out->marked)
		return 0;
	text_copy(token, sizeof token, json_str(job_fact(s->job, STREAM_FACT, ""), "token", ""));
	if (pg_value(s->pg, "SELECT token FROM nightferry.unfinished_stream", NULL, found, sizeof found,
		     err) < 0)
		return -1;
	out->ours = *token && text_equal(token, found);
	/* Half of a copy is not nothing, even where no table was made yet. */
	if (!out->ours && !out->tables)
		out->tables = 1;
	return 0;
}

static int stream_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct stream_copy s;
	int rc = open_all(job, &s, err);
	if (rc == 0)
		rc = stream_fill_plan(&s, plan, err);
	close_all(&s);
	return rc;
}

/* ---- the run ---- */

static void order_fields(struct jw *w, void *ctx)
{
	const struct stream_copy *s = ctx;
	char token[128];
	const struct json *skip = json_path(job_config(s->job), "copy.skip_data");
	stream_token(s->job, job_attempt(s->job), token, sizeof token);
	jw_str(w, "token", token);
	jw_str(w, "database", s->database);
	jw_str(w, "container", s->worker.ssh ? s->container : "");
	jw_int(w, "lanes", s->lanes);
	jw_int(w, "at_ms", clock_wall_ms());
	jw_arr(w, "skip");
	for (const struct json *t = json_first(skip); t; t = json_next(t))
		if (json_text(t))
			jw_str(w, NULL, json_text(t));
	jw_end(w);
}

static int record_empties(struct stream_copy *s, const struct wipe_way *way, bool done, struct err *err)
{
	struct jw w;
	jw_fact(&w, "stream-empties", "");
	jw_str(&w, "database", s->database);
	jw_bool(&w, "done", done);
	wipe_way_write(&w, way);
	return job_record(s->job, &w, err);
}

/* The statements that give the database its grants back are recorded before it goes. */
static int empty_target(struct stream_copy *s, struct err *err)
{
	const struct json *earlier = job_fact(s->job, "stream-empties", "");
	struct wipe_way way = {0};
	bool half = earlier && !json_bool(earlier, "done", false) && wipe_way_read(earlier, &way);
	int rc = half ? 0 : wipe_way_find(s->job, s->pg, &way, err);
	if (rc == 0 && *way.cannot)
		rc = err_set(err, ERR_REFUSED, "%s Nothing was changed.", way.cannot);
	if (rc == 0 && !half)
		rc = record_empties(s, &way, false, err);
	pg_close(s->pg);
	s->pg = NULL;
	if (rc == 0)
		rc = wipe_way_go(s->job, &way, err);
	if (rc == 0)
		rc = record_empties(s, &way, true, err);
	wipe_way_done(&way);
	return rc;
}

static bool half_emptied(const struct stream_copy *s)
{
	const struct json *earlier = job_fact(s->job, "stream-empties", "");
	return earlier && !json_bool(earlier, "done", false);
}

static int start(struct stream_copy *s, struct err *err)
{
	struct stream_found found = {0};
	if (!half_emptied(s) && stream_find(s, &found, err) < 0)
		return -1;
	if (found.tables && !found.ours)
		return err_set(err, ERR_WORLD,
			       "%s is not empty any more, it holds %zu tables; nothing was changed, run "
			       "wipe-target and plan again",
			       s->database, found.tables);
	if ((found.ours || half_emptied(s)) && empty_target(s, err) < 0)
		return -1;
	return copy_worker_start(&s->worker, "stream", STREAM_FACT, order_fields, s, err);
}

static int cancel(struct stream_copy *s, struct err *err)
{
	struct err own = {0};
	if (copy_worker_stop(&s->worker, &own) < 0)
		return err_set(err, ERR_CANCELLED, "stopped here, but the copy may still run on %s: %s",
			       copy_worker_place(&s->worker), own.text);
	return err_set(
	    err, ERR_CANCELLED,
	    "stopped; OLD is as it was. What is in %s is an unfinished copy and known as ours: run "
	    "stream again, and it is emptied first",
	    s->database);
}

static int record_end(struct stream_copy *s, struct err *err)
{
	struct jw w;
	jw_fact(&w, "restored-by-us", "");
	jw_str(&w, "database", s->database);
	jw_str(&w, "by", "stream");
	jw_int(&w, "at_ms", clock_wall_ms());
	jw_int(&w, "rc", 0);
	jw_int(&w, "errors", 0);
	jw_int(&w, "tables", json_int(s->worker.result, "tables", -1));
	jw_int(&w, "rows", json_int(s->worker.result, "rows", -1));
	jw_int(&w, "bytes", json_int(s->worker.result, "bytes", -1));
	jw_int(&w, "ms", json_int(s->worker.result, "ms", -1));
	return job_record(s->job, &w, err);
}

/* For the estimate of the next night. */
static int record_pace(struct stream_copy *s, struct err *err)
{
	struct jw w;
	jw_fact(&w, STREAMED_FACT, "");
	jw_int(&w, "bytes", s->has_source ? s->source.size_bytes : json_int(s->worker.result, "bytes", -1));
	jw_int(&w, "ms", json_int(s->worker.result, "ms", -1));
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(s->job, &w, err);
}

static int end(struct stream_copy *s, int rc, struct err *err)
{
	char text[160];
	const struct json *result = s->worker.result;
	if (rc == 0 && !result)
		rc = 1;
	if (rc == 0)
		stream_result_text(result, text, sizeof text);
	else
		text_copy(text, sizeof text, "unfinished");
	copy_ended(s->job, "stream", rc == 0, rc == 0 ? json_int(result, "bytes", -1) : s->bytes,
		   json_int(result, "ms", -1), text);
	if (rc == 0)
		return record_pace(s, err) < 0 ? -1 : record_end(s, err);
	copy_worker_failed(&s->worker, rc, err);
	size_t len = strlen(err->text);
	text_copyf(err->text + len, sizeof err->text - len,
		   ". NEW holds an unfinished copy: run stream again, and it is emptied first");
	return -1;
}

static int run_all(struct stream_copy *s, struct err *err)
{
	enum detached_state state;
	struct err own = {0};
	int rc = -1;
	if (copy_worker_look(&s->worker, &state, &rc, err) < 0)
		return -1;
	bool whole = state == DETACHED_ENDED && rc == 0 && s->worker.result;
	if (state == DETACHED_ALIVE)
		job_log(s->job, "NEW", "joining the copy that already runs on %s",
			copy_worker_place(&s->worker));
	else if (!whole && start(s, err) < 0)
		return -1;
	struct copy_ears ears = {.hear = stream_hear, .idle = stream_idle, .ctx = s};
	if (!whole && copy_worker_follow(&s->worker, &ears, &rc, &own) < 0)
		return own.kind == ERR_CANCELLED ? cancel(s, err) : err_set(err, own.kind, "%s", own.text);
	return end(s, rc, err);
}

static int stream_run(struct job *job, struct err *err)
{
	struct stream_copy s;
	int rc = open_all(job, &s, err);
	if (rc == 0)
		rc = run_all(&s, err);
	close_all(&s);
	return rc;
}

/* ---- looking back ---- */

static enum done stream_probe(struct job *job, struct err *err)
{
	struct stream_copy s;
	enum detached_state state;
	enum done done = DONE_UNCLEAR;
	int rc;
	if (!job_fact(job, STREAM_FACT, ""))
		return DONE_NOT_DONE;
	if (open_all(job, &s, err) == 0 && copy_worker_look(&s.worker, &state, &rc, err) == 0)
		done = state == DETACHED_ALIVE                                 ? DONE_RUNNING
		       : state == DETACHED_ENDED && rc == 0 && s.worker.result ? DONE_DONE
									       : DONE_NOT_DONE;
	close_all(&s);
	return done;
}

static enum verdict stream_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct stream_copy s;
	if (!job_fact(job, STREAM_FACT, "")) {
		evidence_add(ev, VERDICT_FAIL, "end", "never", "no copy was started tonight");
		return VERDICT_FAIL;
	}
	int rc = open_all(job, &s, err);
	if (rc == 0)
		rc = stream_prove_all(&s, ev, err);
	close_all(&s);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
