/* kamal: any call of the repository's kamal that this build knows. Words that are not in the table are
 * refused: Kamal takes shortened words and aliases of the repository's own, so an unknown one could be
 * anything. What removes data, prints secrets, waits for a person or has a step of its own is refused with
 * that sentence.
 *
 * Its exit status proves nothing. A call whose effect this build can see is proved by docker and the proxy;
 * any other one by `prove`, a command on the host, or by a person. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/pty_child.h"
#include "core/steps/app_containers.h"
#include "core/steps/kamal_run.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int kamal_plan(struct job *job, struct plan *plan, struct err *err);
static int kamal_step_run(struct job *job, struct err *err);
static enum done kamal_probe(struct job *job, struct err *err);
static enum verdict kamal_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"args", "text", NULL, "the words after kamal: \"app boot --version 4f2c91a\""},
    {"prove", "text", "", "a command on the host that ends with 0 when it is done"},
    {"expect", "text", "", "what that command has to print"},
    {0},
};
static const char *const makes[] = {"kamal-run", NULL};
static const char *const secrets[] = {"NEW_DATABASE_URL", NULL};

const struct step kamal_step = {
    .name = "kamal",
    .help = "runs the repository's kamal; what it did is looked at in the world",
    .gate = GATE_NONE,
    .cancel = CANCEL_NEVER, /* killed in the middle it leaves its lock and two generations of containers */
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .whole_environment = true,
    .plan = kamal_plan,
    .run = kamal_step_run,
    .probe = kamal_probe,
    .prove = kamal_prove,
};

/* ---- what is known ---- */

enum proof { NO_PROOF, LOOKS, IS_UP, IS_STOPPED, NOTHING_STALE, IS_PAUSED, IS_LIVE };
struct call {
	const char *words;
	enum gate gate;
	enum proof proof;
	const char *why_not; /* refused, and what to do instead */
};
static const struct call calls[] = {
    {"app boot", GATE_YES, IS_UP, NULL},
    {"app start", GATE_YES, IS_UP, NULL},
    {"app stop", GATE_YES, IS_STOPPED, NULL},
    {"app maintenance", GATE_YES, IS_PAUSED, NULL},
    {"app live", GATE_YES, IS_LIVE, NULL},
    {"app stale_containers", GATE_YES, NOTHING_STALE, NULL},
    {"app exec", GATE_YES, NO_PROOF, NULL},
    {"app details", GATE_NONE, LOOKS, NULL},
    {"app containers", GATE_NONE, LOOKS, NULL},
    {"app images", GATE_NONE, LOOKS, NULL},
    {"app version", GATE_NONE, LOOKS, NULL},
    {"app logs", GATE_NONE, LOOKS, NULL},
    {"deploy", GATE_YES, IS_UP, NULL},
    {"redeploy", GATE_YES, IS_UP, NULL},
    {"setup", GATE_YES, IS_UP, NULL},
    {"rollback", GATE_YES, IS_UP, NULL},
    {"build push", GATE_YES, NO_PROOF, NULL},
    {"build pull", GATE_YES, NO_PROOF, NULL},
    {"build deliver", GATE_YES, NO_PROOF, NULL},
    {"registry login", GATE_YES, NO_PROOF, NULL},
    {"server exec", GATE_YES, NO_PROOF, NULL},
    {"proxy boot", GATE_YES, NO_PROOF, NULL},
    {"proxy details", GATE_NONE, LOOKS, NULL},
    {"accessory details", GATE_NONE, LOOKS, NULL},
    {"details", GATE_NONE, LOOKS, NULL},
    {"audit", GATE_NONE, LOOKS, NULL},
    {"version", GATE_NONE, LOOKS, NULL},
    {"lock status", GATE_NONE, LOOKS, NULL},
    {"lock acquire", GATE_NONE, LOOKS, "the step kamal-lock takes the lock, and knows it again"},
    {"lock release", GATE_NONE, LOOKS,
     "the step kamal-unlock gives it back, and only while it is this night's"},
    {"accessory boot", GATE_NONE, LOOKS, "the step accessory-boot does it, and sees a stopped one"},
    {"prune", GATE_NONE, LOOKS, "the step prune shows first what would go"},
    {"remove", GATE_NONE, LOOKS, "it removes the app, its accessories and their data"},
    {"app remove", GATE_NONE, LOOKS, "it removes every container, also those of a rollback"},
    {"accessory remove", GATE_NONE, LOOKS, "it removes the data directory of the database"},
    {"accessory reboot", GATE_NONE, LOOKS, "it removes the container of the database and makes another"},
    {"accessory stop", GATE_NONE, LOOKS, "it stops the database under the app"},
    {"accessory restart", GATE_NONE, LOOKS, "it stops the database under the app"},
    {"proxy reboot", GATE_NONE, LOOKS, "it cuts off every visitor of every app on the host"},
    {"proxy remove", GATE_NONE, LOOKS, "it cuts off every visitor of every app on the host"},
    {"config", GATE_NONE, LOOKS, "it prints private keys"},
    {"secrets", GATE_NONE, LOOKS, "it prints secrets"},
};

enum { WORDS = 32 };
struct asked {
	char text[600];
	const char *words[WORDS];
	size_t n;
	const struct call *call;
};

/* Blanks separate words, quotes hold them together; there is no shell. */
static int split(struct asked *a, struct err *err)
{
	char *out = a->text, *at = a->text, quote = 0;
	while (*at) {
		at += strspn(at, " \t\n");
		if (!*at)
			break;
		if (a->n + 1 >= WORDS)
			return err_set(err, ERR_CONFIG, "kamal: more than %d words", WORDS - 1);
		a->words[a->n++] = out;
		for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
			if (quote ? *at == quote : *at == '"' || *at == '\'')
				quote = quote ? 0 : *at;
			else
				*out++ = *at;
		}
		at += *at != 0;
		*out++ = 0;
	}
	a->words[a->n] = NULL;
	return quote ? err_set(err, ERR_CONFIG, "kamal: a quote of args: is not closed") : 0;
}

static bool has_word(const struct asked *a, const char *word)
{
	for (size_t i = 0; i < a->n; i++)
		if (text_equal(a->words[i], word) ||
		    (text_starts(a->words[i], word) && a->words[i][strlen(word)] == '='))
			return true;
	return false;
}

static const struct call *find_call(const struct asked *a)
{
	char two[160];
	text_copyf(two, sizeof two, "%s%s%s", a->words[0], a->n > 1 ? " " : "", a->n > 1 ? a->words[1] : "");
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (text_equal(calls[i].words, two) || text_equal(calls[i].words, a->words[0]))
			return &calls[i];
	return NULL;
}

/* Options that wait for a person, tell too much, or lead elsewhere than the configuration does. */
static const char *bad_option(const struct asked *a)
{
	static const struct {
		const char *word, *why;
	} bad[] = {
	    {"-v", "-v prints the environment in clear"},
	    {"--verbose", "--verbose prints the environment in clear"},
	    {"-i", "-i waits for a person at a terminal"},
	    {"--interactive", "--interactive waits for a person at a terminal"},
	    {"-f", "-f never ends"},
	    {"--follow", "--follow never ends"},
	    {"-d", "-d comes from kamal: {destination: ...} of nightferry.yml"},
	    {"--destination", "the destination comes from kamal: {destination: ...} of nightferry.yml"},
	    {"-c", "-c comes from kamal: {config: ...} of nightferry.yml"},
	    {"--config-file", "the file comes from kamal: {config: ...} of nightferry.yml"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (has_word(a, bad[i].word))
			return bad[i].why;
	/* Thor takes -vq for -v -q. */
	for (size_t i = 0; i < a->n; i++)
		if (a->words[i][0] == '-' && a->words[i][1] && a->words[i][1] != '-' && a->words[i][2])
			return "short options are written one by one here";
	return NULL;
}

static int read_asked(struct job *job, struct asked *a, struct err *err)
{
	const char *given = json_str(job_params(job), "args", "");
	*a = (struct asked){0};
	if (!text_copy(a->text, sizeof a->text, given))
		return err_set(err, ERR_CONFIG, "kamal: args: is longer than %zu bytes", sizeof a->text - 1);
	if (split(a, err) < 0)
		return -1;
	if (!a->n)
		return err_set(err, ERR_CONFIG, "kamal: args: is empty; write what stands after kamal");
	a->call = find_call(a);
	return 0;
}

/* ---- the plan ---- */

static void refuse(const struct asked *a, struct plan *plan)
{
	const char *option = bad_option(a);
	if (!a->call)
		plan_refuse(plan,
			    "kamal %s is no call that this build knows; shortened words and aliases of the "
			    "repository are "
			    "not taken, for they could be anything",
			    a->words[0]);
	else if (a->call->why_not)
		plan_refuse(plan, "kamal %s is not run from here: %s", a->call->words, a->call->why_not);
	else if (option)
		plan_refuse(plan, "kamal %s: %s", a->call->words, option);
	else if ((text_equal(a->call->words, "app boot") || text_equal(a->call->words, "app start")) &&
		 !has_word(a, "--version"))
		plan_refuse(plan,
			    "kamal %s without --version takes another version than the one you mean; write "
			    "--version and the commit",
			    a->call->words);
}

static int kamal_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct asked a;
	if (read_asked(job, &a, err) < 0)
		return -1;
	text_copyf(plan->target, sizeof plan->target, "%s on %s",
		   job_config_str(job, "kamal.service", job_config_str(job, "app", "the app")),
		   job_config_str(job, "host.address", "the host"));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "RUNS KAMAL");
	text_copyf(plan->to, sizeof plan->to, "kamal %.150s has run", json_str(job_params(job), "args", ""));
	text_copy(
	    plan->then, sizeof plan->then,
	    "it is never stopped half-way: that would leave its lock and two generations of containers");
	text_copy(plan->back, sizeof plan->back, "none of its own; what it did is seen in the Host panel");
	refuse(&a, plan);
	if (*plan->refused)
		return 0;
	plan->gate = a.call->gate;
	if (a.call->proof == NO_PROOF && !*json_str(job_params(job), "prove", ""))
		evidence_add(&plan->seen, VERDICT_WARN, "proof", "none",
			     "nothing here can see what kamal %s does: it will end UNKNOWN, and a person "
			     "says what was "
			     "seen; or write prove: COMMAND",
			     a.call->words);
	return kamal_run_plan(job, a.words, plan, err);
}

static int kamal_step_run(struct job *job, struct err *err)
{
	struct asked a;
	struct plan again = {0};
	if (read_asked(job, &a, err) < 0)
		return -1;
	refuse(&a, &again);
	return *again.refused ? err_set(err, ERR_REFUSED, "%s", again.refused) : kamal_run(job, a.words, err);
}

static enum done kamal_probe(struct job *job, struct err *err)
{
	return kamal_run_probe(job, err);
}

/* ---- the proof ---- */

static int prove_by_command(struct app *app, struct evidence *ev, struct err *err)
{
	const char *command = json_str(job_params(app->job), "prove", ""),
		   *expect = json_str(job_params(app->job), "expect", "");
	struct ssh_reply reply;
	char said[160];
	int rc = ssh_exec(app->ssh, &(struct ssh_call){.command = command}, &reply, err);
	if (rc == 0) {
		bool good = reply.status == 0 && (!*expect || strstr(buf_text(&reply.out), expect));
		const struct buf *text = reply.out.len ? &reply.out : &reply.err;
		text_clean(said, sizeof said, buf_text(text), strcspn(buf_text(text), "\n"));
		evidence_add(ev, good ? VERDICT_PASS : VERDICT_FAIL, "prove", good ? "holds" : "does not",
			     "%.80s ends with %d: %s", command, reply.status, said);
	}
	ssh_reply_done(&reply);
	return rc;
}

static void prove_stopped(const struct app *app, struct evidence *ev)
{
	size_t n = 0;
	for (size_t i = 0; i < app->n; i++)
		if (app_running(&app->list[i])) {
			n++;
			evidence_add(
			    ev, VERDICT_FAIL, app->list[i].role, app->list[i].name,
			    "%s still runs: Kamal stops only the newest of each role, app-stop all of them",
			    app->list[i].name);
		}
	if (!n)
		evidence_add(ev, VERDICT_PASS, "containers", "none", "no container of %s runs",
			     app->names.service);
}

static void prove_not_stale(const struct app *app, struct evidence *ev)
{
	size_t n = 0;
	for (size_t i = 0; i < app->n; i++)
		if (app->list[i].stale) {
			n++;
			evidence_add(ev, VERDICT_FAIL, app->list[i].role, app->list[i].name,
				     "%s still runs beside the newest", app->list[i].name);
		}
	if (!n)
		evidence_add(ev, VERDICT_PASS, "containers", "none stale", "one container a role at most");
}

static void prove_route(const struct app *app, const char *wanted, struct evidence *ev)
{
	const struct docker_route *r = app_route(app, "web");
	const char *state = r ? r->state : "not there";
	evidence_add(ev, text_equal(state, wanted) ? VERDICT_PASS : VERDICT_FAIL, "route", state,
		     "the proxy's route of %s is %s", app->names.service, state);
}

/* It changed nothing; that it spoke to its end is all there is to see. */
static int prove_look(struct job *job, struct evidence *ev, struct err *err)
{
	struct pty_look look;
	const char *base = json_str(job_fact(job, "kamal-run", job_step(job)), "base", "");
	if (pty_child_look(base, 0, &look, err) < 0)
		return -1;
	bool good = look.state == PTY_ENDED && look.rc == 0;
	evidence_add(ev, good ? VERDICT_PASS : VERDICT_FAIL, "answer", good ? "whole" : "broken",
		     good ? "it only looks, and told all; its words are in the log"
			  : "it did not tell all; its words are in the log");
	pty_look_done(&look);
	return 0;
}

/* The version that the words ask for; "" where they name none. */
static const char *version_asked(const struct asked *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (text_equal(a->words[i], "--version") && i + 1 < a->n)
			return a->words[i + 1];
		if (text_starts(a->words[i], "--version="))
			return a->words[i] + strlen("--version=");
	}
	return text_equal(a->words[0], "rollback") && a->n > 1 && *a->words[1] != '-' ? a->words[1] : "";
}

/* That it ended with 0 proves nothing; that it did not is reason enough to doubt what runs: it may be what
 * ran before. */
static int prove_end(struct app *app, struct evidence *ev, struct err *err)
{
	struct pty_look look;
	const char *base = json_str(job_fact(app->job, "kamal-run", job_step(app->job)), "base", "");
	if (!*base)
		return 0;
	if (pty_child_look(base, 0, &look, err) < 0)
		return -1;
	if (look.state != PTY_ENDED || look.rc != 0)
		evidence_add(ev, VERDICT_FAIL, "kamal", "broken",
			     "kamal did not end well (%d), so what runs may be what ran before; its words "
			     "are in the log",
			     look.rc);
	pty_look_done(&look);
	return 0;
}

static int prove_call(struct app *app, const struct asked *a, struct evidence *ev, struct err *err)
{
	if (*json_str(job_params(app->job), "prove", ""))
		return prove_by_command(app, ev, err);
	switch (a->call->proof) {
	case IS_UP: return prove_end(app, ev, err) < 0 ? -1 : app_prove_up(app, version_asked(a), ev, err);
	case IS_STOPPED: prove_stopped(app, ev); return 0;
	case NOTHING_STALE: prove_not_stale(app, ev); return 0;
	case IS_PAUSED: prove_route(app, "stopped", ev); return 0;
	case IS_LIVE: prove_route(app, "running", ev); return 0;
	case LOOKS: return prove_look(app->job, ev, err);
	case NO_PROOF: break;
	}
	return err_set(err, ERR_WORLD,
		       "nothing here can see what kamal %s did: look, and M says what was seen",
		       a->call->words);
}

static enum verdict kamal_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct asked a;
	struct app app = {0};
	int rc = read_asked(job, &a, err);
	if (rc == 0 && !a.call)
		rc = err_set(err, ERR_CONFIG, "kamal %s is no call that this build knows", a.words[0]);
	if (rc == 0)
		rc = app_open(job, &app, err);
	if (rc == 0)
		rc = prove_call(&app, &a, ev, err);
	app_close(&app);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
