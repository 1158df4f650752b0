/* download: Heroku's backup straight to the new host. The bytes do not pass this machine; the address, which
 * is a secret, goes there by standard input. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/detached.h"
#include "core/links/heroku.h"
#include "core/steps/download.h"
#include <stdlib.h>
#include <string.h>

static int download_plan(struct job *job, struct plan *plan, struct err *err);
static int download_run(struct job *job, struct err *err);
static enum done download_probe(struct job *job, struct err *err);
static enum verdict download_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"to", "text", "host", "where the dump goes: host, the new server"},
    {0},
};
static const char *const needs[] = {"backup", NULL};
static const char *const makes[] = {"dump", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", "NEW_DATABASE_URL", NULL};

const struct step download_step = {
    .name = "download",
    .help = "fetches Heroku's backup to the new host, and reads it once to its end",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .joins = true,
    .rehearse = REHEARSE_SAME,
    .by_size = true,
    .params = params,
    .needs = needs,
    .makes = makes,
    .secrets = secrets,
    .plan = download_plan,
    .run = download_run,
    .probe = download_probe,
    .prove = download_prove,
};

static int name_paths(struct download *d, struct err *err)
{
	const struct json *backup = job_fact(d->job, "backup", "");
	text_copy(d->id, sizeof d->id, json_str(backup, "id", ""));
	text_copyf(d->label, sizeof d->label, "b%03lld", (long long)json_int(backup, "num", 0));
	text_copy(d->app, sizeof d->app, json_str(backup, "app", job_config_str(d->job, "heroku.app", "")));
	d->created_ms = json_int(backup, "created_ms", heroku_time_ms(json_str(backup, "created_at", "")));
	d->total = json_int(backup, "processed_bytes", -1) > 0 ? json_int(backup, "processed_bytes", -1) : -1;
	if (!*d->id)
		return err_set(err, ERR_REFUSED, "there is no backup to fetch yet: run capture first");
	if (copy_not_rehearsed(d->job, d->id, err) < 0)
		return -1;
	if (copy_folder(d->ssh, d->folder, sizeof d->folder, err) < 0)
		return -1;
	text_copyf(d->path, sizeof d->path, "%s/%s.dump", d->folder, d->label);
	text_copyf(d->part, sizeof d->part, "%s/%s.part", d->folder, d->label);
	text_copyf(d->base, sizeof d->base, "%s/%s.fetch", d->folder, d->label);
	text_copyf(d->inside, sizeof d->inside, "/tmp/nightferry-%s.dump", d->label);
	return 0;
}

static int open_all(struct job *job, struct download *d, struct err *err)
{
	*d = (struct download){.job = job, .total = -1};
	const char *to = json_str(job_params(job), "to", "host");
	if (!text_equal(to, "host"))
		return err_set(err, ERR_CONFIG,
			       "download: to is \"%s\", but only host is there; mend the playbook", to);
	if (docker_names(job, &d->names, err) < 0 || docker_need_accessory(&d->names, err) < 0)
		return -1;
	d->ssh = ssh_open(job, SSH_ASKING, err);
	if (!d->ssh)
		return -1;
	if (name_paths(d, err) == 0)
		return 0;
	ssh_close(d->ssh);
	return -1;
}

static int download_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct download d;
	if (open_all(job, &d, err) < 0)
		return -1;
	int rc = download_fill_plan(&d, plan, err);
	ssh_close(d.ssh);
	return rc;
}

/* ---- the run ---- */

static int record_start(struct download *d, struct err *err)
{
	struct jw w;
	jw_fact(&w, "download-started", "");
	jw_str(&w, "backup", d->id);
	jw_str(&w, "host", ssh_name(d->ssh));
	jw_str(&w, "path", d->path);
	jw_str(&w, "part", d->part);
	jw_str(&w, "base", d->base);
	jw_str(&w, "inside", d->inside);
	jw_str(&w, "etag", d->etag);
	jw_int(&w, "total", d->total);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(d->job, &w, err);
}

static int check_copy(struct download *d, char sha256[65], struct err *err)
{
	char inside[65];
	int64_t size;
	if (ssh_run(d->ssh, NULL, err, "mv -f '%s' '%s'", d->part, d->path) < 0 ||
	    copy_file_size(d->ssh, NULL, d->path, &size, err) < 0)
		return -1;
	if (size != d->total)
		return err_set(err, ERR_WORLD,
			       "the dump on the host has %lld bytes instead of %lld; run again",
			       (long long)size, (long long)d->total);
	job_progress(d->job, 0, 0, "", "hashing it on the host");
	if (copy_file_sha256(d->ssh, NULL, d->path, sha256, err) < 0)
		return -1;
	job_progress(d->job, 0, 0, "", "copying it to where pg_restore sees it");
	struct ssh_reply reply;
	char *command = xasprintf("docker cp -q '%s' %s:%s", d->path, d->names.accessory, d->inside);
	int rc =
	    ssh_exec(d->ssh, &(struct ssh_call){.command = command, .timeout_ms = 3600 * 1000}, &reply, err);
	if (rc == 0 && reply.status != 0) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_IO,
			     "the dump could not be copied into %s (%s); the file on the host is whole, make "
			     "room and run again",
			     d->names.accessory, said);
	}
	free(command);
	ssh_reply_done(&reply);
	if (rc == 0)
		rc = copy_file_sha256(d->ssh, d->names.accessory, d->inside, inside, err);
	if (rc == 0 && (!*sha256 || !text_equal(inside, sha256)))
		rc = err_set(err, ERR_WORLD,
			     "the copy of the dump inside %s differs from the one on the host; run again",
			     d->names.accessory);
	job_progress(d->job, 0, 0, "", "reading it once to its end");
	return rc < 0 ? rc : copy_read_through(d->ssh, d->names.accessory, d->inside, false, err);
}

static int record_dump(struct download *d, const char *sha256, struct err *err)
{
	const struct json *frozen = job_fact(d->job, "frozen", "");
	struct jw w;
	jw_fact(&w, "dump", "");
	jw_str(&w, "path", d->path);
	jw_str(&w, "host", ssh_name(d->ssh));
	jw_str(&w, "inside", d->inside);
	jw_str(&w, "container", d->names.accessory);
	jw_int(&w, "size_bytes", d->total);
	jw_str(&w, "sha256", sha256);
	jw_str(&w, "backup", d->id);
	jw_str(&w, "label", d->label);
	jw_int(&w, "created_ms", d->created_ms);
	jw_bool(&w, "created_after_freeze",
		json_bool(job_fact(d->job, "backup", ""), "after_freeze",
			  frozen && d->created_ms >= json_int(frozen, "at_ms", INT64_MAX)));
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(d->job, &w, err);
}

/* How long hash, copy and full read took, for the estimate of the next night. */
static int record_checked(struct download *d, int64_t ms, struct err *err)
{
	struct jw w;
	jw_fact(&w, "dump-checked", "");
	jw_int(&w, "bytes", d->total);
	jw_int(&w, "ms", ms);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(d->job, &w, err);
}

/* 1: what the fact says is there, by its hash. */
static int have_it(struct download *d, struct err *err)
{
	const struct json *dump = job_fact(d->job, "dump", "");
	const char *want = json_str(dump, "sha256", "");
	char sha256[65], inside[65];
	if (!text_equal(json_str(dump, "backup", ""), d->id) || !*want)
		return 0;
	if (copy_file_sha256(d->ssh, NULL, d->path, sha256, err) < 0 ||
	    copy_file_sha256(d->ssh, d->names.accessory, d->inside, inside, err) < 0)
		return -1;
	return text_equal(sha256, want) && text_equal(inside, want);
}

static int run_all(struct download *d, struct err *err)
{
	char url[4096], sha256[65] = "", text[160], rate[UNITS_MAX];
	int64_t began_ms = clock_life_ms(), there;
	int rc = have_it(d, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	rc = download_url(d, url, sizeof url, err);
	if (rc == 0)
		rc = download_ask_size(d, url, err);
	if (rc == 0)
		rc = record_start(d, err);
	if (rc == 0)
		rc = download_claim(d, err);
	/* A whole file from an earlier try goes through the same checks as a new one. */
	if (rc == 0)
		rc = copy_file_size(d->ssh, NULL, d->path, &there, err);
	if (rc == 0 && there == d->total)
		rc = ssh_run(d->ssh, NULL, err, "mv -f '%s' '%s'", d->path, d->part);
	if (rc == 0)
		rc = download_fetch(d, url, sizeof url, err);
	explicit_bzero(url, sizeof url);
	int64_t fetched_ms = clock_life_ms() - began_ms;
	if (rc == 0)
		rc = check_copy(d, sha256, err);
	if (rc == 0)
		rc = record_dump(d, sha256, err);
	if (rc == 0)
		rc = record_checked(d, clock_life_ms() - began_ms - fetched_ms, err);
	units_rate(rate, fetched_ms > 0 ? (double)d->total * 1000 / (double)fetched_ms : 0);
	text_copyf(text, sizeof text,
		   rc == 0 ? "%s on the host at %s, read to its end" : "%s is not complete on the host",
		   d->label, rate);
	copy_ended(d->job, "download", rc == 0, d->total, clock_life_ms() - began_ms, text);
	return rc;
}

static int download_run(struct job *job, struct err *err)
{
	struct download d;
	if (open_all(job, &d, err) < 0)
		return -1;
	int rc = run_all(&d, err);
	ssh_close(d.ssh);
	return rc;
}

static enum done download_probe(struct job *job, struct err *err)
{
	struct download d;
	enum done done = DONE_UNCLEAR;
	struct detached_look look = {0};
	if (!job_fact(job, "download-started", "") && !job_fact(job, "dump", ""))
		return DONE_NOT_DONE;
	if (open_all(job, &d, err) < 0)
		return DONE_UNCLEAR;
	struct detached curl = {.ssh = d.ssh, .base = d.base, .program = "curl"};
	int have = have_it(&d, err);
	if (have == 0 && detached_look(&curl, 0, &look, err) == 0)
		done = look.state == DETACHED_ALIVE ? DONE_RUNNING : DONE_NOT_DONE;
	else if (have > 0)
		done = DONE_DONE;
	detached_look_done(&look);
	ssh_close(d.ssh);
	return done;
}

/* first-backup takes the copy away when nobody needs it any more. */
static bool removed_since(const struct download *d, const struct json *dump, const char *path)
{
	const struct json *removed = job_fact(d->job, "dump-copy-removed", "");
	return text_equal(json_str(removed, "path", ""), path) &&
	       json_int(removed, "at_ms", 0) >= json_int(dump, "at_ms", 0);
}

static int prove_file(struct download *d, const struct json *dump, const char *container, const char *path,
		      struct evidence *ev, struct err *err)
{
	char sha256[65], size_text[UNITS_MAX];
	int64_t size;
	const char *where = container ? container : "the host";
	if (copy_file_size(d->ssh, container, path, &size, err) < 0 ||
	    copy_file_sha256(d->ssh, container, path, sha256, err) < 0)
		return -1;
	bool same =
	    size == json_int(dump, "size_bytes", -2) && text_equal(sha256, json_str(dump, "sha256", "?"));
	const char *name = container ? "inside" : "file";
	if (size < 0 && container && removed_since(d, dump, path))
		evidence_add(ev, VERDICT_PASS, name, "removed", "%s in %s was removed after the comparison",
			     path, where);
	else if (size < 0)
		evidence_add(ev, VERDICT_FAIL, name, "missing",
			     "%s is not on %s any more: run download again", path, where);
	else if (same)
		evidence_add(ev, VERDICT_PASS, name, sha256, "%s on %s: %s, SHA-256 %.12s… as recorded", path,
			     where, units_size(size_text, size), sha256);
	else
		evidence_add(ev, VERDICT_FAIL, name, sha256,
			     "%s on %s is not the file that was recorded: run download again", path, where);
	return 0;
}

static enum verdict download_prove(struct job *job, struct evidence *ev, struct err *err)
{
	const struct json *dump = job_fact(job, "dump", ""), *frozen = job_fact(job, "frozen", "");
	struct download d;
	char made[UNITS_MAX], froze[UNITS_MAX];
	if (!dump) {
		evidence_add(ev, VERDICT_FAIL, "dump", "none", "no dump was brought to the host");
		return VERDICT_FAIL;
	}
	if (open_all(job, &d, err) < 0)
		return VERDICT_UNKNOWN;
	int rc = prove_file(&d, dump, NULL, json_str(dump, "path", ""), ev, err);
	if (rc == 0)
		rc = prove_file(&d, dump, d.names.accessory, json_str(dump, "inside", d.inside), ev, err);
	ssh_close(d.ssh);
	if (rc < 0)
		return VERDICT_UNKNOWN;
	if (!text_equal(json_str(dump, "backup", ""), d.id))
		evidence_add(ev, VERDICT_FAIL, "backup", d.id,
			     "a newer backup was captured since: run download again");
	bool after = json_bool(dump, "created_after_freeze", false);
	if (!frozen)
		evidence_add(ev, VERDICT_WARN, "freeze", "none",
			     "no freeze is recorded, so nobody can say that the dump holds the last write");
	else
		evidence_add(ev, after ? VERDICT_PASS : VERDICT_FAIL, "freeze", after ? "after" : "before",
			     after ? "the backup of %s was begun after the freeze of %s"
				   : "the backup of %s was begun BEFORE the freeze of %s: capture again",
			     units_clock(made, d.created_ms),
			     units_clock(froze, json_int(frozen, "at_ms", 0)));
	return evidence_verdict(ev);
}
