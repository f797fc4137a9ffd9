#!/usr/bin/env bash
# Runs one permutation of SQLite's test suite on the injected testfixture.
#   permutation_test.sh BUILD PERMUTATION builtin|strata
set -euo pipefail

build=$1 permutation=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset STRATA_WAL
[ "$3" = builtin ] || export STRATA_WAL=1
"$build/testfixture/strata/testfixture" "$build/testfixture/source/test/permutations.test" "$permutation" > log 2>&1 ||
  { grep -E '^!|errors out of' log || tail -20 log; exit 1; }
grep -E '^0 errors out of [1-9][0-9]* tests' log
# As many as there are: a run that ended early has no errors either.
ran=$(sed -nE 's/^0 errors out of ([0-9]+) tests.*/\1/p' log)
[ "$ran" -ge 3000 ] || { echo "only $ran tests ran"; exit 1; }
