/* The questions to Kamal's file that need more than one part of it. */
#ifndef CORE_NIGHT_KAMAL_WHOLE_H
#define CORE_NIGHT_KAMAL_WHOLE_H

#include "core/night/kamal_parts.h"
#include "core/night/kamal_rules.h"

int kamal_check_proxy(const struct kamal_look *look, const struct yaml *proxy, const char *where);
int kamal_check_aliases(const struct kamal_look *look, const struct kamal *kamal);
int kamal_check_builder(const struct kamal_look *look, const struct kamal *kamal);
/* What is required, and what must fit together. */
int kamal_check_whole(const struct kamal_look *look, const struct kamal *kamal);
/* On the machine that deploys ("localhost:5000"): no login. */
bool kamal_registry_is_local(const struct yaml *registry);

#endif
