/* Changing the records: what was is written down first, and every doubt is looked at again. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/steps/dns_sets.h"
#include <stdlib.h>

enum { LOOK_AGAIN = 3, LOOK_PAUSE_MS = 1000 };

/* All that decides: "CNAME x.herokudns.com TTL 60". */
static void set_text(const struct dns_rrset *set, char *out, size_t size)
{
	char values[300], weight[24] = "";
	dns_rrset_text(set, values, sizeof values);
	if (set->weight >= 0)
		text_copyf(weight, sizeof weight, " weight %d", set->weight);
	text_copyf(out, size, "%s %s TTL %lld%s%s", set->type, values, (long long)set->lives_s, weight,
		   set->proxied ? " proxied" : "");
}

/* Only what differs, so that the eye finds it. */
static void change_text(const struct dns_target *t, char *out, size_t size)
{
	char from[300], to[300];
	dns_rrset_text(&t->now, from, sizeof from);
	dns_rrset_text(&t->want, to, sizeof to);
	if (t->now.weight != t->want.weight)
		text_copyf(out, size, "%s  %s  weight %d  →  %d", t->key, to, t->now.n ? t->now.weight : 0,
			   t->want.n ? t->want.weight : 0);
	else if (text_equal(from, to))
		text_copyf(out, size, "%s  %s  TTL %lld  →  %lld", t->key, to, (long long)t->now.lives_s,
			   (long long)t->want.lives_s);
	else
		text_copyf(out, size, t->want.proxied ? "%s  %s  →  %s  proxied" : "%s  %s  →  %s  TTL %lld",
			   t->key, from, to, (long long)t->want.lives_s);
}

void dns_sets_plan(const struct dns_sets *sets, struct plan *plan)
{
	size_t left = dns_sets_left(sets), shown = 0, most = sets->provider->prepare ? 3 : 9;
	if (left && sets->provider->by_hand)
		plan_does(plan,
			  "people change %zu record%s of the zone %s by hand; the name servers are watched",
			  left, left == 1 ? "" : "s", sets->zone.name);
	else if (left)
		plan_does(plan, "%s %s, zone %s, %zu record%s%s", sets->provider->name, sets->provider->call,
			  sets->zone.name, left, left == 1 ? "" : "s",
			  sets->provider->batch ? ", all of them or none" : ", one call each");
	for (size_t i = 0; i < sets->n; i++) {
		char text[190];
		if (sets->targets[i].same || shown++ >= most)
			continue;
		change_text(&sets->targets[i], text, sizeof text);
		plan_does(plan, "%s", text);
	}
	if (shown > most)
		plan_does(plan, "and %zu more", shown - most);
	jw_open(&plan->data);
	jw_obj(&plan->data, "now");
	for (size_t i = 0; i < sets->n; i++) {
		char text[400];
		set_text(&sets->targets[i].now, text, sizeof text);
		jw_str(&plan->data, sets->targets[i].key, text);
	}
	jw_end(&plan->data);
}

static bool has_target(const struct dns_sets *sets, const char *key)
{
	for (size_t i = 0; i < sets->n; i++)
		if (text_equal(sets->targets[i].key, key))
			return true;
	return false;
}

int dns_sets_check(const struct dns_sets *sets, struct err *err)
{
	const struct json *now = json_path(job_plan(sets->job), "data.now");
	if (*sets->refused)
		return err_set(err, ERR_WORLD, "%s: nothing was changed: %s", sets->step, sets->refused);
	for (size_t i = 0; i < sets->n; i++) {
		char text[400];
		set_text(&sets->targets[i].now, text, sizeof text);
		const char *planned =
		    json_str(now, sets->targets[i].key, now && sets->targets[i].now.n ? "not there" : text);
		if (!sets->targets[i].same && !text_equal(planned, text))
			return err_set(
			    err, ERR_WORLD,
			    "%s: the plan saw %s at %s and now it is %s; nothing was changed, look at "
			    "the new plan and run again",
			    sets->step, sets->targets[i].key, planned, text);
	}
	for (const struct json *x = json_first(now); x; x = json_next(x))
		if (!has_target(sets, json_key(x)))
			return err_set(err, ERR_WORLD,
				       "%s: the plan saw %s at %s and now it is not there; nothing was "
				       "changed, look at the new plan and run again",
				       sets->step, json_key(x), json_text(x) ? json_text(x) : "");
	return 0;
}

/* Once: a second attempt finds some records changed already and must not take the new for the old. */
static int record_before(const struct dns_sets *sets, const struct dns_target *t, struct err *err)
{
	struct jw w;
	struct dns_rrset known = {0};
	const struct json *before = dns_sets_before(sets, t);
	if (before)
		dns_rrset_read(before, &known);
	if (sets->back || (before && dns_rrset_same(&known, &t->now))) {
		char from[300], to[300];
		dns_rrset_text(&t->now, from, sizeof from);
		dns_rrset_text(&t->want, to, sizeof to);
		jw_fact(&w, "dns-change", t->key);
		jw_str(&w, "from", from);
		jw_str(&w, "value", to);
	} else {
		jw_fact(&w, sets->before, t->key);
		dns_rrset_write(&w, "record", &t->now);
	}
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(sets->job, &w, err);
}

static int record_done(const struct dns_sets *sets, const struct dns_target *t, struct err *err)
{
	struct jw w;
	char value[300];
	dns_rrset_text(&t->want, value, sizeof value);
	jw_fact(&w, sets->done, t->key);
	jw_str(&w, "value", value);
	jw_str(&w, "to", sets->to);
	jw_int(&w, "ttl_s", t->want.lives_s);
	jw_int(&w, "was_ttl_s", t->now.lives_s);
	if (t->want.weight >= 0)
		jw_int(&w, "weight", t->want.weight);
	jw_int(&w, "at_ms", clock_wall_ms());
	return job_record(sets->job, &w, err);
}

/* 1: it is as it shall be, 0: it is not, -1: nobody knows. */
static int look_once(struct dns_sets *sets, const struct dns_target *t)
{
	struct err unseen = {0};
	struct dns_rrsets *now = xcalloc(1, sizeof *now);
	const char *name = t->want.n ? t->want.name : t->now.name;
	int seen = -1;
	if (dns_api_look(sets->api, &sets->zone, name, now, &unseen) == 0) {
		const struct dns_rrset *set = dns_rrsets_find(now, t->want.n ? t->want.type : t->now.type,
							      t->want.n ? t->want.member : t->now.member);
		/* One of several records of that type is told by its id. */
		for (size_t i = 0; *t->now.id && i < now->n; i++)
			if (text_equal(now->list[i].id, t->now.id))
				set = &now->list[i];
		seen = set ? t->want.n && dns_rrset_same(set, &t->want) : !t->want.n;
	}
	dns_rrsets_done(now);
	free(now);
	return seen;
}

static int look_again(struct dns_sets *sets, const struct dns_target *t)
{
	int seen = -1;
	for (int i = 0; i < LOOK_AGAIN; i++) {
		seen = look_once(sets, t);
		if (seen > 0 || (i + 1 < LOOK_AGAIN && job_wait(sets->job, LOOK_PAUSE_MS)))
			break;
	}
	return seen;
}

/* The answer was lost: only a look can tell. Sets err unless all of them are as they shall be. */
static int find_out(struct dns_sets *sets, struct dns_target *const *group, size_t n, struct err *err)
{
	struct err lost = *err;
	for (size_t i = 0; i < n; i++) {
		int seen = look_again(sets, group[i]);
		group[i]->same = seen > 0;
		if (seen < 0)
			return err_set(
			    err, ERR_NET,
			    "%s: the answer to the change of %s was lost, and %s does not say what "
			    "the record is now; look at it there before anything is repeated",
			    sets->step, group[i]->key, sets->provider->title);
		if (seen == 0)
			return err_set(err, lost.kind,
				       "%s: the change of %s %s, and the record is not as it shall be (%s)",
				       sets->step, group[i]->key,
				       sets->provider->prepare ? "was not made" : "got lost", lost.text);
	}
	*err = (struct err){0};
	return 0;
}

static int change_group(struct dns_sets *sets, struct dns_target *const *group, size_t n, struct err *err)
{
	struct dns_change *changes = xcalloc(n, sizeof *changes);
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++) {
		changes[i] = (struct dns_change){.from = group[i]->now, .to = group[i]->want};
		rc = record_before(sets, group[i], err);
	}
	if (rc == 0) {
		rc = dns_api_change(sets->api, &sets->zone, changes, n, err);
		if (rc < 0 && dns_api_lost(sets->api))
			rc = find_out(sets, group, n, err);
		/* A change of several calls may have come half-way. */
		else if (rc < 0 && !sets->provider->batch)
			group[0]->same = look_once(sets, group[0]) > 0;
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		group[i]->same = true;
		rc = record_done(sets, group[i], err);
	}
	free(changes);
	return rc;
}

/* Where nobody has approved a prepared change, as when a step is taken back, it is made ready now, and what
 * its plan would have refused is refused here. */
static int make_ready(struct dns_sets *sets, struct err *err)
{
	struct plan plan = {0};
	if (!sets->provider->prepare || json_path(job_plan(sets->job), "data.saved"))
		return 0;
	int rc = dns_api_prepare(sets->api, sets->back, &plan, err);
	for (size_t i = 0; rc == 0 && i < plan.n_does; i++)
		job_log(sets->job, "", "%s: %s", sets->step, plan.does[i]);
	if (rc == 0 && *plan.refused)
		rc = err_set(err, ERR_REFUSED, "%s: nothing was changed: %s", sets->step, plan.refused);
	plan_done(&plan);
	return rc;
}

int dns_sets_change(struct dns_sets *sets, struct err *err)
{
	if (dns_sets_left(sets) && make_ready(sets, err) < 0)
		return -1;
	for (size_t i = 0; i < sets->n; i++) {
		struct dns_target *group[DNS_TARGETS_MAX];
		char done[160], left[160], why[400];
		size_t n = 0;
		for (size_t k = i; k < sets->n && (!n || sets->provider->batch); k++)
			if (!sets->targets[k].same)
				group[n++] = &sets->targets[k];
		if (!n)
			break;
		bool stop = job_stopping(sets->job);
		if (!stop && change_group(sets, group, n, err) == 0)
			continue;
		dns_sets_names(sets, true, done, sizeof done);
		dns_sets_names(sets, false, left, sizeof left);
		text_copy(why, sizeof why, stop ? "stopped" : err->text);
		return err_set(err, stop ? ERR_CANCELLED : err->kind,
			       "%s. %c%s: %s; not yet: %s. Run the step again to go on, or go back", why,
			       sets->where[0] - 32 * (sets->where[0] >= 'a'), sets->where + 1, done, left);
	}
	return 0;
}
