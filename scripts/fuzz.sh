#!/bin/sh
# Runs the fuzz targets, each with what was kept of earlier runs and with its dictionary, and says in one line for each what
# came of it. What crashes a target is a file below fuzz/artifacts/; `fuzz/keep.py` keeps what is new.
#
#   make fuzz TARGETS="frames words" FUZZ_SECONDS=60 FUZZ_JOBS=2
set -eu
. "$(dirname "$0")/env.sh"
# The fuzzer itself is C++.
scripts/need.sh cargo cc c++ python3
TARGETS="${TARGETS:-}"
FUZZ_SECONDS="${FUZZ_SECONDS:-300}"
FUZZ_JOBS="${FUZZ_JOBS:-1}"

# The fuzzer needs a compiler that takes unstable flags, whichever the project is built with.
cargo +nightly --version >/dev/null 2>&1 || {
    command -v rustup >/dev/null 2>&1 || { echo "fuzz: the nightly compiler comes by rustup, which is not here (or: cargo is not rustup's)" >&2; exit 1; }
    rustup toolchain install nightly --profile minimal
}
cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz

all="$(cargo +nightly fuzz list)"
for target in ${TARGETS:=$all}; do
    echo "$all" | grep -qx "$target" || { echo "fuzz: $target is no target (there are: $(echo "$all" | tr '\n' ' '))" >&2; exit 1; }
    cargo +nightly fuzz build "$target"
done

logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
trap 'exit 130' INT TERM HUP # Not every shell ends by its EXIT trap when a signal ends it.

edges() { # of a line of the fuzzer's
    sed -n 's|.* cov: \([0-9]*\).*|\1|p'
}

run() { # run TARGET
    log="$logs/$1"
    touch "$log.failed" # Until it has run to its end, whatever keeps it from that.
    corpus="fuzz/corpus/$1"
    artifacts="fuzz/artifacts/$1"
    mkdir -p "$artifacts"
    python3 fuzz/keep.py --restore "$1"
    dictionary=""
    [ ! -e "fuzz/dict/$1" ] || dictionary="-dict=fuzz/dict/$1"
    # shellcheck disable=SC2086 # there may be no dictionary
    cargo +nightly fuzz run "$1" "$corpus" -- -max_total_time="$FUZZ_SECONDS" -max_len=2048 -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$artifacts/" -print_final_stats=1 $dictionary >"$log" 2>&1 && rm "$log.failed"
    first="$(grep -m 1 INITED "$log" | edges)"
    last="$(grep ' cov: ' "$log" | tail -n 1 | edges)"
    printf 'fuzz: %s: %s runs, %s inputs, %s edges, %s of them new\n' "$1" \
        "$(sed -n 's|^stat::number_of_executed_units: *||p' "$log")" "$(find "$corpus" -type f | wc -l)" \
        "${last:-0}" "$((${last:-0} - ${first:-0}))"
    [ -e "$log.failed" ] || return 0
    grep -m 3 -A 1 -E 'panicked at|ERROR: ' "$log" || tail -n 5 "$log"
    written="$(sed -n 's|.*Test unit written to \(.*\)|\1|p' "$log")"
    echo "fuzz: $1: FAILED with ${written:-no input that is to blame} (again: cargo +nightly fuzz run $1 $written)"
}

running=0
for target in $TARGETS; do
    run "$target" &
    running=$((running + 1))
    if [ "$running" -ge "$FUZZ_JOBS" ]; then
        wait
        running=0
    fi
done
wait
failed="$(find "$logs" -name '*.failed' -exec basename {} .failed \; | sort | tr '\n' ' ')"
[ -z "$failed" ] || { echo "fuzz: FAILED: $failed"; exit 1; }
