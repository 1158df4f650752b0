/* A watch that looks over SSH: the line is made again whenever it is lost, later each time. */
#ifndef CORE_WATCHES_OVER_SSH_H
#define CORE_WATCHES_OVER_SSH_H

#include "core/job.h"
#include "core/links/ssh.h"

/* Looks until the line is lost or the job shall stop; err says why it was lost, if that is known. */
typedef void over_ssh_serve(void *ctx, struct ssh *ssh, struct err *err);
/* Returns when the job shall stop. interval_ms: the usual time between two looks, and the shortest pause
 * before a new line. */
void over_ssh(struct job *job, int64_t interval_ms, over_ssh_serve *serve, void *ctx);

#endif
