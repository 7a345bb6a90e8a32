#!/bin/sh
# Builds every image from its Dockerfile, on bases of Debian's packages and without a network, then runs a command, which finds
# the images as heeler-test/heeler-NAME:test and their names in HEELER_TEST_IMAGES.
# It takes an engine that answers, else it starts one of its own below target/images, and ends it again behind the command.
# Where there can be none it says so in one line and is content.
#
#   scripts/with-images.sh docker images
set -eu
. "$(dirname "$0")/env.sh"
. scripts/engine.sh
folder="$PWD/target/images"
mkdir -p "$folder"
began="$(date +%s)"

# shellcheck disable=SC2317 # called by the trap
finish() {
    code=$?
    trap - EXIT
    if [ -z "$engine_lacks" ]; then
        docker ps --all --quiet --filter label=heeler-test 2>/dev/null | xargs -r docker rm --force >/dev/null || true
        # An engine that was here before looks as it did. Our own keeps its store, for the next time.
        [ -n "$engine_folder" ] || docker image ls --quiet 'heeler-test/*' 2>/dev/null | xargs -r docker image rm --force >/dev/null || true
    fi
    engine_end
    exit "$code"
}

skip() {
    echo "images: skipped, $1"
    exit 0
}

trap finish EXIT
trap 'exit 130' INT TERM HUP
engine_get "$folder" || skip "$engine_lacks"

names="custom python node"
if [ -e scripts/java.sh ]; then scripts/java.sh; fi
if [ -e target/runtimes/java/heeler.jar ]; then names="$names java"; fi
bases="$names"
# Go comes from this machine, see bases.sh; also for programs in Go that are not warm.
if command -v go >/dev/null 2>&1; then bases="$bases go-build"; fi
if [ -e runtimes/go ] && command -v go >/dev/null 2>&1; then names="$names go-build go"; fi
# shellcheck disable=SC2086 # several words
if ! scripts/bases.sh $bases 2>"$folder/bases.log"; then
    # As apt says that nobody answers; mmdebstrap itself may be what cannot be had.
    unreachable='Temporary failure|[Cc]ould not (resolve|connect)|Unable to connect|onnection (failed|timed out|refused)|Network is unreachable'
    if grep -qE "$unreachable|could not be installed" "$folder/bases.log" "$folder"/bases/*.log; then
        skip "Debian's packages for the base images cannot be reached"
    fi
    cat "$folder/bases.log"
    exit 1
fi
# What stands in the way of any container is no fault of ours.
if ! docker run --rm --network host heeler-test/base-custom:latest true 2>"$folder/run.log"; then
    skip "the engine cannot run a container here: $(tail -n 1 "$folder/run.log")"
fi

for name in $bases; do
    eval "BASE_$(echo "$name" | tr - _)=heeler-test/base-$name:latest && export BASE_$(echo "$name" | tr - _)"
done
# shellcheck disable=SC2086 # several words
if ! ENGINE=docker IMAGE_PREFIX=heeler-test/ TAG=test BUILD_FLAGS="--network none" scripts/images.sh $names >"$folder/build.log" 2>&1; then
    tail -n 40 "$folder/build.log"
    echo "images: FAILED to build, all of it is in $folder/build.log"
    exit 1
fi
grep '^images: ' "$folder/build.log"
echo "images: built in $(($(date +%s) - began)) s"

# Those that were skipped may still lie in the store, from an earlier time.
HEELER_TEST_IMAGES="heeler $(sed -n 's,^images: heeler-test/heeler-\(.*\):test$,\1,p' "$folder/build.log" | tr '\n' ' ')"
for name in $bases; do HEELER_TEST_IMAGES="$HEELER_TEST_IMAGES base-$name"; done
export HEELER_TEST_IMAGES
"$@"
