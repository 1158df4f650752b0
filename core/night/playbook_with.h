/* `with:` of a step against its table of params. */
#ifndef CORE_NIGHT_PLAYBOOK_WITH_H
#define CORE_NIGHT_PLAYBOOK_WITH_H

#include "core/job.h"
#include "core/night/schema.h"

/* Writes the object "with" of `step` (a playbook's map, for places), whose kind is `kind`. `over` holds the
 * same params from nightferry.yml and wins; NULL for none. */
int playbook_write_with(const struct schema_run *run, const struct yaml *step, const struct step *kind,
			const struct json *over, struct jw *w, struct err *err);

#endif
