/* The card of a drill, as the report's writers put it into their own form. */
#ifndef CORE_NIGHT_REPORT_DRILL_H
#define CORE_NIGHT_REPORT_DRILL_H

#include "core/night/report.h"

enum { REPORT_DRILL_COLUMNS = 5 }; /* fault, verdict, noticed, decided, recovered */

/* Calls begin() and then row() for each fault; nothing where the night was no drill. */
void report_drill(const struct report *report, void *ctx,
		  void (*begin)(void *ctx, bool passed, const char *sentence),
		  void (*row)(void *ctx, char cells[REPORT_DRILL_COLUMNS][300]));
void report_drill_html(const struct report *report, struct buf *out);

#endif
