/* dns-weight: a part of the visitors, by weighted answers of the zone's own servers. Each cache sends all its
 * users one way for a TTL, so the share is of answers, and only roughly of people.
 *
 * Two truths would be the end of the data: it is refused unless both sides' databases are one and the same.
 */
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/pg_sides.h"
#include "core/steps/dns_share.h"
#include "core/steps/dns_sets.h"
#include <stdlib.h>
#include <string.h>

static int dns_weight_plan(struct job *job, struct plan *plan, struct err *err);
static int dns_weight_run(struct job *job, struct err *err);
static int dns_weight_undo(struct job *job, struct err *err);
static enum done dns_weight_probe(struct job *job, struct err *err);
static enum verdict dns_weight_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"share", "int", NULL, "percent of the answers that lead to the new side: 0 to 100"},
    {"records", "text", "weighted", "weighted, or simple: one record again, for a share of 0 or 100"},
    {0},
};
static const char *const makes[] = {"dns-before", "dns-weighted", NULL};
static const char *const secrets[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
				      "HEROKU_API_KEY",    "NEW_DATABASE_URL",      NULL};

const struct step dns_weight_step = {
    .name = "dns-weight",
    .help = "sends a share of the visitors to the new side, where the provider can (Route 53)",
    .gate = GATE_TYPE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = dns_weight_plan,
    .run = dns_weight_run,
    .undo = dns_weight_undo,
    .probe = dns_weight_probe,
    .prove = dns_weight_prove,
};

static const char old_member[] = "nightferry-old", new_member[] = "nightferry-new";

struct weight {
	struct job *job;
	int share;
	bool simple;
	struct dns_sets *sets;
};

static void keep(struct dns_sets *sets, struct dns_target *t)
{
	(void)sets;
	(void)t;
}

static const struct dns_rrset *member_of(const struct dns_rrsets *answer, const char *member)
{
	return dns_rrsets_find(answer, "CNAME", member);
}

/* One more thing to be changed; sets that are as they shall be count as well. */
static void add(struct dns_sets *sets, const char *name, const struct dns_rrset *now,
		const struct dns_rrset *want)
{
	struct dns_target *t = &sets->targets[sets->n];
	if (!now->n && !want->n)
		return;
	if (sets->n == DNS_TARGETS_MAX) {
		dns_refuse(sets,
			   "the names of dns.names need more than %d changes of records at once; ramp fewer "
			   "names in one night",
			   DNS_TARGETS_MAX);
		return;
	}
	sets->n++;
	*t = (struct dns_target){.now = *now, .want = *want};
	const char *member = now->n ? now->member : want->member;
	text_copyf(t->key, sizeof t->key, "%s%s%s", name, *member ? " " : "", member);
	t->same = now->n == want->n && dns_rrset_same(now, want);
}

/* The record that led to OLD: as it was written down, or as it is before the first change. */
static bool find_old(struct weight *w, const char *name, const struct dns_rrsets *answer,
		     struct dns_rrset *out)
{
	const struct dns_rrset *simple = member_of(answer, ""), *member = member_of(answer, old_member);
	const struct json *before = json_get(job_fact(w->job, "dns-before", name), "record");
	if (before)
		dns_rrset_read(before, out);
	else if (simple && !dns_same(simple->values[0], job_config_str(w->job, "dns.new_name", "")))
		*out = *simple;
	else if (member)
		*out = *member;
	else
		return false;
	out->weight = -1;
	out->member[0] = '\0';
	text_copy(out->name, sizeof out->name, name);
	return text_equal(out->type, "CNAME");
}

static void wish_name(struct weight *w, const char *name, const struct dns_rrsets *answer)
{
	struct dns_sets *sets = w->sets;
	static const struct dns_rrset none = {.weight = -1};
	const struct dns_rrset *simple = member_of(answer, ""), *was_old = member_of(answer, old_member),
			       *was_new = member_of(answer, new_member);
	struct dns_rrset old = none;
	if (!find_old(w, name, answer, &old)) {
		dns_refuse(
		    sets,
		    "%s is no CNAME to the old host, and only a CNAME can be weighted here; move it at "
		    "once with dns-point",
		    name);
		return;
	}
	for (size_t i = 0; i < answer->n; i++)
		if (*answer->list[i].member && &answer->list[i] != was_old && &answer->list[i] != was_new)
			dns_refuse(sets,
				   "%s has a weighted record %s that is not nightferry's; take it away first",
				   name, answer->list[i].member);
	struct dns_rrset fresh = old, weighted = old;
	fresh.raw = NULL;
	fresh.n = 0;
	dns_rrset_add(&fresh, job_config_str(w->job, "dns.new_name", ""));
	/* All members of a set have the same TTL. */
	weighted.weight = 100 - w->share;
	text_copy(weighted.member, sizeof weighted.member, old_member);
	weighted.n = 1;
	struct dns_rrset weighted_new = fresh;
	weighted_new.weight = w->share;
	text_copy(weighted_new.member, sizeof weighted_new.member, new_member);
	const struct dns_rrset *one = w->simple ? (w->share ? &fresh : &old) : &none;
	add(sets, name, simple ? simple : &none, one);
	add(sets, name, was_old ? was_old : &none, w->simple ? &none : &weighted);
	add(sets, name, was_new ? was_new : &none, w->simple ? &none : &weighted_new);
}

static int read_params(struct weight *w, bool undo, struct err *err)
{
	const struct json *p = job_params(w->job);
	const char *records = json_str(p, "records", "weighted");
	/* By hand it comes as text. */
	w->share = (int)json_int(p, "share", units_parse_int(json_str(p, "share", "-1"), -1));
	w->simple = text_equal(records, "simple");
	if (w->share < 0 || w->share > 100 || (!w->simple && !text_equal(records, "weighted")) ||
	    (w->simple && w->share != 0 && w->share != 100))
		return err_set(err, ERR_CONFIG,
			       "dns-weight: share is a number from 0 to 100, and records are weighted, or "
			       "simple for 0 and 100; mend the playbook");
	/* Back is back to the one record that was there before, however far the ramp had come. */
	if (undo) {
		w->share = 0;
		w->simple = true;
	}
	return 0;
}

static void weight_done(struct weight *w)
{
	if (w->sets)
		dns_sets_done(w->sets);
	free(w->sets);
	w->sets = NULL;
}

static int weight_open(struct weight *w, struct job *job, bool undo, enum dns_manner manner, struct err *err)
{
	const struct dns_provider *provider = dns_provider_of(job);
	*w = (struct weight){.job = job};
	if (read_params(w, undo, err) < 0)
		return -1;
	if (!provider || !provider->weights)
		return err_set(
		    err, ERR_REFUSED,
		    "dns-weight: %s has no weighted records; move at once with dns-point, and ramp "
		    "at a proxy if it has to be little by little",
		    job_config_str(job, "dns.provider", "this provider"));
	w->sets = xcalloc(1, sizeof *w->sets);
	*w->sets = (struct dns_sets){.job = job,
				     .step = "dns-weight",
				     .before = "dns-before",
				     .done = "dns-weighted",
				     .where = "as wanted",
				     .to = w->share ? "new" : "old",
				     .back = w->simple,
				     .members = true,
				     .wish = keep};
	if (dns_sets_look(w->sets, manner, err) < 0)
		return -1;
	w->sets->n = 0;
	size_t i = 0;
	for (const struct json *x = json_first(json_path(job_config(job), "dns.names"));
	     x && i < w->sets->n_answers; x = json_next(x), i++) {
		char name[DNS_NAME_MAX];
		dns_name_clean(name, sizeof name, json_text(x) ? json_text(x) : "");
		wish_name(w, name, &w->sets->answers[i]);
	}
	return 0;
}

/* The server's start to the microsecond and the database's number: no two databases have both alike. */
static int identity(struct pg *pg, char *out, size_t size, struct err *err)
{
	return pg_value(pg,
			"SELECT extract(epoch FROM pg_postmaster_start_time())::text || ' ' || oid || ' ' || "
			"datname FROM pg_database WHERE datname = current_database()",
			NULL, out, size, err);
}

/* 1: one database serves both sides; 0: two; -1 and err: nobody knows. */
static int one_database(struct job *job, struct err *err)
{
	char old_is[200], new_is[200];
	struct pg *old = pg_open_old(job, err), *new_pg = old ? pg_open_new(job, PG_LOOK, err) : NULL;
	int rc = -1;
	if (new_pg && identity(old, old_is, sizeof old_is, err) == 0 &&
	    identity(new_pg, new_is, sizeof new_is, err) == 0)
		rc = text_equal(old_is, new_is);
	pg_close(new_pg);
	pg_close(old);
	return rc;
}

static void see_database(struct weight *w, struct plan *plan)
{
	struct err unseen = {0};
	/* Back to where everybody was before needs no second side. */
	if (w->share == 0)
		return;
	int one = one_database(w->job, &unseen);
	if (one > 0)
		evidence_add(&plan->seen, VERDICT_PASS, "one database", "one",
			     "Heroku's app and the new one use one and the same database.");
	else if (one == 0)
		dns_refuse(
		    w->sets,
		    "the two sides have a database each, and what visitors write on one would not be on "
		    "the other; point Heroku's DATABASE_URL at the new database first, or move "
		    "everybody at once with dns-point");
	else
		dns_refuse(
		    w->sets,
		    "it cannot be seen whether both sides use one database, so nobody is sent to both: %s",
		    unseen.text);
}

static void plan_words(struct weight *w, struct plan *plan)
{
	struct err unseen = {0};
	long long ttl_s = (long long)dns_sets_longest_s(w->sets, false);
	text_copy(plan->target, sizeof plan->target,
		  job_config_str(w->job, "heroku.app", w->sets->zone.name));
	text_copy(plan->side, sizeof plan->side, w->share ? "NEW" : "OLD");
	text_copy(plan->verb, sizeof plan->verb, "MOVES TRAFFIC");
	text_copyf(plan->to, sizeof plan->to, "%d %% of the answers to NEW, %d %% to OLD", w->share,
		   100 - w->share);
	text_copyf(plan->then, sizeof plan->then,
		   "about %d %% of the visitors reach NEW within %lld s; a cache sends all its users one way "
		   "for that long",
		   w->share, ttl_s + 2);
	text_copyf(
	    plan->back, sizeof plan->back,
	    "share 0 again, or U: the one record that was there before; everybody follows after %lld s",
	    ttl_s);
	if (!dns_sets_see_delegation(w->sets, &plan->seen, &unseen) && unseen.kind)
		evidence_add(&plan->seen, VERDICT_UNKNOWN, "delegation", "unseen", "%s", unseen.text);
	unseen = (struct err){0};
	if (w->share && !dns_sets_see_new_name(w->sets, &plan->seen, &unseen) && unseen.kind)
		dns_refuse(w->sets, "%s", unseen.text);
}

static int dns_weight_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct weight w;
	int rc = weight_open(&w, job, false, DNS_BRISK, err);
	if (rc == 0) {
		plan->gate = GATE_TYPE;
		plan_words(&w, plan);
		see_database(&w, plan);
		dns_sets_plan(w.sets, plan);
		plan->estimate_ms = 60000;
		plan->nothing_to_do = dns_sets_left(w.sets) == 0 && !*w.sets->refused;
		if (*w.sets->refused)
			plan_refuse(plan, "%s", w.sets->refused);
	} else if (err->kind == ERR_REFUSED) {
		plan_refuse(plan, "%s", err->text);
		rc = 0;
	}
	weight_done(&w);
	return rc;
}

static int weight_to(struct job *job, bool undo, struct err *err)
{
	struct weight w;
	int rc = weight_open(&w, job, undo, DNS_PATIENT, err);
	if (rc == 0)
		rc = dns_sets_check(w.sets, err);
	if (rc == 0)
		rc = dns_sets_change(w.sets, err);
	weight_done(&w);
	return rc;
}

static int dns_weight_run(struct job *job, struct err *err)
{
	return weight_to(job, false, err);
}

static int dns_weight_undo(struct job *job, struct err *err)
{
	return weight_to(job, true, err);
}

static enum done dns_weight_probe(struct job *job, struct err *err)
{
	struct weight w;
	enum done done = DONE_UNCLEAR;
	if (weight_open(&w, job, false, DNS_BRISK, err) == 0)
		done = dns_sets_left(w.sets) ? DONE_NOT_DONE : DONE_DONE;
	weight_done(&w);
	return done;
}

static enum verdict dns_weight_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct weight w;
	if (weight_open(&w, job, false, DNS_BRISK, err) == 0) {
		for (size_t i = 0; i < w.sets->n; i++)
			if (!w.sets->targets[i].same)
				evidence_add(ev, VERDICT_FAIL, "record", w.sets->targets[i].key,
					     "Route 53 has %s not as wanted.", w.sets->targets[i].key);
		if (!dns_sets_left(w.sets))
			evidence_add(ev, VERDICT_PASS, "record", "as wanted",
				     "Route 53 has %d of 100 for NEW and %d for OLD.", w.share,
				     100 - w.share);
		dns_share_see(job, w.share, ev);
	}
	weight_done(&w);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
