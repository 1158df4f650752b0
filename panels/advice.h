/* The line "what to do now": one thought, from the state and this seat. */
#ifndef PANELS_ADVICE_H
#define PANELS_ADVICE_H

#include "panels/panel.h"

/* Fills the sentence and returns how it is meant: ROLE_NOW to act, ROLE_WARN, ROLE_BAD, ROLE_TEXT to wait.
 * `say` gets what is said aloud on the call; "" for nothing. */
enum role advice_of(const struct scene *scene, char *out, size_t size, char *say, size_t say_size);

#endif
