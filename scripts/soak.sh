#!/bin/sh
# The long forms of the tests of endurance, on the release binary: the soak, TERM under load over and over, handlers that run
# away. Their short forms are a part of `make test`.
#
#   scripts/soak.sh                  # all three: an hour
#   scripts/soak.sh drain runaways   # some of them
#
# SOAK_SECONDS (1800) and SOAK_CALLS (10000000), whichever is over first; DRAIN_CYCLES (200) in each mode; RUNAWAY_RUNS (200)
# in each place. HEELER names another binary than target/heeler.
set -eu
. "$(dirname "$0")/env.sh"
[ $# -gt 0 ] || set -- soak drain runaways
for part in "$@"; do
    case "$part" in
    soak | drain | runaways) ;;
    *)
        echo "no such part: $part (soak, drain, runaways)" >&2
        exit 64
        ;;
    esac
done
scripts/need.sh cargo cc
# Without it nothing is tried as PID 1, and a line says so.
scripts/need.sh unshare || true

SOAK_SECONDS="${SOAK_SECONDS:-1800}"
SOAK_CALLS="${SOAK_CALLS:-10000000}"
export SOAK_SECONDS SOAK_CALLS
# Where tests look for what they start, and where they are built beside those of `make test`: with a load generator that is
# not in the way of what it loads.
HEELER_TEST_BINARY="$(realpath "${HEELER:-target/heeler}")"
[ -x "$HEELER_TEST_BINARY" ] || { echo "$HEELER_TEST_BINARY is missing: make build" >&2; exit 1; }
CARGO_TARGET_DIR="$target_dir/soak"
CARGO_PROFILE_DEV_OPT_LEVEL=1
export HEELER_TEST_BINARY CARGO_TARGET_DIR CARGO_PROFILE_DEV_OPT_LEVEL

cargo build --quiet --locked --examples
log="$CARGO_TARGET_DIR/soak.log"
: >"$log"
failed=""
for part in "$@"; do
    case "$part" in
    soak) set -- --test soak -- ;;
    drain) set -- --test drain_cycles -- --ignored ;;
    runaways) set -- --test runaways -- --ignored --test-threads=1 ;;
    esac
    # A pipe forgets how its first command ended.
    { cargo test --quiet --locked "$@" --nocapture 2>&1 || echo "FAILED: $part"; } | tee -a "$log"
    ! grep -q "^FAILED: $part\$" "$log" || failed="$failed $part"
done

echo
# The test runner's dots stand before some of them.
grep -oE '(soak: (ok|FAILED)|drain: |runaways: |skipped: ).*' "$log" || true
if [ -n "$failed" ]; then
    echo "soak.sh: FAILED:$failed"
    exit 1
fi
echo "soak.sh: ok"
