/* Tonight's backup among all others, and the watch over it until it ends. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/env_digest.h"
#include "core/steps/capture.h"
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 3000, STALLED_MS = 60000, BLIND_MS = 300000, LAG_LOOKS = 2 };
/* Heroku writes whole seconds, and its Date header is as coarse. */
#define COARSE_MS 2000

static int64_t read_freeze(const struct capture *capture)
{
	const struct json *maintenance = job_fact(capture->job, "maintenance", ""),
			  *frozen = job_fact(capture->job, "frozen", "");
	if (json_int(frozen, "old_at_ms", 0))
		return json_int(frozen, "old_at_ms", 0);
	if (json_int(frozen, "at_ms", 0))
		return json_int(frozen, "at_ms", 0) + heroku_skew_ms(capture->heroku);
	return json_bool(maintenance, "set", true) ? json_int(maintenance, "heroku_at_ms", 0) : 0;
}

int capture_list(struct capture *capture, struct err *err)
{
	free(capture->list);
	capture->list = NULL;
	capture->n = 0;
	return heroku_transfers(capture->heroku, capture->database.app, &capture->list, &capture->n, err);
}

int capture_open(struct job *job, struct capture *capture, struct err *err)
{
	*capture = (struct capture){.job = job, .heroku = heroku_open(job, HEROKU_PATIENT, err)};
	if (!capture->heroku)
		return -1;
	capture->fact_id = json_str(job_fact(job, "backup", ""), "id", "");
	capture->before_num = json_int(job_fact(job, "capture-began", ""), "before_num", -1);
	if (heroku_database(capture->heroku, &capture->database, err) < 0 || capture_list(capture, err) < 0) {
		capture_close(capture);
		return -1;
	}
	capture->frozen_ms = read_freeze(capture);
	capture->adopts = text_equal(json_str(job_params(job), "running", "adopt"), "adopt");
	return 0;
}

void capture_close(struct capture *capture)
{
	free(capture->list);
	heroku_close(capture->heroku);
	*capture = (struct capture){0};
}

/* The address as it is now, for a comparison only. */
static void look_url(struct capture *capture, char out[20])
{
	struct json *vars;
	struct err ignored = {0};
	char digest[ENV_DIGEST_MAX] = "";
	if (heroku_vars(capture->heroku, &vars, &ignored) == 0) {
		env_digest(capture->job, "DATABASE_URL", json_str(vars, "DATABASE_URL", ""), digest);
		json_free(vars);
	}
	text_copy(out, 20, digest);
}

bool capture_rotated(struct capture *capture)
{
	const char *was = *capture->url_digest
			      ? capture->url_digest
			      : json_str(job_fact(capture->job, "capture-began", ""), "url", "");
	char now[20];
	look_url(capture, now);
	return *was && *now && !text_equal(was, now);
}

void capture_note_url(struct capture *capture)
{
	look_url(capture, capture->url_digest);
}

bool capture_adoptable(const struct capture *capture, const struct heroku_transfer *transfer)
{
	return capture->adopts && capture->frozen_ms && heroku_is_backup(transfer) &&
	       !capture_failed(transfer) && text_equal(transfer->from_name, "DATABASE") &&
	       transfer->created_ms >= capture->frozen_ms + COARSE_MS;
}

bool capture_after_freeze(const struct capture *capture, const struct heroku_transfer *transfer)
{
	return !capture->frozen_ms || transfer->created_ms + COARSE_MS >= capture->frozen_ms;
}

bool capture_failed(const struct heroku_transfer *transfer)
{
	return transfer->succeeded == 0 || transfer->canceled_ms;
}

const struct heroku_transfer *capture_mine(const struct capture *capture)
{
	for (size_t i = 0; i < capture->n; i++) {
		const struct heroku_transfer *t = &capture->list[i];
		bool named = *capture->fact_id && text_equal(t->id, capture->fact_id);
		bool newer = capture->before_num >= 0 && t->num > capture->before_num && !t->scheduled;
		if (heroku_is_backup(t) && (named || newer) && !capture_failed(t) &&
		    !job_fact(capture->job, "rehearsal-dump", t->id) && capture_after_freeze(capture, t))
			return t;
	}
	return NULL;
}

const struct heroku_transfer *capture_other(const struct capture *capture)
{
	const struct heroku_transfer *mine = capture_mine(capture);
	for (size_t i = 0; i < capture->n; i++)
		if (!capture->list[i].finished_ms && &capture->list[i] != mine)
			return &capture->list[i];
	return NULL;
}

int capture_record(struct capture *capture, const struct heroku_transfer *transfer, struct err *err)
{
	struct jw w;
	jw_fact(&w, "backup", "");
	jw_str(&w, "id", transfer->id);
	jw_int(&w, "num", transfer->num);
	jw_str(&w, "label", transfer->label);
	jw_str(&w, "app", capture->database.app);
	jw_str(&w, "created_at", transfer->created_at);
	jw_int(&w, "created_ms", transfer->created_ms);
	jw_int(&w, "source_bytes", transfer->source_bytes);
	jw_int(&w, "processed_bytes", transfer->processed_bytes);
	jw_bool(&w, "succeeded", transfer->succeeded == 1);
	jw_bool(&w, "after_freeze", capture->frozen_ms && capture_after_freeze(capture, transfer));
	return job_record(capture->job, &w, err);
}

static void tell(struct capture *capture, const struct heroku_transfer *t, const char *blind)
{
	char done[UNITS_MAX], all[UNITS_MAX], text[200];
	int64_t now = clock_wall_ms() + heroku_skew_ms(capture->heroku);
	int64_t quiet_ms = t->started_ms && t->updated_ms ? now - t->updated_ms : now - t->created_ms;
	double seconds = t->started_ms ? (double)(now - t->started_ms) / 1000 : 0;
	bool stalled = quiet_ms > STALLED_MS;
	units_size(done, t->processed_bytes);
	units_size(all, t->source_bytes > 0 ? t->source_bytes : 0);
	if (!t->started_ms)
		text_copyf(text, sizeof text, "%s waits for its turn on Heroku", t->label);
	else if (t->source_bytes > 0)
		text_copyf(text, sizeof text, "%s: %s written, packed, of a database of %s", t->label, done,
			   all);
	else
		text_copyf(text, sizeof text, "%s is under way", t->label);
	struct jw w;
	jw_event(&w, "transfer.total");
	jw_str(&w, "stage", "capture");
	jw_str(&w, "text", text);
	jw_int(&w, "bytes", t->processed_bytes);
	jw_int(&w, "bytes_total", t->source_bytes);
	jw_num(&w, "rate", t->processed_bytes > 0 && seconds > 1 ? (double)t->processed_bytes / seconds : -1);
	static const char *const unknown[] = {"rows",         "rows_total", "tables",
					      "tables_total", "indexes",    "indexes_total",
					      "keys",         "keys_total", "eta_ms"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		jw_int(&w, unknown[i], -1);
	jw_int(&w, "stalled_ms", stalled ? quiet_ms : 0);
	jw_str(&w, "stalled_why",
	       *blind    ? blind
	       : stalled ? t->started_ms ? "Heroku has not moved it on" : "Heroku has not begun it"
			 : "");
	job_event(capture->job, &w);
	job_progress(capture->job, t->processed_bytes, t->source_bytes, "bytes", text);
}

static void tell_end(struct capture *capture, const struct heroku_transfer *t, const char *text)
{
	struct jw w;
	jw_event(&w, "transfer.ended");
	jw_str(&w, "stage", "capture");
	jw_bool(&w, "ok", t->succeeded == 1);
	jw_int(&w, "bytes", t->processed_bytes);
	jw_int(&w, "ms", t->finished_ms > t->created_ms ? t->finished_ms - t->created_ms : 0);
	jw_str(&w, "text", text);
	job_event(capture->job, &w);
}

/* A person stopped the step: Heroku shall not go on for nobody. */
static int cancel_it(struct capture *capture, const struct heroku_transfer *t, struct err *err)
{
	struct jw w;
	struct err own = {0};
	heroku_despite_cancel(capture->heroku, true);
	jw_fact(&w, "capture-cancelled", t->id);
	jw_str(&w, "id", t->id);
	if (job_record(capture->job, &w, err) < 0)
		return -1;
	if (heroku_transfer_cancel(capture->heroku, capture->database.app, t->id, &own) < 0)
		return err_set(err, ERR_CANCELLED, "stopped, but %s may go on at Heroku: %s", t->label,
			       own.text);
	return err_set(err, ERR_CANCELLED,
		       "%s was cancelled, here and on Heroku; run the step again for a new one", t->label);
}

static int judge(struct capture *capture, struct heroku_transfer *t, struct err *err)
{
	char text[160];
	if (t->succeeded == 1) {
		/* The bytes written come a little after the end. */
		struct err ignored = {0};
		for (int i = 0; i < LAG_LOOKS && t->processed_bytes == 0; i++) {
			clock_sleep_ms(1500);
			heroku_transfer(capture->heroku, capture->database.app, t->id, t, NULL, &ignored);
		}
		text_copyf(text, sizeof text, "%s is finished", t->label);
		tell(capture, t, "");
		tell_end(capture, t, text);
		return capture_record(capture, t, err);
	}
	struct buf words = {0};
	struct err ignored = {0};
	heroku_transfer(capture->heroku, capture->database.app, t->id, t, &words, &ignored);
	text_copyf(text, sizeof text, "%s %s", t->label, t->canceled_ms ? "was cancelled" : "failed");
	tell_end(capture, t, text);
	err_set(err, t->canceled_ms ? ERR_CANCELLED : ERR_WORLD,
		"%s on Heroku; its last words: %s; the database is as it was, run the step "
		"again",
		text, words.len ? buf_text(&words) : "none");
	buf_done(&words);
	return -1;
}

int capture_follow(struct capture *capture, struct heroku_transfer *t, struct err *err)
{
	int64_t seen_ms = clock_life_ms();
	struct err own = {0};
	for (;;) {
		tell(capture, t, own.text);
		if (t->finished_ms)
			return judge(capture, t, err);
		if (job_wait(capture->job, POLL_MS))
			return cancel_it(capture, t, err);
		own = (struct err){0};
		if (heroku_transfer(capture->heroku, capture->database.app, t->id, t, NULL, &own) == 0) {
			seen_ms = clock_life_ms();
			continue;
		}
		if (own.kind == ERR_CANCELLED)
			return cancel_it(capture, t, err);
		/* A failed look is no failed backup; only when nothing is seen for minutes does a person have
		 * to know. */
		if (own.kind == ERR_AUTH || own.kind == ERR_REFUSED || clock_life_ms() - seen_ms > BLIND_MS)
			return err_set(err, own.kind,
				       "%s was begun, and what became of it cannot be seen: %s; run the step "
				       "again to watch on, no "
				       "second one will be begun",
				       t->label, own.text);
	}
}
