/* A seat: one person's cockpit. It folds the engine's events into the same state as everybody and draws it.
 */
#ifndef TUI_SEAT_H
#define TUI_SEAT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "panels/canvas.h"
#include <stdbool.h>
#include <stdint.h>

struct seat_options {
	const char *socket;          /* the engine's; NULL in a replay */
	const char *on;              /* the machine the engine runs on; NULL: this one */
	char *const *on_argv;        /* with `on`: the program that is the connection, NULL-ended */
	const char *name, *station;  /* of the person; station "" or NULL: none */
	const char *theme;           /* NULL: "default" */
	const char *journal, *trace; /* a recorded night instead of an engine; trace may be NULL */
	double speed;                /* of the replay; 0: 1 */
	const char *at;              /* where the replay begins: "01:14:07", "+10m"; NULL: at its begin */
	const char *view;            /* first view; NULL: the phase's own */
	const char *attach_hint;     /* how to come back, said at the end; NULL: "nightferry attach" */
	const char *join_hint;       /* how somebody else opens an own seat; NULL: not said */
	const char *tmux_hint;       /* what of this tmux hurts, said once; NULL or "": nothing does */
	const char *stop_hint;       /* how to stop what goes on; NULL: "nightferry stop" */
	const char *
	    quit_question; /* asked at `q`, with y as yes: stop the engine, too (the demo); NULL: not asked */
	const char
	    *starting_log; /* its lines are shown until the engine answers for the first time; NULL: none */
	bool *stop_asked;  /* becomes true when that was answered with y; NULL: nobody wants to know */
	bool observer, ascii, mouse;
};

/* Runs until the person leaves. Returns an exit status: 0 left, 1 could not start, 3 the terminal was lost.
 */
int seat_main(const struct seat_options *options);

/* The whole screen as text: the night of `journal` (and `trace`, may be NULL) as it was at `at_ms` (<= 0: at
 * its end), in a view (NULL: the phase's own). One line per row, blanks at the end kept. */
int seat_frame(const char *journal, const char *trace, struct size size, int64_t at_ms, const char *view,
	       struct buf *out, struct err *err);

#endif
