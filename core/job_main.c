/* One child, from hello to end: finds the row, calls the verb, says how it went. */
#include "core/base/text.h"
#include "core/job_inner.h"
#include "core/job_write.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first two lines, before anything else: hello and secrets. */
static struct json *read_first(struct job *job)
{
	char c;
	struct buf line = {0};
	for (;;) {
		ssize_t n = read(job->fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n' || line.len > JOB_LINE_MAX_BYTES)
			break;
		buf_addc(&line, c);
	}
	struct json *m = line.len ? json_parse(line.data, line.len, NULL) : NULL;
	buf_done(&line);
	return m;
}

static void end_open(struct jw *w, int rc, const struct err *err)
{
	*w = (struct jw){0};
	jw_open(w);
	jw_str(w, "t", "end");
	jw_bool(w, "ok", rc == 0);
	if (rc != 0) {
		jw_str(w, "error", err_kind_name(err->kind));
		jw_str(w, "text", err->text);
	}
}

static int run_step(struct job *job, const struct step *step, struct err *err, struct jw *w)
{
	if (text_equal(job->verb, "plan")) {
		struct plan plan = {.estimate_ms = -1};
		int rc = step->plan ? step->plan(job, &plan, err) : 0;
		end_open(w, rc, err);
		if (rc == 0)
			plan_write(&plan, w, "plan");
		plan_done(&plan);
		return rc;
	}
	if (text_equal(job->verb, "probe")) {
		enum done done = step->probe ? step->probe(job, err) : DONE_UNCLEAR;
		end_open(w, 0, err);
		jw_str(w, "done", done_name(done));
		jw_str(w, "text", err->text);
		return 0;
	}
	if (text_equal(job->verb, "prove")) {
		struct evidence ev = {0};
		enum verdict v = step->prove(job, &ev, err);
		end_open(w, 0, err);
		jw_str(w, "verdict", verdict_name(err->kind ? VERDICT_UNKNOWN : v));
		jw_str(w, "text", err->text);
		evidence_write(&ev, w, "seen");
		evidence_done(&ev);
		return 0;
	}
	int (*act)(struct job *, struct err *) = text_equal(job->verb, "undo") ? step->undo : step->run;
	int rc = act ? act(job, err) : err_set(err, ERR_REFUSED, "%s has no way back", step->name);
	end_open(w, rc, err);
	if (job->cancelled)
		jw_bool(w, "cancelled", true);
	return rc;
}

static int run_check(struct job *job, const struct check *check, struct err *err, struct jw *w)
{
	struct evidence ev = {0};
	enum verdict v = check->run(job, &ev, err);
	end_open(w, 0, err);
	jw_str(w, "verdict", verdict_name(err->kind ? VERDICT_UNKNOWN : v));
	jw_str(w, "text", err->text);
	jw_str(w, "bite", check->bite);
	evidence_write(&ev, w, "seen");
	evidence_done(&ev);
	return 0;
}

static int run_child(struct job *job, struct err *err, struct jw *w)
{
	const char *name = job_name(job);
	if (text_equal(job->role, "step"))
		for (size_t i = 0; step_table[i]; i++)
			if (text_equal(step_table[i]->name, name))
				return run_step(job, step_table[i], err, w);
	if (text_equal(job->role, "check"))
		for (size_t i = 0; check_table[i]; i++)
			if (text_equal(check_table[i]->name, name))
				return run_check(job, check_table[i], err, w);
	int rc = -2;
	char watch[32];
	text_copyf(watch, sizeof watch, "%.*s", (int)strcspn(name, "@"), name);
	if (text_equal(job->role, "watch"))
		for (size_t i = 0; watch_table[i] && rc == -2; i++)
			if (text_equal(watch_table[i]->name, watch))
				rc = watch_table[i]->run(job, err);
	if (text_equal(job->role, "line"))
		for (size_t i = 0; line_table[i] && rc == -2; i++)
			if (text_equal(line_table[i]->name, name))
				rc = line_table[i]->run(job, err);
	if (rc == -2)
		rc = err_set(err, ERR_USAGE, "there is no %s called \"%s\"", job->role, name);
	end_open(w, rc, err);
	return rc;
}

static int job_run(struct job *job)
{
	struct err err = {0};
	struct jw w = {0};
	int rc = run_child(job, &err, &w);
	if (job->spool_fd >= 0) {
		jw_finish(&w);
		struct buf line = {0};
		buf_add(&line, w.buf.data, w.buf.len);
		buf_addc(&line, '\n');
		/* A spool that cannot take the end only makes the attempt UNKNOWN for the next engine, which
		 * then looks. */
		if (job_write_all(job->spool_fd, line.data, line.len) == 0)
			fdatasync(job->spool_fd);
		buf_done(&line);
	}
	job_send(job, &w);
	return rc ? 1 : 0;
}

int job_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN);
	struct job job = {.fd = JOB_FD, .spool_fd = -1};
	fcntl(JOB_FD, F_SETFD, FD_CLOEXEC);
	job.hello = read_first(&job);
	job.secrets = read_first(&job);
	if (json_int(job.hello, "proto", 0) != JOB_PROTO) {
		fprintf(stderr, "nightferry: this is the engine's end of a job, not a command for people\n");
		return 2;
	}
	job.role = json_str(job.hello, "role", "");
	job.verb = json_str(job.hello, "verb", "");
	const char *spool = json_str(job.hello, "spool", "");
	if (*spool)
		job.spool_fd = open(spool, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int rc = job_run(&job);
	json_free(job.hello);
	json_free(job.secrets);
	buf_done(&job.in);
	if (job.spool_fd >= 0)
		close(job.spool_fd);
	return rc;
}
