/* A step's plan and evidence as lines: the same words in its card and in its gate. */
#ifndef PANELS_PLAN_CARD_H
#define PANELS_PLAN_CARD_H

#include "panels/panel.h"

/* Lines with a label column; `row` may be negative (scrolled away), everything outside is clipped. Each
 * returns the row after. */
int card_text(struct canvas *canvas, int row, const char *label, enum role role, const char *text);
/* brief: a line for each call and each PASS, shortened in the middle; otherwise every word. What is not PASS
 * is always whole, and first. */
int card_plan(struct canvas *canvas, int row, const struct plan_seen *plan, bool brief);
int card_seen(struct canvas *canvas, int row, const struct seen_line *seen, size_t n, bool brief,
	      int64_t now_ms);
enum role verdict_role(int verdict);

#endif
