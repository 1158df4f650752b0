/* The parts of the page that are about people: what went wrong, what is left to do, who did what. */
#ifndef CORE_NIGHT_REPORT_PARTS_H
#define CORE_NIGHT_REPORT_PARTS_H

#include "core/night/report.h"

void html_trouble(const struct report *report, struct buf *out);
void html_after(const struct state *state, struct buf *out); /* nothing where nothing is left */
void html_people(const struct report *report, struct buf *out);
void html_gates(const struct report *report, struct buf *out);
void html_waivers_and_notes(const struct state *state, struct buf *out);

#endif
