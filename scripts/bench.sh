#!/bin/sh
# Measures target/heeler beside others, with the scripts of benches/compare/: all of them in one go, with one table of goals at
# its end, or one of them. OF_WATCHDOG and CLASSIC_WATCHDOG name the binaries of watchdogs; without one its rows are left out.
# See README.md there.
#
#   scripts/bench.sh                                   # all of them, at most 45 minutes
#   scripts/bench.sh --quick --only fork,memory        # all.py's own arguments
#   scripts/bench.sh http_mode --shapes get-100B       # one of them, with arguments of its own
set -eu
. "$(dirname "$0")/env.sh"
# Not everybody's PATH has the folder where nginx is.
PATH="$PATH:/usr/sbin"
scripts/need.sh wrk python3 cc

HEELER="${HEELER:-target/heeler}"
export HEELER

families="fork cgi_mode inits http_mode http2_mode warm_mode one_processor event_cost cold_start memory growth images"

lengths() { # lengths NAME: how long its load is and how often, where that is asked for
    case "$1" in
    fork | cgi_mode | inits | http_mode | http2_mode | warm_mode | event_cost | growth | all)
        echo "${SECONDS_PER_CELL:+--seconds $SECONDS_PER_CELL} ${ROUNDS:+--rounds $ROUNDS}"
        ;;
    memory) echo "${ROUNDS:+--rounds $ROUNDS}" ;;
    esac
}

built() { # built EXAMPLE…: our own contestants and the load generator
    # shellcheck disable=SC2046 # several words
    cargo build --quiet --release --locked $(printf -- '--example %s ' "$@")
}

prepare() { # prepare NAME: only rivals, for the most part: without them there is still something to compare
    case "$1" in
    cgi_mode) scripts/need.sh lighttpd || true ;;
    inits) scripts/need.sh tini || true ;;
    http_mode) scripts/need.sh nginx || true ;;
    http2_mode)
        scripts/need.sh nginx || true
        built bench_hyper bench_echo bench_crowd
        ;;
    images) scripts/with-images.sh true || true ;;
    memory | growth | event_cost) built bench_hyper bench_echo bench_crowd ;;
    warm_mode | one_processor | cold_start)
        built bench_hyper bench_echo bench_crowd
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
    [ "$name" = images ] || prepare "$name" # It prepares itself.
    echo "bench: $name"
    # shellcheck disable=SC2046 # several words or none
    $(where "$name") python3 "benches/compare/$name.py" $(lengths "$name") --json "target/bench/$name.json" "$@"
}

wanted() { # wanted NAME [ARGUMENT…]: whether all.py is to measure it
    name="$1"
    while shift && [ $# -gt 1 ]; do
        [ "$1" != --only ] || case ",$2," in *",$name,"*) return 0 ;; *) return 1 ;; esac
    done
}

all() { # all [ARGUMENT…]: what has to be installed or built is, before any time counts
    for family in $families; do
        if wanted "$family" "$@"; then prepare "$family"; fi
    done
    # shellcheck disable=SC2046 # several words or none
    python3 benches/compare/all.py $(lengths all) ${QUICK:+--quick} ${KEEP:+--keep} "$@"
}

case "${1:-}" in
"" | -*) all "$@" ;;
*) compare "$@" ;;
esac
