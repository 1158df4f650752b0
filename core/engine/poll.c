/* Votes of the stations. A vote is given for the verdicts that its station could see, early if it likes, and
 * falls when one of them changes. */
#include "core/engine/inner.h"
#include <strings.h>

/* Whose evidence is whose: names of steps' kinds, of checks, of a gate's lines. What is nobody's here is
 * looked at by hand. */
static const struct {
	const char *station;
	const char *names[16];
} evidence_of[] = {
    {"DB",
     {"count-rows", "restore", "repair", "wait-quiet", "rows", "content", "writers", "quiet", "collation",
      "extensions", "sequences", "after", "compare", "objects"}},
    {"APP", {"smoke", "app-boot", "env-parity", "containers", "public"}},
    {"DNS", {"delegation", "ttl", "aaaa", "new-name", "dns-lag", "route", "moved", "provider"}},
    {"TLS", {"tls", "https"}},
};

static bool is_of(const char *station, const char *name)
{
	for (size_t i = 0; i < sizeof evidence_of / sizeof *evidence_of; i++) {
		if (strcasecmp(evidence_of[i].station, station) != 0)
			continue;
		for (size_t k = 0; k < 16 && evidence_of[i].names[k]; k++)
			if (text_equal(evidence_of[i].names[k], name))
				return true;
	}
	return false;
}

enum { LINE = sizeof((struct vote_seen *)0)->seen[0] };
struct verdicts {
	char line[16][LINE]; /* "PASS step:count-rows" */
	size_t n;
};

static void add(struct verdicts *v, enum verdict verdict, const char *what, const char *name)
{
	if (v->n < sizeof v->line / sizeof *v->line)
		text_copyf(v->line[v->n++], sizeof v->line[0], "%s %s:%.40s", verdict_name(verdict), what,
			   name);
}

static enum verdict verdict_of_step(const struct step_seen *step)
{
	if (step->state == STEP_SKIPPED || step->state == STEP_BYHAND)
		return VERDICT_WARN;
	if (step->state != STEP_DONE)
		return step->state == STEP_FAILED ? VERDICT_FAIL : VERDICT_UNKNOWN;
	int worst = VERDICT_PASS;
	for (size_t i = 0; i < step->n_seen; i++)
		if (step->seen[i].verdict != VERDICT_PASS)
			worst = step->seen[i].verdict;
	return (enum verdict)worst;
}

/* Every verdict of a station there is now. What has not been looked at yet has none. */
static void collect(const struct engine *e, const char *station, struct verdicts *v)
{
	const struct state *s = e->state;
	v->n = 0;
	for (size_t i = 0; i < s->steps.n_forward; i++) {
		const struct step_seen *x = &s->steps.steps[i];
		bool looked =
		    step_state_finished(x->state) || x->state == STEP_FAILED || x->state == STEP_UNKNOWN;
		if (looked && is_of(station, x->kind))
			add(v, verdict_of_step(x), "step", x->id);
	}
	for (size_t i = 0; i < s->watching.n_checks; i++)
		if (is_of(station, s->watching.checks[i].name))
			add(v, (enum verdict)s->watching.checks[i].verdict, "check",
			    s->watching.checks[i].name);
	for (size_t i = 0; s->steps.gate.open && i < s->steps.gate.n_seen; i++)
		if (is_of(station, s->steps.gate.seen[i].name))
			add(v, (enum verdict)s->steps.gate.seen[i].verdict, "gate",
			    s->steps.gate.seen[i].name);
}

static const char *name_of(const char *line)
{
	const char *blank = strchr(line, ' ');
	return blank ? blank + 1 : line;
}

static const char *find(const char *lines, size_t n, const char *name)
{
	for (const char *line = lines; line < lines + n * LINE; line += LINE)
		if (text_equal(name_of(line), name))
			return line;
	return NULL;
}

/* "count-rows was PASS, is FAIL"; false: the vote stands. */
static bool has_fallen(const struct engine *e, const struct vote_seen *vote, char why[160])
{
	struct verdicts now;
	collect(e, vote->station, &now);
	for (size_t i = 0; i < vote->n_seen; i++) {
		const char *was = vote->seen[i], *name = name_of(was), *is = find(now.line[0], now.n, name);
		if (is && text_equal(is, was))
			continue;
		/* A gate that is shut shows nothing; its lines are compared when it is open again. */
		if (!is && text_starts(name, "gate:"))
			continue;
		text_copyf(why, 160, "%s was %.*s, is %.*s", strchr(name, ':') + 1, (int)(name - was - 1),
			   was, is ? (int)(name_of(is) - is - 1) : 9, is ? is : "not known");
		return true;
	}
	for (size_t i = 0; i < now.n; i++) {
		const char *name = name_of(now.line[i]);
		if (find(vote->seen[0], vote->n_seen, name) || text_starts(now.line[i], "PASS "))
			continue;
		text_copyf(why, 160, "%s is %.*s, which nobody knew then", strchr(name, ':') + 1,
			   (int)(name - now.line[i] - 1), now.line[i]);
		return true;
	}
	return false;
}

static void fall(struct engine *e, const struct vote_seen *vote, const char *why)
{
	char station[16], by[32];
	text_copy(station, sizeof station, vote->station);
	text_copy(by, sizeof by, vote->by);
	struct jw w;
	jw_event(&w, "vote.fallen");
	jw_str(&w, "station", station);
	jw_str(&w, "by", by);
	jw_str(&w, "why", why);
	engine_emit(e, &w, NULL);
}

/* After every event that may have changed a verdict. A poll that is no longer whole stops its count. */
void poll_tick(struct engine *e)
{
	const struct people_state *p = &e->state->people;
	if (!p->n_votes || e->poll_seq == e->seq)
		return;
	for (size_t i = 0; i < p->n_votes; i++) {
		char why[160];
		if (p->votes[i].go && !p->votes[i].fallen && has_fallen(e, &p->votes[i], why))
			fall(e, &p->votes[i], why);
	}
	e->poll_seq = e->seq;
	if (e->act.phase != ACT_GATE || e->act.level != GATE_POLL || !e->act.count_until_life_ms)
		return;
	struct poll_look look;
	poll_look(e->state, &look);
	if (!look.ready) {
		gate_stop_count(e, e->act.gate_id, "nightferry");
		seats_say(e, "warn", "the count was stopped: %s", look.why);
	}
}

/* The station as the configuration spells it; NULL: it is none of them. */
static const char *spelled(const struct engine *e, const char *station)
{
	const struct people_state *p = &e->state->people;
	for (size_t i = 0; i < p->n_stations; i++)
		if (strcasecmp(p->stations[i], station) == 0)
			return p->stations[i];
	return NULL;
}

void station_say(struct seat *seat)
{
	const struct people_state *p = &seat->e->state->people;
	char names[200] = "";
	if (!*seat->station || !p->n_stations || spelled(seat->e, seat->station))
		return;
	for (size_t i = 0; i < p->n_stations; i++)
		text_copyf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "",
			   p->stations[i]);
	seat_say(seat, "warn",
		 "%s is no station of this night (%s): this seat votes for none until it names one of them",
		 seat->station, names);
}

void cmd_vote(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	char station[16], reason[120];
	seat_clean(m, "station", station, sizeof station);
	seat_clean(m, "reason", reason, sizeof reason);
	bool go = json_bool(m, "go", false);
	if (!*station)
		text_copy(station, sizeof station, *seat->station ? seat->station : seat->name);
	/* Where the configuration names stations, others cannot be asked for; where it names none, people
	 * vote. */
	if (e->state->people.n_stations) {
		const char *known = spelled(e, station);
		if (!known && !text_equal(station, seat->name)) {
			seat_say(seat, "warn", "%s is no station of this night", station);
			return;
		}
		text_copy(station, sizeof station, known ? known : seat->name);
	}
	const struct vote_seen *standing = vote_get(e->state, station);
	if (standing && !standing->go && !standing->fallen &&
	    !(standing->uid == seat->uid && text_equal(standing->login, seat->login) &&
	      text_equal(standing->by, seat->name))) {
		seat_say(seat, "warn",
			 "%s said no-go for %s: %s answers it, or the driver's r asks every station again",
			 standing->by, station, standing->by);
		return;
	}
	if (!go && !*reason) {
		seat_say(seat, "warn", "a no-go wants its reason in words: it holds until it is answered");
		return;
	}
	struct verdicts seen;
	collect(e, station, &seen);
	struct jw w;
	jw_event(&w, "vote.given");
	jw_str(&w, "by", seat->name);
	jw_str(&w, "seat", seat->id);
	jw_int(&w, "uid", seat->uid);
	jw_str(&w, "login", seat->login);
	jw_str(&w, "station", station);
	jw_bool(&w, "go", go);
	jw_str(&w, "reason", reason);
	jw_arr(&w, "seen");
	for (size_t i = 0; i < seen.n && i < 16; i++)
		jw_str(&w, NULL, seen.line[i]);
	jw_end(&w);
	engine_emit(e, &w, NULL);
	e->poll_seq = 0;
	poll_tick(e);
}

/* Everybody is asked again. */
void cmd_repoll(struct seat *seat, const struct json *m)
{
	struct engine *e = seat->e;
	const struct people_state *p = &e->state->people;
	(void)m;
	if (!seat_drives(seat)) {
		seat_say(seat, "warn", "the driver asks the stations again");
		return;
	}
	char why[160];
	text_copyf(why, sizeof why, "%s asks again", seat->name);
	for (size_t i = 0; i < p->n_votes; i++)
		if (!p->votes[i].fallen)
			fall(e, &p->votes[i], why);
	seats_say(e, "info", "%s asks every station again: V", seat->name);
}

int poll_check(const struct engine *e, struct err *err)
{
	struct poll_look look;
	poll_look(e->state, &look);
	if (look.ready)
		return 0;
	return err_set(err, ERR_REFUSED, "the poll is not complete: %s. V votes, r asks all again", look.why);
}

/* Who said go, into gate.passed. */
void poll_tell(const struct engine *e, struct jw *w)
{
	const struct people_state *p = &e->state->people;
	struct poll_look look;
	poll_look(e->state, &look);
	if (look.second) {
		jw_str(w, "second", look.second->by);
		jw_bool(w, "by_name_only", look.by_name_only);
	}
	jw_arr(w, "votes");
	for (size_t i = 0; i < p->n_votes; i++)
		if (p->votes[i].go && !p->votes[i].fallen)
			jw_strf(w, NULL, "%s GO %s", p->votes[i].station, p->votes[i].by);
	jw_end(w);
}
