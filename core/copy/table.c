/* What a copy worker can do: one line each. */
#include "core/copy/order.h"

extern const struct copy_verb backup_verb;
extern const struct copy_verb stream_verb;

const struct copy_verb *const copy_verbs[] = {
    &backup_verb,
    &stream_verb,
    NULL,
};
