/* Would Kamal take this configuration? The questions of Kamal 2.12, in its order. */
#ifndef CORE_NIGHT_KAMAL_CHECK_H
#define CORE_NIGHT_KAMAL_CHECK_H

#include "core/night/kamal_parts.h"

/* 0, or -1 with the first thing Kamal would say. What only Kamal itself can know is not asked: its own
 * version against `minimum_version`, whether secrets exist, hooks of older versions. */
int kamal_check(const struct kamal *kamal, struct err *err);

#endif
