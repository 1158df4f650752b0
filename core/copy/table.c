/* What a copy worker can do: one line each. */
#include "core/copy/order.h"

const struct copy_verb *const copy_verbs[] = {
    NULL,
};
