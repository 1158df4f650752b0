/* Every key of the cockpit that belongs to no panel: help, the bottom line and the README's list come from
 * here. */
#ifndef PANELS_KEYS_H
#define PANELS_KEYS_H

#include "panels/panel.h"

/* Keys that only look; `cmd` is what the seat does. Ends with a NULL key. */
extern const struct binding keys_look[];
/* Keys that act; `cmd` is the engine's command. Each needs this seat armed, except hold, vote, wheel and arm
 * itself. */
extern const struct binding keys_act[];
/* Why this seat may not act now; NULL when it may. */
const char *keys_why_not(const struct scene *scene);
/* Whether the row of keys_act or of a panel's capitals can be used now; fills the reason. */
bool keys_can(const struct scene *scene, const struct binding *binding, const char **why_not);

#endif
