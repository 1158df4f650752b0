/* Looking at the records: see dns_sets.h. */
#include "core/steps/dns_sets.h"
#include "core/base/text.h"
#include "core/links/dns_edge.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dns_refuse(struct dns_sets *sets, const char *fmt, ...)
{
	va_list ap;
	if (*sets->refused)
		return;
	va_start(ap, fmt);
	vsnprintf(sets->refused, sizeof sets->refused, fmt, ap);
	va_end(ap);
}

const struct json *dns_sets_before(const struct dns_sets *sets, const struct dns_target *target)
{
	return json_get(job_fact(sets->job, sets->before, target->key), "record");
}

static void check_target(struct dns_sets *sets, const struct dns_target *t)
{
	for (size_t i = 0; i < sets->n; i++)
		if (text_equal(sets->targets[i].key, t->key))
			dns_refuse(sets,
				   "%s has more than one %s record; which of them is the old host cannot be "
				   "known, so leave one of them and plan again",
				   t->now.name, t->now.type);
	if (*t->now.strange)
		dns_refuse(
		    sets,
		    "%s %s is %s, which is not changed here; change it by hand and mark the step as done",
		    t->now.name, t->now.type, t->now.strange);
	if (t->now.weight >= 0 && !sets->members)
		dns_refuse(sets,
			   "%s has weighted records (%s: %d), and which of them to change is a matter of "
			   "dns-weight",
			   t->now.name, t->now.member, t->now.weight);
	if (t->now.proxied && !dns_edge_has(sets->job, t->now.name))
		dns_refuse(
		    sets,
		    "%s goes through Cloudflare's proxy, so DNS never shows where it leads: write it into "
		    "dns.proxied, and it is looked at by HTTP instead",
		    t->now.name);
	if (!t->now.proxied && !sets->provider->by_servers && dns_edge_has(sets->job, t->now.name))
		dns_refuse(
		    sets,
		    "dns.proxied names %s, which does not go through Cloudflare's proxy; take it out there",
		    t->now.name);
}

static bool is_hint(const struct dns_rrset *set)
{
	return text_equal(set->type, "HTTPS") || text_equal(set->type, "SVCB");
}

/* Several HTTPS records of one name are a set each at Cloudflare, and told apart by their ids. */
static bool is_one_of_several(const struct dns_rrsets *answer, const struct dns_rrset *set)
{
	size_t n = 0;
	for (size_t i = 0; i < answer->n; i++)
		n += text_equal(answer->list[i].type, set->type);
	return is_hint(set) && n > 1;
}

static void take_set(struct dns_sets *sets, const struct dns_rrsets *answer, const struct dns_rrset *set)
{
	struct dns_target *t = &sets->targets[sets->n];
	if (sets->n >= DNS_TARGETS_MAX) {
		dns_refuse(sets,
			   "the names of dns.names have more than %d records, which is more than one step "
			   "changes; move them in several nights",
			   DNS_TARGETS_MAX);
		return;
	}
	*t = (struct dns_target){.now = *set, .want = *set};
	/* CNAME and A exclude each other; all others stand beside them. */
	bool first = text_equal(set->type, "CNAME") || text_equal(set->type, "A");
	const char *which = is_one_of_several(answer, set) ? set->id : set->member;
	text_copyf(t->key, sizeof t->key, "%s%s%s%s%.130s", set->name, first ? "" : " ",
		   first ? "" : set->type, *which ? " " : "", which);
	check_target(sets, t);
	sets->n++;
	sets->wish(sets, t);
	t->same = dns_rrset_same(&t->now, &t->want);
}

static int look_name(struct dns_sets *sets, const char *name, struct err *err)
{
	struct dns_rrsets *answer = &sets->answers[sets->n_answers++];
	size_t before = sets->n, len = strlen(name), tail = strlen(sets->zone.name);
	bool inside = len > tail ? name[len - tail - 1] == '.' && dns_same(name + len - tail, sets->zone.name)
				 : dns_same(name, sets->zone.name);
	if (!inside) {
		dns_refuse(sets,
			   "%s is not in the zone %s; one night moves the names of one zone, so take it out "
			   "of dns.names (names that others point go into dns.tenants)",
			   name, sets->zone.name);
		return 0;
	}
	if (dns_api_look(sets->api, &sets->zone, name, answer, err) < 0)
		return -1;
	for (size_t i = 0; i < answer->n; i++) {
		const char *type = answer->list[i].type;
		if (text_equal(type, "CNAME") || text_equal(type, "A") || text_equal(type, "AAAA") ||
		    (sets->hints && is_hint(&answer->list[i])))
			take_set(sets, answer, &answer->list[i]);
		else if (is_hint(&answer->list[i]))
			text_copyf(
			    sets->extra, sizeof sets->extra,
			    "%s also has an %s record, which browsers follow first; it is not changed here.",
			    name, type);
	}
	if (sets->n == before)
		dns_refuse(sets,
			   "%s has no record in the zone %s; make it first, with the old host as its value",
			   name, sets->zone.name);
	return 0;
}

int dns_sets_look(struct dns_sets *sets, enum dns_manner manner, struct err *err)
{
	const char *zone = job_config_str(sets->job, "dns.zone", "");
	const struct json *names = json_path(job_config(sets->job), "dns.names");
	if (!json_count(names) || !*job_config_str(sets->job, "dns.new_name", ""))
		return err_set(err, ERR_CONFIG,
			       "%s needs dns.names, and dns.new_name: a name that leads to the new host; add "
			       "them to nightferry.yml",
			       sets->step);
	if (json_count(names) > DNS_NAMES_MAX)
		return err_set(err, ERR_REFUSED,
			       "%s: dns.names holds more than %d names, which is more than one step changes; "
			       "move them in several nights",
			       sets->step, DNS_NAMES_MAX);
	sets->api = dns_api_open(sets->job, manner, err);
	if (!sets->api)
		return -1;
	sets->provider = dns_api_provider(sets->api);
	if (dns_api_zone(sets->api, *zone ? zone : json_text(json_first(names)), &sets->zone, err) < 0)
		return -1;
	if (dns_api_gather(sets->api, &sets->zone, json_count(names), err) < 0)
		return -1;
	for (const struct json *x = json_first(names); x && sets->n_answers < DNS_NAMES_MAX;
	     x = json_next(x)) {
		char name[DNS_NAME_MAX];
		dns_name_clean(name, sizeof name, json_text(x) ? json_text(x) : "");
		if (look_name(sets, name, err) < 0)
			return -1;
	}
	return 0;
}

void dns_sets_done(struct dns_sets *sets)
{
	for (size_t i = 0; i < sets->n_answers; i++)
		dns_rrsets_done(&sets->answers[i]);
	dns_api_close(sets->api);
	sets->api = NULL;
	sets->n = sets->n_answers = 0;
}

size_t dns_sets_left(const struct dns_sets *sets)
{
	size_t left = 0;
	for (size_t i = 0; i < sets->n; i++)
		left += !sets->targets[i].same;
	return left;
}

void dns_sets_names(const struct dns_sets *sets, bool same, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < sets->n; i++)
		if (sets->targets[i].same == same)
			buf_addf(&text, "%s%s", text.len ? ", " : "", sets->targets[i].key);
	text_copy(out, size, text.len ? buf_text(&text) : "none");
	buf_done(&text);
}

int64_t dns_sets_longest_s(const struct dns_sets *sets, bool want)
{
	int64_t most = 0;
	for (size_t i = 0; i < sets->n; i++) {
		const struct dns_rrset *set = want ? &sets->targets[i].want : &sets->targets[i].now;
		/* What is proxied follows at once: caches hold the proxy's addresses, which stay. */
		if (!set->proxied)
			most = set->lives_s > most ? set->lives_s : most;
	}
	return most;
}

enum done dns_sets_probe(const struct dns_sets *sets, struct err *err)
{
	size_t left = dns_sets_left(sets);
	char there[200], not_yet[200];
	if (!sets->n)
		return DONE_UNCLEAR;
	if (!left || left == sets->n)
		return left ? DONE_NOT_DONE : DONE_DONE;
	dns_sets_names(sets, true, there, sizeof there);
	dns_sets_names(sets, false, not_yet, sizeof not_yet);
	err_set(err, ERR_WORLD, "%s came half-way: %s: %s; not yet: %s; run it again to go on, or go back",
		sets->step, sets->where, there, not_yet);
	return DONE_UNCLEAR;
}
