/* dns-point moves the traffic: the value of each name's record, in place, one call each. The same step leads
 * back.
 *
 * What a record was is written down before its change, once: a second attempt finds some names changed
 * already and must not take the new value for the old one. */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/job.h"
#include "core/links/dns_host.h"
#include "core/steps/dns_point_change.h"
#include <stdlib.h>

static int dns_point_plan(struct job *job, struct plan *plan, struct err *err);
static int dns_point_run(struct job *job, struct err *err);
static int dns_point_undo(struct job *job, struct err *err);
static enum done dns_point_probe(struct job *job, struct err *err);
static enum verdict dns_point_prove(struct job *job, struct evidence *ev, struct err *err);

static const struct param params[] = {
    {"to", "text", NULL, "new or old"},
    {0},
};
static const char *const makes[] = {"dns-before", "dns-pointed", NULL};
static const char *const secrets[] = {"CLOUDFLARE_API_TOKEN", NULL};

const struct step dns_point_step = {
    .name = "dns-point",
    .help = "points the names at the new host, or back at Heroku",
    .gate = GATE_TYPE,
    .cancel = CANCEL_SAFE_POINT,
    .rehearse = REHEARSE_SKIP,
    .params = params,
    .makes = makes,
    .secrets = secrets,
    .plan = dns_point_plan,
    .run = dns_point_run,
    .undo = dns_point_undo,
    .probe = dns_point_probe,
    .prove = dns_point_prove,
};

enum { SERVERS_WAIT_MS = 15000, SERVERS_PAUSE_MS = 1000 };

static int read_to(struct job *job, bool *back, struct err *err)
{
	const char *to = json_str(job_params(job), "to", "");
	*back = text_equal(to, "old");
	if (!*back && !text_equal(to, "new"))
		return err_set(err, ERR_CONFIG,
			       "dns-point: to is \"%s\", but it can only be new or old; mend the playbook",
			       to);
	return 0;
}

static int64_t longest_ttl_s(const struct point *point)
{
	int64_t most = 0;
	for (size_t i = 0; i < point->n; i++) {
		int64_t ttl = point->targets[i].ttl_s == 1 ? 300 : point->targets[i].ttl_s;
		most = ttl > most ? ttl : most;
	}
	return most;
}

/* "a.example" when all names have one value, else "a.example, b.example". */
static void values_text(const struct point *point, bool want, char *out, size_t size)
{
	struct buf text = {0};
	for (size_t i = 0; i < point->n; i++) {
		const char *value = want ? point->targets[i].want : point->targets[i].now;
		if (!text.len || !text_find(buf_text(&text), value))
			buf_addf(&text, "%s%s", text.len ? ", " : "", value);
	}
	text_copy(out, size, buf_text(&text));
	buf_done(&text);
}

static void plan_does_all(const struct point *point, struct plan *plan)
{
	size_t left = point_left(point), shown = 0;
	plan_does(plan, "cloudflare PATCH, zone %s, %zu record%s, one call each", point->zone.name, left,
		  left == 1 ? "" : "s");
	for (size_t i = 0; i < point->n; i++) {
		const struct point_target *t = &point->targets[i];
		if (t->same)
			continue;
		if (shown++ < 9)
			plan_does(plan, "%s  %s  →  %s  TTL %lld", t->name, t->now, t->want,
				  (long long)(t->ttl_s == 1 ? 300 : t->ttl_s));
	}
	if (shown > 9)
		plan_does(plan, "and %zu more", shown - 9);
}

/* A span, no clock time: the gate may stand open for minutes. */
static void plan_words(struct point *point, struct plan *plan)
{
	char wanted[200];
	struct dns_addresses host;
	long long ttl_s = (long long)longest_ttl_s(point);
	values_text(point, true, wanted, sizeof wanted);
	if (point->back)
		text_copyf(
		    plan->then, sizeof plan->then,
		    "visitors reach OLD %s again, the last ones within %lld s of the change (TTL %lld s)",
		    job_config_str(point->job, "heroku.app", "Heroku"), ttl_s + 2, ttl_s);
	else
		text_copyf(plan->then, sizeof plan->then,
			   "visitors reach NEW %s, the last ones within %lld s of the change (TTL %lld s)",
			   dns_new_host(point->job, &host, NULL) == 0 ? host.list[0] : wanted, ttl_s + 2,
			   ttl_s);
	text_copyf(plan->back, sizeof plan->back,
		   point->back ? "dns-point to new again, and everybody follows after %lld s. What is "
				 "written on OLD from now on is not on NEW."
			       : "B puts every record back as it was, and everybody follows after %lld s. "
				 "It costs what is written on NEW until then.",
		   ttl_s);
}

/* What run() compares with: the value of each record as the approved plan saw it. */
static void plan_data(const struct point *point, struct plan *plan)
{
	jw_open(&plan->data);
	jw_obj(&plan->data, "now");
	for (size_t i = 0; i < point->n; i++)
		jw_str(&plan->data, point->targets[i].key, point->targets[i].now);
	jw_end(&plan->data);
}

static int plan_point(struct point *point, struct plan *plan, struct err *err)
{
	struct err unseen = {0};
	size_t left = point_left(point);
	text_copy(plan->target, sizeof plan->target,
		  job_config_str(point->job, "heroku.app", point->zone.name));
	text_copy(plan->side, sizeof plan->side, point->back ? "OLD" : "NEW");
	text_copy(plan->verb, sizeof plan->verb, "MOVES TRAFFIC");
	values_text(point, false, plan->from, sizeof plan->from);
	values_text(point, true, plan->to, sizeof plan->to);
	plan_data(point, plan);
	plan->gate = GATE_TYPE;
	plan->estimate_ms = 3000;
	point_see_records(point, &plan->seen);
	if (!point_see_delegation(point, &plan->seen, &unseen) && unseen.kind)
		evidence_add(&plan->seen, VERDICT_UNKNOWN, "delegation", "unseen", "%s", unseen.text);
	unseen = (struct err){0};
	if (!point->back && !point_see_new_name(point, &plan->seen, &unseen) && unseen.kind)
		return err_set(err, unseen.kind, "%s", unseen.text);
	plan->nothing_to_do = left == 0 && !*point->refused;
	if (left)
		plan_does_all(point, plan);
	plan_words(point, plan);
	if (*point->refused)
		plan_refuse(plan, "%s", point->refused);
	return 0;
}

static int dns_point_plan(struct job *job, struct plan *plan, struct err *err)
{
	struct point *point = xcalloc(1, sizeof *point);
	bool back;
	int rc = read_to(job, &back, err);
	if (rc == 0)
		rc = point_look(job, back, CLOUDFLARE_BRISK, point, err);
	if (rc == 0)
		rc = plan_point(point, plan, err);
	else if (err->kind == ERR_REFUSED)
		rc = (plan_refuse(plan, "%s", err->text), 0);
	point_done(point);
	free(point);
	return rc;
}

/* ---- run ---- */

static bool cell_right(enum dns_state state, bool back)
{
	return back ? state == DNS_CELL_OLD || state == DNS_CELL_LAGGING : state == DNS_CELL_NEW;
}

static size_t servers_left(const struct dns_matrix *m, bool back)
{
	size_t left = 0;
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++)
			left += !cell_right(m->seen[i][name].state, back);
	return left;
}

/* Only waited for here; prove() decides, so servers that are slow or silent are no failure of the change. */
static void wait_servers(struct point *point)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(point->job, &unseen);
	int64_t until_ms = clock_life_ms() + SERVERS_WAIT_MS;
	while (m) {
		size_t left = servers_left(m, point->back), all = m->n_authoritative * m->n_names;
		char text[120];
		text_copyf(text, sizeof text, "%zu of %zu answers of the zone's name servers follow",
			   all - left, all);
		job_progress(point->job, (int64_t)(all - left), (int64_t)all, "items", text);
		if (!left || clock_life_ms() >= until_ms || job_wait(point->job, SERVERS_PAUSE_MS))
			break;
		dns_matrix_ask_authoritative(m);
	}
	dns_matrix_close(m);
}

static int point_to(struct job *job, bool back, struct err *err)
{
	struct point *point = xcalloc(1, sizeof *point);
	int rc = point_look(job, back, CLOUDFLARE_PATIENT, point, err);
	if (rc == 0)
		rc = point_check_plan(point, err);
	if (rc == 0)
		rc = point_change_all(point, err);
	if (rc == 0)
		wait_servers(point);
	point_done(point);
	free(point);
	return rc;
}

static int dns_point_run(struct job *job, struct err *err)
{
	bool back;
	return read_to(job, &back, err) < 0 ? -1 : point_to(job, back, err);
}

static int dns_point_undo(struct job *job, struct err *err)
{
	bool back;
	return read_to(job, &back, err) < 0 ? -1 : point_to(job, !back, err);
}

static enum done dns_point_probe(struct job *job, struct err *err)
{
	struct point *point = xcalloc(1, sizeof *point);
	enum done done = DONE_UNCLEAR;
	bool back;
	if (read_to(job, &back, err) == 0 && point_look(job, back, CLOUDFLARE_BRISK, point, err) == 0 &&
	    point->n) {
		size_t left = point_left(point);
		char there[200], not_yet[200];
		point_names(point, true, there, sizeof there);
		point_names(point, false, not_yet, sizeof not_yet);
		done = !left ? DONE_DONE : left == point->n ? DONE_NOT_DONE : DONE_UNCLEAR;
		if (done == DONE_UNCLEAR)
			err_set(err, ERR_WORLD,
				"dns-point came half-way: at %s: %s; not yet: %s; run it again to go on, or "
				"go back",
				back ? "OLD" : "NEW", there, not_yet);
	}
	point_done(point);
	free(point);
	return done;
}

static void prove_records(const struct point *point, struct evidence *ev)
{
	for (size_t i = 0; i < point->n; i++) {
		const struct point_target *t = &point->targets[i];
		if (t->same)
			evidence_add(ev, VERDICT_PASS, "record", t->now, "Cloudflare has %s at %s.", t->name,
				     t->now);
		else
			evidence_add(ev, VERDICT_FAIL, "record", t->now,
				     "Cloudflare has %s at %s, not at %s.", t->name, t->now, t->want);
	}
}

static void prove_servers(struct job *job, bool back, struct evidence *ev)
{
	struct err unseen = {0};
	struct dns_matrix *m = dns_matrix_open(job, &unseen);
	if (!m) {
		evidence_add(ev, VERDICT_UNKNOWN, "name servers", "unseen", "%s", unseen.text);
		return;
	}
	size_t left = servers_left(m, back);
	if (!left)
		evidence_add(ev, VERDICT_PASS, "name servers", "all",
			     "All %zu name servers answer %s for %zu name%s.", m->n_authoritative,
			     back ? "OLD" : "NEW", m->n_names, m->n_names == 1 ? "" : "s");
	for (size_t i = 0; i < m->n_authoritative; i++)
		for (size_t name = 0; name < m->n_names; name++) {
			const struct dns_seen *seen = &m->seen[i][name];
			bool untold = seen->state == DNS_CELL_SILENT || seen->state == DNS_CELL_REFUSED ||
				      seen->state == DNS_CELL_FAIL;
			if (!cell_right(seen->state, back))
				evidence_add(ev, untold ? VERDICT_UNKNOWN : VERDICT_FAIL, "name servers",
					     dns_state_name(seen->state), "%s answers %s %s for %s.",
					     m->servers.list[i].label, dns_state_name(seen->state),
					     *seen->value ? seen->value : seen->why, m->names[name].name);
		}
	dns_matrix_close(m);
}

static enum verdict dns_point_prove(struct job *job, struct evidence *ev, struct err *err)
{
	struct point *point = xcalloc(1, sizeof *point);
	bool back;
	if (read_to(job, &back, err) == 0 && point_look(job, back, CLOUDFLARE_BRISK, point, err) == 0) {
		prove_records(point, ev);
		prove_servers(job, back, ev);
	}
	point_done(point);
	free(point);
	return err->kind ? VERDICT_UNKNOWN : evidence_verdict(ev);
}
