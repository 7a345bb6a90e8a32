#!/bin/sh
# Measures target/heeler beside others, with the scripts of benches/compare/: fork, http_mode, warm_mode, event_cost,
# cold_start, soak, images.
# OF_WATCHDOG and CLASSIC_WATCHDOG name the binaries of watchdogs; without one its rows are left out. See README.md there.
#
#   scripts/bench.sh                                   # all of them
#   scripts/bench.sh http_mode --shapes get-100B       # one of them, with arguments of its own
set -eu
. "$(dirname "$0")/env.sh"
# Not everybody's PATH has the folder where nginx is.
PATH="$PATH:/usr/sbin"
scripts/need.sh wrk python3 cc

HEELER="${HEELER:-target/heeler}"
export HEELER

lengths() { # lengths NAME: how long its load is and how often, where that is asked for
    case "$1" in
    fork | http_mode | warm_mode | event_cost)
        echo "${SECONDS_PER_CELL:+--seconds $SECONDS_PER_CELL} ${ROUNDS:+--rounds $ROUNDS}"
        ;;
    esac
}

prepare() { # prepare NAME: only rivals, for the most part: without them there is still something to compare
    case "$1" in
    http_mode) scripts/need.sh nginx || true ;;
    event_cost) cargo build --quiet --release --locked --example bench_echo ;;
    warm_mode | cold_start | soak)
        cargo build --quiet --release --locked --example bench_hyper --example bench_echo
        # Those that cannot be had are left out, each with a line.
        scripts/servers.sh rivals node rivals_go functions_java || true
        ;;
    esac
}

where() { # where NAME: what it runs within
    [ "$1" != images ] || echo scripts/with-images.sh
}

compare() { # compare NAME [ARGUMENT…]
    name="$1"
    shift
    prepare "$name"
    echo "bench: $name"
    # shellcheck disable=SC2046 # several words or none
    $(where "$name") python3 "benches/compare/$name.py" $(lengths "$name") --json "target/bench/$name.json" "$@"
}

if [ $# -gt 0 ]; then
    compare "$@"
else
    for name in fork http_mode warm_mode event_cost cold_start soak images; do compare "$name"; done
fi
