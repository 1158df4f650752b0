/* What leads into a seat: the start screen, the demo, a picture of a recorded night. */
#ifndef TUI_FLIGHT_H
#define TUI_FLIGHT_H

#include <stdbool.h>

/* The night that comes with nightferry. */
#define FLIGHT_RECORDED NIGHTFERRY_SOURCE "/demo/recorded/journal.jsonl"
#define FLIGHT_RECORDED_TRACE NIGHTFERRY_SOURCE "/demo/recorded/trace.jsonl"

/* Where nothing is set up: look at a recorded night, fly the demo, set up this app. Exit status. */
int flight_welcome(void);
/* The cockpit at once, the world starting in it. Exit status. */
int flight_demo(const char *theme, bool ascii);
/* One screen of a recorded night on stdout. Exit status. */
int flight_frame(const char *journal, const char *trace, const char *size, const char *at, const char *view);

#endif
