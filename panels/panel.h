/* A panel: state -> canvas. Pure: no clock, no curses, no world. */
#ifndef PANELS_PANEL_H
#define PANELS_PANEL_H

#include "core/night/state.h"
#include "panels/canvas.h"

/* What this seat is, beside the state everybody shares. */
struct seat_view {
	char seat[16], name[32];
	bool driver, armed, observer, replaying, no_trace;
	int64_t armed_until_ms;
	uint64_t gap_lines; /* log lines this seat has not been given */
	bool connected;
	int64_t lost_at_ms;
	char on[48];    /* the machine the engine runs on; "" for this one */
	bool no_engine; /* with `on`: the machine answers, its engine does not */
};

struct scene {
	const struct state *state;
	const void *view; /* this panel's own, view_size bytes, zeroed at start */
	int64_t now_ms;
	bool focus, frozen;
	struct seat_view seat;
};

enum move {
	MOVE_NONE,
	MOVE_UP,
	MOVE_DOWN,
	MOVE_PAGE_UP,
	MOVE_PAGE_DOWN,
	MOVE_FIRST,
	MOVE_LAST,
	MOVE_LEFT,
	MOVE_RIGHT
};
enum act_kind {
	ACT_MOVE,
	ACT_SEARCH,
	ACT_SEARCH_NEXT,
	ACT_SEARCH_PREV,
	ACT_KEEP,
	ACT_HIDE,
	ACT_SORT,
	ACT_SORT_REVERSE,
	ACT_KEY
};
struct act {
	enum act_kind kind;
	enum move move;
	const char *text; /* search or filter text; the key's cmd for ACT_KEY */
};

/* A key of a panel. Lower-case keys only look and go to act(); capitals name a command of the engine. */
struct binding {
	const char *key; /* "f", "Enter", "T" */
	const char *cmd; /* "follow", "end-session" */
	const char *note;
	/* NULL: always. false: fills why_not, shown in help and when pressed. */
	bool (*can)(const struct scene *, const char **why_not);
};

struct panel {
	const char *name, *title;   /* "dynos", "Dynos" */
	char digit;                 /* '2' */
	const char *side;           /* "OLD" "NEW" "" : drawn by word and colour in the title */
	const char *watch;          /* whose age its title shows; NULL for none */
	struct size least;          /* smaller: the layout leaves it out */
	size_t view_size;           /* plain data, zeroed; a list remembers the selected key, not the row */
	const struct binding *keys; /* ends with a NULL key */
	/* The words after the title on its rule, e.g. "OLD acme-production"; may be NULL. */
	void (*head)(const struct scene *, char *out, size_t size);
	void (*draw)(const struct scene *, struct canvas *);
	void (*act)(void *view, const struct state *, const struct act *, struct size);
	/* The selected row's identity ("run.4417", "check:ttl", step id); "" for none. */
	void (*selected)(const struct scene *, char *out, size_t size);
	/* The card of the selected row (Enter): lines of text; returns false when there is none. May be NULL.
	 */
	void (*card)(const struct scene *, struct canvas *);
	/* The words at the right end of its rule instead of the watch's age, e.g. "15/26", "FOLLOW". May be
	 * NULL. */
	void (*tail)(const struct scene *, char *out, size_t size);
	/* What `o` writes where that is more than a screen shows: how many lines, and each; false for one
	 * that is left out. NULL: the drawing, on a large canvas. */
	size_t (*whole)(const struct scene *);
	bool (*line)(const struct scene *, size_t i, char *out, size_t size);
	const char *extension; /* of that file; NULL: "txt" */
};
extern const struct panel *const panel_table[]; /* NULL-ended, in order of their digits 1..9, 0 */
const struct panel *panel_find(const char *name);

#endif
