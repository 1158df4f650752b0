/* download: Heroku's backup straight to the new host. The bytes do not pass this machine; the address, which
 * is a secret, goes there by standard input. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/detached.h"
#include "core/links/heroku.h"
#include "core/steps/host_copy.h"
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
    .rehearse = REHEARSE_SAME,
    .params = params,
    .needs = needs,
    .makes = makes,
    .secrets = secrets,
    .plan = download_plan,
    .run = download_run,
    .probe = download_probe,
    .prove = download_prove,
};

enum { TRIES = 8, LOOK_MS = 500, PROBE_MS = 60000, MARGIN_BYTES = 256 << 20 };

struct download {
	struct job *job;
	struct ssh *ssh;
	struct docker_names names;
	char folder[300], path[360], part[380], base[380], inside[120];
	char app[64], id[48], label[24], etag[120];
	int64_t created_ms, total; /* total: bytes of the dump, -1 not known yet */
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

/* ---- the plan ---- */

/* Both copies at once: the file on the host, and the one pg_restore can see inside. */
static int plan_space(struct download *d, int64_t there, int64_t inside, struct plan *plan, struct err *err)
{
	struct docker_disk home, docker;
	char need[UNITS_MAX], have[UNITS_MAX], also[UNITS_MAX];
	if (docker_disk(d->ssh, d->folder, &home, err) < 0 ||
	    docker_disk(d->ssh, "\"$(docker info -f '{{.DockerRootDir}}')\"", &docker, err) < 0)
		return -1;
	if (d->total < 0) {
		evidence_add(&plan->seen, VERDICT_WARN, "space", "size unknown",
			     "Heroku does not say how large the dump is; %s are free",
			     units_size(have, home.free_bytes));
		return 0;
	}
	bool shared = text_equal(home.device, docker.device);
	int64_t first = d->total - (there > 0 ? there : 0), second = inside == d->total ? 0 : d->total;
	bool fits =
	    shared ? home.free_bytes >= first + second + MARGIN_BYTES
		   : home.free_bytes >= first + MARGIN_BYTES && docker.free_bytes >= second + MARGIN_BYTES;
	units_size(need, shared ? first + second : first);
	units_size(have, home.free_bytes);
	units_size(also, docker.free_bytes);
	evidence_add(&plan->seen, fits ? VERDICT_PASS : VERDICT_FAIL, "space", fits ? "fits" : "too little",
		     "%s needed (one copy on the host, one inside %s), %s free%s%s%s", need,
		     d->names.accessory, have, shared ? "" : ", ", shared ? "" : also,
		     shared ? "" : " where docker lives");
	if (!fits)
		plan_refuse(plan,
			    "the host has not enough room for the dump twice (%s needed, %s free): make room "
			    "on %s, then plan again",
			    need, have, ssh_name(d->ssh));
	return 0;
}

static void plan_words(struct download *d, struct plan *plan)
{
	char size[UNITS_MAX];
	text_copy(plan->target, sizeof plan->target, d->path);
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "FETCHES THE DUMP");
	text_copyf(plan->from, sizeof plan->from, "Heroku's backup %s, %s", d->label,
		   d->total > 0 ? units_size(size, d->total) : "size not told");
	text_copyf(plan->to, sizeof plan->to, "%s:%s", ssh_name(d->ssh), d->path);
	plan_does(plan, "Heroku S3 → host; the bytes do not pass this machine");
	plan_does(plan, "POST /client/v11/apps/%s/transfers/%s/actions/public-url", d->app, d->label);
	plan_does(plan, "on %s: curl -K - (address by standard input, resumed when it breaks)",
		  ssh_name(d->ssh));
	plan_does(plan, "docker cp %s.dump %s:%s, sha256sum on both", d->label, d->names.accessory,
		  d->inside);
	plan_does(plan, "docker exec %s pg_restore -f /dev/null %s (one full read)", d->names.accessory,
		  d->inside);
	text_copy(plan->then, sizeof plan->then, "nobody notices; the host's line and disk are busy");
	text_copy(plan->back, sizeof plan->back, "delete the two files");
	plan->gate = GATE_NONE;
}

static int look_tools(struct download *d, struct plan *plan, struct err *err)
{
	struct buf out = {0};
	int rc = ssh_run(d->ssh, &out, err, "command -v curl || echo none");
	if (rc == 0 && text_starts(buf_text(&out), "none"))
		plan_refuse(
		    plan, "there is no curl on %s: install it there (apt-get install curl), then plan again",
		    ssh_name(d->ssh));
	buf_done(&out);
	return rc;
}

static int fill_plan(struct download *d, struct plan *plan, struct err *err)
{
	const struct json *dump = job_fact(d->job, "dump", "");
	int64_t there, part, inside;
	if (copy_file_size(d->ssh, NULL, d->path, &there, err) < 0 ||
	    copy_file_size(d->ssh, NULL, d->part, &part, err) < 0 ||
	    copy_file_size(d->ssh, d->names.accessory, d->inside, &inside, err) < 0 ||
	    look_tools(d, plan, err) < 0)
		return -1;
	plan_words(d, plan);
	bool same = text_equal(json_str(dump, "backup", ""), d->id);
	int64_t want = json_int(dump, "size_bytes", -2);
	plan->nothing_to_do = same && there == want && inside == want;
	if (part > 0 && there < 0) {
		char have[UNITS_MAX];
		evidence_add(&plan->seen, VERDICT_PASS, "part", "",
			     "%s of it are on the host already; it goes on from there",
			     units_size(have, part));
	}
	if (!plan->nothing_to_do && plan_space(d, there > 0 ? there : part, inside, plan, err) < 0)
		return -1;
	/* 20 MB/s over the line until it is measured, 200 MB/s for hash, copy and full read. */
	if (d->total > 0)
		plan->estimate_ms = d->total / 20000 + d->total / 50000 + 3000;
	return 0;
}

static int download_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct download d;
	if (open_all(job, &d, err) < 0)
		return -1;
	int rc = fill_plan(&d, plan, err);
	ssh_close(d.ssh);
	return rc;
}

/* ---- fetching ---- */

/* "url = ..." as curl's config file takes it. */
static void add_url(struct buf *input, const char *url)
{
	buf_adds(input, "url = \"");
	for (; *url; url++) {
		if (*url == '"' || *url == '\\')
			buf_addc(input, '\\');
		buf_addc(input, *url);
	}
	buf_adds(input, "\"\n");
}

static int fresh_url(struct download *d, char *url, size_t size, struct err *err)
{
	struct heroku *heroku = heroku_open(d->job, HEROKU_PATIENT, err);
	if (!heroku)
		return -1;
	int rc = heroku_public_url(heroku, d->app, d->id, url, size, err);
	heroku_close(heroku);
	return rc;
}

static void take_head(const char *text, const char *name, char *out, size_t size)
{
	const char *at = text_find(text, name);
	at = at ? at + strlen(name) : "";
	at += strspn(at, " ");
	text_clean(out, size, at, strcspn(at, "\r\n"));
}

/* One byte of it, asked from the host: its size, its tag, and that the host has a way to it at all. */
static int ask_size(struct download *d, const char *url, struct err *err)
{
	struct buf input = {0};
	struct ssh_reply reply;
	char range[80], length[40], etag[120];
	add_url(&input, url);
	buf_adds(&input, "range = \"0-0\"\nsilent\nshow-error\nfail\nlocation\nconnect-timeout = "
			 "15\nmax-time = 50\ndump-header = \"-\"\n"
			 "output = \"/dev/null\"\n");
	int rc = ssh_exec(d->ssh,
			  &(struct ssh_call){.command = "curl -K -",
					     .say = "curl -K - (asks for one byte of the dump)",
					     .input = input.data,
					     .input_len = input.len,
					     .timeout_ms = PROBE_MS},
			  &reply, err);
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	take_head(buf_text(&reply.out), "\ncontent-range:", range, sizeof range);
	take_head(buf_text(&reply.out), "\ncontent-length:", length, sizeof length);
	take_head(buf_text(&reply.out), "\netag:", etag, sizeof etag);
	const char *slash = strchr(range, '/');
	int64_t total = slash ? strtoll(slash + 1, NULL, 10) : *range ? -1 : strtoll(length, NULL, 10);
	if (rc == 0 && (reply.status != 0 || total <= 0)) {
		char said[200];
		text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
		rc = err_set(err, ERR_NET,
			     "the host cannot fetch the dump (curl ended with %d: %s); look whether it may "
			     "reach Heroku's storage",
			     reply.status, *said ? said : "no size was told");
	}
	if (rc == 0) {
		d->total = total;
		text_copy(d->etag, sizeof d->etag, etag);
	}
	ssh_reply_done(&reply);
	return rc;
}

static int record_start(struct download *d, struct err *err)
{
	const struct json *before = job_fact(d->job, "download-started", "");
	struct jw w;
	/* Half a file of another object must not be continued. */
	if (text_equal(json_str(before, "part", ""), d->part) &&
	    (!text_equal(json_str(before, "etag", ""), d->etag) ||
	     json_int(before, "total", -1) != d->total) &&
	    ssh_run(d->ssh, NULL, err, "rm -f '%s'", d->part) < 0)
		return -1;
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

static int start_curl(struct download *d, const struct detached *curl, const char *url, struct err *err)
{
	struct buf input = {0};
	add_url(&input, url);
	buf_addf(&input,
		 "output = \"%s\"\ncontinue-at = \"-\"\nsilent\nshow-error\nfail\nlocation\nconnect-timeout "
		 "= 15\nspeed-limit = 1\nspeed-time = 30\n",
		 d->part);
	int rc = detached_start(curl, "curl -K -", buf_text(&input), err);
	explicit_bzero(input.data, input.len);
	buf_done(&input);
	return rc;
}

static void tell(struct download *d, int64_t have, struct copy_rate *rate, const char *text)
{
	double speed = copy_rate(rate, have);
	struct copy_total total = {.stage = "download", .text = text, COPY_UNKNOWN};
	total.bytes = have;
	total.bytes_total = d->total;
	total.rate = speed;
	if (speed > 0 && d->total > have)
		total.eta_ms = (int64_t)((double)(d->total - have) * 1000 / speed);
	copy_tell(d->job, &total);
	job_progress(d->job, have, d->total, "bytes", text);
}

/* Follows curl until it ends; *code gets its exit status, -1 when it vanished. A lost connection is made
 * again. */
static int follow_curl(struct download *d, const struct detached *curl, struct copy_rate *rate, int *code,
		       int64_t *have, char *said, size_t said_size, struct err *err)
{
	for (int dead = 0;;) {
		struct detached_look look;
		struct err seen = {0};
		if (detached_look(curl, 0, &look, &seen) < 0) {
			detached_look_done(&look);
			if (seen.kind != ERR_NET)
				return err_set(err, seen.kind, "%s", seen.text);
			if (copy_reconnect(d->ssh, err) < 0)
				return -1;
			continue;
		}
		*have = strtoll(look.extra, NULL, 10);
		*code = look.state == DETACHED_ENDED ? look.rc : -1;
		text_clean(said, said_size, buf_text(&look.log), look.log.len);
		dead = look.state == DETACHED_DEAD || look.state == DETACHED_NEVER ? dead + 1 : 0;
		bool over = look.state == DETACHED_ENDED || dead >= 3;
		detached_look_done(&look);
		tell(d, *have, rate, "Heroku S3 → host");
		if (over)
			return 0;
		if (job_wait(d->job, LOOK_MS))
			return err_set(err, ERR_CANCELLED, "stopped");
	}
}

static int explain_curl(const struct download *d, int code, const char *said, struct err *err)
{
	if (code == 23)
		return err_set(err, ERR_IO,
			       "the dump could not be written on %s (%s); its disk is full or read-only: "
			       "make room and run again, it goes on where it "
			       "stopped",
			       ssh_name(d->ssh), *said ? said : "curl 23");
	return err_set(err, ERR_NET,
		       "the dump stopped coming %d times without a new byte (curl %d: %s); what is there is "
		       "kept, run again to go on",
		       TRIES, code, *said ? said : "no words");
}

static int cancel_fetch(struct download *d, const struct detached *curl, struct err *err)
{
	char size[UNITS_MAX];
	int64_t have = 0;
	ssh_deaf(d->ssh, true);
	if (detached_stop(curl, 5000, NULL) < 0)
		return err_set(err, ERR_CANCELLED, "stopped here, but curl may still run on %s",
			       ssh_name(d->ssh));
	copy_file_size(d->ssh, NULL, d->part, &have, NULL);
	return err_set(err, ERR_CANCELLED,
		       "stopped; %s of the dump are kept on %s and the next run goes on from there",
		       units_size(size, have > 0 ? have : 0), ssh_name(d->ssh));
}

/* Until all bytes are there. Each try gets a fresh address: they expire, also in the middle. */
static int fetch(struct download *d, char *url, size_t url_size, struct err *err)
{
	char *extra = xasprintf("stat -c %%s '%s' 2>/dev/null || echo 0", d->part);
	struct detached curl = {.ssh = d->ssh, .base = d->base, .program = "curl", .extra = extra};
	struct detached_look look = {0};
	struct copy_rate rate = {0};
	struct err own = {0};
	char said[200] = "";
	int64_t have = 0, best = -1;
	int code = -1, rc = detached_look(&curl, 0, &look, &own);
	bool running = look.state == DETACHED_ALIVE;
	have = strtoll(look.extra, NULL, 10);
	detached_look_done(&look);
	for (int vain = 0; rc == 0 && have < d->total && vain < TRIES && code != 23; running = false) {
		if (!running && best >= 0)
			rc = fresh_url(d, url, url_size, &own);
		if (rc == 0 && !running)
			rc = start_curl(d, &curl, url, &own);
		if (rc == 0)
			rc = follow_curl(d, &curl, &rate, &code, &have, said, sizeof said, &own);
		/* 33: the storage cannot continue; 36: what is there does not fit. Then from the beginning.
		 */
		if (rc == 0 && (code == 33 || code == 36 || have > d->total))
			rc = ssh_run(d->ssh, NULL, &own, "rm -f '%s'", d->part);
		vain = have > best ? 0 : vain + 1;
		best = have > best ? have : best;
		if (rc == 0 && have < d->total && code != 23 && code != 0)
			job_log(d->job, "NEW",
				"the dump stopped at %lld of %lld bytes (curl %d: %s); going on with a fresh "
				"address",
				(long long)have, (long long)d->total, code, said);
		if (rc == 0 && have < d->total && code != 23 && job_wait(d->job, vain ? 1000 * vain : 100))
			rc = err_set(&own, ERR_CANCELLED, "stopped");
	}
	if (rc < 0 && own.kind == ERR_CANCELLED)
		cancel_fetch(d, &curl, err);
	else if (rc < 0)
		err_set(err, own.kind, "%s", own.text);
	else if (have != d->total)
		rc = explain_curl(d, code, said, err);
	free(extra);
	return rc;
}

/* ---- after it ---- */

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
	if (rc == 0 && !text_equal(inside, sha256))
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
	rc = fresh_url(d, url, sizeof url, err);
	if (rc == 0)
		rc = ask_size(d, url, err);
	if (rc == 0)
		rc = record_start(d, err);
	if (rc == 0)
		rc = ssh_run(d->ssh, NULL, err, "umask 077; mkdir -p '%s'", d->folder);
	/* A whole file from an earlier try goes through the same checks as a new one. */
	if (rc == 0)
		rc = copy_file_size(d->ssh, NULL, d->path, &there, err);
	if (rc == 0 && there == d->total)
		rc = ssh_run(d->ssh, NULL, err, "mv -f '%s' '%s'", d->path, d->part);
	if (rc == 0)
		rc = fetch(d, url, sizeof url, err);
	explicit_bzero(url, sizeof url);
	int64_t fetched_ms = clock_life_ms() - began_ms;
	if (rc == 0)
		rc = check_copy(d, sha256, err);
	if (rc == 0)
		rc = record_dump(d, sha256, err);
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
	if (size < 0)
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
