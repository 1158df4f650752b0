/* dns-ttl: how long caches may keep the answers that are about to change. Lowered before the night, it makes
 * the flip quick only once the answers that were given out with the longer TTL are gone: that moment is
 * written down as a fact, and shown. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/steps/dns_servers.h"
#include "core/steps/dns_sets.h"
#include <stdlib.h>

static int dns_ttl_plan(struct job *job, struct plan *plan, struct err *err);
static int dns_ttl_run(struct job *job, struct err *err);
static int dns_ttl_undo(struct job *job, struct err *err);
static enum done dns_ttl_probe(struct job *job, struct err *err);
static enum verdict dns_ttl_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"ttl", "text", "60", "seconds, or recorded: what it was before"},
    {0},
};
static const char *const makes[] = {"dns-ttl-before", "dns-ttl-set", "dns-ttl-safe", NULL};

const struct step dns_ttl_step = {
    .name = "dns-ttl",
    .help = "shortens the TTL of the names that move, or puts it back",
    .gate = GATE_YES,
    .cancel = CANCEL_SAFE_POINT,
    .alone = true,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = dns_secrets,
    .plan = dns_ttl_plan,
    .run = dns_ttl_run,
    .undo = dns_ttl_undo,
    .probe = dns_ttl_probe,
    .prove = dns_ttl_prove,
};

enum { SERVERS_WAIT_MS = 30000, LEAST_S = 1, MOST_S = 86400 };

/* A TTL that is short already is left alone. */
static void wish(struct dns_sets *sets, struct dns_target *t)
{
	const int64_t *ttl_s = sets->ctx;
	struct dns_rrset before;
	const struct json *record = dns_sets_before(sets, t);
	/* A TTL of the proxy's addresses is Cloudflare's own. */
	if (t->now.proxied)
		return;
	if (sets->back && record) {
		dns_rrset_read(record, &before);
		t->want.ttl_s = before.ttl_s;
		t->want.lives_s = before.lives_s;
	} else if (!sets->back && t->now.lives_s > *ttl_s) {
		t->want.ttl_s = t->want.lives_s = *ttl_s;
	}
}

/* 0: what was recorded. */
static int read_ttl(struct job *job, int64_t *ttl_s, struct err *err)
{
	const char *text = json_str(job_params(job), "ttl", "");
	*ttl_s = text_equal(text, "recorded") ? 0
		 : *text                      ? units_parse_int(text, -1)
					      : json_int(job_params(job), "ttl", 60);
	if (*ttl_s == 0 && text_equal(text, "recorded"))
		return 0;
	if (*ttl_s < LEAST_S || *ttl_s > MOST_S)
		return err_set(err, ERR_CONFIG,
			       "dns-ttl: ttl is \"%s\", but it can only be a number of seconds up to %d, or "
			       "recorded; mend the playbook",
			       text, MOST_S);
	return 0;
}

static struct dns_sets *open_sets(struct job *job, bool undo, enum dns_manner manner, int64_t *ttl_s,
				  struct err *err)
{
	if (read_ttl(job, ttl_s, err) < 0)
		return NULL;
	bool back = *ttl_s == 0 || undo;
	struct dns_sets *sets = xcalloc(1, sizeof *sets);
	*sets = (struct dns_sets){.job = job,
				  .step = "dns-ttl",
				  .before = "dns-ttl-before",
				  .done = "dns-ttl-set",
				  .where = back ? "as it was" : "short",
				  .to = back ? "recorded" : "short",
				  .back = back,
				  .members = true,
				  .wish = wish,
				  .ctx = ttl_s};
	if (dns_sets_look(sets, manner, err) == 0)
		return sets;
	dns_sets_done(sets);
	free(sets);
	return NULL;
}

static void close_sets(struct dns_sets *sets)
{
	dns_sets_done(sets);
	free(sets);
}

static int plan_sets(struct dns_sets *sets, struct plan *plan)
{
	struct err unseen = {0};
	char old[UNITS_MAX];
	int64_t now_s = dns_sets_longest_s(sets, false), want_s = dns_sets_longest_s(sets, true);
	text_copy(plan->target, sizeof plan->target, sets->zone.name);
	text_copy(plan->verb, sizeof plan->verb, sets->back ? "PUTS THE TTL BACK" : "SHORTENS THE TTL");
	text_copyf(plan->from, sizeof plan->from, "TTL %lld s", (long long)now_s);
	text_copyf(plan->to, sizeof plan->to, "TTL %lld s", (long long)want_s);
	dns_sets_see_records(sets, &plan->seen);
	if (!dns_sets_see_delegation(sets, &plan->seen, &unseen) && unseen.kind)
		evidence_add(&plan->seen, VERDICT_UNKNOWN, "delegation", "unseen", "%s", unseen.text);
	if (sets->back)
		text_copy(plan->then, sizeof plan->then, "caches keep the answers as long as before");
	else
		text_copyf(plan->then, sizeof plan->then,
			   "nothing moves. A flip is quick from %s after the change on, when the old answers "
			   "have died",
			   units_duration(old, now_s * 1000));
	text_copy(plan->back, sizeof plan->back, "the same change back, to each record's own TTL");
	if (sets->provider->prepare && dns_sets_left(sets))
		dns_refuse(
		    sets,
		    "%s is changed by a program, and its TTL stands in the program's own files: shorten it "
		    "there well before the night, and mark the step as done",
		    sets->zone.name);
	dns_sets_plan(sets, plan);
	plan->estimate_ms = sets->provider->by_hand ? -1 : 3000;
	plan->nothing_to_do = dns_sets_left(sets) == 0 && !*sets->refused;
	if (*sets->refused)
		plan_refuse(plan, "%s", sets->refused);
	return 0;
}

static int dns_ttl_plan(struct job *job, struct plan *plan, struct err *err)
{
	int64_t ttl_s;
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, &ttl_s, err);
	if (!sets)
		return err->kind == ERR_REFUSED ? (plan_refuse(plan, "%s", err->text), 0) : -1;
	int rc = plan_sets(sets, plan);
	close_sets(sets);
	return rc;
}

/* ---- run ---- */

/* What the zone's own servers tell with another TTL than wanted: when it is shortened a shorter one does as
 * well, when it is put back a shorter one is that of the night. Those that do not tell count, too. */
static void answers_left(const struct dns_matrix *m, const void *ctx, struct dns_left *left)
{
	const struct dns_sets *sets = ctx;
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			int64_t want_s = -1, ttl_s = m->seen[i][name].ttl_s;
			for (size_t t = 0; t < sets->n; t++)
				if (dns_same(sets->targets[t].want.name, m->names[name].name))
					want_s = sets->targets[t].want.lives_s;
			if (ttl_s >= 0 && (sets->back ? ttl_s >= want_s : ttl_s <= want_s))
				continue;
			text_copyf(left->who, sizeof left->who, "%s tells %lld s for %s",
				   m->servers.list[i].label, (long long)ttl_s, m->names[name].name);
			left->n++;
			left->told += !dns_tells_nothing(&m->seen[i][name]);
		}
}

/* The moment all servers had it, and the longest life that was given out until then. */
static int record_safe(struct dns_sets *sets, int64_t old_s, struct err *err)
{
	struct jw w;
	jw_fact(&w, "dns-ttl-safe", "");
	jw_int(&w, "everywhere_ms", clock_wall_ms());
	jw_int(&w, "old_ttl_s", old_s);
	jw_int(&w, "safe_from_ms", sets->back ? 0 : clock_wall_ms() + old_s * 1000);
	return job_record(sets->job, &w, err);
}

static int wait_servers(struct dns_sets *sets, int64_t old_s, struct err *err)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(sets->job, &unseen);
	size_t left = m ? dns_servers_wait(sets->job, m, answers_left, sets, false, SERVERS_WAIT_MS).n : 1;
	dns_matrix_close(m);
	/* Without it the clock has not started, and prove() says who is missing. */
	return left ? 0 : record_safe(sets, old_s, err);
}

static int ttl_to(struct job *job, bool undo, struct err *err)
{
	int64_t ttl_s;
	struct dns_sets *sets = open_sets(job, undo, DNS_PATIENT, &ttl_s, err);
	if (!sets)
		return -1;
	int64_t old_s = dns_sets_longest_s(sets, false);
	const struct json *before = job_fact(job, "dns-ttl-safe", "");
	/* Run again after a half-way end: the longest life was that of the first attempt. */
	if (json_int(before, "old_ttl_s", 0) > old_s)
		old_s = json_int(before, "old_ttl_s", 0);
	int rc = dns_sets_check(sets, err);
	if (rc == 0)
		rc = dns_sets_change(sets, err);
	if (rc == 0)
		rc = wait_servers(sets, old_s, err);
	close_sets(sets);
	return rc;
}

static int dns_ttl_run(struct job *job, struct err *err)
{
	return ttl_to(job, false, err);
}

static int dns_ttl_undo(struct job *job, struct err *err)
{
	return ttl_to(job, true, err);
}

static enum done dns_ttl_probe(struct job *job, struct err *err)
{
	int64_t ttl_s;
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, &ttl_s, err);
	if (!sets)
		return DONE_UNCLEAR;
	enum done done = dns_sets_probe(sets, err);
	close_sets(sets);
	return done;
}

/* A cache with an older, longer answer: no failure of the change, but the flip has to wait for it. */
static void prove_caches(struct dns_matrix *m, struct evidence *ev)
{
	char clock[UNITS_MAX];
	dns_matrix_ask_caches(m);
	int64_t safe_ms = dns_matrix_safe_from_ms(m);
	if (safe_ms > clock_wall_ms())
		evidence_add(ev, VERDICT_WARN, "safe from", "later",
			     "Not safe to flip before %s: until then caches may hold older, longer answers.",
			     units_clock(clock, safe_ms));
	else if (safe_ms)
		evidence_add(ev, VERDICT_PASS, "safe from", "now",
			     "The older, longer answers are gone: safe to flip.");
}

static enum verdict dns_ttl_prove(struct job *job, struct evidence *ev, struct err *err)
{
	int64_t ttl_s;
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, &ttl_s, err);
	struct dns_matrix *m = sets ? dns_matrix_open(job, err) : NULL;
	if (m) {
		dns_sets_prove_records(sets, ev);
		struct dns_left left = dns_servers_wait(job, m, answers_left, sets, true, DNS_PROOF_WAIT_MS);
		if (left.n)
			evidence_add(ev, VERDICT_FAIL, "name servers", left.who,
				     "%zu answer%s of name servers %s not followed: %s.", left.n,
				     left.n == 1 ? "" : "s", left.n == 1 ? "has" : "have", left.who);
		else
			evidence_add(ev, VERDICT_PASS, "name servers", "all",
				     "All %zu name servers tell it for %zu names.", m->n_authoritative,
				     m->n_names);
		if (!sets->back)
			prove_caches(m, ev);
	}
	dns_matrix_close(m);
	if (sets)
		close_sets(sets);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
