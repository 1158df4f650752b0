/* Shared by the files named row_causes*.c only. */
#ifndef CORE_STEPS_ROW_CAUSES_INNER_H
#define CORE_STEPS_ROW_CAUSES_INNER_H

#include "core/steps/row_causes.h"

void row_cause_missing(struct row_causes *causes, const struct copy_compared_table *table, char *out,
		       size_t size);
void row_cause_extra(struct row_causes *causes, const struct copy_compared_table *table, char *out,
		     size_t size);
/* The restore's own errors name the table. False: they do not. */
bool row_cause_restore(struct job *job, const char *label, char *out, size_t size);

#endif
