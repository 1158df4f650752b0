/* The made-up step, watch and checks of the rig; see rig.h. */
#ifndef TESTS_UNIT_RIG_STEPS_H
#define TESTS_UNIT_RIG_STEPS_H

/* Where the engine's process writes how much of the journal the disk has; steps look there. */
#define RIG_SYNCED "synced"

/* Makes the linker take these tables in place of the program's own. */
extern const int rig_steps_are_here;

#endif
