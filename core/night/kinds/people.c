/* Folds of seats, the wheel, HOLD, notes and votes: see people.h. */
#include "core/night/kinds/fold.h"

static struct seat_seen *seat_of(struct state *state, const char *id)
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
	seat->left_at_ms = event->at_ms;
	if (text_equal(state->people.asked, seat->id))
		state->people.asked[0] = '\0';
}

static void fold_seat_armed(struct state *state, const struct event *event)
{
	struct seat_seen *seat = seat_of(state, json_str(event->body, "seat", ""));
	if (seat)
		seat->armed_until_ms = json_int(event->body, "until_ms", 0);
}

static void fold_wheel_given(struct state *state, const struct event *event)
{
	FOLD_TEXT(state->people.driver, event->body, "seat");
	state->people.asked[0] = '\0';
}

static void fold_wheel_asked(struct state *state, const struct event *event)
{
	FOLD_TEXT(state->people.asked, event->body, "seat");
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

static void fold_vote_given(struct state *state, const struct event *event)
{
	const char *station = json_str(event->body, "station", "");
	struct vote_seen *vote = NULL;
	for (size_t i = 0; i < state->people.n_votes && !vote; i++)
		if (text_equal(state->people.votes[i].station, station))
			vote = &state->people.votes[i];
	if (!vote)
		vote = FOLD_PUSH(state->people.votes, state->people.n_votes);
	FOLD_TEXT(vote->station, event->body, "station");
	FOLD_TEXT(vote->by, event->body, "by");
	FOLD_TEXT(vote->reason, event->body, "reason");
	vote->go = json_bool(event->body, "go", false);
	vote->at_ms = event->at_ms;
}

/* No seat outlives its engine: they attach again and are told anew. */
static void fold_engine_started(struct state *state, const struct event *event)
{
	for (size_t i = 0; i < state->people.n; i++) {
		struct seat_seen *seat = &state->people.seats[i];
		if (seat->here)
			seat->left_at_ms = event->at_ms;
		seat->here = false;
		seat->armed_until_ms = 0;
	}
	state->people.driver[0] = state->people.asked[0] = '\0';
	state->people.engine_starts++;
	state->people.engine_at_ms = event->at_ms;
}

const struct kind seat_joined_kind = {
    .name = "seat.joined", .keep = KEEP_RECORD, .since = 1, .fold = fold_seat_joined};
const struct kind seat_left_kind = {
    .name = "seat.left", .keep = KEEP_RECORD, .since = 1, .fold = fold_seat_left};
const struct kind seat_armed_kind = {
    .name = "seat.armed", .keep = KEEP_CHANGE, .key = "seat", .since = 1, .fold = fold_seat_armed};
const struct kind wheel_given_kind = {
    .name = "wheel.given", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_given};
const struct kind wheel_asked_kind = {
    .name = "wheel.asked", .keep = KEEP_RECORD, .since = 1, .fold = fold_wheel_asked};
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
