/* The same requests on all three sides, beside each other. */
#ifndef CORE_STEPS_SMOKE_SIDES_H
#define CORE_STEPS_SMOKE_SIDES_H

#include "core/steps/smoke_look.h"

enum { SMOKE_SIDES = 3 };

/* `looks` in the order OLD, NEW, PUBLIC; one that asked nothing has n 0. What differs comes first. NEW
 * decides; the public path does once it leads to NEW (`flipped`); what is wrong with OLD is a warning. */
void smoke_sides_see(const struct smoke_look *const looks[SMOKE_SIDES], bool flipped, struct evidence *ev);

#endif
