/* Error lines that many have met before: what they mean, and the way out. */
#ifndef CORE_NIGHT_SIGNATURE_H
#define CORE_NIGHT_SIGNATURE_H

#include <stdbool.h>

#define SIGNATURE_MATCHES 4

struct signature {
	const char *id;    /* "pg-connections"; stable, it is the key of its event */
	const char *title; /* a short sentence, at most 64 cells */
	/* As text_like() takes it: literal pieces as the program writes them, `*` between them. One is
	 * enough. */
	const char *match[SIGNATURE_MATCHES];
	const char *cause, *fix;
	bool warn; /* a worry, no failure */
};
extern const struct signature signature_table[]; /* ends with a NULL id */
/* The first that the line has; NULL for none. */
const struct signature *signature_of(const char *line);

#endif
