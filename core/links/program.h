/* A program of this machine that only tells something: run, heard out, never through a shell. */
#ifndef CORE_LINKS_PROGRAM_H
#define CORE_LINKS_PROGRAM_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* Runs argv[0] (NULL-ended, looked up in PATH) in `folder` (NULL: here) with standard input from /dev/null.
 * `out` gets what it said on standard output, at most 256 KB. Returns its exit status (128 + signal), or -1
 * and err when it is not there or has not ended after `real_ms`: then it is killed. */
int program_ask(const char *const *argv, const char *folder, int real_ms, struct buf *out, struct err *err);

#endif
