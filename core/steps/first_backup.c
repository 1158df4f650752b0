/* first-backup: from tonight on nobody backs this database up for us. A dump on the host, read to its end.
 * The copy of Heroku's dump that pg_restore read in the container goes, once the comparison has passed. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/detached.h"
#include "core/steps/backup_s3.h"
#include "core/steps/host_copy.h"
#include <stdlib.h>
#include <string.h>

static int first_backup_plan(struct job *job, struct plan *plan, struct err *err);
static int first_backup_run(struct job *job, struct err *err);
static enum done first_backup_probe(struct job *job, struct err *err);
static enum verdict first_backup_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"part_mb", "int", "16", "how large the parts of an upload are, in MB; at least 5"},
    {"where", "text", "auto", "who sends it: host, here (through this machine), or auto: the host if it can"},
    {0},
};
static const char *const makes[] = {"backup-first", "backup-s3", "dump-copy-removed", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
				      "AWS_SESSION_TOKEN", NULL};

const struct step first_backup_step = {
    .name = "first-backup",
    .help = "the new database's first backup, on the host and in a bucket, read to its end",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = first_backup_plan,
    .run = first_backup_run,
    .probe = first_backup_probe,
    .prove = first_backup_prove,
};

enum { LOOK_MS = 500, DEAD_LOOKS = 3 };

struct backup {
	struct job *job;
	struct ssh *ssh;
	struct docker_db db;
	char folder[320], path[360], part[380], base[380];
	struct detached program;
	const char *copy;     /* of Heroku's dump, in the container's /tmp */
	int64_t copy_bytes;   /* -1: it is not there */
	const char *kept_why; /* NULL: nobody needs it any more */
	struct backup_file file;
};

static int open_all(struct job *job, struct backup *b, struct err *err)
{
	char home[300];
	const struct json *started = job_fact(job, "backup-first-started", "");
	*b = (struct backup){.job = job};
	if (docker_db(job, &b->db, err) < 0 || !(b->ssh = ssh_open(job, SSH_ASKING, err)))
		return -1;
	if (copy_folder(b->ssh, home, sizeof home, err) < 0)
		return -1;
	text_copyf(b->folder, sizeof b->folder, "%s/backups", home);
	/* Attempts are numbered by night: without it, two nights would write one file. */
	text_copyf(b->path, sizeof b->path, "%s/first-%s-%s.dump", b->folder,
		   *job_night(job) ? job_night(job) : "by-hand", *job_attempt(job) ? job_attempt(job) : "0");
	/* A start that nobody saw the end of is looked at where it was made. */
	if (*json_str(started, "path", ""))
		text_copy(b->path, sizeof b->path, json_str(started, "path", ""));
	text_copyf(b->part, sizeof b->part, "%s.part", b->path);
	text_copyf(b->base, sizeof b->base, "%s.run", b->path);
	b->program = (struct detached){.ssh = b->ssh, .base = b->base, .program = "docker"};
	return 0;
}

/* Nobody needs the copy any more when the comparison has passed and the dump itself lies on the host. */
static int look_copy(struct backup *b, struct err *err)
{
	const struct json *dump = job_fact(b->job, "dump", "");
	const char *verdict = json_str(job_fact(b->job, "compared", ""), "verdict", "");
	int64_t outside;
	b->copy = json_str(dump, "inside", "");
	b->copy_bytes = -1;
	if (!text_starts(b->copy, "/tmp/nightferry-") ||
	    !text_equal(json_str(dump, "container", ""), b->db.container))
		return 0;
	if (copy_file_size(b->ssh, b->db.container, b->copy, &b->copy_bytes, err) < 0 ||
	    copy_file_size(b->ssh, NULL, json_str(dump, "path", ""), &outside, err) < 0)
		return -1;
	b->kept_why = !text_equal(verdict, "PASS") && !text_equal(verdict, "WARN")
			  ? "count-rows has not passed"
		      : outside != json_int(dump, "size_bytes", -2) ? "the dump on the host is not whole"
								    : NULL;
	return 0;
}

static bool backed_up(const struct backup *b, int64_t size)
{
	return size > 0 && size == json_int(job_fact(b->job, "backup-first", ""), "size_bytes", -1);
}

static void plan_copy(const struct backup *b, struct plan *plan)
{
	char size[UNITS_MAX];
	if (b->copy_bytes < 0)
		return;
	if (b->kept_why)
		evidence_add(&plan->seen, VERDICT_WARN, "copy", "kept",
			     "the copy of Heroku's dump in %s (%s) stays: %s", b->db.container,
			     units_size(size, b->copy_bytes), b->kept_why);
	else
		plan_does(plan,
			  "docker exec %s rm -f %s (%s, the copy pg_restore read; Heroku's dump stays at %s)",
			  b->db.container, b->copy, units_size(size, b->copy_bytes),
			  json_str(job_fact(b->job, "dump", ""), "path", ""));
}

static int first_backup_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct backup b;
	struct docker_disk disk;
	char have[UNITS_MAX], need[UNITS_MAX];
	int64_t size, want = json_int(job_fact(job, "dump", ""), "size_bytes", 0);
	int rc = open_all(job, &b, err);
	if (rc == 0)
		rc = docker_disk(b.ssh, b.folder, &disk, err);
	if (rc == 0)
		rc = copy_file_size(b.ssh, NULL, b.path, &size, err);
	if (rc == 0)
		rc = look_copy(&b, err);
	if (rc == 0) {
		text_copy(plan->target, sizeof plan->target, b.db.database);
		text_copy(plan->side, sizeof plan->side, "NEW");
		text_copy(plan->verb, sizeof plan->verb, "BACKS UP");
		text_copyf(plan->from, sizeof plan->from, "database %s in %s", b.db.database, b.db.container);
		text_copyf(plan->to, sizeof plan->to, "%s:%s", ssh_name(b.ssh), b.path);
		plan_does(plan, "docker exec %s pg_dump -Fc -U %s -d %s >%s", b.db.container, b.db.user,
			  b.db.database, b.path);
		plan_does(plan, "docker exec -i %s pg_restore -f /dev/null <%s (one full read)",
			  b.db.container, b.path);
		plan_copy(&b, plan);
		text_copy(plan->then, sizeof plan->then,
			  "the database reads all of itself once; visitors may wait a little longer");
		text_copy(plan->back, sizeof plan->back, "delete the file");
		plan->estimate_ms = want > 0 ? want / 20000 + 3000 : -1;
		plan->nothing_to_do =
		    backed_up(&b, size) && (b.copy_bytes < 0 || b.kept_why) && backup_s3_done(job);
		backup_s3_plan(job, plan);
		bool fits = disk.free_bytes > want + want / 5;
		evidence_add(&plan->seen, fits ? VERDICT_PASS : VERDICT_FAIL, "space",
			     fits ? "fits" : "too little", "about %s needed, %s free", units_size(need, want),
			     units_size(have, disk.free_bytes));
		if (!fits)
			plan_refuse(
			    plan, "the backup needs about %s and %s has %s free: make room, then plan again",
			    need, ssh_name(b.ssh), have);
	}
	ssh_close(b.ssh);
	return rc;
}

/* ---- the run ---- */

static int start(struct backup *b, struct err *err)
{
	struct buf command = {0};
	struct jw w;
	jw_fact(&w, "backup-first-started", "");
	jw_str(&w, "path", b->path);
	jw_str(&w, "host", ssh_name(b->ssh));
	jw_int(&w, "at_ms", clock_wall_ms());
	if (job_record(b->job, &w, err) < 0 ||
	    ssh_run(b->ssh, NULL, err, "umask 077; mkdir -p '%s'", b->folder) < 0)
		return -1;
	buf_addf(&command, "docker exec %s pg_dump -Fc -U ", b->db.container);
	ssh_quote(&command, b->db.user);
	buf_adds(&command, " -d ");
	ssh_quote(&command, b->db.database);
	buf_addf(&command, " >'%s'", b->part);
	int rc = detached_start(&b->program, buf_text(&command), NULL, err);
	buf_done(&command);
	return rc;
}

static int follow(struct backup *b, struct err *err)
{
	struct copy_rate rate = {0};
	char *extra = xasprintf("stat -c %%s '%s' 2>/dev/null || echo 0", b->part), said[200] = "";
	int rc = 1, code = -1;
	b->program.extra = extra;
	for (int dead = 0; rc == 1;) {
		struct detached_look look;
		struct err seen = {0};
		struct copy_total total = {.stage = "backup", .text = "pg_dump on the host", COPY_UNKNOWN};
		if (detached_look(&b->program, 0, &look, &seen) == 0) {
			total.bytes = strtoll(look.extra, NULL, 10);
			total.rate = copy_rate(&rate, total.bytes);
			copy_tell(b->job, &total);
			job_progress(b->job, total.bytes,
				     json_int(job_fact(b->job, "dump", ""), "size_bytes", 0), "bytes",
				     "pg_dump on the host");
			text_clean(said, sizeof said, buf_text(&look.log), look.log.len);
			dead = look.state == DETACHED_ALIVE ? 0 : dead + 1;
			code = look.state == DETACHED_ENDED ? look.rc : -1;
			rc = look.state == DETACHED_ENDED || dead >= DEAD_LOOKS ? 0 : 1;
		} else if (seen.kind != ERR_NET) {
			rc = err_set(err, seen.kind, "%s", seen.text);
		} else if (copy_reconnect(b->ssh, err) < 0) {
			rc = -1;
		}
		detached_look_done(&look);
		if (rc == 1 && job_wait(b->job, LOOK_MS)) {
			ssh_deaf(b->ssh, true);
			detached_stop(&b->program, 5000, NULL);
			rc = err_set(err, ERR_CANCELLED,
				     "the backup was stopped; there is none yet, run first-backup again");
		}
	}
	b->program.extra = NULL;
	free(extra);
	if (rc == 0 && code != 0)
		rc =
		    err_set(err, ERR_WORLD, "pg_dump %s (%s); there is no backup yet, run first-backup again",
			    code < 0 ? "vanished" : "failed", *said ? said : "no words");
	return rc;
}

static int record_end(struct backup *b, struct err *err)
{
	char sha256[65];
	int64_t size;
	if (copy_file_size(b->ssh, NULL, b->path, &size, err) < 0 ||
	    copy_file_sha256(b->ssh, NULL, b->path, sha256, err) < 0)
		return -1;
	struct jw w;
	b->file.size_bytes = size;
	text_copy(b->file.path, sizeof b->file.path, b->path);
	text_copy(b->file.sha256, sizeof b->file.sha256, sha256);
	jw_fact(&w, "backup-first", "");
	jw_str(&w, "path", b->path);
	jw_str(&w, "host", ssh_name(b->ssh));
	jw_int(&w, "size_bytes", size);
	jw_str(&w, "sha256", sha256);
	jw_str(&w, "database", b->db.database);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(b->job, &w, err);
}

static int remove_copy(struct backup *b, struct err *err)
{
	int64_t left = -1;
	struct jw w;
	if (look_copy(b, err) < 0)
		return -1;
	if (b->copy_bytes < 0 || b->kept_why)
		return 0;
	jw_fact(&w, "dump-copy-removed", "");
	jw_str(&w, "container", b->db.container);
	jw_str(&w, "path", b->copy);
	jw_int(&w, "size_bytes", b->copy_bytes);
	jw_int(&w, "at_ms", clock_wall_ms());
	if (job_record(b->job, &w, err) < 0 ||
	    ssh_run(b->ssh, NULL, err, "docker exec %s rm -f %s", b->db.container, b->copy) < 0 ||
	    copy_file_size(b->ssh, b->db.container, b->copy, &left, err) < 0)
		return -1;
	return left < 0 ? 0
			: err_set(err, ERR_WORLD,
				  "the backup is on the host, but the copy of the dump %s is still in %s; "
				  "remove it there",
				  b->copy, b->db.container);
}

static int back_up(struct backup *b, struct err *err)
{
	struct detached_look look;
	int64_t began_ms = clock_life_ms(), size = -1;
	/* A run whose end nobody saw: its pg_dump may still be at work, or be ready. */
	if (detached_look(&b->program, 0, &look, err) < 0)
		return -1;
	bool begun = look.state == DETACHED_ALIVE || (look.state == DETACHED_ENDED && look.rc == 0);
	detached_look_done(&look);
	if (begun && copy_file_size(b->ssh, NULL, b->part, &size, err) < 0)
		return -1;
	if (!(begun && size > 0) && start(b, err) < 0)
		return -1;
	int rc = follow(b, err);
	job_progress(b->job, 0, 0, "", "reading it once to its end");
	if (rc == 0)
		rc = copy_read_through(b->ssh, b->db.container, b->part, true, err);
	if (rc == 0)
		rc = ssh_run(b->ssh, NULL, err, "mv -f '%s' '%s'", b->part, b->path);
	if (rc == 0)
		rc = record_end(b, err);
	copy_ended(b->job, "backup", rc == 0, -1, clock_life_ms() - began_ms,
		   rc == 0 ? "the first backup is on the host, read to its end" : "there is no backup yet");
	return rc;
}

static int run_all(struct backup *b, struct err *err)
{
	int64_t size;
	const struct json *before = job_fact(b->job, "backup-first", "");
	if (copy_file_size(b->ssh, NULL, b->path, &size, err) < 0)
		return -1;
	text_copy(b->file.path, sizeof b->file.path, b->path);
	text_copy(b->file.sha256, sizeof b->file.sha256, json_str(before, "sha256", ""));
	b->file.size_bytes = size;
	if (!backed_up(b, size) && back_up(b, err) < 0)
		return -1;
	/* The file is safe on the host whatever becomes of its second place. */
	if (backup_s3_run(b->job, b->ssh, &b->file, err) < 0)
		return -1;
	return remove_copy(b, err);
}

static int first_backup_run(struct job *job, struct err *err)
{
	struct backup b;
	int rc = open_all(job, &b, err);
	if (rc == 0)
		rc = run_all(&b, err);
	ssh_close(b.ssh);
	return rc;
}

static enum done first_backup_probe(struct job *job, struct err *err)
{
	struct backup b;
	struct detached_look look = {0};
	enum done done = DONE_UNCLEAR;
	bool goes_up = false;
	int64_t size;
	if (!job_fact(job, "backup-first-started", ""))
		return DONE_NOT_DONE;
	if (open_all(job, &b, err) == 0 && detached_look(&b.program, 0, &look, err) == 0 &&
	    copy_file_size(b.ssh, NULL, b.path, &size, err) == 0 && backup_s3_runs(job, &goes_up, err) == 0)
		done = look.state == DETACHED_ALIVE || goes_up                                ? DONE_RUNNING
		       : size > 0 && job_fact(job, "backup-first", "") && backup_s3_done(job) ? DONE_DONE
											      : DONE_NOT_DONE;
	detached_look_done(&look);
	ssh_close(b.ssh);
	return done;
}

static enum verdict first_backup_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *fact = job_fact(job, "backup-first", "");
	struct backup b;
	char sha256[65], text[UNITS_MAX];
	int64_t size, dump = json_int(job_fact(job, "dump", ""), "size_bytes", 0);
	if (!fact) {
		evidence_add(ev, VERDICT_FAIL, "file", "none",
			     "no backup of the new database was made tonight");
		return VERDICT_FAIL;
	}
	int rc = open_all(job, &b, err);
	if (rc == 0)
		rc = copy_file_size(b.ssh, NULL, json_str(fact, "path", ""), &size, err);
	if (rc == 0)
		rc = copy_file_sha256(b.ssh, NULL, json_str(fact, "path", ""), sha256, err);
	if (rc == 0)
		rc = look_copy(&b, err);
	ssh_close(b.ssh);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	bool same =
	    size == json_int(fact, "size_bytes", -2) && text_equal(sha256, json_str(fact, "sha256", "?"));
	evidence_add(ev, same ? VERDICT_PASS : VERDICT_FAIL, "file", sha256,
		     same ? "%s: %s, SHA-256 %.12s… as recorded" : "%s is not the recorded file (%s, %.12s)",
		     json_str(fact, "path", ""), size >= 0 ? units_size(text, size) : "missing", sha256);
	bool large = size * 2 > dump;
	evidence_add(ev, large ? VERDICT_PASS : VERDICT_FAIL, "size", large ? "like" : "small",
		     large ? "it is as large as Heroku's dump, more or less"
			   : "it is less than half of Heroku's dump: tables may be missing");
	backup_s3_prove(job, ev);
	if (b.copy_bytes >= 0)
		evidence_add(ev, VERDICT_WARN, "copy", "there",
			     "the copy of Heroku's dump is still in %s, at %s%s%s", b.db.container, b.copy,
			     b.kept_why ? ": " : "", b.kept_why ? b.kept_why : "");
	return evidence_verdict(ev);
}
