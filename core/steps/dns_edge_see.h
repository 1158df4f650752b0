/* Evidence about names behind Cloudflare's proxy, for the steps that move names and wait for them. */
#ifndef CORE_STEPS_DNS_EDGE_SEE_H
#define CORE_STEPS_DNS_EDGE_SEE_H

#include "core/job.h"

/* The mark must tell the sides apart, or nothing that is seen later proves anything. False: it does not, and
 * `refused` says why. True where no name is proxied. */
bool edge_see_mark(struct job *job, struct evidence *ev, char *refused, size_t size);
/* Names that do not lead to the wanted side, by one question each; `who` names one of them. */
size_t edge_left(struct job *job, bool back, char *who, size_t size);
/* Waits until there are none, at most `ms`; prove decides. */
void edge_wait(struct job *job, bool back, int64_t ms);
/* Several questions to each, every one of them on a connection of its own. */
void edge_prove(struct job *job, bool back, struct evidence *ev);

#endif
