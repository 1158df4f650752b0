/* THE key table. The seat's dispatch, the help, the bottom line and the README's list all come from it. */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include "core/base/buf.h"
#include "panels/panel.h"

enum where {
	WHERE_SCREEN, /* no dialog open */
	WHERE_CARD,   /* a card, help, list: text over the screen */
	WHERE_YES,    /* a `yes` box: the gate's or this seat's own question */
	WHERE_TYPE,   /* a `type` or `poll` gate */
	WHERE_PROMPT, /* a line of text is being typed */
	WHERE_REPLAY, /* beside WHERE_SCREEN, in a recorded night */
	WHERE_COUNT
};

struct key_row {
	const char *keys; /* "Up k": names as tui/screen.h gives them, separated by blanks */
	const char *cmd;  /* "up" */
	const char *note;
	const char *gate;  /* what it meets: "none" "yes" "type" "the step's"; NULL for keys that only look */
	const char *brief; /* for the bottom line, "R next"; NULL: not there */
	bool acts;  /* changes something outside this seat: held back for a burst, refused in a replay */
	bool armed; /* needs the seat to be armed */
	enum where where;
	bool (*can)(const struct scene *, const char **why_not); /* NULL: always */
};
extern const struct key_row key_table[]; /* ends with NULL keys */

/* The row for a key, or NULL. */
const struct key_row *keys_find(enum where where, const char *key);
/* The binding of a panel for a key, or NULL. */
const struct binding *keys_of_panel(const struct panel *panel, const char *key);
/* Capitals of panels act; everything else there only looks. */
bool keys_binding_acts(const struct binding *binding);
/* False when the key does nothing now; `why_not` is a whole sentence. */
bool key_usable(const struct key_row *row, const struct scene *scene, const char **why_not);
/* The bottom line: what fits into `cells`, the most needed first. */
void keys_bottom(enum where where, const struct scene *scene, int cells, char *out, size_t size);
/* The help of a place: one line per key, with the gate and why it is off. `panel` may be NULL. */
void keys_help(enum where where, const struct panel *panel, const struct scene *scene, struct buf *out);
/* All keys of all places and panels as Markdown tables. */
void keys_markdown(struct buf *out);

#endif
