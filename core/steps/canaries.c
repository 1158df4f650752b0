/* canaries: the user's own commands in the new app's containers that must succeed before anybody's name leads
 * there: an old row is decrypted, a file is read from the bucket. They look and change nothing, so the look
 * is the proof. */
#include "core/base/text.h"
#include "core/job.h"
#include "core/links/docker.h"
#include "core/links/target.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int canaries_plan(struct job *job, struct plan *plan, struct err *err);
static int canaries_run(struct job *job, struct err *err);
static enum done canaries_probe(struct job *job, struct err *err);
static enum verdict canaries_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {{0}};

const struct step canaries_step = {
    .name = "canaries",
    .help = "commands of yours that must succeed inside the new app, N of N",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP, /* the app stands on its own database there, not on the copy */
    .params = params,
    .plan = canaries_plan,
    .run = canaries_run,
    .probe = canaries_probe,
    .prove = canaries_prove,
};

enum { OUT_MOST = 1 << 20, TIMES_MOST = 1000 };

struct canary {
	const char *name, *run, *role, *expect;
	int64_t times, limit_ms;
};
struct result {
	int64_t good, of; /* of all its runs together, as they count themselves */
	char why[200];    /* "" : it holds */
	enum verdict verdict;
};

static const struct json *list_of(const struct job *job)
{
	return json_get(job_config(job), "canary");
}

static struct canary canary_of(const struct json *x)
{
	return (struct canary){.name = json_str(x, "name", ""),
			       .run = json_str(x, "run", ""),
			       .role = json_str(x, "in", ""),
			       .expect = json_str(x, "expect", ""),
			       .times = json_int(x, "times", 1),
			       .limit_ms = json_int(x, "limit_ms", 60000)};
}

/* The newest running container of the role, the first role where none is named; "host" is the host itself. */
static int place_of(const struct canary *c, const struct docker_names *names,
		    const struct docker_container *list, size_t n, const char **container, char *where,
		    size_t size, struct err *err)
{
	const char *role = *c->role ? c->role : names->n_roles ? names->roles[0] : "web";
	*container = NULL;
	text_copy(where, size, "the host");
	if (text_equal(c->role, "host"))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (list[i].kind == DOCKER_APP && list[i].running && !list[i].stale &&
		    text_equal(list[i].role, role)) {
			*container = list[i].name;
			text_copy(where, size, list[i].name);
			return 0;
		}
	return err_set(err, ERR_WORLD, "no container of the role %s runs: start the new app first (app-boot)",
		       role);
}

/* ---- one run ---- */

/* "200/200" or "200 of 200" in the last line with words: how many of its own looks were good. */
static bool read_count(const char *line, int64_t *good, int64_t *of)
{
	for (const char *at = line; *at; at++) {
		char *rest;
		if (!isdigit((unsigned char)*at) || (at > line && isdigit((unsigned char)at[-1])))
			continue;
		long long a = strtoll(at, &rest, 10);
		bool of_word = text_starts(rest, " of ");
		if (*rest != '/' && !of_word)
			continue;
		const char *second = rest + (of_word ? 4 : 1);
		if (!isdigit((unsigned char)*second))
			continue;
		*good = a;
		*of = strtoll(second, NULL, 10);
		return true;
	}
	return false;
}

/* What a URL says before its @ is nobody's to read, whoever printed it. */
static void mask_login(char *line)
{
	for (char *at = line; (at = strstr(at, "://"));) {
		char *start = at + 3, *end = start + strcspn(start, " \t\"'");
		for (char *p = start; p < end; p++)
			if (*p == '@') {
				memmove(start + 1, p, strlen(p) + 1);
				*start = '*';
				break;
			}
		at = start;
	}
}

static void last_line(const struct buf *out, char *line, size_t size)
{
	const char *text = buf_text(out);
	size_t end = out->len, begin;
	while (end && strchr(" \t\r\n", text[end - 1]))
		end--;
	for (begin = end; begin && text[begin - 1] != '\n';)
		begin--;
	text_clean(line, size, text + begin, end - begin);
	mask_login(line);
}

static void judge(const struct canary *c, const struct ssh_reply *reply, struct result *r)
{
	char line[120], words[120];
	int64_t good = 1, of = 1;
	last_line(&reply->out, line, sizeof line);
	last_line(&reply->err, words, sizeof words);
	bool counts = reply->status == 0 && read_count(line, &good, &of);
	bool has = !*c->expect || memmem(buf_text(&reply->out), reply->out.len, c->expect, strlen(c->expect));
	bool holds = reply->status == 0 && has && good == of && of > 0;
	r->of += counts ? of : 1;
	r->good += holds ? good : counts && good < of && good >= 0 ? good : 0;
	if (holds || *r->why)
		return;
	r->verdict = VERDICT_FAIL;
	if (reply->status != 0)
		text_copyf(r->why, sizeof r->why, "ended with %d: %s", reply->status,
			   *words  ? words
			   : *line ? line
				   : "no words");
	else if (counts && of <= 0)
		text_copyf(r->why, sizeof r->why, "looked at nothing: %s", line);
	else if (counts && good != of)
		text_copyf(r->why, sizeof r->why, "%s", line);
	else
		text_copyf(r->why, sizeof r->why, "does not say \"%.60s\": %s", c->expect,
			   *line ? line : "no words");
}

static int run_once(struct ssh *ssh, const struct canary *c, const char *container, struct result *r,
		    struct err *err)
{
	struct buf command = {0};
	struct ssh_reply reply;
	char *say = xasprintf("canary %s: %s%s", c->name, container ? "docker exec " : "on the host",
			      container ? container : "");
	if (container) {
		buf_adds(&command, "docker exec ");
		ssh_quote(&command, container);
		buf_adds(&command, " sh -c ");
		ssh_quote(&command, c->run);
	} else {
		buf_adds(&command, c->run);
	}
	int rc = ssh_exec(ssh,
			  &(struct ssh_call){.command = buf_text(&command),
					     .say = say,
					     .timeout_ms = (int)c->limit_ms,
					     .out_bytes = OUT_MOST},
			  &reply, err);
	if (rc == 0)
		judge(c, &reply, r);
	ssh_reply_done(&reply);
	buf_done(&command);
	free(say);
	return rc;
}

static void run_canary(struct job *job, struct ssh *ssh, const struct canary *c, const char *container,
		       struct result *r)
{
	struct err why = {0};
	*r = (struct result){.verdict = VERDICT_PASS};
	for (int64_t i = 0; i < c->times && r->verdict == VERDICT_PASS; i++) {
		if (run_once(ssh, c, container, r, &why) < 0) {
			/* Nobody knows how it would have ended, and it may still be at work there. */
			r->verdict = VERDICT_UNKNOWN;
			text_copyf(r->why, sizeof r->why, "%s", why.text);
		}
		if (job_stopping(job) && r->verdict == VERDICT_PASS && i + 1 < c->times) {
			r->verdict = VERDICT_UNKNOWN;
			text_copy(r->why, sizeof r->why, "stopped on request");
		}
	}
}

/* ---- all of them ---- */

static void add_line(struct evidence *ev, const struct canary *c, const struct result *r, const char *where)
{
	char fact[160];
	text_copyf(fact, sizeof fact, "%lld/%lld %.100s", (long long)r->good, (long long)r->of, r->why);
	if (r->verdict == VERDICT_PASS)
		evidence_add(ev, VERDICT_PASS, c->name, fact, "%s: %lld of %lld, in %s", c->name,
			     (long long)r->good, (long long)r->of, where);
	else
		evidence_add(ev, r->verdict, c->name, fact, "%s in %s %s", c->name, where, r->why);
}

static int run_all(struct job *job, struct evidence *ev, struct err *err)
{
	struct docker_names names = {.n_roles = 0};
	struct docker_container *list = NULL;
	size_t n = 0;
	int64_t done = 0, all = (int64_t)json_count(list_of(job));
	struct ssh *ssh = ssh_open(job, SSH_ASKING, err);
	int rc = ssh ? 0 : -1;
	if (rc == 0 && !target_no_kamal(job) &&
	    (docker_names(job, &names, err) < 0 || docker_containers(ssh, &names, &list, &n, err) < 0))
		rc = -1;
	for (const struct json *x = json_first(list_of(job)); x && rc == 0; x = json_next(x)) {
		struct canary c = canary_of(x);
		const char *container;
		char where[160];
		struct result r;
		struct err why = {0};
		job_progress(job, done++, all, "items", c.name);
		if (place_of(&c, &names, list, n, &container, where, sizeof where, &why) < 0) {
			evidence_add(ev, VERDICT_FAIL, c.name, "no place", "%s: %s", c.name, why.text);
			continue;
		}
		run_canary(job, ssh, &c, container, &r);
		add_line(ev, &c, &r, where);
	}
	free(list);
	ssh_close(ssh);
	return rc;
}

static int canaries_plan(struct job *job, struct plan *plan, struct err *err)
{
	size_t n = json_count(list_of(job));
	(void)err;
	text_copy(plan->target, sizeof plan->target, job_config_str(job, "host.address", "the new host"));
	text_copy(plan->side, sizeof plan->side, "NEW");
	text_copy(plan->verb, sizeof plan->verb, "LOOKS");
	text_copyf(plan->to, sizeof plan->to, "%zu canar%s succeed", n, n == 1 ? "y" : "ies");
	for (const struct json *x = json_first(list_of(job)); x; x = json_next(x)) {
		struct canary c = canary_of(x);
		plan_does(plan, "%s, %lld time%s, in %s: %s", c.name, (long long)c.times,
			  c.times == 1 ? "" : "s", *c.role ? c.role : "the app's first role", c.run);
	}
	text_copy(plan->back, sizeof plan->back, "none is needed, unless a command of nightferry.yml writes");
	plan->nothing_to_do = n == 0;
	plan->estimate_ms = (int64_t)n * 5000;
	if (n && target_no_host(job))
		plan_refuse(plan, "canaries run on the new host, and that is %s", target_no_host(job));
	return 0;
}

static int canaries_run(struct job *job, struct err *err)
{
	(void)err;
	job_progress(job, 0, 0, "items", "asking");
	return 0;
}

static enum done canaries_probe(struct job *job, struct err *err)
{
	(void)job;
	(void)err;
	return DONE_DONE;
}

/* The first line is what the flip's gate shows when all is well. */
static enum verdict canaries_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct evidence each = {0};
	int64_t n = (int64_t)json_count(list_of(job)), good = 0;
	char names[160] = "";
	if (!n) {
		evidence_add(ev, VERDICT_PASS, "canaries", "none", "nightferry.yml names no canary");
		return VERDICT_PASS;
	}
	if (run_all(job, &each, err) < 0) {
		evidence_done(&each);
		return VERDICT_UNKNOWN;
	}
	for (size_t i = 0; i < each.n; i++) {
		good += each.lines[i].verdict == VERDICT_PASS;
		size_t len = strlen(names);
		text_copyf(names + len, sizeof names - len, "%s%.32s", i ? ", " : "", each.lines[i].name);
	}
	if (good == n)
		evidence_add(ev, VERDICT_PASS, "canaries", names, "%lld of %lld canaries hold: %s",
			     (long long)good, (long long)n, each.n == 1 ? each.lines[0].text : names);
	for (size_t i = 0; i < each.n; i++)
		evidence_add(ev, each.lines[i].verdict, each.lines[i].name, each.lines[i].fact, "%s",
			     each.lines[i].text);
	evidence_done(&each);
	return evidence_verdict(ev);
}
