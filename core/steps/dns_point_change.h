/* Changing the records: one call each, what it was written down first, and every doubt looked at again. */
#ifndef CORE_STEPS_DNS_POINT_CHANGE_H
#define CORE_STEPS_DNS_POINT_CHANGE_H

#include "core/steps/dns_point_look.h"

/* -1: the world is not what the approved plan saw; nothing was changed. */
int point_check_plan(const struct point *point, struct err *err);
/* Changes what is not yet as it shall be. A change that ended half-way says exactly how far it came. */
int point_change_all(struct point *point, struct err *err);

#endif
