/* Folds of seats, the wheel, HOLD, notes and votes: see people.h. */
#include "core/night/kinds/fold.h"
#include <strings.h>

static struct seat_seen *seat_of(struct state *state, const char *id)
{
	for (size_t i = 0; i < state->people.n; i++)
		if (text_equal(state->people.seats[i].id, id))
			return &state->people.seats[i];
	return NULL;
}

const struct seat_seen *seat_get(const struct state *state, const char *id)
{
	for (size_t i = 0; i < state->people.n; i++)
		if (text_equal(state->people.seats[i].id, id))
			return &state->people.seats[i];
	return NULL;
}

static void fold_seat_joined(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct seat_seen *seat = seat_of(state, json_str(b, "seat", ""));
	if (!seat)
		seat = FOLD_PUSH(state->people.seats, state->people.n);
	memset(seat, 0, sizeof *seat);
	FOLD_TEXT(seat->id, b, "seat");
	FOLD_TEXT(seat->name, b, "name");
	FOLD_TEXT(seat->station, b, "station");
	FOLD_TEXT(seat->login, b, "login");
	seat->uid = (int)json_int(b, "uid", -1);
	seat->cols = (int)json_int(b, "cols", 0);
	seat->rows = (int)json_int(b, "rows", 0);
	seat->observer = json_bool(b, "observer", false);
	seat->here = true;
	seat->joined_at_ms = event->at_ms;
}

static void fold_seat_left(struct state *state, const struct event *event)
{
	struct seat_seen *seat = seat_of(state, json_str(event->body, "seat", ""));
	if (!seat)
		return;
	seat->here = false;
	seat->armed_until_ms = 0;
	seat->shell[0] = '\0';
	seat->left_at_ms = event->at_ms;
	if (text_equal(state->people.asked, seat->id))
		state->people.asked[0] = '\0';
	if (text_equal(state->people.offered, seat->id))
		state->people.offered[0] = '\0';
}

static void fold_seat_armed(struct state *state, const struct event *event)
{
	struct seat_seen *seat = seat_of(state, json_str(event->body, "seat", ""));
	if (seat)
		seat->armed_until_ms = json_int(event->body, "until_ms", 0);
}

static void fold_shell_opened(struct state *state, const struct event *event)
{
	struct seat_seen *seat = seat_of(state, json_str(event->body, "seat", ""));
	if (!seat)
		return;
	FOLD_TEXT(seat->shell, event->body, "side");
	seat->shell_at_ms = event->at_ms;
	seat->shell_ended_at_ms = 0;
}

static void fold_shell_closed(struct state *state, const struct event *event)
{
	struct seat_seen *seat = seat_of(state, json_str(event->body, "seat", ""));
	if (!seat)
		return;
	seat->shell[0] = '\0';
	seat->shell_ended_at_ms = event->at_ms;
}

static void fold_wheel_given(struct state *state, const struct event *event)
{
	struct people_state *p = &state->people;
	FOLD_TEXT(p->driver, event->body, "seat");
	p->asked[0] = p->offered[0] = '\0';
	p->lost_seat[0] = p->lost_name[0] = p->lost_login[0] = '\0';
	p->lost_at_ms = p->lost_take_at_ms = 0;
}

static void fold_wheel_asked(struct state *state, const struct event *event)
{
	FOLD_TEXT(state->people.asked, event->body, "seat");
	state->people.offered[0] = '\0';
}

static void fold_wheel_offered(struct state *state, const struct event *event)
{
	FOLD_TEXT(state->people.offered, event->body, "seat");
}

static void fold_wheel_kept(struct state *state, const struct event *event)
{
	(void)event;
	state->people.asked[0] = state->people.offered[0] = '\0';
}

static void fold_wheel_lost(struct state *state, const struct event *event)
{
	struct people_state *p = &state->people;
	FOLD_TEXT(p->lost_seat, event->body, "seat");
	FOLD_TEXT(p->lost_name, event->body, "name");
	FOLD_TEXT(p->lost_login, event->body, "login");
	p->lost_uid = (int)json_int(event->body, "uid", -1);
	p->lost_at_ms = event->at_ms;
	p->lost_take_at_ms = json_int(event->body, "take_at_ms", event->at_ms);
	p->driver[0] = p->offered[0] = '\0';
}

static void fold_hold_called(struct state *state, const struct event *event)
{
	struct people_state *p = &state->people;
	p->hold = true;
	FOLD_TEXT(p->hold_by, event->body, "by");
	FOLD_TEXT(p->hold_seat, event->body, "seat");
	FOLD_TEXT(p->hold_why, event->body, "why");
	p->hold_at_ms = event->at_ms;
}

static void fold_hold_released(struct state *state, const struct event *event)
{
	(void)event;
	state->people.hold = false;
}

static void fold_note_added(struct state *state, const struct event *event)
{
	struct note_seen *note = FOLD_PUSH(state->people.notes, state->people.n_notes);
	note->at_ms = event->at_ms;
	FOLD_TEXT(note->by, event->body, "by");
	FOLD_TEXT(note->text, event->body, "text");
}

static struct vote_seen *vote_of(struct state *state, const char *station)
{
	for (size_t i = 0; i < state->people.n_votes; i++)
		if (strcasecmp(state->people.votes[i].station, station) == 0)
			return &state->people.votes[i];
	return NULL;
}

const struct vote_seen *vote_get(const struct state *state, const char *station)
{
	return vote_of((struct state *)(uintptr_t)state, station);
}

void votes_spend(struct state *state, const char *step)
{
	for (size_t i = 0; i < state->people.n_votes; i++) {
		struct vote_seen *vote = &state->people.votes[i];
		if (vote->fallen)
			continue;
		vote->fallen = true;
		text_copyf(vote->fallen_why, sizeof vote->fallen_why, "it was for %s, which is passed", step);
	}
}

static void fold_vote_given(struct state *state, const struct event *event)
{
	const struct json *b = event->body;
	struct vote_seen *vote = vote_of(state, json_str(b, "station", ""));
	if (!vote)
		vote = FOLD_PUSH(state->people.votes, state->people.n_votes);
	memset(vote, 0, sizeof *vote);
	FOLD_TEXT(vote->station, b, "station");
	FOLD_TEXT(vote->by, b, "by");
	FOLD_TEXT(vote->reason, b, "reason");
	FOLD_TEXT(vote->seat, b, "seat");
	FOLD_TEXT(vote->login, b, "login");
	vote->uid = (int)json_int(b, "uid", -1);
	vote->go = json_bool(b, "go", false);
	vote->at_ms = event->at_ms;
	size_t most = sizeof vote->seen / sizeof *vote->seen;
	for (const struct json *x = json_first(json_get(b, "seen")); x && vote->n_seen < most;
	     x = json_next(x))
		text_copy(vote->seen[vote->n_seen++], sizeof vote->seen[0], json_text(x) ? json_text(x) : "");
}

static void fold_vote_fallen(struct state *state, const struct event *event)
{
	struct vote_seen *vote = vote_of(state, json_str(event->body, "station", ""));
	if (!vote)
		return;
	vote->fallen = true;
	FOLD_TEXT(vote->fallen_why, event->body, "why");
}

/* Who is asked, from the configuration of the night. */
void people_opened(struct state *state, const struct json *config)
{
	struct people_state *p = &state->people;
	p->wanted = (int)json_int(config, "people", 1);
	p->n_stations = 0;
	for (const struct json *x = json_first(json_get(config, "stations"));
	     x && p->n_stations < STATIONS_MOST; x = json_next(x))
		if (json_text(x) && *json_text(x))
			text_copy(p->stations[p->n_stations++], sizeof p->stations[0], json_text(x));
}

/* Somebody else than the driver who said go: best another login, else at least another name. */
static const struct vote_seen *second_person(const struct state *state, bool *by_name_only)
{
	const struct seat_seen *driver = seat_get(state, state->people.driver);
	const struct vote_seen *by_name = NULL;
	*by_name_only = false;
	for (size_t i = 0; driver && i < state->people.n_votes; i++) {
		const struct vote_seen *vote = &state->people.votes[i];
		if (!vote->go || vote->fallen || text_equal(vote->seat, driver->id))
			continue;
		if (vote->uid != driver->uid || !text_equal(vote->login, driver->login))
			return vote;
		if (strcasecmp(vote->by, driver->name) != 0)
			by_name = vote;
	}
	*by_name_only = by_name != NULL;
	return by_name;
}

static bool stations_ready(const struct state *state, struct poll_look *out)
{
	const struct people_state *p = &state->people;
	for (size_t i = 0; i < p->n_votes; i++)
		if (!p->votes[i].go && !p->votes[i].fallen) {
			text_copyf(out->why, sizeof out->why, "NO-GO of %s by %s: %s", p->votes[i].station,
				   p->votes[i].by, p->votes[i].reason);
			return false;
		}
	for (size_t i = 0; i < p->n_stations; i++) {
		const struct vote_seen *vote = vote_get(state, p->stations[i]);
		if (!vote)
			text_copyf(out->why, sizeof out->why, "%s has not voted", p->stations[i]);
		else if (vote->fallen)
			text_copyf(out->why, sizeof out->why, "the go of %s has fallen: %s", p->stations[i],
				   vote->fallen_why);
		if (!vote || vote->fallen)
			return false;
	}
	return true;
}

void poll_look(const struct state *state, struct poll_look *out)
{
	memset(out, 0, sizeof *out);
	out->second_wanted = state->people.wanted >= 2;
	out->second = second_person(state, &out->by_name_only);
	out->ready = stations_ready(state, out);
	if (out->ready && out->second_wanted && !out->second) {
		out->ready = false;
		text_copy(out->why, sizeof out->why, "a second person, not the driver, has not said go");
	}
}

/* No seat outlives its engine: they attach again and are told anew. */
static void fold_engine_started(struct state *state, const struct event *event)
{
	struct people_state *p = &state->people;
	const struct seat_seen *driver = seat_get(state, p->driver);
	if (driver) {
		/* He attaches again like everybody, and for a moment the wheel waits for him. */
		text_copy(p->lost_seat, sizeof p->lost_seat, driver->id);
		text_copy(p->lost_name, sizeof p->lost_name, driver->name);
		text_copy(p->lost_login, sizeof p->lost_login, driver->login);
		p->lost_uid = driver->uid;
		p->lost_at_ms = event->at_ms;
		p->lost_take_at_ms = event->at_ms + WHEEL_WAITS_MS;
	}
	for (size_t i = 0; i < state->people.n; i++) {
		struct seat_seen *seat = &state->people.seats[i];
		if (seat->here)
			seat->left_at_ms = event->at_ms;
		seat->here = false;
		seat->armed_until_ms = 0;
	}
	p->driver[0] = p->asked[0] = p->offered[0] = '\0';
	state->people.engine_starts++;
	state->people.engine_at_ms = event->at_ms;
}

const struct kind seat_joined_kind = {
    .name = "seat.joined", .keep = KEEP_RECORD, .since = 1, .fold = fold_seat_joined};
const struct kind seat_left_kind = {
    .name = "seat.left", .keep = KEEP_RECORD, .since = 1, .fold = fold_seat_left};
const struct kind shell_opened_kind = {
    .name = "shell.opened", .keep = KEEP_RECORD, .since = 1, .fold = fold_shell_opened};
const struct kind shell_closed_kind = {
    .name = "shell.closed", .keep = KEEP_RECORD, .since = 1, .fold = fold_shell_closed};
const struct kind seat_armed_kind = {
    .name = "seat.armed", .keep = KEEP_CHANGE, .key = "seat", .since = 1, .fold = fold_seat_armed};
const struct kind wheel_given_kind = {
    .name = "wheel.given", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_given};
const struct kind wheel_asked_kind = {
    .name = "wheel.asked", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_asked};
const struct kind wheel_offered_kind = {
    .name = "wheel.offered", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_offered};
const struct kind wheel_kept_kind = {
    .name = "wheel.kept", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_kept};
const struct kind wheel_lost_kind = {
    .name = "wheel.lost", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_lost};
const struct kind vote_fallen_kind = {
    .name = "vote.fallen", .keep = KEEP_RECORD, .since = 1, .fold = fold_vote_fallen};
const struct kind hold_called_kind = {
    .name = "hold.called", .keep = KEEP_RECORD, .since = 1, .fold = fold_hold_called};
const struct kind hold_released_kind = {
    .name = "hold.released", .keep = KEEP_RECORD, .since = 1, .fold = fold_hold_released};
const struct kind note_added_kind = {
    .name = "note.added", .keep = KEEP_RECORD, .since = 1, .fold = fold_note_added};
const struct kind vote_given_kind = {
    .name = "vote.given", .keep = KEEP_RECORD, .since = 1, .fold = fold_vote_given};
const struct kind engine_started_kind = {
    .name = "engine.started", .keep = KEEP_RECORD, .since = 1, .fold = fold_engine_started};
