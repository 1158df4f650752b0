/* What the way of a value from .kamal/secrets into a container does to it, and from two values, what it did.
 *
 * dotenv reads the file, Kamal writes its result into an env file as Ruby would print it, docker takes that
 * as it stands: nobody undoes what Kamal's writing adds. Everything here works on values in memory and gives
 * away no part of them. */
#ifndef CORE_LINKS_ENV_VALUE_H
#define CORE_LINKS_ENV_VALUE_H

#include "core/base/buf.h"
#include <stdbool.h>
#include <stddef.h>

/* How a value stands in the file: X=v, X="v", X='v', X=$(command that prints v). */
enum env_style { ENV_BARE, ENV_DOUBLE, ENV_SINGLE, ENV_COMMAND };

/* What happened to a value; several may have. */
enum env_cause {
	ENV_DOUBLED = 1 << 0,   /* \ became \\ */
	ENV_TWICE = 1 << 1,     /* and again */
	ENV_EATEN = 1 << 2,     /* \x became x */
	ENV_GONE = 1 << 3,      /* $NAME was left out */
	ENV_EXPANDED = 1 << 4,  /* $NAME became something else */
	ENV_CUT = 1 << 5,       /* it ends before its # */
	ENV_ONE_LINE = 1 << 6,  /* it ends with its first line */
	ENV_TRIMMED = 1 << 7,   /* blanks or line ends at its ends are gone */
	ENV_CONTROL = 1 << 8,   /* a line break or another control character became text such as \n */
	ENV_QUOTED = 1 << 9,    /* quotes around it that belong to the file */
	ENV_UNQUOTED = 1 << 10, /* quotes around it that belonged to the value */
	ENV_QUOTE = 1 << 11,    /* a \ before each quote inside */
	ENV_HASH = 1 << 12,     /* a \ before #{ */
	ENV_EMPTY = 1 << 13,    /* nothing came */
	ENV_SHORT = 1 << 14,    /* only its beginning came */
	ENV_BASE64 = 1 << 15,   /* it is the same, in base64: no damage */
};
enum { ENV_CAUSES = 16 };

/* The value of a variable that a $NAME may have been replaced by; NULL: not known. */
typedef const char *env_known(void *ctx, const char *name);

/* What made `is` out of `old`, two values that differ: causes ORed, as few as explain it; 0: none that we
 * know. */
unsigned env_explain(const char *old, const char *is, env_known *known, void *ctx);
/* What certainly happens to a value that stands in the file as it is, in this style. 0: it arrives whole. */
unsigned env_predict(const char *value, enum env_style style);
/* "backslashes doubled by Kamal's env file, cut at its #"; never a part of the value. */
void env_say(unsigned causes, char *out, size_t size);
/* What helps, as the second half of a sentence. */
const char *env_mend(const char *old, unsigned causes);

/* Kamal's env file: `value` as its line carries it. */
void env_file_text(struct buf *out, const char *value);
/* Of which characters it is made, in words: "hex", "letters and digits", "text with backslashes". */
const char *env_classes(const char *value, char *out, size_t size);

#endif
