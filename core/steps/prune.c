/* prune: stopped containers beyond those kept for a rollback, and images that no container uses, chosen as
 * Kamal chooses them. By docker and not by `kamal prune`, which looks anew when it runs: what goes is what
 * the gate has shown. Nothing is forced, so docker itself refuses what is in use by then. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job.h"
#include "core/steps/app_containers.h"
#include <stdlib.h>
#include <string.h>

static int prune_plan(struct job *job, struct plan *plan, struct err *err);
static int prune_run(struct job *job, struct err *err);
static enum done prune_probe(struct job *job, struct err *err);
static enum verdict prune_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"retain", "int", "0", "stopped containers to keep; default: retain_containers of Kamal's file, or 5"},
    {0},
};
static const char *const makes[] = {"pruned", NULL};

const struct step prune_step = {
    .name = "prune",
    .help = "removes stopped containers and unused images of the app, but what a rollback needs",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .plan = prune_plan,
    .run = prune_run,
    .probe = prune_probe,
    .prove = prune_prove,
};

#define CUT "--nightferry--"

/* What one look at the host says; the three parts of `text`. */
struct pruning {
	struct app app;
	char *text;
	char *stopped, *images, *usage; /* a line each; usage: "CONTAINER IMAGE" */
	struct json *go;                /* {"containers": [...], "images": [...]} */
};

static int retain_of(struct job *job)
{
	int64_t given = json_int(job_params(job), "retain", 0);
	if (given < 1)
		given = json_int(json_get(job_config(job), "kamal"), "retain_containers", 5);
	return given < 1 ? 5 : (int)(given > 1000 ? 1000 : given);
}

/* Stopped ones in docker's own order, the newest first; then the app's images; then the images in use. */
static int ask(struct pruning *p, struct err *err)
{
	struct buf out = {0};
	const char *s = p->app.names.service;
	int rc = ssh_run(
	    p->app.ssh, &out, err,
	    "docker ps -a --filter label=service=%s --filter status=created --filter status=exited "
	    "--filter status=dead --format '{{.Names}}' && echo " CUT
	    " && docker image ls --filter label=service=%s --format '{{.Repository}}:{{.Tag}}' && echo " CUT
	    " && docker ps -a --format '{{.Names}} {{.Image}}'",
	    s, s);
	char *images = NULL, *usage = NULL;
	if (rc == 0) {
		p->text = xstrdup(buf_text(&out));
		images = strstr(p->text, CUT "\n");
		usage = images ? strstr(images + 1, CUT "\n") : NULL;
		if (!usage)
			rc = err_set(err, ERR_WORLD, "docker's lists on %s were not understood",
				     ssh_name(p->app.ssh));
	}
	if (rc == 0) {
		p->stopped = p->text;
		*images = *usage = 0;
		p->images = images + sizeof CUT;
		p->usage = usage + sizeof CUT;
	}
	buf_done(&out);
	return rc;
}

/* The i-th line into `out`; false after the last. Cut off too long ones are no names and match nothing. */
static bool line_at(const char *text, size_t i, char *out, size_t size)
{
	for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n'))
		if (*text != '\n' && i-- == 0) {
			text_copyf(out, size, "%.*s", (int)strcspn(text, "\n"), text);
			return true;
		}
	return false;
}

/* They become words of a command on the host. */
static bool is_word(const char *text)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/@-";
	return *text && *text != '-' && strspn(text, good) == strlen(text);
}

static bool goes(const struct json *go, const char *kind, const char *name)
{
	for (const struct json *x = json_first(json_get(go, kind)); x; x = json_next(x))
		if (text_equal(json_text(x), name))
			return true;
	return false;
}

static bool in_use(const struct pruning *p, const struct json *containers, const char *image)
{
	char line[600];
	for (size_t i = 0; line_at(p->usage, i, line, sizeof line); i++) {
		char *used = strchr(line, ' ');
		if (!used)
			continue;
		*used++ = 0;
		if (text_equal(used, image) && !goes(containers, "containers", line))
			return true;
	}
	return false;
}

static bool is_kept_tag(const struct app *app, const char *image)
{
	char latest[80];
	const char *colon = strrchr(image, ':');
	text_copyf(latest, sizeof latest, ":latest%s%s", *app->names.destination ? "-" : "",
		   app->names.destination);
	return !colon || text_equal(colon, latest);
}

static struct json *finish(struct jw *w)
{
	const char *text = jw_finish(w);
	struct json *json = json_parse(text, strlen(text), NULL);
	jw_done(w);
	return json;
}

static void choose(struct pruning *p)
{
	char name[400];
	struct jw w = {0};
	jw_open(&w);
	jw_arr(&w, "containers");
	for (size_t i = (size_t)retain_of(p->app.job); line_at(p->stopped, i, name, sizeof name); i++)
		if (is_word(name))
			jw_str(&w, NULL, name);
	struct json *containers = finish(&w);
	jw_open(&w);
	jw_json(&w, "containers", json_get(containers, "containers"));
	jw_arr(&w, "images");
	for (size_t i = 0; line_at(p->images, i, name, sizeof name); i++)
		if (is_word(name) && !is_kept_tag(&p->app, name) && !in_use(p, containers, name))
			jw_str(&w, NULL, name);
	p->go = finish(&w);
	json_free(containers);
}

static int open_it(struct job *job, struct pruning *p, struct err *err)
{
	*p = (struct pruning){0};
	if (app_open(job, &p->app, err) < 0 || ask(p, err) < 0)
		return -1;
	choose(p);
	return 0;
}

static void close_it(struct pruning *p)
{
	json_free(p->go);
	free(p->text);
	app_close(&p->app);
}

/* ---- the plan ---- */

/* A role that has stopped containers of another version must keep one: `kamal rollback` starts it. */
static void refuse_rollback(const struct pruning *p, const char *role, struct plan *plan)
{
	const struct docker_container *running, *last = NULL;
	size_t kept = 0;
	app_running_of(&p->app, role, &running);
	for (size_t i = 0; i < p->app.n; i++) {
		const struct docker_container *c = &p->app.list[i];
		if (c->kind != DOCKER_APP || c->running || c->replaced || !text_equal(c->role, role) ||
		    (running && text_equal(c->version, running->version)))
			continue;
		bool going = goes(p->go, "containers", c->name);
		kept += !going;
		if (going && !last)
			last = c;
	}
	if (last && !kept)
		plan_refuse(plan,
			    "%s would go, the last container that a rollback of %s can start: keep more "
			    "(with: {retain: %d})",
			    last->name, role, retain_of(p->app.job) + 5);
}

static void refuse_recorded(const struct pruning *p, struct plan *plan)
{
	const struct json *list = json_get(job_fact(p->app.job, "app-stopped", ""), "containers");
	for (const struct json *n = json_first(list); n; n = json_next(n))
		if (json_text(n) && goes(p->go, "containers", json_text(n)))
			plan_refuse(
			    plan,
			    "%s would go, and this night has stopped it and may start it again: keep more",
			    json_text(n));
}

static void plan_list(const struct json *list, const char *command, const char *what, struct plan *plan)
{
	struct buf line = {0};
	size_t n = json_count(list), shown = 0;
	buf_adds(&line, command);
	for (const struct json *x = json_first(list); x; x = json_next(x)) {
		evidence_add(&plan->seen, VERDICT_PASS, what, json_text(x), "%s %s goes", what, json_text(x));
		if (line.len + strlen(json_text(x)) < 170) {
			buf_addf(&line, " %s", json_text(x));
			shown++;
		}
	}
	if (n)
		plan_does(plan, shown < n ? "%s and %zu more" : "%s", buf_text(&line), n - shown);
	buf_done(&line);
}

static void fill_plan(struct pruning *p, struct plan *plan)
{
	const struct json *containers = json_get(p->go, "containers"), *images = json_get(p->go, "images");
	text_copyf(plan->target, sizeof plan->target, "%s on %s", p->app.names.service, ssh_host(p->app.ssh));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "REMOVES WHAT IS STOPPED");
	text_copyf(plan->from, sizeof plan->from, "%zu containers and %zu images beyond the %d kept",
		   json_count(containers), json_count(images), retain_of(p->app.job));
	text_copy(plan->to, sizeof plan->to, "they are gone; what runs, and what a rollback starts, stays");
	plan_list(containers, "docker rm", "container", plan);
	plan_list(images, "docker rmi", "image", plan);
	text_copy(plan->then, sizeof plan->then, "nobody notices; the disk has more room");
	text_copy(plan->back, sizeof plan->back, "none: an older version has to be pulled or built again");
	plan->nothing_to_do = !json_count(containers) && !json_count(images);
	plan->estimate_ms = 5000;
	jw_open(&plan->data);
	jw_json(&plan->data, "go", p->go);
	for (size_t i = 0; i < p->app.names.n_roles; i++)
		refuse_rollback(p, p->app.names.roles[i], plan);
	refuse_recorded(p, plan);
}

static int prune_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct pruning p;
	int rc = open_it(job, &p, err);
	if (rc == 0)
		fill_plan(&p, plan);
	if (rc == 0)
		rc = app_plan_not_locked(&p.app, plan, err);
	close_it(&p);
	return rc;
}

/* ---- the act ---- */

static int remove_list(struct pruning *p, const char *kind, const char *command, struct err *err)
{
	struct buf line = {0};
	const struct json *list = json_get(p->go, kind);
	buf_adds(&line, command);
	for (const struct json *x = json_first(list); x; x = json_next(x))
		buf_addf(&line, " %s", json_text(x));
	int rc = json_first(list) ? ssh_run(p->app.ssh, NULL, err, "%s", buf_text(&line)) : 0;
	buf_done(&line);
	return rc;
}

static bool as_approved(const struct pruning *p)
{
	const struct json *plan = json_get(json_get(job_plan(p->app.job), "data"), "go");
	char *was = json_print(plan), *is = json_print(p->go);
	bool same = plan && text_equal(was, is);
	free(was);
	free(is);
	return same;
}

static int prune_run(struct job *job, struct err *err)
{
	struct pruning p;
	struct jw w;
	int rc = open_it(job, &p, err);
	if (rc == 0)
		rc = app_not_locked(&p.app, err);
	if (rc == 0 && !as_approved(&p))
		rc = err_set(err, ERR_WORLD,
			     "other containers or images would go by now; nothing was removed, plan again");
	if (rc == 0) {
		jw_fact(&w, "pruned", "");
		jw_json(&w, "go", p.go);
		jw_int(&w, "at_ms", clock_wall_ms());
		rc = job_record(job, &w, err);
	}
	if (rc == 0)
		rc = remove_list(&p, "containers", "docker rm", err);
	if (rc == 0)
		rc = remove_list(&p, "images", "docker rmi", err);
	close_it(&p);
	return rc;
}

/* ---- the proof ---- */

static bool is_there(const char *text, const char *name, bool first_word)
{
	char line[600];
	for (size_t i = 0; line_at(text, i, line, sizeof line); i++) {
		if (first_word)
			line[strcspn(line, " ")] = 0;
		if (text_equal(line, name))
			return true;
	}
	return false;
}

static size_t count_left(const struct pruning *p, struct evidence *ev)
{
	static const char *const kinds[] = {"containers", "images"};
	const struct json *go = json_get(job_fact(p->app.job, "pruned", ""), "go");
	size_t left = 0;
	for (size_t k = 0; k < 2; k++)
		for (const struct json *x = json_first(json_get(go, kinds[k])); x; x = json_next(x)) {
			if (!is_there(k ? p->images : p->usage, json_text(x), k == 0))
				continue;
			left++;
			if (ev)
				evidence_add(ev, VERDICT_FAIL, kinds[k], json_text(x), "%s is still there",
					     json_text(x));
		}
	return left;
}

static enum done prune_probe(struct job *job, struct err *err)
{
	struct pruning p;
	enum done done = DONE_UNCLEAR;
	/* What was never recorded was never begun. */
	bool begun = job_fact(job, "pruned", "") != NULL;
	if (open_it(job, &p, err) == 0)
		done = !begun ? DONE_NOT_DONE : count_left(&p, NULL) ? DONE_NOT_DONE : DONE_DONE;
	close_it(&p);
	return done;
}

static enum verdict prune_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct pruning p;
	int rc = open_it(job, &p, err);
	bool more =
	    rc == 0 && (json_count(json_get(p.go, "containers")) || json_count(json_get(p.go, "images")));
	if (rc == 0 && more && !job_fact(job, "pruned", ""))
		evidence_add(ev, VERDICT_FAIL, "removed", "none", "nothing was removed");
	else if (rc == 0 && !count_left(&p, ev))
		evidence_add(ev, VERDICT_PASS, "removed", "all", "what was to go is gone");
	if (more)
		evidence_add(ev, VERDICT_WARN, "more", "more", "by now more could go: run it again");
	close_it(&p);
	return rc < 0 ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
