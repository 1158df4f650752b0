/* What share of the zone's own answers leads to the new side: measured, not believed. */
#ifndef CORE_STEPS_DNS_SHARE_H
#define CORE_STEPS_DNS_SHARE_H

#include "core/job.h"

/* Evidence: the share of many answers of the zone's own servers, against the wanted percent. */
void dns_share_see(struct job *job, int want_percent, struct evidence *ev);
/* True when `n_new` of `n` answers can come from that share: within four standard deviations. */
bool dns_share_fits(int want_percent, size_t n_new, size_t n);

#endif
