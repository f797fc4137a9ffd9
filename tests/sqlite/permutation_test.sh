#!/usr/bin/env bash
# Runs one permutation of SQLite's test suite on the injected testfixture, with the built-in log.
#   permutation_test.sh TOOLS_BUILD_TESTFIXTURE BUILD PERMUTATION
set -euo pipefail

"$1" "$2" > "$2/testfixture.log"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
env -u STRATA_WAL "$2/testfixture/strata/testfixture" "$2/testfixture/source/test/permutations.test" "$3" > log 2>&1 ||
  { grep -E '^!|errors out of' log; exit 1; }
grep -E '^0 errors out of [1-9][0-9]* tests' log
