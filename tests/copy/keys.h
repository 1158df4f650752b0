/* A delta by a role that owns its tables and may not hold every trigger still: foreign keys stand aside. */
#ifndef TESTS_COPY_KEYS_H
#define TESTS_COPY_KEYS_H

void keys_stand_aside(void **state);
void keys_that_do_not_hold(void **state);
void keys_left_aside(void **state);

#endif
