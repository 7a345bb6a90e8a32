#!/bin/sh
# Measures target/heeler beside others: fork.py, a process per call, then http_mode.py. OF_WATCHDOG and CLASSIC_WATCHDOG name
# the binaries of watchdogs; without one its rows are left out. See benches/compare/README.md.
#
#   scripts/bench.sh                                   # both
#   scripts/bench.sh http_mode --shapes get-100B       # one of them, with arguments of its own
set -eu
. "$(dirname "$0")/env.sh"
# Not everybody's PATH has the folder where nginx is.
PATH="$PATH:/usr/sbin"
scripts/need.sh wrk python3 cc

HEELER="${HEELER:-target/heeler}"
export HEELER

compare() { # compare NAME [ARGUMENT…]
    name="$1"
    shift
    # Only a rival: without it there is still something to compare.
    if [ "$name" = http_mode ]; then scripts/need.sh nginx || true; fi
    echo "bench: $name"
    python3 "benches/compare/$name.py" \
        --seconds "${SECONDS_PER_CELL:-3}" --rounds "${ROUNDS:-5}" --json "target/bench/$name.json" "$@"
}

if [ $# -gt 0 ]; then
    compare "$@"
else
    compare fork
    compare http_mode
fi
