/* run: a command on the new host. It is started there detached from us, so that a lost connection ends
 * nothing; its output and its end lie in files beside it, known by the attempt. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/detached.h"
#include "core/steps/foreign.h"
#include <stdlib.h>
#include <string.h>

static int run_plan(struct job *job, struct plan *plan, struct err *err);
static int run_run(struct job *job, struct err *err);
static enum done run_probe(struct job *job, struct err *err);
static enum verdict run_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"command", "any", NULL, "what runs on the new host: a line for its shell, or a list of words"},
    {"prove", "any", "", "a command there that looks whether it is done, and changes nothing"},
    {"expect", "any", "", "what that says when it is done: a text, or a list of them"},
    {"target", "text", "", "what the gate's phrase names; default: the step's id"},
    {"gate", "text", "", "yes (default) or type"},
    {0},
};

const struct step run_step = {
    .name = "run",
    .help = "runs a command on the new host, and proves by another what it did",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .plan = run_plan,
    .run = run_run,
    .undo = NULL,
    .probe = run_probe,
    .prove = run_prove,
};

enum { LOOK_MS = 500, PROVE_MS = 60000, TERM_MS = 30000, LOST_LOOKS = 30, DEAD_LOOKS = 4 };

/* Its files: in the login's home there, named by night and attempt, so that no other night's are taken for
 * ours. */
static void base_of(const struct job *job, const char *attempt, char out[160])
{
	const char *night = strrchr(job_dir(job), '/');
	char clean[64];
	text_copy(clean, sizeof clean, night ? night + 1 : "night");
	for (char *p = clean; *p; p++)
		if (!strchr("0123456789-TZ", *p))
			*p = '_';
	text_copyf(out, 160, "$HOME/.nightferry-run-%s-%s", clean, attempt);
}

static struct detached at(struct ssh *ssh, const char *base)
{
	return (struct detached){.ssh = ssh, .base = base, .program = "sh"};
}

static enum verdict look(struct job *job, struct evidence *ev, struct err *err)
{
	struct buf line = {0};
	struct ssh_reply reply = {0};
	enum verdict v = VERDICT_UNKNOWN;
	struct ssh *ssh = foreign_line(job, "prove", &line, err) < 0 ? NULL : ssh_open(job, SSH_ASKING, err);
	if (ssh && ssh_exec(ssh, &(struct ssh_call){.command = buf_text(&line), .timeout_ms = PROVE_MS},
			    &reply, err) == 0) {
		buf_add(&reply.out, reply.err.data, reply.err.len);
		v = foreign_judge(job, buf_text(&line), &reply.out, reply.status, ev);
	}
	ssh_reply_done(&reply);
	ssh_close(ssh);
	buf_done(&line);
	return v;
}

/* An earlier attempt of this step that still runs there. 1: there is one; -1: it cannot be known. */
static int find_alive(struct job *job, char *attempt, size_t size, struct err *err)
{
	const struct json *fact;
	struct ssh *ssh = NULL;
	int found = 0;
	for (size_t i = 0; found == 0 && (fact = job_fact_at(job, "run", i)) != NULL; i++) {
		struct detached_look now;
		if (!text_equal(json_str(fact, "step", ""), job_step(job)))
			continue;
		if (!ssh && !(ssh = ssh_open(job, SSH_ASKING, err)))
			return -1;
		struct detached d = at(ssh, json_str(fact, "base", ""));
		found = detached_look(&d, 0, &now, err);
		if (found == 0 && now.state == DETACHED_ALIVE) {
			text_copyf(attempt, size, "%s as process %d", json_str(fact, "attempt", ""), now.pid);
			found = 1;
		}
		detached_look_done(&now);
	}
	ssh_close(ssh);
	return found;
}

static int run_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct buf line = {0};
	char alive[80], where[200];
	int proves = foreign_proves(job, err);
	if (proves < 0 || foreign_line(job, "command", &line, err) < 0)
		return -1;
	text_copyf(where, sizeof where, "on %.100s", job_config_str(job, "host.address", "the new host"));
	foreign_plan(job, buf_text(&line), where, proves, plan);
	text_copy(plan->side, sizeof plan->side, "NEW");
	buf_done(&line);
	int found = find_alive(job, alive, sizeof alive, err);
	if (found < 0)
		return -1;
	if (found)
		plan_refuse(
		    plan,
		    "an earlier attempt still runs there (%s); nothing is started beside it. Wait for its "
		    "end, or end it yourself",
		    alive);
	if (!proves || found)
		return 0;
	struct evidence now = {0};
	struct err why = {0};
	enum verdict v = look(job, &now, &why);
	plan->nothing_to_do = v == VERDICT_PASS;
	text_copy(plan->from, sizeof plan->from,
		  v == VERDICT_PASS   ? "it is done already"
		  : v == VERDICT_FAIL ? "it is not done yet"
				      : "whether it is done is not known before it runs");
	evidence_done(&now);
	return 0;
}

static void log_lines(struct job *job, const struct buf *log)
{
	const char *text = buf_text(log);
	while (*text) {
		const char *end = strchrnul(text, '\n');
		job_log(job, "NEW", "%.*s", (int)(end - text > 1900 ? 1900 : end - text), text);
		text = *end ? end + 1 : end;
	}
}

/* TERM for all it has started; its end is then seen by the same look. */
static int tell_to_stop(struct ssh *ssh, const char *base, struct err *err)
{
	ssh_deaf(ssh, true);
	return ssh_run(
	    ssh, NULL, err,
	    /* dash's own kill knows no `--` */
	    "p=$(cat \"%s.pid\" 2>/dev/null); [ -z \"$p\" ] || kill -TERM -\"$p\" 2>/dev/null; true", base);
}

/* 0: it has ended, look tells how. Lost connections are taken up again: it does not hear of them. */
static int follow(struct job *job, const struct detached *d, struct detached_look *now, struct err *err)
{
	int64_t from = 0;
	int lost = 0, dead = 0;
	int64_t told_ms = 0;
	for (;;) {
		*now = (struct detached_look){0};
		if (job_cancelled(job) && !told_ms && tell_to_stop(d->ssh, d->base, err) == 0)
			told_ms = clock_life_ms();
		if (detached_look(d, from, now, err) < 0) {
			detached_look_done(now);
			if (++lost == LOST_LOOKS)
				return err_wrap(err, "what it does is not seen any more, it may go on there");
			/* A cancelled job no longer waits, and the way back to the host needs its time. */
			if (job_cancelled(job))
				clock_sleep_ms(2000);
			else
				job_wait(job, 2000);
			if (!ssh_alive(d->ssh))
				ssh_reopen(d->ssh, NULL);
			continue;
		}
		lost = 0;
		log_lines(job, &now->log);
		from += (int64_t)now->log.len;
		/* Between its end and what is written of it, and before it is a shell, it looks dead. */
		dead = now->state == DETACHED_DEAD ? dead + 1 : 0;
		if (now->log.len == 0 &&
		    (now->state == DETACHED_ENDED || now->state == DETACHED_NEVER || dead == DEAD_LOOKS))
			return 0;
		if (told_ms && now->state == DETACHED_ALIVE && clock_life_ms() - told_ms > TERM_MS) {
			int pid = now->pid;
			detached_look_done(now);
			return err_set(err, ERR_WORLD,
				       "it was told to stop and still runs as process %d there; nothing else "
				       "is done to it",
				       pid);
		}
		if (now->log.len == 0 && told_ms)
			clock_sleep_ms(LOOK_MS);
		else if (now->log.len == 0)
			job_wait(job, LOOK_MS);
		detached_look_done(now);
	}
}

static int how_it_ended(const struct job *job, const struct detached_look *end, struct err *err)
{
	if (job_cancelled(job))
		return err_set(
		    err, ERR_CANCELLED,
		    "it was told to stop and has ended; what it had done by then stays: look before it runs "
		    "again");
	if (end->state == DETACHED_ENDED && end->rc == 0)
		return 0;
	if (end->state == DETACHED_ENDED)
		return err_set(err, ERR_WORLD, "it ended with %d", end->rc);
	return err_set(err, ERR_WORLD, "nobody saw how it ended there");
}

/* In a session of its own, where it can be told to stop with all it starts; both outputs into one log. */
static char *wrapped(const char *line)
{
	struct buf inner = {0}, outer = {0};
	buf_addf(&inner, "exec 1>&2; (%s\n); exit $?", line);
	buf_adds(&outer, "setsid sh -c ");
	ssh_quote(&outer, buf_text(&inner));
	char *text = xstrdup(buf_text(&outer));
	buf_done(&inner);
	buf_done(&outer);
	return text;
}

static int begin(struct job *job, struct ssh *ssh, const char *line, const char *base, struct err *err)
{
	struct jw w;
	jw_fact(&w, "run", job_attempt(job));
	jw_str(&w, "attempt", job_attempt(job));
	jw_str(&w, "step", job_step(job));
	jw_str(&w, "base", base);
	if (job_record(job, &w, err) < 0)
		return -1;
	struct detached d = at(ssh, base);
	char *command = wrapped(line);
	int rc = detached_start(&d, command, NULL, err);
	free(command);
	return rc;
}

static int run_run(struct job *job, struct err *err)
{
	struct buf line = {0};
	struct detached_look end = {0};
	char base[160];
	if (foreign_line(job, "command", &line, err) < 0)
		return -1;
	base_of(job, job_attempt(job), base);
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	int rc = ssh ? begin(job, ssh, buf_text(&line), base, err) : -1;
	if (rc == 0) {
		struct detached d = at(ssh, base);
		rc = follow(job, &d, &end, err);
		if (rc == 0)
			rc = how_it_ended(job, &end, err);
		detached_look_done(&end);
	}
	ssh_close(ssh);
	buf_done(&line);
	return rc;
}

static enum done run_probe(struct job *job, struct err *err)
{
	char base[160];
	struct detached_look now;
	struct err none = {0};
	base_of(job, job_attempt(job), base);
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	struct detached d = at(ssh, base);
	enum detached_state state = DETACHED_DEAD;
	int rc = -1, seen = ssh ? 0 : -1;
	for (int i = 0; seen == 0 && state == DETACHED_DEAD && i < DEAD_LOOKS; i++) {
		if (i)
			job_wait(job, LOOK_MS);
		seen = detached_look(&d, 0, &now, err);
		state = now.state;
		rc = now.rc;
		detached_look_done(&now);
	}
	ssh_close(ssh);
	if (seen < 0)
		return DONE_UNCLEAR;
	if (state == DETACHED_NEVER)
		return DONE_NOT_DONE;
	if (state == DETACHED_ALIVE)
		return DONE_RUNNING;
	if (foreign_proves(job, &none) == 1)
		return DONE_DONE; /* for its proof to decide */
	if (state == DETACHED_ENDED)
		err_set(err, ERR_WORLD, "it ended there with %d meanwhile, which proves nothing", rc);
	else
		err_set(err, ERR_WORLD, "nobody saw how it ended there");
	return DONE_UNCLEAR;
}

static enum verdict run_prove(struct job *job, struct evidence *ev, struct err *err)
{
	int proves = foreign_proves(job, err);
	if (proves < 0)
		return VERDICT_UNKNOWN;
	return proves ? look(job, ev, err) : foreign_unproved(ev, "it has ended");
}
