/* A provider that a program of the user's changes: terraform, or any pair that saves a plan to a file and
 * applies that file. What is applied is the file that was approved, byte for byte, and nothing else; whether
 * it helped is told by the zone's own name servers, not by the program. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_by_servers.h"
#include "core/links/dns_command_inner.h"
#include "core/links/pty_child.h"
#include "core/links/saved_plan.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *command_open(struct job *job, enum dns_manner manner, struct err *err);
static void command_close(void *own);
static int command_zone(void *own, const char *name, struct dns_zone *out, struct err *err);
static int command_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err);
static int command_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err);
static bool command_lost(const void *own);
static int command_prepare(void *own, bool back, struct plan *plan, struct err *err);
static int command_running(void *own, char *who, size_t size, struct err *err);

extern const struct dns_provider command_provider;
const struct dns_provider command_provider = {
    .name = "command",
    .title = "the program",
    .call = "saved plan",
    .batch = true,
    .by_servers = true,
    .open = command_open,
    .close = command_close,
    .zone = command_zone,
    .look = command_look,
    .change = command_change,
    .lost = command_lost,
    .prepare = command_prepare,
    .running = command_running,
};

enum { SHOWN_MOST = 6, STARTS_MOST = 9 };

struct command {
	struct job *job;
	const struct json *config;
	struct dns_servers servers;
	struct saved_file made; /* by prepare; path "" before */
	bool back, lost;
	char last[300]; /* of what it said */
	bool error;     /* `last` is an error's line */
};

static void *command_open(struct job *job, enum dns_manner manner, struct err *err)
{
	const struct json *config = json_path(job_config(job), "dns.command");
	struct words words;
	(void)manner;
	/* Every word is looked at now, so that a mistake is found before the night needs it. */
	for (int back = 0; back < 2; back++) {
		if (command_plan_words(config, back, "FILE", &words, err) < 0)
			return NULL;
		words_done(&words);
	}
	if (command_apply_words(config, "FILE", &words, err) < 0)
		return NULL;
	words_done(&words);
	if (command_show_words(config, "FILE", &words, err) < 0)
		return NULL;
	words_done(&words);
	for (const struct json *x = json_first(json_get(job_params(job), "secrets")); x; x = json_next(x))
		if (!json_text(x) || !job_secret(job, json_text(x))) {
			err_set(
			    err, ERR_CONFIG,
			    "the secret %s is not in the engine's environment; stop the engine, set it, and "
			    "start nightferry again",
			    json_text(x) ? json_text(x) : "(no text)");
			return NULL;
		}
	struct command *c = xcalloc(1, sizeof *c);
	c->job = job;
	c->config = config;
	return c;
}

static void command_close(void *own)
{
	free(own);
}

static bool command_lost(const void *own)
{
	const struct command *c = own;
	return c->lost;
}

static int command_zone(void *own, const char *name, struct dns_zone *out, struct err *err)
{
	struct command *c = own;
	(void)name;
	return dns_by_servers_zone(c->job, &c->servers, out, err);
}

static int command_look(void *own, const struct dns_zone *zone, const char *name, struct dns_rrsets *out,
			struct err *err)
{
	const struct command *c = own;
	return dns_by_servers_look(&c->servers, zone, name, out, err);
}

/* ---- the plan ---- */

static bool may_go(const struct command *c, const char *address)
{
	for (const struct json *x = json_first(json_get(c->config, "replace")); x; x = json_next(x))
		if (text_equal(json_text(x), address))
			return true;
	return false;
}

/* Deleted and made anew is a gap in which nobody is answered, and caches remember the gap: by name only. */
static void see_losses(const struct command *c, const struct saved_plan *saved, struct plan *plan)
{
	int seen = 0;
	for (size_t i = 0; i < saved->n; i++) {
		const struct saved_item *item = &saved->items[i];
		if (!item->replaced && !item->destroyed)
			continue;
		seen++;
		if (may_go(c, item->address))
			evidence_add(&plan->seen, VERDICT_WARN, "replaced", item->address,
				     "%s %s, as dns.command.replace allows.", item->address,
				     item->replaced ? "must be replaced: deleted, then made anew"
						    : "would be destroyed");
		else
			plan_refuse(plan,
				    "%s: %s %s; in between nobody is answered, and caches remember that. "
				    "Mend the files so "
				    "that it is changed in place, or name it in dns.command.replace",
				    command_name(c->config), item->address,
				    item->replaced ? "must be replaced, deleted and made anew"
						   : "would be destroyed");
	}
	if (seen < saved->destroy)
		plan_refuse(plan, "%s would destroy %d things, more than anybody can look at here",
			    command_name(c->config), saved->destroy);
}

static void see_saved(const struct command *c, const struct saved_plan *saved, struct plan *plan)
{
	char counts[80], clock[UNITS_MAX];
	struct buf fact = {0};
	saved_plan_counts(saved, counts, sizeof counts);
	buf_addf(&fact, "%d/%d/%d", saved->add, saved->change, saved->destroy);
	for (size_t i = 0; i < saved->n; i++) {
		buf_addf(&fact, " %s", saved->items[i].address);
		if (i < SHOWN_MOST)
			plan_does(plan, "%s", saved->items[i].text);
	}
	if (saved->all > SHOWN_MOST)
		plan_does(plan, "and %zu more", saved->all - SHOWN_MOST);
	evidence_add(&plan->seen, VERDICT_PASS, "saved plan", buf_text(&fact),
		     "%s's plan of %s: %s. Only this saved plan is applied.", command_name(c->config),
		     units_clock(clock, c->made.made_ms), counts);
	buf_done(&fact);
	see_losses(c, saved, plan);
}

/* The JSON is one line; whatever else was said is not. */
static void json_line(const struct buf *said, const char **begin, size_t *len)
{
	const char *text = buf_text(said), *at = text[0] == '{' ? text : strstr(text, "\n{");
	*begin = at ? at + (*at == '\n') : text;
	*len = (size_t)(text + said->len - *begin);
	while (*len && strchr(" \t\r\n", (*begin)[*len - 1]))
		--*len;
}

static int read_saved(struct command *c, struct plan *plan, struct err *err)
{
	struct buf said = {0};
	struct saved_plan *saved = xcalloc(1, sizeof *saved);
	const char *text;
	size_t len;
	int rc = saved_file_show(c->job, c->config, &c->made, &said, err);
	json_line(&said, &text, &len);
	if (rc == 0)
		rc = saved_plan_read(text, len, saved, err);
	if (rc == 0)
		see_saved(c, saved, plan);
	else if (rc > 0)
		evidence_add(&plan->seen, VERDICT_WARN, "unread", "unread",
			     "%s's plan is saved, and no `show:` says what is in it: look at it yourself.",
			     command_name(c->config));
	free(saved);
	buf_done(&said);
	return rc < 0 ? -1 : 0;
}

static void write_saved(const struct command *c, struct plan *plan)
{
	if (!plan->data.buf.len)
		jw_open(&plan->data);
	jw_obj(&plan->data, "saved");
	jw_str(&plan->data, "path", c->made.path);
	jw_str(&plan->data, "sha256", c->made.sha256);
	jw_bool(&plan->data, "back", c->back);
	jw_int(&plan->data, "made_ms", c->made.made_ms);
	jw_end(&plan->data);
}

static int command_prepare(void *own, bool back, struct plan *plan, struct err *err)
{
	struct command *c = own;
	bool temporary;
	char who[120];
	int alive = command_running(own, who, sizeof who, err);
	c->back = back;
	if (alive < 0 || saved_file_make(c->job, c->config, back, &c->made, &temporary, err) < 0)
		return -1;
	if (alive)
		plan_refuse(plan, "an earlier attempt still runs (%s); nothing is started beside it", who);
	int rc = 0;
	if (c->made.empty) {
		plan_refuse(
		    plan,
		    "%s finds nothing to change, and the records are not as they shall be: look whether its "
		    "files and variables lead the names there, and whether it is the zone's provider that "
		    "they change",
		    command_name(c->config));
	} else {
		plan_does(plan, "%s apply, of the saved plan %.12s and of nothing else",
			  command_name(c->config), c->made.sha256);
		rc = read_saved(c, plan, err);
		write_saved(c, plan);
	}
	if (temporary)
		saved_file_drop(&c->made);
	return rc;
}

/* ---- its run ---- */

static int base_of(const struct command *c, const char *attempt, int64_t nth, char *out, size_t size,
		   struct err *err)
{
	char name[40];
	text_copyf(name, sizeof name, "dns-%lld", (long long)nth);
	return pty_child_base(c->job, attempt, name, out, size, err);
}

static int command_running(void *own, char *who, size_t size, struct err *err)
{
	struct command *c = own;
	const struct json *fact;
	int alive = 0;
	*who = '\0';
	for (size_t i = 0; !alive && (fact = job_fact_at(c->job, "dns-command", i)) != NULL; i++) {
		const char *attempt = json_str(fact, "attempt", "");
		char base[500];
		struct pty_look now;
		if (base_of(c, attempt, json_int(fact, "nth", 1), base, sizeof base, NULL) < 0)
			continue;
		if (pty_child_look(base, 0, &now, err) < 0)
			return -1;
		alive = now.state == PTY_ALIVE;
		if (alive)
			text_copyf(who, size, "%s as process %d", attempt, now.pid);
		pty_look_done(&now);
	}
	return alive;
}

/* An attempt that is taken back has run a program already, and an undo may be repeated. */
static int unused_base(const struct command *c, int64_t *nth, char *out, size_t size, struct err *err)
{
	for (*nth = 1; *nth <= STARTS_MOST; ++*nth) {
		struct pty_look now;
		if (base_of(c, NULL, *nth, out, size, err) < 0 || pty_child_look(out, 0, &now, err) < 0)
			return -1;
		enum pty_state state = now.state;
		pty_look_done(&now);
		if (state == PTY_NEVER)
			return 0;
		if (state == PTY_ALIVE)
			return err_set(
			    err, ERR_REFUSED,
			    "the program of this attempt still runs; nothing is started beside it");
	}
	return err_set(err, ERR_REFUSED, "this attempt has run its program %d times; plan a new one",
		       STARTS_MOST);
}

static void say_line(void *ctx, const char *line, size_t len)
{
	struct command *c = ctx;
	const char *error = memmem(line, len, "Error: ", 7);
	job_log(c->job, "", "%.*s", (int)len, line);
	if (c->error || !len)
		return;
	c->error = error != NULL;
	if (error) {
		len -= (size_t)(error - line);
		line = error;
	}
	text_clean(c->last, sizeof c->last, line, len);
}

static int how_it_ended(struct command *c, const struct pty_look *end, struct err *err)
{
	const char *name = command_name(c->config), *last = *c->last ? c->last : "no words";
	if (end->state == PTY_ENDED && end->rc == 0)
		return 0;
	/* Terraform and OpenTofu look whether a plan is stale, or of another state, before they begin. */
	if (end->state == PTY_ENDED && end->rc > 0 && command_is_terraform(c->config) &&
	    (strstr(c->last, "Saved plan is stale") ||
	     strstr(c->last, "Saved plan does not match the given state")))
		return err_set(err, ERR_WORLD,
			       "%s: the saved plan is stale, for somebody has applied another one meanwhile; "
			       "nothing was changed, look at the new plan and run again",
			       name);
	c->lost = true;
	if (end->state == PTY_ENDED && end->rc > 0)
		return err_set(err, ERR_WORLD, "%s ended with %d: %s", name, end->rc, last);
	if (end->state == PTY_ENDED)
		return err_set(err, ERR_WORLD, "%s was ended by signal %d: %s", name, end->signal, last);
	return err_set(err, ERR_WORLD, "nobody saw how %s ended", name);
}

static int record_start(struct command *c, int64_t nth, const char *say, const char *sha256, struct err *err)
{
	struct jw w;
	jw_fact(&w, "dns-command", job_attempt(c->job));
	jw_str(&w, "attempt", job_attempt(c->job));
	jw_int(&w, "nth", nth);
	jw_str(&w, "say", say);
	jw_str(&w, "sha256", sha256);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(c->job, &w, err);
}

/* Nobody ends it half-way: whatever a cancel asks for, a program that has begun to change records ends by
 * itself. */
static int apply(struct command *c, const struct words *words, const char *sha256, struct err *err)
{
	char base[500], say[300];
	int64_t nth;
	struct command_env env;
	const char *dir = json_str(c->config, "dir", "");
	struct pty_look end = {0};
	words_text(words, say, sizeof say);
	if (unused_base(c, &nth, base, sizeof base, err) < 0 || record_start(c, nth, say, sha256, err) < 0)
		return -1;
	command_env_make(c->job, &env);
	struct pty_start start = {.base = base,
				  .argv = (const char *const *)words->list,
				  .env = (const char *const *)env.list,
				  .dir = *dir ? dir : NULL,
				  .secrets = env.secrets,
				  .lock_fd = job_lock_fd(c->job),
				  .pipe = true};
	job_command(c->job, "run", "%s", say);
	int rc = pty_child_start(&start, err);
	command_env_done(&env);
	if (rc < 0)
		return -1;
	struct pty_follow follow = {.job = c->job, .base = base, .line = say_line, .ctx = c, .deaf = true};
	rc = pty_child_follow(&follow, &end, err);
	if (rc == 0)
		rc = how_it_ended(c, &end, err);
	else
		c->lost = true;
	pty_look_done(&end);
	return rc;
}

static int command_change(void *own, const struct dns_zone *zone, const struct dns_change *changes, size_t n,
			  struct err *err)
{
	struct command *c = own;
	const struct json *saved = json_path(job_plan(c->job), "data.saved");
	const char *path = json_str(saved, "path", c->made.path),
		   *sha256 = json_str(saved, "sha256", c->made.sha256);
	struct words words;
	(void)zone;
	(void)changes;
	(void)n;
	c->lost = false;
	if (!*path)
		return err_set(
		    err, ERR_WORLD,
		    "%s: no saved plan was approved, and nothing else is applied; nothing was changed, "
		    "plan again",
		    command_name(c->config));
	if (saved_file_check(path, sha256, err) < 0 || command_apply_words(c->config, path, &words, err) < 0)
		return -1;
	int rc = apply(c, &words, sha256, err);
	words_done(&words);
	/* Once begun it cannot be applied again. */
	unlink(path);
	return rc;
}
