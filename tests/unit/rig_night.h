/* A night at the rig, as most tests of the engine play it: ana sits at its wheel, armed, bea may sit beside
 * her, and what is typed goes through their seats. */
#ifndef TESTS_UNIT_RIG_NIGHT_H
#define TESTS_UNIT_RIG_NIGHT_H

#include "tests/unit/rig.h"

/* The one night of a test's process; NULL while there is none. */
extern struct rig *rig;
extern struct rig_seat *ana, *bea;

/* The step "one", behind a gate of that level. */
extern const char yes_step[], type_step[];

/* Opens a night of these steps (rig_new()); ana drives it, and is armed. */
void night_begin(const char *steps);
/* The same after things were put into its world. */
void night_start(void);
/* The engine dies without a word, and the next one takes the night up; ana sits down again. */
void night_killed(void);
/* The next engine alone, after the last has ended. */
void night_again(void);
/* Ends seats and engine: a test's teardown. */
int night_end(void **unused);

void night_arm(void);
/* ana's word about a step: run, undo, again, cancel. */
void night_cmd(const char *verb, const char *step);
/* The same, and the sentence that says why not. */
void night_refused(const char *verb, const char *step, const char *sentence);
/* The same, and waits until a gate is open. */
void night_open_gate(const char *verb, const char *step);

/* At the gate that is open; what these seats said has been taken when yes returns. */
void night_yes(struct rig_seat *seat);
void night_phrase(struct rig_seat *seat);
void night_leave_gate(void); /* ana's; waits until it is closed */
/* Two whole looks at the evidence have gone by. */
void night_looks_again(void);

/* No gate was passed, and nothing was done. */
void night_nothing_happened(void);
/* Lines of the steps' effects with this word in them: "did", "undone". */
size_t night_effects(const char *what);

#endif
