/* wait-propagation: until nobody is told the old answer any more, as far as waiting can do that. Caches that
 * keep answers longer than they may, or do not talk to us, are named and not waited for. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_edge.h"
#include "core/links/dns_matrix.h"
#include "core/steps/dns_edge_see.h"

static int wait_propagation_plan(struct job *job, struct plan *plan, struct err *err);
static int wait_propagation_run(struct job *job, struct err *err);
static enum done wait_propagation_probe(struct job *job, struct err *err);
static enum verdict wait_propagation_prove(struct job *job, struct evidence *ev, struct err *err);

const struct step wait_propagation_step = {
    .name = "wait-propagation",
    .help = "waits until name servers and caches have the new answer",
    .gate = GATE_NONE,
    .cancel = CANCEL_ANYTIME,
    .rehearse = REHEARSE_SKIP,
    .plan = wait_propagation_plan,
    .run = wait_propagation_run,
    .probe = wait_propagation_probe,
    .prove = wait_propagation_prove,
};

enum { PAUSE_MS = 2000, CACHES_MS = 4000 };

static struct dns_matrix *look(struct job *job, struct err *err)
{
	struct dns_matrix *m = dns_matrix_open(job, err);
	if (m)
		dns_matrix_ask_caches(m);
	return m;
}

static int wait_propagation_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct dns_matrix *m = look(job, err);
	struct dns_counts counts;
	if (!m)
		return -1;
	dns_matrix_count(m, &counts);
	text_copy(plan->target, sizeof plan->target, m->zone);
	text_copy(plan->verb, sizeof plan->verb, "WAITS");
	text_copyf(plan->from, sizeof plan->from, "NEW %zu, OLD %zu of %zu answers", counts.new_n,
		   counts.waits, counts.cells);
	text_copy(plan->to, sizeof plan->to, "no answer leads to OLD");
	plan_does(plan, "ask %zu name servers and %zu caches for %zu names, every 2 to 4 s",
		  m->n_authoritative, m->servers.n - m->n_authoritative, m->n_names);
	if (dns_edge_name(job, 0))
		plan_does(plan, "ask names that go through a proxy by HTTP, until the new side answers");
	text_copy(plan->back, sizeof plan->back, "not needed: it only looks");
	plan->estimate_ms = counts.dies_ms ? counts.dies_ms - clock_wall_ms() : 2000;
	dns_matrix_close(m);
	return 0;
}

static int wait_propagation_run(struct job *job, struct err *err)
{
	struct dns_matrix *m = look(job, err);
	int64_t caches_ms = clock_life_ms();
	if (!m)
		return -1;
	for (;;) {
		char text[240];
		struct dns_counts counts;
		if (dns_matrix_over(m, clock_wall_ms(), text, sizeof text) &&
		    !edge_left(job, false, text, sizeof text))
			break;
		dns_matrix_count(m, &counts);
		job_progress(job, (int64_t)(counts.cells - counts.waits), (int64_t)counts.cells, "items",
			     text);
		if (job_wait(job, PAUSE_MS)) {
			dns_matrix_close(m);
			return err_set(err, ERR_CANCELLED,
				       "wait-propagation was stopped; %s, and DNS goes on by itself", text);
		}
		dns_matrix_ask_authoritative(m);
		if (clock_life_ms() - caches_ms >= CACHES_MS) {
			caches_ms = clock_life_ms();
			dns_matrix_ask_caches(m);
		}
	}
	dns_matrix_close(m);
	return 0;
}

static enum done wait_propagation_probe(struct job *job, struct err *err)
{
	char text[240];
	struct dns_matrix *m = look(job, err);
	if (!m)
		return DONE_UNCLEAR;
	bool done = dns_matrix_over(m, clock_wall_ms(), text, sizeof text) &&
		    !edge_left(job, false, text, sizeof text);
	dns_matrix_close(m);
	return done ? DONE_DONE : DONE_NOT_DONE;
}

static void see_zone(const struct dns_matrix *m, struct evidence *ev)
{
	size_t right = 0, all = m->n_authoritative * m->n_names;
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			right += seen->state == DNS_CELL_NEW;
			if (seen->state != DNS_CELL_NEW)
				evidence_add(ev,
					     seen->state == DNS_CELL_SILENT || seen->state == DNS_CELL_REFUSED
						 ? VERDICT_WARN
						 : VERDICT_FAIL,
					     "name servers", dns_state_name(seen->state),
					     "%s is %s for %s: %s.", m->servers.list[i].label,
					     dns_state_name(seen->state), m->names[name].name,
					     *seen->why ? seen->why : seen->value);
		}
	if (!m->n_names)
		return;
	evidence_add(ev, right ? VERDICT_PASS : VERDICT_FAIL, "name servers", right == all ? "all" : "some",
		     "%zu of %zu answers of the zone's name servers are NEW.", right, all);
}

/* An IPv6 address that stays behind sends everybody with IPv6 to the old side. */
static void see_six(const struct dns_matrix *m, struct evidence *ev)
{
	char clock[UNITS_MAX];
	size_t named = 0, left = 0;
	for (size_t name = 0; name < m->n_names; name++) {
		if (!dns_matrix_has_six(m, name))
			continue;
		named++;
		for (size_t i = 0; i < m->servers.n; i++) {
			const struct dns_seen *seen = &m->six->seen[i][name];
			bool waits = dns_state_waits(seen->state);
			if (!waits && seen->state != DNS_CELL_FLOOR && seen->state != DNS_CELL_STALE)
				continue;
			left++;
			evidence_add(ev, waits ? VERDICT_FAIL : VERDICT_WARN, "ipv6",
				     dns_state_name(seen->state),
				     "%s answers %s for the IPv6 address of %s: %s%s%s.",
				     m->servers.list[i].label, dns_state_name(seen->state),
				     m->names[name].name, seen->value, seen->expires_ms ? ", until " : "",
				     seen->expires_ms ? units_clock(clock, seen->expires_ms) : "");
		}
	}
	if (named && !left)
		evidence_add(ev, VERDICT_PASS, "ipv6", "none", "No IPv6 address leads to OLD.");
}

static void see_caches(const struct dns_matrix *m, struct evidence *ev)
{
	size_t right = 0, all = 0;
	char clock[UNITS_MAX];
	for (size_t i = m->n_authoritative; i < m->servers.n; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			all++;
			right += seen->state == DNS_CELL_NEW;
			if (seen->state == DNS_CELL_NEW)
				continue;
			if (dns_state_waits(seen->state))
				evidence_add(ev, VERDICT_FAIL, "caches", dns_state_name(seen->state),
					     "%s still answers %s for %s, until %s.",
					     m->servers.list[i].label, dns_state_name(seen->state),
					     m->names[name].name, units_clock(clock, seen->expires_ms));
			else
				evidence_add(ev, VERDICT_WARN, "caches", dns_state_name(seen->state),
					     "%s is %s for %s, not waited for: %s.", m->servers.list[i].label,
					     dns_state_name(seen->state), m->names[name].name,
					     *seen->why ? seen->why : seen->value);
		}
	if (!m->n_names)
		return;
	evidence_add(ev, VERDICT_PASS, "caches", right == all ? "all" : "some",
		     "%zu of %zu answers of caches are NEW.", right, all);
}

static enum verdict wait_propagation_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct dns_matrix *m = look(job, err);
	if (!m)
		return VERDICT_UNKNOWN;
	see_zone(m, ev);
	see_caches(m, ev);
	see_six(m, ev);
	edge_prove(job, false, ev);
	dns_matrix_close(m);
	return evidence_verdict(ev);
}
