/* Who is here, who drives, who holds, what they noted.
 *
 * seat.joined    RECORD {seat, name, station, uid, login, observer, cols, rows}
 * seat.left      RECORD {seat, name, why}
 * wheel.given    RECORD {seat, name, from}
 * wheel.asked    RECORD {seat, name}
 * seat.armed     CHANGE key seat {seat, name, until_ms}     0: disarmed
 * hold.called    RECORD {by, seat, why}
 * hold.released  RECORD {by, reason}
 * note.added     RECORD {by, text}
 * vote.given     RECORD {by, station, go, reason}
 * engine.started RECORD {pid, version, restarted}
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
	int64_t armed_until_ms; /* 0: read-only */
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
};
struct people_state {
	struct seat_seen *seats;
	size_t n;
	char driver[16]; /* seat id; "" for nobody */
	char asked[16];  /* seat id that asks for the wheel */
	bool hold;
	char hold_by[32], hold_seat[16], hold_why[160];
	int64_t hold_at_ms;
	struct note_seen *notes;
	size_t n_notes;
	struct vote_seen *votes;
	size_t n_votes;
	int engine_starts;
	int64_t engine_at_ms;
};

#endif
