/* The two pictures of the HTML report, drawn by positions in percent: they need neither script nor image. */
#ifndef CORE_NIGHT_REPORT_CHART_H
#define CORE_NIGHT_REPORT_CHART_H

#include "core/night/report.h"

/* Text as it stands between tags and in attributes. */
void html_text(struct buf *out, const char *text);

/* A bar for each step: how long its gate waited for people, how long it ran, and what was planned. */
void report_chart_steps(const struct report *report, struct buf *out);
/* What each server answered for each name, from shortly before the flip until the last change. */
void report_chart_dns(const struct report *report, struct buf *out);

#endif
