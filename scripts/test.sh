#!/bin/sh
# Runs all tests, then says in its last lines how many there were, what failed and what was skipped.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc
# Without it three tests say that they were skipped.
scripts/need.sh slowhttptest || true
scripts/servers.sh
scripts/java.sh

mkdir -p target
log=target/test.log
status=target/test.status
# A pipe forgets how its first command ended, so that goes into a file.
{
    code=0
    cargo test --locked --no-fail-fast "$@" 2>&1 || code=$?
    echo "$code" >"$status"
} | tee "$log"
code="$(cat "$status")"

echo
# A test that cannot run here writes `skipped: why` to the real standard error, past the test runner's capture.
grep -o 'skipped: .*' "$log" | sort | uniq -c || true
grep -E '^test .* FAILED$' "$log" || true
awk '/^test result:/ { passed += $4; failed += $6; ignored += $8; runners++ }
    END { printf "tests: %d passed, %d failed, %d ignored, by %d runners\n", passed, failed, ignored, runners }' "$log"
[ "$code" = 0 ] || echo "tests: FAILED (cargo test ended with $code)"
exit "$code"
