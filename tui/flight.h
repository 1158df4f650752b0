/* What leads into a seat: the start screen, the demo, a picture of a recorded night. */
#ifndef TUI_FLIGHT_H
#define TUI_FLIGHT_H

#include "core/cmds/cmds.h"
#include <stdbool.h>
#include <sys/types.h>

/* The night that comes with nightferry. */
#define FLIGHT_RECORDED NIGHTFERRY_SOURCE "/demo/recorded/journal.jsonl"
#define FLIGHT_RECORDED_TRACE NIGHTFERRY_SOURCE "/demo/recorded/trace.jsonl"

/* Where nothing is set up: look at a recorded night, fly the demo, set up this app. Exit status. */
int flight_welcome(void);
/* The cockpit at once, the world starting in it. Exit status. */
int flight_demo(const char *theme, bool ascii);
/* A demo world with people in it: what stands behind the seat. */
struct flight {
	struct demo demo;
	char dir[400], socket[480], log[300], hint[900];
	pid_t behind; /* starts world and engine */
};
int flight_prepare(struct flight *flight, struct err *err);
/* World and engine in a process of their own; when they are up it becomes `then` (may be NULL). */
void flight_start(struct flight *flight, void (*then)(void *ctx, const struct flight *), void *ctx);
/* The seat, until the person leaves. `question` is asked at q; *asked: it was answered with yes. Exit status.
 */
int flight_sit(const struct flight *flight, const char *question, const char *theme, bool ascii, bool *asked);
/* Waits for the engine's end when it was told to stop. True: no engine is left. */
bool flight_landed(const struct flight *flight, bool asked);
/* nightferry drill */
int flight_drill(int argc, char **argv);
/* One screen of a recorded night on stdout. Exit status. */
int flight_frame(const char *journal, const char *trace, const char *size, const char *at, const char *view);

#endif
