#!/bin/sh
# Tests the images in containers: tests/images/. Where no engine is to be had it says so in one line and is content.
set -eu
. "$(dirname "$0")/env.sh"

scripts/need.sh cargo cc
mkdir -p target/images
log=target/images/test.log
: >"$log"
code=0
# shellcheck disable=SC2016 # the inner shell knows $log and $@
scripts/with-images.sh sh -c 'log="$1"; shift; cargo test --locked --test images "$@" >"$log" 2>&1' sh "$log" "$@" || code=$?
if [ "$code" = 0 ]; then
    grep -E '^test result:|skipped: ' "$log" || true
else
    cat "$log"
    echo "images: FAILED (code $code)"
fi
exit "$code"
