/* Mail records before and after a change of the zone. */
#ifndef CORE_STEPS_DNS_MAIL_SEE_H
#define CORE_STEPS_DNS_MAIL_SEE_H

#include "core/job.h"

/* Writes them down, once a night, before the first change. Where they cannot be seen it says so and goes on.
 */
int mail_record(struct job *job, const char *zone, struct err *err);
/* What has come or gone since then; UNKNOWN when nothing was written down or nothing can be seen. */
void mail_prove(struct job *job, const char *zone, struct evidence *ev);

#endif
