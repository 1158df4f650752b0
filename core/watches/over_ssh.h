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
/* The host's clock minus ours, in milliseconds; 0 when the way there and back is longer than the difference.
 */
int over_ssh_skew(struct ssh *ssh, int64_t *skew_ms, struct err *err);
/* The same from an answer that begins with the host's milliseconds. */
int64_t over_ssh_skew_of(const struct ssh_reply *reply);
/* What tells this host's sources from those of the others: "" where there is one host. */
void over_ssh_suffix(const struct job *job, char *out, size_t size);

#endif
