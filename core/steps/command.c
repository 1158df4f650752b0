/* command: a program on the engine's own machine (terraform, dotenv, a script of yours). It runs under a
 * holder, so that nobody's death hangs it up, and is never started twice for one attempt. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/foreign_look.h"
#include "core/links/pty_child.h"
#include "core/steps/foreign.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int command_plan(struct job *job, struct plan *plan, struct err *err);
static int command_run(struct job *job, struct err *err);
static enum done command_probe(struct job *job, struct err *err);
static enum verdict command_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"command", "any", NULL, "the program and its words, as a list or, with shell: true, a line"},
    {"shell", "flag", "false", "command and prove are lines for a shell"},
    {"dir", "text", "", "the folder it runs in; default: the engine's own"},
    {"secrets", "any", "", "names of variables that it gets by its environment"},
    {"tty", "flag", "true", "its output is a terminal; false: a pipe"},
    {"prove", "any", "", "a program that looks whether it is done, and changes nothing"},
    {"expect", "any", "", "what that says when it is done: a text, or a list of them"},
    {"target", "text", "", "what the gate's phrase names; default: the step's id"},
    {"gate", "text", "", "yes (default) or type"},
    {0},
};

const struct step command_step = {
    .name = "command",
    .help = "runs a program of yours on the engine's machine, and proves by another what it did",
    .gate = GATE_YES,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .plan = command_plan,
    .run = command_run,
    .undo = NULL,
    .probe = command_probe,
    .prove = command_prove,
};

enum { SECRETS_MOST = 16, PROVE_MS = 60000, TERM_MS = 30000 };

struct command {
	bool shell;
	const char *dir;
	struct foreign words;
	char *env[SECRETS_MOST + 3];
	const char *values[SECRETS_MOST + 1];
};

static void command_done(struct command *c)
{
	foreign_done(&c->words);
	for (size_t i = 0; c->env[i]; i++) {
		explicit_bzero(c->env[i], strlen(c->env[i]));
		free(c->env[i]);
	}
}

/* name: "command" or "prove". */
static int command_read(const struct job *job, const char *name, struct command *c, struct err *err)
{
	const struct json *p = job_params(job);
	size_t n = 0;
	*c = (struct command){.shell = json_bool(p, "shell", false), .dir = json_str(p, "dir", "")};
	if (!*c->dir)
		c->dir = NULL;
	if (foreign_words(job, name, c->shell, &c->words, err) < 0)
		return -1;
	for (const struct json *x = json_first(json_get(p, "secrets")); x; x = json_next(x)) {
		const char *secret = json_text(x), *value = secret ? job_secret(job, secret) : NULL;
		if (!value || n == SECRETS_MOST) {
			command_done(c);
			return err_set(
			    err, ERR_CONFIG,
			    "the secret %s is not in the engine's environment; stop the engine, set it, and "
			    "start nightferry again",
			    secret ? secret : "(no text)");
		}
		c->values[n] = value;
		c->env[n++] = xasprintf("%s=%s", secret, value);
	}
	c->env[n++] = xstrdup("TERM=dumb");
	c->env[n] = xstrdup("NO_COLOR=1");
	return 0;
}

static enum verdict look(struct job *job, struct evidence *ev, struct err *err)
{
	struct command c;
	struct buf out = {0};
	enum verdict v = VERDICT_UNKNOWN;
	if (command_read(job, "prove", &c, err) < 0)
		return v;
	job_command(job, "run", "%s", c.words.say);
	int status = foreign_look(job, c.words.argv, (const char *const *)c.env, c.dir, PROVE_MS, &out, err);
	if (status >= 0)
		v = foreign_judge(job, c.words.say, &out, status, ev);
	buf_done(&out);
	command_done(&c);
	return v;
}

/* An earlier attempt of this step whose program still runs; "" for none. */
/* -1: one cannot be looked at, and what nobody sees may still run. */
static int find_alive(struct job *job, char *out, size_t size, struct err *err)
{
	const struct json *fact;
	*out = '\0';
	for (size_t i = 0; (fact = job_fact_at(job, "command", i)) != NULL; i++) {
		char base[500];
		struct pty_look now;
		const char *attempt = json_str(fact, "attempt", "");
		if (!text_equal(json_str(fact, "step", ""), job_step(job)) ||
		    pty_child_base(job, attempt, "command", base, sizeof base, NULL) < 0)
			continue;
		if (pty_child_look(base, 0, &now, err) < 0)
			return -1;
		if (now.state == PTY_ALIVE)
			text_copyf(out, size, "%s as process %d", attempt, now.pid);
		pty_look_done(&now);
	}
	return 0;
}

static int command_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct command c;
	char alive[80];
	int proves = foreign_proves(job, err);
	if (proves < 0 || command_read(job, "command", &c, err) < 0)
		return -1;
	foreign_plan(job, c.words.say, "here", proves, plan);
	if (c.env[0] && c.values[0])
		plan_does(plan, "its environment gets the secrets that `secrets:` names");
	command_done(&c);
	if (find_alive(job, alive, sizeof alive, err) < 0)
		return -1;
	if (*alive)
		plan_refuse(
		    plan,
		    "an earlier attempt still runs (%s); nothing is started beside it. Wait for its end, or "
		    "end it yourself",
		    alive);
	if (!proves || *alive)
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

static void say_line(void *ctx, const char *line, size_t len)
{
	job_log(ctx, "", "%.*s", (int)len, line);
}

static int how_it_ended(const struct pty_look *end, const char *say, struct err *err)
{
	if (end->state == PTY_ENDED && end->rc == 0)
		return 0;
	if (end->state == PTY_ENDED && end->rc > 0)
		return err_set(err, ERR_WORLD, "%s ended with %d", say, end->rc);
	if (end->state == PTY_ENDED)
		return err_set(err, ERR_WORLD, "%s was ended by signal %d", say, end->signal);
	return err_set(err, ERR_WORLD, "nobody saw how %s ended", say);
}

static int follow(struct job *job, const char *base, const char *say, struct err *err)
{
	struct pty_follow f = {.job = job, .base = base, .line = say_line, .ctx = job};
	struct pty_look end;
	int how = pty_child_follow(&f, &end, err);
	if (how == 1) {
		pty_look_done(&end);
		how = pty_child_end(&f, TERM_MS, &end, err);
		if (how == 0)
			how = err_set(err, ERR_CANCELLED,
				      "%s was told to stop and has ended; what it had done by then stays: "
				      "look before it "
				      "runs again",
				      say);
	} else if (how == 0) {
		how = how_it_ended(&end, say, err);
	}
	pty_look_done(&end);
	return how;
}

static int command_run(struct job *job, struct err *err)
{
	struct command c;
	struct jw w;
	char base[500];
	if (pty_child_base(job, NULL, "command", base, sizeof base, err) < 0 ||
	    command_read(job, "command", &c, err) < 0)
		return -1;
	jw_fact(&w, "command", job_attempt(job));
	jw_str(&w, "attempt", job_attempt(job));
	jw_str(&w, "step", job_step(job));
	jw_str(&w, "say", c.words.say);
	int rc = job_record(job, &w, err);
	if (rc == 0) {
		struct pty_start start = {.base = base,
					  .argv = c.words.argv,
					  .env = (const char *const *)c.env,
					  .dir = c.dir,
					  .secrets = c.values,
					  .lock_fd = job_lock_fd(job),
					  .pipe = !json_bool(job_params(job), "tty", true)};
		job_command(job, "run", "%s", c.words.say);
		rc = pty_child_start(&start, err);
	}
	if (rc == 0)
		rc = follow(job, base, c.words.say, err);
	command_done(&c);
	return rc;
}

static enum done command_probe(struct job *job, struct err *err)
{
	char base[500];
	struct pty_look now;
	struct err none = {0};
	if (pty_child_base(job, NULL, "command", base, sizeof base, err) < 0 ||
	    pty_child_look(base, 0, &now, err) < 0)
		return DONE_UNCLEAR;
	enum pty_state state = now.state;
	int rc = now.rc;
	pty_look_done(&now);
	if (state == PTY_NEVER)
		return DONE_NOT_DONE;
	if (state == PTY_ALIVE)
		return DONE_RUNNING;
	if (foreign_proves(job, &none) == 1)
		return DONE_DONE; /* for its proof to decide */
	err_set(err, ERR_WORLD,
		state == PTY_ENDED && rc >= 0 ? "its program ended with %d meanwhile, which proves nothing"
					      : "nobody saw how its program ended",
		rc);
	return DONE_UNCLEAR;
}

static enum verdict command_prove(struct job *job, struct evidence *ev, struct err *err)
{
	char base[500], ended[80] = "it has run";
	struct pty_look now;
	int proves = foreign_proves(job, err);
	if (proves < 0)
		return VERDICT_UNKNOWN;
	if (proves)
		return look(job, ev, err);
	if (pty_child_base(job, NULL, "command", base, sizeof base, NULL) == 0) {
		if (pty_child_look(base, 0, &now, NULL) == 0 && now.rc >= 0)
			text_copyf(ended, sizeof ended, "it ended with %d", now.rc);
		pty_look_done(&now);
	}
	return foreign_unproved(ev, ended);
}
