#!/bin/sh
# Measures target/heeler beside other watchdogs. OF_WATCHDOG and CLASSIC_WATCHDOG name their binaries; without one its rows
# are left out. Arguments go to the script, see benches/compare/README.md.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh wrk python3 cc

HEELER="${HEELER:-target/heeler}" exec python3 benches/compare/fork.py \
    --seconds "${SECONDS_PER_CELL:-3}" --rounds "${ROUNDS:-5}" --json target/bench/fork.json "$@"
