/* The box of an open gate: what would be done, on what evidence, what the way back costs, and how to say yes.
 */
#ifndef PANELS_DIALOG_H
#define PANELS_DIALOG_H

#include "panels/panel.h"

/* What this seat has done in the box so far. Zeroed is a fresh one. */
struct dialog_view {
	const char *typed;   /* the phrase so far; NULL or "" for nothing */
	int top;             /* first line of evidence that is shown; more than there is shows the end */
	bool calls;          /* the exact calls instead of the evidence */
	const char *message; /* one line above the frame's end, e.g. why a key did nothing; NULL for none */
};
/* Draws over rows 2 .. rows-4 of the screen; fits 60x20. Draws nothing when no gate is open. */
void dialog_draw(const struct scene *scene, const struct dialog_view *view, struct canvas *canvas);
/* The first line of evidence that keeps this gate shut; NULL: none does. */
const struct seen_line *gate_shut_by(const struct gate_seen *gate);
/* The phrase of the gate as it is typed, lower-case: "acme-production 7f3a". */
void dialog_phrase(const struct gate_seen *gate, char *out, size_t size);

#endif
