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
#include <string.h>

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
				  .hints = true,
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

/* The TTLs stand in the user's own files. Once they are there, this step finds nothing to do. */
static void refuse_program(struct dns_sets *sets)
{
	const struct json *command = json_path(job_config(sets->job), "dns.command");
	const char *dir = json_str(command, "dir", ".");
	const char *program = json_str(command, "program", "terraform"), *slash = strrchr(program, '/');
	bool own = json_count(json_get(command, "apply")) > 0;
	long long ttl_s = (long long)dns_sets_longest_s(sets, true);
	char names[100];
	dns_sets_names(sets, false, names, sizeof names);
	if (own)
		dns_refuse(sets,
			   "the TTL of %s stands in your own program's files (%.60s): %s %lld s there well "
			   "before the night, let the program apply it, and run this step again, which looks",
			   names, dir, sets->back ? "put it back to" : "write", ttl_s);
	else
		dns_refuse(sets,
			   "the TTL of %s stands in your own files: write `ttl = %lld` at the record in "
			   "%.60s%s, run `%.20s apply` there, and run this step again, which looks",
			   names, ttl_s, dir, sets->back ? " again" : ", well before the night",
			   slash ? slash + 1 : program);
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
		refuse_program(sets);
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

/* A CNAME is told with the addresses behind it. */
static int type_of(const struct dns_rrset *set)
{
	return text_equal(set->type, "AAAA")    ? DNS_AAAA
	       : text_equal(set->type, "HTTPS") ? DNS_HTTPS
	       : text_equal(set->type, "SVCB")  ? DNS_SVCB
						: DNS_A;
}

/* What the zone's own servers tell with another TTL than wanted: when it is shortened a shorter one does as
 * well, when it is put back a shorter one is that of the night. */
static bool is_told(const struct dns_sets *sets, const struct dns_target *target, int64_t ttl_s)
{
	return ttl_s >= 0 && (sets->back ? ttl_s >= target->want.lives_s : ttl_s <= target->want.lives_s);
}

/* Those that do not tell count, too. */
static void judge_answer(const struct dns_sets *sets, const struct dns_target *target,
			 const struct dns_server *server, const struct dns_query *query,
			 struct dns_left *left)
{
	bool told = query->end == DNS_ANSWERED && query->rcode == DNS_NOERROR && query->aa;
	int64_t ttl_s = told ? dns_ttl(query) : -1;
	left->all++;
	if (is_told(sets, target, ttl_s))
		return;
	if (ttl_s < 0)
		text_copyf(left->who, sizeof left->who, "%s does not tell %s: %s", server->label, target->key,
			   *query->why ? query->why : "no record");
	else
		text_copyf(left->who, sizeof left->who, "%s tells %lld s for %s", server->label,
			   (long long)ttl_s, target->key);
	left->n++;
	left->told += told;
}

struct asked {
	const struct dns_sets *sets;
	struct dns_servers servers;
};

static void answers_left(const struct dns_matrix *unused, const void *ctx, struct dns_left *left)
{
	const struct asked *asked = ctx;
	const struct dns_sets *sets = asked->sets;
	size_t n = 0, q = 0;
	struct dns_query *queries = xcalloc(asked->servers.n * sets->n + 1, sizeof *queries);
	(void)unused;
	for (size_t i = 0; i < asked->servers.n; i++)
		for (size_t t = 0; t < sets->n; t++)
			/* What the proxy answers has a TTL of its own. */
			if (!sets->targets[t].now.proxied)
				dns_query_set(&queries[n++], asked->servers.list[i].address,
					      sets->targets[t].now.name, type_of(&sets->targets[t].now),
					      false);
	dns_ask_all(queries, n, DNS_WAIT_MS);
	for (size_t i = 0; i < asked->servers.n; i++)
		for (size_t t = 0; t < sets->n; t++)
			if (!sets->targets[t].now.proxied)
				judge_answer(sets, &sets->targets[t], &asked->servers.list[i], &queries[q++],
					     left);
	free(queries);
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
	struct asked *asked = xcalloc(1, sizeof *asked);
	asked->sets = sets;
	size_t left = 1;
	if (dns_find_authoritative(sets->job, sets->zone.name, &asked->servers, &unseen) == 0)
		left = dns_servers_wait(sets->job, NULL, answers_left, asked, false, SERVERS_WAIT_MS).n;
	free(asked);
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

static int prove_servers(const struct dns_sets *sets, struct evidence *ev, struct err *err)
{
	struct asked *asked = xcalloc(1, sizeof *asked);
	struct dns_left left = {0};
	asked->sets = sets;
	int rc = dns_find_authoritative(sets->job, sets->zone.name, &asked->servers, err);
	if (rc == 0)
		left = dns_servers_wait(sets->job, NULL, answers_left, asked, true, DNS_PROOF_WAIT_MS);
	if (left.n)
		evidence_add(ev, VERDICT_FAIL, "name servers", left.who,
			     "%zu of %zu answers of name servers have not followed: %s.", left.n, left.all,
			     left.who);
	else if (left.all)
		evidence_add(ev, VERDICT_PASS, "name servers", "all",
			     "All %zu name servers tell it for %zu records.", asked->servers.n,
			     left.all / asked->servers.n);
	free(asked);
	return rc;
}

static enum verdict dns_ttl_prove(struct job *job, struct evidence *ev, struct err *err)
{
	int64_t ttl_s;
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, &ttl_s, err);
	int rc = sets ? 0 : -1;
	if (rc == 0) {
		dns_sets_prove_records(sets, ev);
		rc = prove_servers(sets, ev, err);
	}
	struct dns_matrix *m = rc == 0 && !sets->back ? dns_matrix_open(job, err) : NULL;
	if (m)
		prove_caches(m, ev);
	dns_matrix_close(m);
	if (sets)
		close_sets(sets);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
