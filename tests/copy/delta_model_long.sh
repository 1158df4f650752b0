#!/bin/bash
# Hundreds of random databases, where `make test` takes a few: MODEL_SEEDS of them, the first one MODEL_FIRST.
# long
# timeout: 7200
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
MODEL_FIRST=${MODEL_FIRST:-100} MODEL_SEEDS=${MODEL_SEEDS:-200} "$ROOT/build/tests/copy/delta_model_test" || fail "A delta was wrong, see above."
