/* One dyno: a real process with Heroku's states around it. */
#ifndef DEMO_HEROKU_DYNO_H
#define DEMO_HEROKU_DYNO_H

#include "demo/heroku/heroku.h"

/* From this number on a dyno of the formation is a process that only waits: a small machine can show a
 * hundred of them, and not run the shop a hundred times. */
enum { DYNO_LIGHT_FROM = 13 };
enum { DYNO_LINE_ROOM = 8192, DYNO_BACKOFF_FIRST_MS = 1000, DYNO_BACKOFF_LAST_MS = 30000 };

enum dyno_state { STARTING, UP, CRASHED };
extern const char *const DYNO_STATES[];

/* Why a dyno was told to stop. */
enum dyno_ending { RUNNING, TO_DOWN, TO_RESTART };

struct dyno {
	bool used, one_off;
	char name[32], type[16], size[24], command[256];
	char id[HEROKU_UUID_SIZE];
	int index, port, out_fd, backoff_ms; /* port: 0 unless it may be given requests */
	pid_t pid;                           /* 0 between two lives */
	enum dyno_state state;
	enum dyno_ending ending;
	bool termed, killed;
	int64_t created_ms, changed_ms, started_ms, stop_ms, start_at_ms, ttl_ms;
	char line[DYNO_LINE_ROOM]; /* what it said since the last line end */
	size_t line_size;
};

/* Moves one dyno on: output, exit, start, port, time limits. It may clear `used`. */
void dyno_tick(struct dyno *d, int64_t now);
/* Asks it to stop for good or to come back. */
void dyno_end(struct dyno *d, enum dyno_ending ending);
void dyno_output_read(struct dyno *d);

#endif
