/* The timeline's words: which events a reader wants to see again, and how each is said. */
#ifndef CORE_NIGHT_REPORT_MOMENTS_H
#define CORE_NIGHT_REPORT_MOMENTS_H

#include "core/night/report.h"

/* false: this event is no moment of the timeline. Texts are the caller's to free. */
bool report_moment_of(const struct event *event, struct report_moment *out);

#endif
