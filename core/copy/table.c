/* What a copy worker can do: one line each. */
#include "core/copy/order.h"

extern const struct copy_verb backup_verb;
extern const struct copy_verb delta_verb;
extern const struct copy_verb stream_verb;
extern const struct copy_verb warm_verb;

/* clang-format off */
const struct copy_verb *const copy_verbs[] = {
    &backup_verb,
    &delta_verb,
    &stream_verb,
    &warm_verb,
    NULL,
};
/* clang-format on */
