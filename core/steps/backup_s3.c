#include "core/steps/backup_s3.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/s3.h"
#include "core/steps/copy_worker.h"
#include "core/steps/host_copy.h"
#include <stdlib.h>
#include <string.h>

enum { PART_MIN_MB = 5, READ_MS = 600000 };
static const char started[] = "backup-s3-started";

struct going_up {
	struct job *job;
	struct ssh *ssh;
	struct s3_place place;
	struct s3_login login;
	char key[600], path[400], sha256[65];
	int64_t size_bytes;
	struct copy_rate rate;
	const char *stage;
};

static size_t part_bytes(const struct job *job)
{
	int64_t mb = json_int(job_params(job), "part_mb", 16);
	return (size_t)(mb < PART_MIN_MB ? PART_MIN_MB : mb) << 20;
}

/* What the name is made of stays the same for one file: a second attempt overwrites its own, never another's.
 */
static void key_of(struct going_up *u)
{
	const char *slash = strrchr(u->path, '/');
	text_copyf(u->key, sizeof u->key, "%s%s%.60s/%.60s/%.80s", u->place.folder,
		   *u->place.folder ? "/" : "", job_config_str(u->job, "app", "app"),
		   *job_night(u->job) ? job_night(u->job) : "by-hand", slash ? slash + 1 : u->path);
}

bool backup_s3_done(struct job *job)
{
	struct s3_place place;
	if (!s3_place_read(job, &place))
		return true;
	return text_equal(json_str(job_fact(job, "backup-s3", ""), "sha256", "?"),
			  json_str(job_fact(job, "backup-first", ""), "sha256", ""));
}

void backup_s3_plan(struct job *job, struct plan *plan)
{
	struct s3_place place;
	struct s3_login login;
	struct copy_worker w;
	struct err why = {0};
	if (!s3_place_read(job, &place))
		return;
	plan_does(plan, "PUT %s/%s/%s, in parts of %zu MB, then GET all of it and compare SHA-256",
		  place.endpoint, place.bucket, place.folder, part_bytes(job) >> 20);
	if (s3_login_find(job, &login, &why) < 0)
		plan_refuse(plan, "%s", why.text);
	else
		evidence_add(&plan->seen, VERDICT_PASS, "keys", login.from, "the storage's keys come from %s",
			     login.from);
	explicit_bzero(&login, sizeof login);
	why = (struct err){0};
	if (copy_worker_open(job, &w, started, &why) == 0 && w.ssh)
		evidence_add(&plan->seen, VERDICT_PASS, "way", "host",
			     "%s → %s: the bytes do not pass this machine; the keys are sent to the host's "
			     "memory, and "
			     "are in no file there",
			     copy_worker_place(&w), place.endpoint);
	else
		evidence_add(&plan->seen, VERDICT_WARN, "way", "here",
			     "host → this machine → %s: the bytes pass this machine and its line (%s)",
			     place.endpoint, *w.why_here ? w.why_here : why.text);
	copy_worker_close(&w);
}

/* ---- how far it is ---- */

static void tell(struct going_up *u, const char *stage, int64_t done)
{
	if (!text_equal(stage, u->stage))
		u->rate = (struct copy_rate){.n = 0};
	u->stage = text_equal(stage, "upload") ? "upload" : "read back";
	struct copy_total total = {.stage = u->stage, .text = u->place.bucket, COPY_UNKNOWN};
	total.bytes = done;
	total.bytes_total = u->size_bytes;
	total.rate = copy_rate(&u->rate, done);
	copy_tell(u->job, &total);
	job_progress(u->job, done, u->size_bytes, "bytes", u->stage);
}

static void hear(void *ctx, const struct json *line)
{
	if (text_equal(json_str(line, "kind", ""), "progress"))
		tell(ctx, json_str(line, "stage", "upload"), json_int(line, "bytes", 0));
}

/* ---- by a worker on the host ---- */

static void add_fields(struct jw *w, void *ctx)
{
	const struct going_up *u = ctx;
	jw_str(w, "file", u->path);
	jw_str(w, "key", u->key);
	jw_int(w, "size_bytes", u->size_bytes);
	jw_str(w, "sha256", u->sha256);
	jw_str(w, "endpoint", u->place.endpoint);
	jw_str(w, "region", u->place.region);
	jw_str(w, "bucket", u->place.bucket);
	jw_int(w, "part_bytes", (int64_t)part_bytes(u->job));
}

static void add_keys(struct jw *w, void *ctx)
{
	const struct going_up *u = ctx;
	jw_obj(w, "login");
	jw_str(w, "key", u->login.key);
	jw_str(w, "secret", u->login.secret);
	jw_str(w, "token", u->login.token);
	jw_end(w);
}

static int follow(struct going_up *u, struct copy_worker *w, struct err *err)
{
	const struct copy_ears ears = {.hear = hear, .ctx = u};
	int ended = -1;
	int rc = copy_worker_follow(w, &ears, &ended, err);
	if (rc < 0 && err->kind == ERR_CANCELLED) {
		copy_worker_stop(w, NULL);
		return err_set(
		    err, ERR_CANCELLED,
		    "the upload was stopped; nothing is in the storage, the backup on the host is whole");
	}
	if (rc == 0 && ended != 0)
		rc = copy_worker_failed(w, ended, err);
	if (rc == 0 && !text_equal(json_str(w->result, "sha256", ""), u->sha256))
		rc = err_set(err, ERR_WORLD,
			     "the upload ended without saying what it read back; run first-backup again");
	return rc;
}

/* Where the host cannot run it, that is recorded, and the next plan leads through this machine. */
static int by_worker(struct going_up *u, struct copy_worker *w, struct err *err)
{
	enum detached_state state;
	const struct json *before = job_fact(u->job, started, "");
	int ended = -1;
	w->alone = true;
	w->secret = add_keys;
	if (copy_worker_look(w, &state, &ended, err) < 0)
		return -1;
	bool ours = text_equal(json_str(before, "sha256", ""), u->sha256);
	bool begun = ours && (state == DETACHED_ALIVE || (state == DETACHED_ENDED && ended == 0));
	if (!begun && copy_worker_start(w, "backup", started, add_fields, u, err) < 0)
		return -1;
	return follow(u, w, err);
}

int backup_s3_runs(struct job *job, bool *runs, struct err *err)
{
	struct copy_worker w;
	enum detached_state state = DETACHED_NEVER;
	int ended, rc = copy_worker_open(job, &w, started, err);
	/* What went through this machine ended with its step. */
	if (rc == 0 && w.ssh)
		rc = copy_worker_look(&w, &state, &ended, err);
	copy_worker_close(&w);
	*runs = rc == 0 && state == DETACHED_ALIVE;
	return rc;
}

/* ---- through this machine ---- */

static int read_part(void *ctx, int64_t at, size_t len, struct buf *out, struct err *err)
{
	struct going_up *u = ctx;
	struct ssh_reply reply;
	char *command = xasprintf("tail -c +%lld '%s' | head -c %zu", (long long)at + 1, u->path, len);
	int rc = ssh_exec(u->ssh,
			  &(struct ssh_call){.command = command,
					     .say = "a part of the backup",
					     .timeout_ms = READ_MS,
					     .out_bytes = len + 1},
			  &reply, err);
	if (rc == 0 && reply.out.len != len)
		rc = err_set(err, ERR_WORLD, "%s gave %zu of %zu bytes of %s", ssh_name(u->ssh),
			     reply.out.len, len, u->path);
	if (rc == 0)
		buf_add(out, reply.out.data, reply.out.len);
	ssh_reply_done(&reply);
	free(command);
	return rc;
}

static void told(void *ctx, int64_t done)
{
	struct going_up *u = ctx;
	tell(u, u->stage, done);
}

static bool going(void *ctx)
{
	return !job_stopping(((struct going_up *)ctx)->job);
}

/* Keys that may not list are no reason to have no backup. */
static void sweep(struct going_up *u, struct s3 *s3)
{
	struct err err = {0};
	size_t n;
	if (s3_sweep(s3, u->key, &n, &err) < 0)
		job_log(u->job, "NEW",
			"whether an earlier upload has left parts in the storage is not known: %s", err.text);
	else if (n)
		job_log(u->job, "NEW", "the parts of an upload that was cut off were taken back");
}

static int by_us(struct going_up *u, struct err *err)
{
	struct s3_upload up = {.key = u->key,
			       .size_bytes = u->size_bytes,
			       .read = read_part,
			       .told = told,
			       .going = going,
			       .ctx = u,
			       .part_bytes = part_bytes(u->job)};
	char sha256[65] = "";
	int64_t size = -1;
	struct jw w;
	jw_fact(&w, started, "");
	add_fields(&w, u);
	jw_bool(&w, "here", true);
	if (job_record(u->job, &w, err) < 0)
		return -1;
	struct s3 *s3 = s3_open(u->job, &u->place, &u->login);
	sweep(u, s3);
	int rc = s3_put(s3, &up, err);
	u->stage = "read back";
	if (rc == 0)
		rc = s3_read_through(s3, u->key, &up, &size, sha256, err);
	s3_close(s3);
	if (rc == 0 && (size != u->size_bytes || !text_equal(sha256, u->sha256)))
		rc = err_set(err, ERR_WORLD,
			     "what the storage gives back is not what was sent (%lld of %lld bytes); the "
			     "backup on the host "
			     "is whole, run first-backup again",
			     (long long)size, (long long)u->size_bytes);
	return rc;
}

static int record_done(struct going_up *u, bool here, struct err *err)
{
	struct jw w;
	jw_fact(&w, "backup-s3", "");
	add_fields(&w, u);
	jw_bool(&w, "here", here);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(u->job, &w, err);
}

int backup_s3_run(struct job *job, struct ssh *ssh, const struct backup_file *file, struct err *err)
{
	struct going_up *u = xcalloc(1, sizeof *u);
	struct copy_worker w = {.job = job};
	int64_t began_ms = clock_life_ms();
	int rc;
	*u = (struct going_up){.job = job, .ssh = ssh, .stage = "upload", .size_bytes = file->size_bytes};
	text_copy(u->path, sizeof u->path, file->path);
	text_copy(u->sha256, sizeof u->sha256, file->sha256);
	/* What this very process has just recorded is no fact to it yet. */
	if (!s3_place_read(job, &u->place) ||
	    text_equal(json_str(job_fact(job, "backup-s3", ""), "sha256", "?"), u->sha256)) {
		free(u);
		return 0;
	}
	key_of(u);
	rc = s3_login_find(job, &u->login, err);
	if (rc == 0)
		rc = copy_worker_open(job, &w, started, err);
	if (rc == 0)
		rc = w.ssh ? by_worker(u, &w, err) : by_us(u, err);
	if (rc == 0)
		rc = record_done(u, !w.ssh, err);
	copy_ended(job, "upload", rc == 0, u->size_bytes, clock_life_ms() - began_ms,
		   rc == 0 ? "the backup is in the storage, read back to its end"
			   : "there is no backup in the storage yet");
	copy_worker_close(&w);
	explicit_bzero(&u->login, sizeof u->login);
	free(u);
	return rc;
}

void backup_s3_prove(struct job *job, struct evidence *ev)
{
	const struct json *fact = job_fact(job, "backup-s3", "");
	struct s3_place place;
	struct s3_login login;
	struct err why = {0};
	char text[UNITS_MAX], clock[UNITS_MAX];
	int64_t size = -1, wanted = json_int(fact, "size_bytes", -2);
	if (!s3_place_read(job, &place))
		return;
	if (!backup_s3_done(job)) {
		evidence_add(ev, VERDICT_FAIL, "storage", "none", "the backup is not in %s/%s yet",
			     place.endpoint, place.bucket);
		return;
	}
	int rc = s3_login_find(job, &login, &why);
	struct s3 *s3 = rc == 0 ? s3_open(job, &place, &login) : NULL;
	explicit_bzero(&login, sizeof login);
	if (rc == 0)
		rc = s3_size(s3, json_str(fact, "key", ""), &size, &why);
	s3_close(s3);
	if (rc < 0)
		evidence_add(ev, VERDICT_UNKNOWN, "storage", "unseen", "%s", why.text);
	else
		evidence_add(
		    ev, size == wanted ? VERDICT_PASS : VERDICT_FAIL, "storage", json_str(fact, "sha256", ""),
		    size == wanted ? "s3://%s/%s: %s, read back to its end at %s, SHA-256 as on the host"
				   : "s3://%s/%s is not the file that was sent (%s; sent at %s)",
		    place.bucket, json_str(fact, "key", ""), size >= 0 ? units_size(text, size) : "missing",
		    units_clock_hm(clock, json_int(fact, "at_ms", 0)));
}
