/* The state as one canonical JSON object: `status --json`, and how tests compare two states. Text rings and
 * ages of watches are left out: they are bounded differently by design. */
#include "core/night/state.h"
#include "core/base/units.h"
#include <string.h>

static void write_steps(const struct state *s, struct jw *w)
{
	jw_arr(w, "steps");
	for (size_t i = 0; i < s->steps.n; i++) {
		const struct step_seen *x = &s->steps.steps[i];
		jw_obj(w, NULL);
		jw_str(w, "id", x->id);
		jw_str(w, "state", step_state_name(x->state));
		jw_str(w, "by", x->by);
		jw_str(w, "text", x->text);
		jw_int(w, "started_ms", x->started_at_ms);
		jw_int(w, "ended_ms", x->ended_at_ms);
		jw_int(w, "estimate_ms", x->estimate_ms);
		jw_int(w, "rehearsed_ms", x->rehearsed_ms);
		jw_int(w, "attempts", x->attempts);
		jw_int(w, "done", x->done);
		jw_int(w, "total", x->total);
		jw_int(w, "proof_lines", (int64_t)x->n_seen);
		jw_end(w);
	}
	jw_end(w);
	jw_obj(w, "gate");
	jw_bool(w, "open", s->steps.gate.open);
	if (s->steps.gate.open) {
		jw_str(w, "step", s->steps.gate.step);
		jw_str(w, "target", s->steps.gate.target);
		jw_str(w, "tag", s->steps.gate.tag);
		jw_int(w, "level", s->steps.gate.level);
	}
	jw_end(w);
}

static void write_people(const struct people_state *p, struct jw *w)
{
	jw_str(w, "driver", p->driver);
	jw_bool(w, "hold", p->hold);
	if (p->hold)
		jw_str(w, "hold_by", p->hold_by);
	jw_arr(w, "seats");
	for (size_t i = 0; i < p->n; i++)
		if (p->seats[i].here) {
			jw_obj(w, NULL);
			jw_str(w, "seat", p->seats[i].id);
			jw_str(w, "name", p->seats[i].name);
			jw_bool(w, "observer", p->seats[i].observer);
			jw_int(w, "armed_until_ms", p->seats[i].armed_until_ms);
			jw_str(w, "shell", p->seats[i].shell);
			jw_end(w);
		}
	jw_end(w);
	jw_int(w, "notes", (int64_t)p->n_notes);
}

static void write_sides(const struct state *s, struct jw *w)
{
	jw_obj(w, "old");
	jw_bool(w, "maintenance", s->dynos.maintenance);
	jw_int(w, "dynos", (int64_t)s->dynos.n);
	jw_int(w, "writers", (int64_t)s->writers.n);
	jw_str(w, "release", s->dynos.release);
	jw_end(w);
	jw_obj(w, "new");
	jw_int(w, "containers", (int64_t)s->host.n);
	jw_int(w, "routes", (int64_t)s->host.n_routes);
	jw_end(w);
	jw_obj(w, "transfer");
	jw_str(w, "stage", s->transfer.stage);
	jw_int(w, "bytes", s->transfer.bytes);
	jw_int(w, "rows", s->transfer.rows);
	jw_arr(w, "tables");
	for (size_t i = 0; i < s->transfer.n; i++)
		jw_strf(w, NULL, "%s %s %lld", s->transfer.list[i].table, s->transfer.list[i].state,
			(long long)s->transfer.list[i].rows);
	jw_end(w);
	jw_end(w);
	jw_arr(w, "rows");
	for (size_t i = 0; i < s->rows.n; i++) {
		const struct rows_table *t = &s->rows.tables[i];
		jw_obj(w, NULL);
		jw_str(w, "table", t->table);
		jw_int(w, "old", t->old_rows);
		jw_int(w, "new", t->new_rows);
		jw_int(w, "verdict", t->verdict);
		jw_str(w, "cause", t->cause);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "bisected");
	for (size_t i = 0; i < s->rows.n_bisected; i++)
		jw_strf(w, NULL, "%s %s %zu", s->rows.bisected[i].table, s->rows.bisected[i].state,
			s->rows.bisected[i].n);
	jw_end(w);
}

static void write_jobs(const struct state *s, struct jw *w)
{
	static const char *const names[2] = {"OLD", "NEW"};
	jw_arr(w, "jobs");
	for (size_t side = 0; side < 2; side++)
		for (size_t i = 0; i < s->jobs.sides[side].n; i++) {
			const struct job_system_seen *x = &s->jobs.sides[side].systems[i];
			jw_obj(w, NULL);
			jw_str(w, "side", names[side]);
			jw_str(w, "name", x->name);
			jw_int(w, "waiting", x->waiting);
			jw_int(w, "retry", x->retry);
			jw_int(w, "scheduled", x->scheduled);
			jw_int(w, "running", x->running);
			jw_int(w, "failed", x->failed);
			jw_int(w, "moved_ms", x->moved_at_ms);
			jw_end(w);
		}
	jw_end(w);
}

static void write_looks(const struct state *s, struct jw *w)
{
	jw_arr(w, "checks");
	for (size_t i = 0; i < s->watching.n_checks; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", s->watching.checks[i].name);
		jw_int(w, "verdict", s->watching.checks[i].verdict);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "watches");
	for (size_t i = 0; i < s->watching.n; i++) {
		jw_obj(w, NULL);
		jw_str(w, "name", s->watching.watches[i].name);
		jw_bool(w, "ok", s->watching.watches[i].ok);
		jw_int(w, "looked_at_ms", s->watching.watches[i].looked_at_ms);
		jw_str(w, "text", s->watching.watches[i].text);
		jw_end(w);
	}
	jw_end(w);
	jw_arr(w, "dns");
	for (size_t i = 0; i < s->dns.n; i++)
		jw_strf(w, NULL, "%s %s %s%s%s", s->dns.cells[i].server, s->dns.cells[i].name,
			s->dns.cells[i].state, s->dns.cells[i].six.state[0] ? " IPv6 " : "",
			s->dns.cells[i].six.state);
	jw_end(w);
	jw_int(w, "new_rows", s->traffic.new_rows);
	jw_num(w, "share_new", s->traffic.share_new);
}

void state_write(const struct state *s, struct jw *w)
{
	jw_int(w, "seq", (int64_t)s->seq);
	jw_str(w, "app", s->app);
	jw_str(w, "night", s->night);
	jw_str(w, "playbook", s->steps.playbook);
	jw_bool(w, "rehearsal", s->rehearsal);
	jw_str(w, "rehearsed", s->rehearsed.night);
	jw_int(w, "opened_ms", s->opened_at_ms);
	jw_int(w, "closed_ms", s->closed_at_ms);
	jw_str(w, "verdict", s->closed_verdict);
	jw_int(w, "freeze_ms", s->freeze_at_ms);
	jw_int(w, "flip_ms", s->flip_at_ms);
	jw_int(w, "public_ms", s->public_at_ms);
	jw_int(w, "down_since_ms", s->downtime.since_ms);
	jw_int(w, "down_before_ms", s->downtime.before_ms);
	jw_bool(w, "turned", s->steps.turned);
	if (s->drill)
		jw_raw(w, "drill", s->drill, strlen(s->drill));
	write_steps(s, w);
	write_people(&s->people, w);
	write_sides(s, w);
	write_jobs(s, w);
	write_looks(s, w);
	jw_arr(w, "facts");
	for (size_t i = 0; i < s->facts.n; i++)
		jw_strf(w, NULL, "%s %s", s->facts.facts[i].name, s->facts.facts[i].key);
	jw_end(w);
}
