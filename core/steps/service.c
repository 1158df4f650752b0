/* service: the app on a server without Kamal, as systemd units or containers that are named in
 * nightferry.yml. They are stopped or started one after the other, and proven by asking systemd and docker
 * again. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/service_look.h"
#include <stdlib.h>
#include <string.h>

static int service_plan(struct job *job, struct plan *plan, struct err *err);
static int service_run(struct job *job, struct err *err);
static int service_undo(struct job *job, struct err *err);
static enum done service_probe(struct job *job, struct err *err);
static enum verdict service_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"state", "text", NULL, "stopped or started"},
    {"units", "any", "", "systemd units on the new server, a list"},
    {"containers", "any", "", "containers on the new server that Kamal does not run, a list"},
    {0},
};
static const char *const makes[] = {"service", NULL};

const struct step service_step = {
    .name = "service",
    .help = "stops or starts the app on a server without Kamal: systemd units or containers",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SAME,
    .params = params,
    .makes = makes,
    .plan = service_plan,
    .run = service_run,
    .undo = service_undo,
    .probe = service_probe,
    .prove = service_prove,
};

enum { CHANGE_MS = 150000, SETTLE_MS = 3000 };

static int open_services(struct job *job, struct services *s, bool *start, struct err *err)
{
	const char *state = json_str(job_params(job), "state", "");

	*s = (struct services){0};
	*start = text_equal(state, "started");
	if (!*start && !text_equal(state, "stopped"))
		return err_set(
		    err, ERR_CONFIG,
		    "service: state is \"%s\", but it can only be stopped or started; mend the playbook",
		    state);
	return services_open(job, s, err) < 0 || services_look(s, err) < 0 ? -1 : 0;
}

static void change_command(const struct service *item, bool start, char *out, size_t size)
{
	if (item->container)
		text_copyf(out, size, "docker %s %s", start ? "start" : "stop -t 30", item->name);
	else
		text_copyf(out, size, "systemctl %s %s", start ? "start" : "stop", item->name);
}

/* To be started is to be up; to be stopped is to be surely ended. */
static bool is_so(const struct service *item, bool start)
{
	return start ? item->well : !item->running;
}

static void fill_plan(struct job *job, const struct services *s, bool start, struct plan *plan)
{
	char command[200];

	text_copyf(plan->target, sizeof plan->target, "%s", ssh_host(s->ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, start ? "STARTS THE APP" : "STOPS THE APP");
	services_say(s, plan->from, sizeof plan->from);
	text_copy(plan->to, sizeof plan->to, start ? "all run" : "none runs");
	plan->nothing_to_do = true;
	for (size_t i = 0; i < s->n; i++) {
		const struct service *item = &s->list[i];

		evidence_add(&plan->seen, item->missing ? VERDICT_FAIL : VERDICT_PASS, item->name,
			     item->state, "the %s %s is %s", item->container ? "container" : "unit",
			     item->name, item->state);
		if (item->missing)
			plan_refuse(plan,
				    "There is no %s %s on %s; mend `steps:` of nightferry.yml, or make it.",
				    item->container ? "container" : "unit", item->name, ssh_host(s->ssh));
		if (is_so(item, start))
			continue;
		plan->nothing_to_do = false;
		change_command(item, start, command, sizeof command);
		plan_does(plan, "%s", command);
	}
	text_copy(plan->then, sizeof plan->then,
		  start ? "the app on the new server may read and write the new database"
			: "the new side answers nobody; nobody is there yet");
	if (!start && job_fact_at(job, "dns-pointed", 0))
		text_copy(plan->then, sizeof plan->then,
			  "visitors whose DNS leads to the new side get no answer from now on");
	text_copyf(plan->back, sizeof plan->back, "%s the same ones again", start ? "stop" : "start");
	plan->estimate_ms = 8000;
}

static int service_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct services s;
	bool start;
	int rc = open_services(job, &s, &start, err);

	if (rc == 0)
		fill_plan(job, &s, start, plan);
	services_close(&s);
	return rc;
}

/* What is there to be taken back, on disk before the change. */
static int record(struct job *job, const struct service *item, bool start, struct err *err)
{
	char *key = xasprintf("%s %s", job_step(job), item->name);
	struct jw w;

	jw_fact(&w, "service", key);
	jw_bool(&w, "was_running", item->running);
	jw_bool(&w, "running", start);
	free(key);
	return job_record(job, &w, err);
}

static int change(struct job *job, const struct services *s, const struct service *item, bool start,
		  struct err *err)
{
	char command[200], said[200];
	struct ssh_reply reply;

	change_command(item, start, command, sizeof command);
	if (record(job, item, start, err) < 0)
		return -1;
	int rc =
	    ssh_exec(s->ssh, &(struct ssh_call){.command = command, .timeout_ms = CHANGE_MS}, &reply, err);
	text_clean(said, sizeof said, buf_text(&reply.err), reply.err.len);
	if (rc == 0 && reply.status != 0)
		rc = err_set(err, ERR_REFUSED, "`%s` on %s was refused (status %d): %s", command,
			     ssh_name(s->ssh), reply.status,
			     *said ? said : "no words; the user of ssh may lack the right");
	ssh_reply_done(&reply);
	return rc;
}

static int change_all(struct job *job, const struct services *s, bool start, struct err *err)
{
	for (size_t i = 0; i < s->n; i++) {
		if (is_so(&s->list[i], start))
			continue;
		if (job_cancelled(job))
			return err_set(
			    err, ERR_CANCELLED,
			    "service was stopped before %s; what was changed until then can be undone",
			    s->list[i].name);
		job_progress(job, (int64_t)i, (int64_t)s->n, "items", s->list[i].name);
		if (change(job, s, &s->list[i], start, err) < 0)
			return -1;
	}
	return 0;
}

static int service_run(struct job *job, struct err *err)
{
	const char *from = json_str(job_plan(job), "from", "");
	struct services s;
	char now[200];
	bool start;
	int rc = open_services(job, &s, &start, err);

	if (rc == 0) {
		services_say(&s, now, sizeof now);
		if (!text_equal(now, from))
			rc = err_set(err, ERR_WORLD,
				     "the services are not as the plan saw them (%s, now %s); nothing was "
				     "changed",
				     from, now);
	}
	if (rc == 0)
		rc = change_all(job, &s, start, err);
	services_close(&s);
	return rc;
}

/* Only what this step changed: what did not run before is not started by going back. */
static int service_undo(struct job *job, struct err *err)
{
	struct services s;
	bool start;
	int rc = open_services(job, &s, &start, err);

	for (size_t i = s.n; rc == 0 && i > 0; i--) {
		const struct service *item = &s.list[i - 1];
		char *key = xasprintf("%s %s", job_step(job), item->name);
		const struct json *fact = job_fact(job, "service", key);

		free(key);
		if (fact && json_bool(fact, "was_running", false) != item->running)
			rc = change(job, &s, item, !item->running, err);
	}
	services_close(&s);
	return rc;
}

static enum done service_probe(struct job *job, struct err *err)
{
	struct services s;
	bool start;
	enum done done = DONE_UNCLEAR;

	if (open_services(job, &s, &start, err) == 0) {
		done = DONE_DONE;
		for (size_t i = 0; i < s.n; i++)
			if (!is_so(&s.list[i], start))
				done = DONE_NOT_DONE;
	}
	services_close(&s);
	return done;
}

/* What dies right after its start, again and again, looks well at a single look. */
static int look_twice(struct job *job, struct services *s, bool start, struct evidence *ev, struct err *err)
{
	struct services before = {0};

	if (!start)
		return 0;
	services_copy(&before, s);
	job_wait(job, SETTLE_MS);
	int rc = services_look(s, err);
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		if (before.list[i].running && s->list[i].running &&
		    !text_equal(before.list[i].since, s->list[i].since))
			evidence_add(ev, VERDICT_FAIL, s->list[i].name, "restarts",
				     "%s was started again within %d s: it does not stay up", s->list[i].name,
				     SETTLE_MS / 1000);
	free(before.list);
	return rc;
}

static enum verdict service_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct services s;
	bool start;
	int rc = open_services(job, &s, &start, err);

	if (rc == 0)
		rc = look_twice(job, &s, start, ev, err);
	for (size_t i = 0; rc == 0 && i < s.n; i++)
		evidence_add(ev, is_so(&s.list[i], start) && !s.list[i].missing ? VERDICT_PASS : VERDICT_FAIL,
			     s.list[i].name, s.list[i].state, "%s is %s on %s", s.list[i].name,
			     s.list[i].state, ssh_host(s.ssh));
	services_close(&s);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
