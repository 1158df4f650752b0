/* Who is here, who drives, who holds, what they noted, how they vote.
 *
 * seat.joined    RECORD {seat, name, station, uid, login, observer, cols, rows}
 * seat.left      RECORD {seat, name, why}
 * wheel.asked    RECORD {seat, name}
 * wheel.offered  RECORD {seat, name, by}               the driver gives; the seat takes it with y
 * wheel.kept     RECORD {seat, name}                   the driver drives on: an offer is taken back
 * wheel.given    RECORD {seat, name, from}
 * wheel.lost     RECORD {seat, name, login, uid, take_at_ms}   the driver's seat vanished; D takes it from
 * then on seat.armed     CHANGE key seat {seat, name, until_ms}     0: disarmed hold.called    RECORD {by,
 * seat, why} hold.released  RECORD {by, reason, caller_gone} note.added     RECORD {by, text} vote.given
 * RECORD {by, seat, uid, login, station, go, reason, seen[]}   seen: "PASS step:count-rows", what it was
 * given for vote.fallen    RECORD {station, by, why} engine.started RECORD {pid, version, restarted}
 * shell.opened   RECORD {seat, name, side}     a person leaves the cockpit for a shell on that side
 * shell.closed   RECORD {seat, name, side}     and is back
 */
#ifndef CORE_NIGHT_KINDS_PEOPLE_H
#define CORE_NIGHT_KINDS_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seat_seen {
	char id[16], name[32], station[16], login[32];
	int uid, cols, rows;
	bool observer, here;
	int64_t joined_at_ms, left_at_ms;
	int64_t armed_until_ms;                 /* 0: read-only */
	char shell[8];                          /* "NEW": this person is in a shell there; "" for none */
	int64_t shell_at_ms, shell_ended_at_ms; /* the newest one's begin and end; 0: never */
};
struct note_seen {
	int64_t at_ms;
	char by[32];
	char text[200];
};
struct vote_seen {
	char station[16], by[32], reason[120];
	bool go;
	int64_t at_ms;
	char seat[16], login[32];
	int uid;
	bool fallen; /* it no longer counts */
	char fallen_why[160];
	char seen[16][56]; /* the verdicts it was given for */
	size_t n_seen;
};
enum { STATIONS_MOST = 12, WHEEL_WAITS_MS = 10000 /* for a driver who vanished */ };
struct people_state {
	struct seat_seen *seats;
	size_t n;
	char driver[16];  /* seat id; "" for nobody */
	char asked[16];   /* seat id that asks for the wheel */
	char offered[16]; /* seat id that may take it */
	/* The driver who vanished: "" unless nobody drives since. */
	char lost_seat[16], lost_name[32], lost_login[32];
	int lost_uid;
	int64_t lost_at_ms, lost_take_at_ms;
	bool hold;
	char hold_by[32], hold_seat[16], hold_why[160];
	int64_t hold_at_ms;
	struct note_seen *notes;
	size_t n_notes;
	struct vote_seen *votes; /* newest of each station */
	size_t n_votes;
	char stations[STATIONS_MOST][16]; /* that are asked in a poll */
	size_t n_stations;
	int wanted; /* people that the configuration asks for, at least 1 */
	int engine_starts;
	int64_t engine_at_ms;
};

struct state;
/* The newest vote of a station, fallen ones too; NULL for none. Stations are compared without case. */
const struct vote_seen *vote_get(const struct state *state, const char *station);
const struct seat_seen *seat_get(const struct state *state, const char *id);

/* A go is for one decision: the next poll asks anew. */
void votes_spend(struct state *state, const char *step);

/* Where a poll stands: what engine and dialog both go by. */
struct poll_look {
	bool ready;                     /* every station said go and the second person is there */
	char why[200];                  /* not ready: what is missing, as a sentence without its point */
	bool second_wanted;             /* the configuration asks for two people */
	const struct vote_seen *second; /* the second person's go; NULL for none */
	bool by_name_only;              /* another name, but the same uid and login */
};
void poll_look(const struct state *state, struct poll_look *out);

#endif
