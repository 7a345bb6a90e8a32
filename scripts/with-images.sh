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
# Whatever the umask is, and was when this was cloned: in the images another user reads what tests put there.
umask 022
chmod -R a+rX tests/images/functions examples || true
# The containers of this run alone.
HEELER_TEST_LABEL="heeler-test=$$-$began"
export HEELER_TEST_LABEL

# shellcheck disable=SC2317 # called by the trap
finish() {
    code=$?
    trap - EXIT
    if [ -z "$engine_lacks" ]; then
        docker ps --all --quiet --filter "label=$HEELER_TEST_LABEL" 2>/dev/null | xargs -r docker rm --force >/dev/null || true
        # On an engine that was here before, these names go; what is behind them may have other names, which stay. The older
        # builder's steps stay without one, as with all that it builds. Our own engine keeps its store, for the next time.
        [ -n "$engine_folder" ] || docker image ls --format '{{.Repository}}:{{.Tag}}' 'heeler-test/*' 2>/dev/null |
            grep -v '<none>' | xargs -r docker image rm >/dev/null 2>&1 || true
    fi
    engine_end
    exit "$code"
}

skip() {
    echo "images: skipped, $1"
    exit 0
}

fail() { # fail LOG WHAT
    tail -n 40 "$1"
    echo "images: FAILED $2, all of it is in $1"
    exit 1
}

go_is_here() { # whether it knows the modules' version of Go
    GOTOOLCHAIN=local go -C runtimes/go/worker list -m >/dev/null 2>&1
}

excuse() { # excuse LOG: why the base cannot be made here, if that is no fault of ours
    if grep -qE "$unreachable" "$1"; then
        echo "the packages for the base images cannot be reached"
    elif grep -q 'unable to pick chroot mode' "$1"; then
        echo "mmdebstrap takes root, or a user with a range in /etc/subuid"
    fi
}

# Tests call containers on this machine's loopback and look at their processes. An engine's socket may lead elsewhere: out of
# the container that this runs in, or into a virtual machine.
where='cat /proc/sys/kernel/random/boot_id && readlink /proc/self/ns/net /proc/self/ns/pid'

trap finish EXIT
trap 'exit 130' INT TERM HUP
engine_get "$folder" || skip "$engine_lacks"

names="custom python node"
scripts/java.sh
if [ -e target/runtimes/java/heeler.jar ]; then names="$names java"; fi
bases="$names"
# Go comes from this machine, see bases.sh; also for programs in Go that are not warm.
if go_is_here; then
    names="$names go-build go"
    bases="$bases go-build"
fi
scripts/need.sh mmdebstrap debian-archive-keyring 2>"$folder/bases.log" ||
    skip "mmdebstrap and the keys of Debian's packages cannot be installed"
# shellcheck disable=SC2086 # several words
if ! scripts/bases.sh $bases 2>"$folder/bases.log"; then
    # shellcheck disable=SC2013 # names are words
    for name in $(sed -n 's/^bases: \(.*\) cannot be made: .*/\1/p' "$folder/bases.log"); do
        why="$(excuse "$folder/bases/$name.log")"
        [ -n "$why" ] || fail "$folder/bases/$name.log" "to make the base $name"
    done
    [ -z "${why:-}" ] || skip "$why"
    fail "$folder/bases.log" "to make the bases"
fi
# What stands in the way of any container is no fault of ours, unless it is our engine's end.
if ! there="$(docker run --rm --network host --pid host heeler-test/base-custom:latest sh -c "$where" 2>"$folder/run.log")"; then
    [ -z "$engine_folder" ] || engine_answers || fail "$folder/dockerd.log" "as the engine has ended"
    skip "the engine cannot run a container here: $(tail -n 1 "$folder/run.log")"
fi
[ "$there" = "$(sh -c "$where")" ] || skip "the engine that answers runs its containers on another machine, or outside of this container"

for name in $bases; do
    eval "BASE_$(echo "$name" | tr - _)=heeler-test/base-$name:latest && export BASE_$(echo "$name" | tr - _)"
done
# shellcheck disable=SC2086 # several words
if ! ENGINE=docker IMAGE_PREFIX=heeler-test/ TAG=test BUILD_FLAGS="--network none" scripts/images.sh $names >"$folder/build.log" 2>&1; then
    fail "$folder/build.log" "to build"
fi
grep '^images: ' "$folder/build.log"
echo "images: built in $(($(date +%s) - began)) s"

# Those that were skipped may still lie in the store, from an earlier time.
HEELER_TEST_IMAGES="heeler $(sed -n 's,^images: heeler-test/heeler-\(.*\):test$,\1,p' "$folder/build.log" | tr '\n' ' ')"
for name in $bases; do HEELER_TEST_IMAGES="$HEELER_TEST_IMAGES base-$name"; done
export HEELER_TEST_IMAGES
"$@"
