/* accessory-boot: Kamal's accessory, the new database above all, is there and answers.
 *
 * `kamal accessory boot` skips with exit status 0 when a container exists, even a stopped one, so a stopped
 * one is started by docker and only a missing one is booted by kamal. "Running" is not "ready": the image of
 * PostgreSQL first runs a server of its own on the socket alone, which a pg_isready without -h believes in.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/steps/kamal_run.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int accessory_boot_plan(struct job *job, struct plan *plan, struct err *err);
static int accessory_boot_run(struct job *job, struct err *err);
static int accessory_boot_undo(struct job *job, struct err *err);
static enum done accessory_boot_probe(struct job *job, struct err *err);
static enum verdict accessory_boot_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"name", "text", "", "as Kamal's file calls it; default: the database's accessory"},
    {0},
};
static const char *const makes[] = {"accessory-booted", "kamal-run", NULL};

const struct step accessory_boot_step = {
    .name = "accessory-boot",
    .help = "starts an accessory of Kamal's, or boots it where there is none yet",
    .gate = GATE_YES,
    .cancel = CANCEL_NEVER, /* Kamal that is killed leaves two generations of containers and its lock */
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .whole_environment = true,
    .plan = accessory_boot_plan,
    .run = accessory_boot_run,
    .undo = accessory_boot_undo,
    .probe = accessory_boot_probe,
    .prove = accessory_boot_prove,
};

enum { READY_MS = 120000, LOOK_MS = 1000 };

struct accessory {
	struct job *job;
	struct ssh *ssh;
	struct docker_names names;
	char name[64], container[160];
	struct docker_container *list, *it; /* it: NULL when there is no such container */
	size_t n;
	bool ready;       /* PostgreSQL answers on its port; true for anything else that runs */
	char answer[120]; /* its own words */
};

static bool is_name(const char *text)
{
	bool good = isalnum((unsigned char)*text);
	for (; *text && good; text++)
		good = isalnum((unsigned char)*text) || strchr("_.-", *text);
	return good;
}

static bool is_postgres(const struct docker_container *c)
{
	return text_find(c->image, "postgres") || text_find(c->image, "postgis") ||
	       text_find(c->image, "pgvector");
}

static int ask_ready(struct accessory *a, struct err *err)
{
	struct ssh_reply reply;
	char *command = xasprintf("docker exec %s pg_isready -h 127.0.0.1", a->container);
	int rc = ssh_exec(a->ssh, &(struct ssh_call){.command = command}, &reply, err);
	a->ready = rc == 0 && reply.status == 0;
	const struct buf *said = reply.out.len ? &reply.out : &reply.err;
	text_clean(a->answer, sizeof a->answer, buf_text(said), strcspn(buf_text(said), "\n"));
	ssh_reply_done(&reply);
	free(command);
	return rc;
}

static int look(struct accessory *a, struct err *err)
{
	free(a->list);
	a->list = a->it = NULL;
	a->ready = false;
	*a->answer = 0;
	if (docker_containers(a->ssh, &a->names, &a->list, &a->n, err) < 0)
		return -1;
	for (size_t i = 0; i < a->n; i++)
		if (a->list[i].kind == DOCKER_ACCESSORY && text_equal(a->list[i].name, a->container))
			a->it = &a->list[i];
	if (!a->it || !text_equal(a->it->status, "running"))
		return 0;
	if (is_postgres(a->it))
		return ask_ready(a, err);
	a->ready = true;
	return 0;
}

static int open_it(struct job *job, struct accessory *a, struct err *err)
{
	*a = (struct accessory){.job = job};
	if (docker_names(job, &a->names, err) < 0)
		return -1;
	const char *given = json_str(job_params(job), "name", ""),
		   *own =
		       job_config_str(job, "kamal.accessory", job_config_str(job, "database.accessory", ""));
	text_copy(a->name, sizeof a->name, *given ? given : own);
	if (!is_name(a->name))
		return err_set(
		    err, ERR_CONFIG,
		    "accessory-boot: nobody says which one; write with: {name: db} as Kamal's file calls it");
	if (text_equal(a->name, own) && *a->names.accessory)
		text_copy(a->container, sizeof a->container, a->names.accessory);
	else
		text_copyf(a->container, sizeof a->container, "%s-%s", a->names.service, a->name);
	a->ssh = ssh_open(job, SSH_ASKING, err);
	return a->ssh ? look(a, err) : -1;
}

static void close_it(struct accessory *a)
{
	free(a->list);
	ssh_close(a->ssh);
}

static void boot_words(const struct accessory *a, const char *words[4])
{
	words[0] = "accessory";
	words[1] = "boot";
	words[2] = a->name;
	words[3] = NULL;
}

static int fill_plan(struct accessory *a, struct plan *plan, struct err *err)
{
	const char *words[4];
	text_copyf(plan->target, sizeof plan->target, "%s on %s", a->container, ssh_host(a->ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "STARTS AN ACCESSORY");
	text_copyf(plan->from, sizeof plan->from, "%s is %s", a->container,
		   a->it ? a->it->status : "not there");
	text_copyf(plan->to, sizeof plan->to, "%s runs and answers", a->container);
	text_copy(plan->then, sizeof plan->then, "the app on the new host can reach it");
	text_copyf(plan->back, sizeof plan->back, "docker stop %s; its data stays", a->container);
	plan->nothing_to_do = a->ready;
	plan->estimate_ms = 15000;
	if (a->it && a->it->running && !a->ready)
		evidence_add(&plan->seen, VERDICT_WARN, "ready", "not yet",
			     "%s is %s and does not answer yet: %s", a->container, a->it->status, a->answer);
	if (a->ready || (a->it && a->it->running))
		return 0;
	if (a->it) {
		evidence_add(&plan->seen, VERDICT_PASS, "container", a->it->status,
			     "%s is there and %s, so kamal accessory boot would skip it", a->container,
			     a->it->status);
		plan_does(plan, "docker start %s", a->container);
		return 0;
	}
	boot_words(a, words);
	return kamal_run_plan(a->job, words, plan, err);
}

static int accessory_boot_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct accessory a;
	int rc = open_it(job, &a, err);
	if (rc == 0)
		rc = fill_plan(&a, plan, err);
	close_it(&a);
	return rc;
}

static int wait_ready(struct accessory *a, struct err *err)
{
	int64_t until_ms = clock_life_ms() + READY_MS;
	for (;;) {
		if (look(a, err) < 0)
			return -1;
		if (a->ready)
			return 0;
		job_progress(a->job, 0, 0, "items",
			     *a->answer ? a->answer
			     : a->it    ? a->it->status
					: "not there yet");
		if (clock_life_ms() > until_ms)
			return err_set(err, ERR_WORLD,
				       "%s is %s and does not answer after two minutes (%s); read its log: "
				       "docker logs %s",
				       a->container, a->it ? a->it->status : "not there",
				       *a->answer ? a->answer : "no words", a->container);
		if (job_wait(a->job, LOOK_MS))
			return err_set(err, ERR_CANCELLED, "stopped while %s comes up; it runs on",
				       a->container);
	}
}

static int start_it(struct accessory *a, struct err *err)
{
	const char *words[4];
	struct jw w;
	/* A second attempt keeps what the first one found: that is what its undo goes back to. */
	const struct json *first = job_fact(a->job, "accessory-booted", a->container);
	jw_fact(&w, "accessory-booted", a->container);
	jw_str(&w, "container", a->container);
	jw_str(&w, "was", first ? json_str(first, "was", "") : a->it ? a->it->status : "");
	jw_int(&w, "at_ms", clock_wall_ms());
	if (job_record(a->job, &w, err) < 0)
		return -1;
	if (a->it && a->it->running)
		return 0;
	if (a->it)
		return ssh_run(a->ssh, NULL, err, "docker start %s", a->container);
	boot_words(a, words);
	return kamal_run(a->job, words, err);
}

static int accessory_boot_run(struct job *job, struct err *err)
{
	struct accessory a;
	int rc = open_it(job, &a, err);
	if (rc == 0)
		rc = start_it(&a, err);
	if (rc == 0)
		rc = wait_ready(&a, err);
	close_it(&a);
	return rc;
}

/* What ran before this night is left running. */
static int accessory_boot_undo(struct job *job, struct err *err)
{
	struct accessory a;
	int rc = open_it(job, &a, err);
	const struct json *fact = rc == 0 ? job_fact(job, "accessory-booted", a.container) : NULL;
	if (rc == 0 && !fact)
		rc = err_set(err, ERR_REFUSED, "nothing was started here, so there is nothing to stop");
	else if (rc == 0 && !text_equal(json_str(fact, "was", ""), "running") && a.it && a.it->running)
		rc = ssh_run(a.ssh, NULL, err, "docker stop -t 60 %s", a.container);
	close_it(&a);
	return rc;
}

static enum done accessory_boot_probe(struct job *job, struct err *err)
{
	struct accessory a;
	enum done done = kamal_run_probe(job, err);
	if (done == DONE_RUNNING)
		return done;
	done = DONE_UNCLEAR;
	if (open_it(job, &a, err) == 0)
		done = a.ready ? DONE_DONE : DONE_NOT_DONE;
	close_it(&a);
	return done;
}

static enum verdict accessory_boot_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct accessory a;
	int rc = open_it(job, &a, err);
	if (rc == 0 && !a.it)
		evidence_add(ev, VERDICT_FAIL, "container", "none", "there is no container %s on %s",
			     a.container, ssh_host(a.ssh));
	else if (rc == 0)
		evidence_add(ev, a.ready ? VERDICT_PASS : VERDICT_FAIL, "container", a.it->status,
			     "%s is %s%s%s", a.container, a.it->status, *a.answer ? ": " : "", a.answer);
	close_it(&a);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
