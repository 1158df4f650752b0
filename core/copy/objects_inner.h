/* The looks of objects.c. */
#ifndef CORE_COPY_OBJECTS_INNER_H
#define CORE_COPY_OBJECTS_INNER_H

#include "core/copy/objects.h"

struct object_look {
	const char *kind, *plural;
	/* name, definition, "t" when it is broken; in any order. */
	const char *sql;
	const char *broken; /* what broken means, after the name */
	const char *mend;   /* for what is missing or differs */
	bool slight;        /* no difference of it is grave */
	bool extra_grave;   /* one that only NEW has is grave as well */
	/* Printed by the server from its own form: another major may print the same in another way. */
	bool printed;
	bool data; /* the definition is a number that only must not be behind */
};
extern const struct object_look object_looks[];
extern const size_t n_object_looks;

#endif
