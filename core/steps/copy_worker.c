#include "core/steps/copy_worker.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/links/docker_pg.h"
#include "core/links/pg_sides.h"
#include "core/links/put_self.h"
#include "core/steps/host_copy.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 700, FIRST_LOOK_MS = 100, DEAD_LOOKS = 5, STOP_MS = 30000, URL_MAX = 2048, PUT_MS = 900000 };

/* ---- where ---- */

/* Its own and its lanes'. */
static const char states[] =
    "for q in $p $(cat /proc/$p/task/$p/children 2>/dev/null); do sed -n "
    "\"s/^State:[^A-Z]*\\([A-Z]\\).*/\\1/p\" /proc/$q/status 2>/dev/null; done | tr -d "
    "\"\\n\"";

static struct detached program_of(const struct copy_worker *w)
{
	return (struct detached){.ssh = w->ssh, .base = w->base, .program = "nightferry", .extra = states};
}

/* A host that could not run it is not asked again tonight. */
static int choose(struct copy_worker *w, const char *where, bool was_here, struct err *err)
{
	const struct json *cannot = job_fact(w->job, "copy-not-there", "");
	if (text_equal(where, "here") || was_here) {
		text_copy(w->why_here, sizeof w->why_here, "the playbook says where: here");
	} else if (!*job_config_str(w->job, "host.address", "")) {
		text_copy(w->why_here, sizeof w->why_here,
			  "nightferry.yml names no host that can be reached by SSH");
	} else if (cannot && !text_equal(where, "host")) {
		text_copy(w->why_here, sizeof w->why_here, json_str(cannot, "why", "it does not run there"));
	} else {
		w->ssh = ssh_open(w->job, SSH_ASKING, err);
		return w->ssh ? 0 : -1;
	}
	return 0;
}

int copy_worker_open(struct job *job, struct copy_worker *w, const char *fact, struct err *err)
{
	const struct json *started = job_fact(job, fact, "");
	*w = (struct copy_worker){.job = job};
	text_copy(w->base, sizeof w->base, json_str(started, "base", ""));
	return choose(w, json_str(job_params(job), "where", "auto"),
		      *w->base && json_bool(started, "here", false), err);
}

void copy_worker_close(struct copy_worker *w)
{
	ssh_close(w->ssh);
	json_free(w->result);
	w->ssh = NULL;
	w->result = NULL;
}

const char *copy_worker_place(const struct copy_worker *w)
{
	return w->ssh ? ssh_name(w->ssh) : "this machine";
}

void copy_worker_evidence(const struct copy_worker *w, struct plan *plan, const char *speed)
{
	const char *comma = *speed ? ", " : "";
	if (w->ssh)
		evidence_add(&plan->seen, VERDICT_PASS, "way", "host",
			     "OLD → %s → NEW%s%s: the bytes do not pass this machine", copy_worker_place(w),
			     comma, speed);
	else
		evidence_add(&plan->seen, VERDICT_WARN, "way", "here",
			     "the bytes pass this machine and its line%s%s: %s", comma, speed, w->why_here);
}

/* ---- the start ---- */

static int run_there(void *ctx, const char *script, const struct buf *input, struct buf *out, struct err *err)
{
	struct ssh_reply reply;
	int rc = ssh_exec(ctx,
			  &(struct ssh_call){.command = script,
					     .say = input ? "nightferry puts itself there"
							  : "looks whether nightferry is there and runs",
					     .input = input ? input->data : NULL,
					     .input_len = input ? input->len : 0,
					     .timeout_ms = PUT_MS},
			  &reply, err);
	if (rc == 0 && out)
		buf_add(out, reply.out.data, reply.out.len);
	rc = rc < 0 ? -1 : reply.status;
	ssh_reply_done(&reply);
	return rc;
}

static void sends(void *ctx, size_t size_bytes)
{
	char size[UNITS_MAX];
	job_log(ssh_job(ctx), "NEW", "nightferry puts itself on %s (%s)", ssh_name(ctx),
		units_size(size, (int64_t)size_bytes));
}

/* "Nothing was started", and why: the next plan takes the other way. */
static int record_cannot(struct copy_worker *w, struct err *err)
{
	struct err own = {0};
	char why[240];
	text_copyf(why, sizeof why, "%.200s", err->text);
	struct jw fact;
	jw_fact(&fact, "copy-not-there", "");
	jw_str(&fact, "host", ssh_name(w->ssh));
	jw_str(&fact, "why", why);
	if (job_record(w->job, &fact, &own) < 0)
		return err_set(err, own.kind, "%s", own.text);
	err_wrap(err, "the copy cannot run on the new host; plan again, and it runs here, with the bytes "
		      "passing this machine");
	return -1;
}

static int self_path(struct copy_worker *w, struct buf *command, struct err *err)
{
	char path[400], sha[65];
	if (w->ssh) {
		struct put_self way = {
		    .host = ssh_host(w->ssh), .run = run_there, .sends = sends, .ctx = w->ssh};
		if (put_self(&way, sha, err) < 0)
			return err->kind == ERR_REFUSED ? record_cannot(w, err) : -1;
		buf_addf(command, "\"$HOME/" PUT_SELF_FOLDER "/%s/nightferry\"", sha);
		return 0;
	}
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0)
		return err_set(err, ERR_IO, "this program cannot find itself (/proc/self/exe): %s",
			       strerror(errno));
	path[n] = 0;
	ssh_quote(command, path);
	return 0;
}

static int base_of(struct copy_worker *w, const char *verb, struct err *err)
{
	char folder[140];
	const char *attempt = *job_attempt(w->job) ? job_attempt(w->job) : "0";
	if (w->ssh) {
		if (copy_folder(w->ssh, folder, sizeof folder, err) < 0 ||
		    ssh_run(w->ssh, NULL, err, "umask 077; mkdir -p '%s'", folder) < 0)
			return -1;
		const char *night = strrchr(job_dir(w->job), '/');
		text_copyf(w->base, sizeof w->base, "%s/copy-%s-%s-%s", folder, night ? night + 1 : "night",
			   attempt, verb);
	} else if (!text_copyf(w->base, sizeof w->base, "%s/attempts/%s.%s", job_dir(w->job), attempt,
			       verb)) {
		return err_set(err, ERR_CONFIG, "the night's folder has too long a name");
	}
	return strpbrk(w->base, "\"$`\\") ? err_set(err, ERR_CONFIG, "%s is no plain path", w->base) : 0;
}

/* What the worker needs to reach both sides. */
static int add_sides(struct copy_worker *w, struct jw *order, struct err *err)
{
	char url[URL_MAX] = "", folder[140] = "";
	struct pg_where where;
	int rc = pg_url_old(w->job, url, sizeof url, err);
	jw_obj(order, "source");
	jw_str(order, "url", url);
	jw_end(order);
	if (rc == 0)
		rc = w->ssh ? pg_url_new_there(w->job, w->ssh, url, sizeof url, err)
			    : pg_url_new(w->job, url, sizeof url, err);
	if (rc == 0 && !w->ssh)
		rc = pg_where_new(w->job, &where, err);
	if (rc == 0 && !w->ssh && where.tunnel)
		rc = docker_tunnel(w->job, folder, sizeof folder, err);
	jw_obj(order, "target");
	jw_str(order, "url", url);
	jw_str(order, "folder", folder);
	jw_bool(order, "here", w->ssh != NULL);
	jw_end(order);
	explicit_bzero(url, sizeof url);
	return rc;
}

static int record_start(struct copy_worker *w, const char *verb, const char *fact,
			void (*fields)(struct jw *w, void *ctx), void *ctx, struct err *err)
{
	struct jw f;
	jw_fact(&f, fact, "");
	jw_str(&f, "verb", verb);
	jw_str(&f, "base", w->base);
	jw_str(&f, "place", copy_worker_place(w));
	jw_bool(&f, "here", !w->ssh);
	if (fields)
		fields(&f, ctx);
	return job_record(w->job, &f, err);
}

int copy_worker_start(struct copy_worker *w, const char *verb, const char *fact,
		      void (*fields)(struct jw *w, void *ctx), void *ctx, struct err *err)
{
	struct buf command = {0};
	struct jw order;
	jw_open(&order);
	json_free(w->result);
	w->result = NULL;
	w->log_at = 0;
	*w->error = *w->error_kind = 0;
	int rc = self_path(w, &command, err);
	if (rc == 0)
		rc = base_of(w, verb, err);
	if (rc == 0 && !w->alone)
		rc = add_sides(w, &order, err);
	if (rc == 0)
		rc = record_start(w, verb, fact, fields, ctx, err);
	if (rc == 0) {
		struct detached program = program_of(w);
		if (fields)
			fields(&order, ctx);
		if (w->secret)
			w->secret(&order, ctx);
		buf_addf(&command, " __copy %s", verb);
		rc = detached_start(&program, buf_text(&command), jw_finish(&order), err);
	}
	if (order.buf.data)
		explicit_bzero(order.buf.data, order.buf.len);
	jw_done(&order);
	buf_done(&command);
	return rc;
}

/* ---- listening ---- */

static void hear_line(struct copy_worker *w, const struct copy_ears *ears, const char *text, size_t len)
{
	struct json *line = json_parse(text, len, NULL);
	const char *kind = json_str(line, "kind", "");
	if (!json_is_object(line)) {
		char said[200];
		text_clean(said, sizeof said, text, len);
		if (*said)
			job_log(w->job, "NEW", "%s", said);
	} else if (text_equal(kind, "log")) {
		job_log(w->job, "NEW", "%s", json_str(line, "text", ""));
	} else if (text_equal(kind, "error")) {
		text_copy(w->error, sizeof w->error, json_str(line, "text", ""));
		text_copy(w->error_kind, sizeof w->error_kind, json_str(line, "error", ""));
	} else if (text_equal(kind, "result")) {
		json_free(w->result);
		w->result = line;
		line = NULL;
		if (ears && ears->hear)
			ears->hear(ears->ctx, w->result);
	} else if (ears && ears->hear) {
		ears->hear(ears->ctx, line);
	}
	json_free(line);
}

static void hear_log(struct copy_worker *w, const struct copy_ears *ears, const struct buf *log)
{
	const char *at = buf_text(log), *end = at + log->len;
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len = stop ? (size_t)(stop - at) : (size_t)(end - at);
		if (len)
			hear_line(w, ears, at, len);
		at += len + 1;
	}
	w->log_at += (int64_t)log->len;
}

static int look_once(struct copy_worker *w, const struct copy_ears *ears, struct detached_look *look,
		     struct err *err)
{
	struct detached program = program_of(w);
	if (detached_look(&program, w->log_at, look, err) < 0)
		return -1;
	text_copyf(w->processes, sizeof w->processes, "%.*s", (int)sizeof w->processes - 1, look->extra);
	hear_log(w, ears, &look->log);
	return 0;
}

static bool more(const struct copy_worker *w, const struct detached_look *look)
{
	return look->log.len > 0 && w->log_at < look->log_bytes;
}

int copy_worker_look(struct copy_worker *w, enum detached_state *state, int *rc, struct err *err)
{
	struct detached_look look;
	*state = DETACHED_NEVER;
	*rc = -1;
	for (bool again = *w->base != 0; again;) {
		if (look_once(w, NULL, &look, err) < 0)
			return -1;
		*state = look.state;
		*rc = look.state == DETACHED_ENDED ? look.rc : -1;
		again = more(w, &look);
		detached_look_done(&look);
	}
	return 0;
}

int copy_worker_follow(struct copy_worker *w, const struct copy_ears *ears, int *rc, struct err *err)
{
	if (w->ssh)
		ssh_hush(w->ssh, true);
	/* What is short is seen to end at once; what takes hours is not asked ten times a second. */
	int wait_ms = FIRST_LOOK_MS;
	for (int dead = 0;;) {
		struct detached_look look = {.state = DETACHED_ALIVE};
		struct err seen = {0};
		bool lost = look_once(w, ears, &look, &seen) < 0, rest = false;
		if (lost && seen.kind != ERR_NET)
			return err_set(err, seen.kind, "%s", seen.text);
		if (lost && (!w->ssh || copy_reconnect(w->ssh, err) < 0))
			return w->ssh ? -1 : err_set(err, seen.kind, "%s", seen.text);
		rest = !lost && more(w, &look);
		*rc = look.state == DETACHED_ENDED ? look.rc : -1;
		dead = look.state == DETACHED_DEAD || look.state == DETACHED_NEVER ? dead + 1 : 0;
		bool over = !lost && !rest && (look.state == DETACHED_ENDED || dead >= DEAD_LOOKS);
		detached_look_done(&look);
		if (ears && ears->idle)
			ears->idle(ears->ctx);
		if (over)
			break;
		if (job_wait(w->job, rest ? 1 : dead ? LOOK_MS : wait_ms))
			return err_set(err, ERR_CANCELLED, "stopped");
		wait_ms = wait_ms * 5 / 4 < LOOK_MS ? wait_ms * 5 / 4 : LOOK_MS;
	}
	if (w->ssh)
		ssh_hush(w->ssh, false);
	return 0;
}

int copy_worker_stop(struct copy_worker *w, struct err *err)
{
	struct detached program = program_of(w);
	if (w->ssh)
		ssh_deaf(w->ssh, true);
	return detached_stop(&program, STOP_MS, err);
}

int copy_worker_failed(const struct copy_worker *w, int rc, struct err *err)
{
	static const enum err_kind kinds[] = {ERR_CONFIG, ERR_NET,       ERR_AUTH, ERR_REFUSED,
					      ERR_WORLD,  ERR_CANCELLED, ERR_IO,   ERR_BUG};
	/* 128 and more is a signal, as its shell tells. */
	if (!*w->error && (rc < 0 || rc >= 128))
		return err_set(
		    err, ERR_WORLD,
		    "the copy on %s ended without a word: it was killed, or the machine was restarted or "
		    "out of memory. OLD is as it was",
		    copy_worker_place(w));
	if (!*w->error)
		return err_set(
		    err, ERR_WORLD,
		    "the copy on %s ended with %d and gave no reason (its log is %s.log). OLD is as it "
		    "was",
		    copy_worker_place(w), rc, w->base);
	enum err_kind kind = ERR_WORLD;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text_equal(w->error_kind, err_kind_name(kinds[i])))
			kind = kinds[i];
	return err_set(err, kind, "%s", w->error);
}
