/* dns-point moves the traffic: the value of each name's record, in place, one call each. The same step leads
 * back.
 *
 * What a record was is written down before its change, once: a second attempt finds some names changed
 * already and must not take the new value for the old one. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_edge.h"
#include "core/links/dns_host.h"
#include "core/steps/dns_edge_see.h"
#include "core/steps/dns_mail_see.h"
#include "core/steps/dns_servers.h"
#include "core/steps/dns_sets.h"
#include <stdlib.h>

static int dns_point_plan(struct job *job, struct plan *plan, struct err *err);
static int dns_point_run(struct job *job, struct err *err);
static int dns_point_undo(struct job *job, struct err *err);
static enum done dns_point_probe(struct job *job, struct err *err);
static enum verdict dns_point_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"to", "text", NULL, "new or old"},
    {"secrets", "any", "", "names of variables that the programs of the provider `command` get"},
    {0},
};
static const char *const makes[] = {"dns-before", "dns-pointed", "mail-before", "dns-command", NULL};

const struct step dns_point_step = {
    .name = "dns-point",
    .help = "points the names at the new host, or back at Heroku",
    .gate = GATE_TYPE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = dns_secrets,
    .plan = dns_point_plan,
    .run = dns_point_run,
    .undo = dns_point_undo,
    .probe = dns_point_probe,
    .prove = dns_point_prove,
};

enum { SERVERS_WAIT_MS = 15000 };

/* The same kind of record, so that it is one change in place: no moment without an answer. */
static void wish_new(struct dns_sets *sets, struct dns_target *t)
{
	const char *new_name = job_config_str(sets->job, "dns.new_name", "");
	t->want.raw = NULL;
	t->want.n = 0;
	if (text_equal(t->now.type, "CNAME")) {
		char clean[DNS_NAME_MAX];
		dns_name_clean(clean, sizeof clean, new_name);
		dns_rrset_add(&t->want, clean);
		if (dns_same(new_name, t->now.name))
			dns_refuse(
			    sets,
			    "dns.new_name is %s itself, which cannot lead to itself; give the new host "
			    "a name of its own",
			    t->now.name);
		return;
	}
	struct dns_query *query = xcalloc(1, sizeof *query);
	int type = text_equal(t->now.type, "A") ? DNS_A : DNS_AAAA;
	if (dns_recurse(sets->job, query, new_name, type))
		for (size_t i = 0; i < query->n; i++)
			if (!query->records[i].authority && query->records[i].type == type)
				dns_rrset_add(&t->want, query->records[i].value);
	free(query);
	if (!t->want.n)
		dns_refuse(
		    sets,
		    "%s is an %s record, and %s has no %s to put there; changing the type would mean "
		    "delete and create, with a gap in between: give %s that record, or remove the %s by "
		    "hand well before the night",
		    t->now.name, t->now.type, new_name, t->now.type, new_name, t->now.type);
}

/* Byte for byte what it was, its TTL and whether it went through a proxy too. */
static void wish_old(struct dns_sets *sets, struct dns_target *t)
{
	const struct json *before = dns_sets_before(sets, t);
	if (!before) {
		/* Never touched tonight: it already is what it was, unless somebody else has pointed it to
		 * NEW. */
		if (t->now.n && dns_same(t->now.values[0], job_config_str(sets->job, "dns.new_name", "")))
			dns_refuse(
			    sets,
			    "%s points to the new host, but not by this night, so nobody recorded what "
			    "it was before; set it by hand and mark the step as done",
			    t->now.name);
		return;
	}
	dns_rrset_read(before, &t->want);
	/* Names that were recorded by an older version had no name in their record. */
	text_copy(t->want.name, sizeof t->want.name, t->now.name);
	if (!text_equal(t->want.type, t->now.type))
		dns_refuse(sets,
			   "%s was a %s record and is an %s now, which somebody else must have made; set it "
			   "back by hand",
			   t->now.name, t->want.type, t->now.type);
}

static void wish(struct dns_sets *sets, struct dns_target *t)
{
	sets->back ? wish_old(sets, t) : wish_new(sets, t);
}

/* `undo`: the other way. NULL and err when it cannot be looked at; to be given back with close_sets(). */
static struct dns_sets *open_sets(struct job *job, bool undo, enum dns_manner manner, struct err *err)
{
	const char *to = json_str(job_params(job), "to", "");
	if (!text_equal(to, "old") && !text_equal(to, "new")) {
		err_set(err, ERR_CONFIG,
			"dns-point: to is \"%s\", but it can only be new or old; mend the playbook", to);
		return NULL;
	}
	bool back = text_equal(to, "old") != undo;
	struct dns_sets *sets = xcalloc(1, sizeof *sets);
	*sets = (struct dns_sets){.job = job,
				  .step = "dns-point",
				  .before = "dns-before",
				  .done = "dns-pointed",
				  .where = back ? "at OLD" : "at NEW",
				  .to = back ? "old" : "new",
				  .back = back,
				  .wish = wish};
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

/* ---- plan ---- */

/* "a.example" when all names have one value, else "a.example, b.example". */
static void values_text(const struct dns_sets *sets, bool want, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < sets->n; i++) {
		char value[300];
		dns_rrset_text(want ? &sets->targets[i].want : &sets->targets[i].now, value, sizeof value);
		if (!text.len || !text_find(buf_text(&text), value))
			buf_addf(&text, "%s%s", text.len ? ", " : "", value);
	}
	text_copy(out, size, buf_text(&text));
	buf_done(&text);
}

/* A span, no clock time: the gate may stand open for minutes. */
static void plan_words(struct dns_sets *sets, struct plan *plan)
{
	char wanted[200];
	struct dns_addresses host;
	long long ttl_s = (long long)dns_sets_longest_s(sets, false);
	values_text(sets, true, wanted, sizeof wanted);
	if (sets->back)
		text_copyf(
		    plan->then, sizeof plan->then,
		    "visitors reach OLD %s again, the last ones within %lld s of the change (TTL %lld s)",
		    job_config_str(sets->job, "heroku.app", "Heroku"), ttl_s + 2, ttl_s);
	else
		text_copyf(plan->then, sizeof plan->then,
			   "visitors reach NEW %s, the last ones within %lld s of the change (TTL %lld s)",
			   dns_new_host(sets->job, &host, NULL) == 0 ? host.list[0] : wanted, ttl_s + 2,
			   ttl_s);
	text_copyf(plan->back, sizeof plan->back,
		   sets->back ? "dns-point to new again, and everybody follows after %lld s. What is "
				"written on OLD from now on is not on NEW."
			      : "B puts every record back as it was, and everybody follows after %lld s. "
				"It costs what is written on NEW until then.",
		   ttl_s);
}

static int plan_sets(struct dns_sets *sets, struct plan *plan, struct err *err)
{
	struct err unseen = {0};
	text_copy(plan->target, sizeof plan->target,
		  job_config_str(sets->job, "heroku.app", sets->zone.name));
	text_copy(plan->side, sizeof plan->side, sets->back ? "OLD" : "NEW");
	text_copy(plan->verb, sizeof plan->verb, "MOVES TRAFFIC");
	values_text(sets, false, plan->from, sizeof plan->from);
	values_text(sets, true, plan->to, sizeof plan->to);
	plan->gate = GATE_TYPE;
	plan->estimate_ms = sets->provider->by_hand ? -1 : 3000;
	dns_sets_see_records(sets, &plan->seen);
	if (!dns_sets_see_delegation(sets, &plan->seen, &unseen) && unseen.kind)
		evidence_add(&plan->seen, VERDICT_UNKNOWN, "delegation", "unseen", "%s", unseen.text);
	unseen = (struct err){0};
	if (!sets->back && !dns_sets_see_new_name(sets, &plan->seen, &unseen) && unseen.kind)
		return err_set(err, unseen.kind, "%s", unseen.text);
	char refused[320];
	/* The way back must stay open when the new side is dead. */
	if (!sets->back && !edge_see_mark(sets->job, &plan->seen, refused, sizeof refused))
		dns_refuse(sets, "%s", refused);
	plan->nothing_to_do = dns_sets_left(sets) == 0 && !*sets->refused;
	dns_sets_plan(sets, plan);
	plan_words(sets, plan);
	if (*sets->refused)
		plan_refuse(plan, "%s", sets->refused);
	return *sets->refused || plan->nothing_to_do ? 0 : dns_api_prepare(sets->api, sets->back, plan, err);
}

static int dns_point_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, err);
	if (!sets)
		return err->kind == ERR_REFUSED ? (plan_refuse(plan, "%s", err->text), 0) : -1;
	int rc = plan_sets(sets, plan, err);
	close_sets(sets);
	return rc;
}

/* ---- run ---- */

static bool cell_right(enum dns_state state, bool back)
{
	return back ? state == DNS_CELL_OLD || state == DNS_CELL_LAGGING : state == DNS_CELL_NEW;
}

static void servers_left(const struct dns_matrix *m, const void *ctx, struct dns_left *left)
{
	const bool *back = ctx;
	left->all = m->n_authoritative * m->n_names;
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			if (cell_right(seen->state, *back))
				continue;
			text_copyf(left->who, sizeof left->who, "%s answers %s for %s",
				   m->servers.list[i].label, dns_state_name(seen->state),
				   m->names[name].name);
			left->n++;
			left->told += !dns_tells_nothing(seen);
		}
}

/* Only waited for here; prove() decides, so servers that are slow or silent are no failure of the change. */
static void wait_servers(struct dns_sets *sets)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(sets->job, &unseen);
	if (m)
		dns_servers_wait(sets->job, m, servers_left, &sets->back, false, SERVERS_WAIT_MS);
	dns_matrix_close(m);
}

static int point_to(struct job *job, bool undo, struct err *err)
{
	struct dns_sets *sets = open_sets(job, undo, DNS_PATIENT, err);
	if (!sets)
		return -1;
	int rc = dns_sets_check(sets, err);
	if (rc == 0)
		rc = mail_record(job, sets->zone.name, err);
	if (rc == 0)
		rc = dns_sets_change(sets, err);
	if (rc == 0) {
		wait_servers(sets);
		edge_wait(job, sets->back, SERVERS_WAIT_MS);
	}
	close_sets(sets);
	return rc;
}

static int dns_point_run(struct job *job, struct err *err)
{
	return point_to(job, false, err);
}

static int dns_point_undo(struct job *job, struct err *err)
{
	return point_to(job, true, err);
}

static enum done dns_point_probe(struct job *job, struct err *err)
{
	char who[120];
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, err);
	if (!sets)
		return DONE_UNCLEAR;
	int running = dns_api_running(sets->api, who, sizeof who, err);
	enum done done = running < 0 ? DONE_UNCLEAR : running ? DONE_RUNNING : dns_sets_probe(sets, err);
	close_sets(sets);
	return done;
}

static void prove_servers(struct job *job, bool back, struct evidence *ev)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(job, &unseen);
	if (!m) {
		evidence_add(ev, VERDICT_UNKNOWN, "name servers", "unseen", "%s", unseen.text);
		return;
	}
	struct dns_left left = dns_servers_wait(job, m, servers_left, &back, true, DNS_PROOF_WAIT_MS);
	if (!left.n && m->n_names)
		evidence_add(ev, VERDICT_PASS, "name servers", "all",
			     "All %zu name servers answer %s for %zu name%s.", m->n_authoritative,
			     back ? "OLD" : "NEW", m->n_names, m->n_names == 1 ? "" : "s");
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			if (!cell_right(seen->state, back))
				evidence_add(ev, dns_tells_nothing(seen) ? VERDICT_UNKNOWN : VERDICT_FAIL,
					     "name servers", dns_state_name(seen->state),
					     "%s answers %s %s for %s.", m->servers.list[i].label,
					     dns_state_name(seen->state),
					     *seen->value ? seen->value : seen->why, m->names[name].name);
		}
	dns_matrix_close(m);
}

static enum verdict dns_point_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct dns_sets *sets = open_sets(job, false, DNS_BRISK, err);
	if (!sets)
		return VERDICT_UNKNOWN;
	dns_sets_prove_records(sets, ev);
	prove_servers(job, sets->back, ev);
	edge_prove(job, sets->back, ev);
	mail_prove(job, sets->zone.name, ev);
	close_sets(sets);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
