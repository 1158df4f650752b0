/* Heroku's maintenance page, on or off. It stops the router only: dynos, workers and Scheduler run on. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/heroku.h"
#include "core/links/http.h"
#include <stdlib.h>
#include <string.h>

static int maintenance_plan(struct job *job, struct plan *plan, struct err *err);
static int maintenance_run(struct job *job, struct err *err);
static int maintenance_undo(struct job *job, struct err *err);
static enum done maintenance_probe(struct job *job, struct err *err);
static enum verdict maintenance_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"state", "text", NULL, "enabled or disabled"},
    {0},
};
static const char *const makes[] = {"maintenance", NULL};
static const char *const secrets[] = {"HEROKU_API_KEY", NULL};

const struct step maintenance_step = {
    .name = "maintenance",
    .help = "puts Heroku's maintenance page up or takes it down",
    .gate = GATE_YES,
    .undo_gate = GATE_TYPE, /* to end maintenance opens the doors */
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = maintenance_plan,
    .run = maintenance_run,
    .undo = maintenance_undo,
    .probe = maintenance_probe,
    .prove = maintenance_prove,
};

enum { PUBLIC_TRIES = 8, PUBLIC_PAUSE_MS = 1000 };

static const char *state_name(bool on)
{
	return on ? "enabled" : "disabled";
}

static int read_state(struct job *job, bool *on, struct err *err)
{
	const char *state = json_str(job_params(job), "state", "");
	*on = text_equal(state, "enabled");
	if (!*on && !text_equal(state, "disabled"))
		return err_set(
		    err, ERR_CONFIG,
		    "maintenance: state is \"%s\", but it can only be enabled or disabled; mend the playbook",
		    state);
	return 0;
}

static int look(struct job *job, struct heroku **heroku, struct heroku_app *app, struct err *err)
{
	*heroku = heroku_open(job, HEROKU_PATIENT, err);
	if (!*heroku)
		return -1;
	if (heroku_app_get(*heroku, app, err) == 0)
		return 0;
	heroku_close(*heroku);
	*heroku = NULL;
	return -1;
}

static int maintenance_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct heroku *heroku;
	struct heroku_app app;
	bool on;
	if (read_state(job, &on, err) < 0 || look(job, &heroku, &app, err) < 0)
		return -1;
	text_copy(plan->target, sizeof plan->target, heroku_app(heroku));
	text_copy(plan->side, sizeof plan->side, "OLD");
	text_copy(plan->verb, sizeof plan->verb, on ? "CLOSES THE SHOP" : "OPENS HEROKU AGAIN");
	text_copyf(plan->from, sizeof plan->from, "maintenance %s", state_name(app.maintenance));
	text_copyf(plan->to, sizeof plan->to, "maintenance %s", state_name(on));
	plan_does(plan, "PATCH /apps/%s {\"maintenance\":%s}", heroku_app(heroku), on ? "true" : "false");
	plan_does(plan, "GET / through Heroku's router until it answers %s",
		  on ? "503, the maintenance page" : "no 503 any more");
	text_copy(plan->then, sizeof plan->then,
		  on ? "Visitors see the maintenance page; web, workers, one-offs and Scheduler run on and "
		       "may still write."
		     : "Visitors reach Heroku again, and what they write is written to the OLD database.");
	text_copyf(plan->back, sizeof plan->back, "PATCH /apps/%s {\"maintenance\":%s}, at once",
		   heroku_app(heroku), on ? "false" : "true");
	plan->gate = on ? GATE_YES : GATE_TYPE;
	plan->nothing_to_do = app.maintenance == on;
	plan->estimate_ms = 3000;
	evidence_add(&plan->seen, VERDICT_PASS, "maintenance", state_name(app.maintenance),
		     "Heroku says maintenance is %s.", state_name(app.maintenance));
	if (*app.space && on)
		evidence_add(&plan->seen, VERDICT_WARN, "space", app.space,
			     "The app is in the Private Space %s, whose maintenance page is served by the "
			     "web dynos: keep one of them.",
			     app.space);
	heroku_close(heroku);
	return 0;
}

/* The change and what becomes of it. `from` is what the approved plan saw. */
static int set_state(struct job *job, bool on, struct err *err)
{
	struct heroku *heroku;
	struct heroku_app app;
	if (look(job, &heroku, &app, err) < 0)
		return -1;
	int rc = 0;
	if (app.maintenance != on) {
		struct jw w;
		jw_fact(&w, "maintenance", "");
		jw_bool(&w, "was", app.maintenance);
		jw_bool(&w, "set", on);
		jw_int(&w, "at_ms", clock_wall_ms());
		jw_int(&w, "heroku_at_ms", clock_wall_ms() + heroku_skew_ms(heroku));
		rc = job_record(job, &w, err);
		if (rc == 0)
			rc = heroku_maintenance_set(heroku, on, err);
	}
	if (rc < 0 && heroku_lost(heroku)) {
		struct err ignored = {0};
		if (heroku_app_get(heroku, &app, &ignored) == 0 && app.maintenance == on)
			rc = 0;
	}
	heroku_close(heroku);
	return rc;
}

/* Through Heroku's router by the app's own name, whatever DNS says now. 0: status is set. */
static int look_public(struct job *job, struct heroku *heroku, int *status, char *from, size_t size,
		       struct err *err)
{
	const char *name = job_first_name(job), *way = job_config_str(job, "web.old", "");
	const char *scheme = job_config_str(job, "web.scheme", "https");
	char to[220] = "", host[220] = "";
	text_copy(host, sizeof host, name ? name : "");
	text_copy(to, sizeof to, way);
	struct heroku_domain *domains = NULL;
	size_t n = 0;
	if (!*to && heroku_domains(heroku, &domains, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (text_equal(domains[i].hostname, host) && *domains[i].cname)
			text_copyf(to, sizeof to, "%s:%d", domains[i].cname,
				   text_equal(scheme, "https") ? 443 : 80);
		if (!*host && text_equal(domains[i].kind, "heroku"))
			text_copy(host, sizeof host, domains[i].hostname);
	}
	free(domains);
	if (!*host)
		return err_set(err, ERR_CONFIG,
			       "there is no name to look at: dns.names in nightferry.yml is empty");
	char *url = xasprintf("%s://%s/", scheme, host);
	struct http_request request = {
	    .url = url, .connect_to = *to ? to : NULL, .timeout_ms = 10000, .body_max = 1 << 20};
	struct http_reply reply;
	int rc = http_once(job, &request, &reply, err);
	*status = reply.status;
	text_copyf(from, size, "%s", url);
	job_command(job, "http", "GET %s at %s %d %lld ms", url, *to ? to : reply.remote, reply.status,
		    (long long)reply.ms);
	http_reply_done(&reply);
	free(url);
	return rc;
}

static bool public_as(int status, bool on)
{
	return on ? status == 503 : status > 0 && status < 500;
}

/* The router takes a few seconds to hear of it. */
static int wait_public(struct job *job, struct heroku *heroku, bool on, int tries, int *status, char *url,
		       size_t size, struct err *err)
{
	for (int i = 0;; i++) {
		if (look_public(job, heroku, status, url, size, err) < 0)
			return -1;
		if (public_as(*status, on) || i + 1 >= tries)
			return 0;
		job_progress(job, i + 1, 0, "",
			     on ? "waiting for the maintenance page" : "waiting for the app to answer");
		if (job_wait(job, PUBLIC_PAUSE_MS))
			return err_set(
			    err, ERR_CANCELLED,
			    "maintenance is set, but nobody waited until the router showed it; look at %s",
			    url);
	}
}

static int change(struct job *job, bool on, struct err *err)
{
	char url[260];
	int status;
	if (set_state(job, on, err) < 0)
		return -1;
	struct heroku *heroku = heroku_open(job, HEROKU_PATIENT, err);
	if (!heroku)
		return -1;
	/* Only waited for here; prove() decides, so a path that cannot be looked at is no failure of the
	 * change. */
	struct err unseen = {0};
	int rc = wait_public(job, heroku, on, PUBLIC_TRIES, &status, url, sizeof url, &unseen);
	if (rc < 0)
		job_log(job, "OLD", "%s", unseen.text);
	heroku_close(heroku);
	return 0;
}

static int maintenance_run(struct job *job, struct err *err)
{
	struct heroku *heroku;
	struct heroku_app app;
	bool on;
	if (read_state(job, &on, err) < 0 || look(job, &heroku, &app, err) < 0)
		return -1;
	heroku_close(heroku);
	char from[64];
	text_copyf(from, sizeof from, "maintenance %s", state_name(app.maintenance));
	const char *planned = json_str(job_plan(job), "from", from);
	/* Somebody else having done it is no trouble; somebody having done the opposite is. */
	if (app.maintenance != on && !text_equal(planned, from))
		return err_set(err, ERR_WORLD,
			       "the plan saw %s and now it is %s; nothing was changed, look at the new plan "
			       "and run again",
			       planned, from);
	return change(job, on, err);
}

static int maintenance_undo(struct job *job, struct err *err)
{
	bool on;
	if (read_state(job, &on, err) < 0)
		return -1;
	const struct json *fact = job_fact(job, "maintenance", "");
	return change(job, fact ? json_bool(fact, "was", !on) : !on, err);
}

static enum done maintenance_probe(struct job *job, struct err *err)
{
	struct heroku *heroku;
	struct heroku_app app;
	bool on;
	if (read_state(job, &on, err) < 0 || look(job, &heroku, &app, err) < 0)
		return DONE_UNCLEAR;
	heroku_close(heroku);
	return app.maintenance == on ? DONE_DONE : DONE_NOT_DONE;
}

static enum verdict maintenance_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct heroku *heroku;
	struct heroku_app app;
	bool on;
	char url[260] = "the public path";
	int status = 0;
	if (read_state(job, &on, err) < 0 || look(job, &heroku, &app, err) < 0)
		return VERDICT_UNKNOWN;
	evidence_add(ev, app.maintenance == on ? VERDICT_PASS : VERDICT_FAIL, "maintenance",
		     state_name(app.maintenance), "Heroku says maintenance is %s.",
		     state_name(app.maintenance));
	struct err unseen = {0};
	if (app.maintenance != on)
		status = 0;
	else if (wait_public(job, heroku, on, PUBLIC_TRIES, &status, url, sizeof url, &unseen) < 0)
		evidence_add(ev, VERDICT_UNKNOWN, "public", "unseen",
			     "What visitors get could not be looked at: %s", unseen.text);
	else if (public_as(status, on))
		evidence_add(ev, VERDICT_PASS, "public", on ? "503" : "open", "%s answers %d%s.", url, status,
			     on ? ", the maintenance page" : "");
	else
		evidence_add(ev, VERDICT_FAIL, "public", on ? "open" : "503",
			     on ? "%s still answers %d instead of the maintenance page."
				: "%s still answers %d: look at the dynos and their logs.",
			     url, status);
	heroku_close(heroku);
	return evidence_verdict(ev);
}
