/* A warm copy that is killed, and gone on with from what stands on NEW. */
#ifndef TESTS_COPY_RESUME_H
#define TESTS_COPY_RESUME_H

/* RESUME_DEATHS says at how many places it dies; without it at two. */
void killed_and_gone_on_with(void **state);
void what_cannot_be_kept(void **state);

#endif
