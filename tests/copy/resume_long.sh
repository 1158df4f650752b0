#!/bin/bash
# A warm copy that dies at RESUME_DEATHS of the lines that it tells, 0: at every one, where `make test` takes two.
# long
# timeout: 3600
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
RESUME_DEATHS=${RESUME_DEATHS:-40} DELTA_ONLY=killed_and_gone_on_with "$ROOT/build/tests/copy/delta_test" ||
	fail "A copy was not gone on with, see above."
