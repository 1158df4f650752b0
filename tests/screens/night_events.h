/* The events of the made-up night: "@01:02:03@" in `fields` stands for that time in milliseconds. */
#ifndef TESTS_SCREENS_NIGHT_EVENTS_H
#define TESTS_SCREENS_NIGHT_EVENTS_H

#include "tests/screens/night.h"

struct night_entry {
	enum stage stage;
	const char *at, *kind, *fields;
};
/* Ends with a row whose stage is STAGE_COUNT. */
extern const struct night_entry night_entries[];

#endif
