/* One line of the playbook panel: a step, a phase, or the detail below the list. */
#ifndef PANELS_PLAYBOOK_LINES_H
#define PANELS_PLAYBOOK_LINES_H

#include "panels/panel.h"

void playbook_step_draw(const struct scene *scene, struct canvas *canvas, int row,
			const struct step_seen *step);
void playbook_phase_draw(const struct scene *scene, struct canvas *canvas, int row,
			 const struct phase_seen *phase);
/* Four lines: what the step does, how it is proved, and how it is taken back. */
void playbook_detail_draw(struct canvas *canvas, int row, const struct step_seen *step);

#endif
