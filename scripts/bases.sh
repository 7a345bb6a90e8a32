#!/bin/sh
# Makes base images of Debian's packages, where no registry of images need be reachable: one for each name, below
# target/images/bases, and in the engine as heeler-test/base-NAME. What is there already is left alone.
#
#   scripts/bases.sh custom python node java go-build
set -eu
. "$(dirname "$0")/env.sh"

suite=bookworm
made="$PWD/target/images/bases"
mkdir -p "$made"

packages() { # packages NAME
    case "$1" in
    custom) ;;
    python) echo python3 ;;
    node) echo nodejs ;;
    java) echo openjdk-17-jre-headless ;;
    go-build) echo ca-certificates ;;
    esac
}

from() { # from NAME: what it is made of; something else makes another base
    echo "$suite $(packages "$1")"
    if [ "$1" = go-build ]; then go version && find runtimes/go -name go.mod -exec cat {} + 2>/dev/null; fi
}

make() { # make NAME
    set -- "$1" "$made/$1.new.tar"
    include="$(packages "$1")"
    # shellcheck disable=SC2016 # mmdebstrap's shell knows $1
    [ "$1" != go-build ] || set -- "$@" --customize-hook='scripts/base-go.sh "$1"'
    name="$1" tar="$2"
    shift 2
    mmdebstrap --format=tar --variant=minbase ${include:+"--include=$include"} \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$@" "$suite" "$tar"
    mv "$tar" "$made/$name.tar"
}

base() ( # base NAME: its output goes into a log
    stamp="$(from "$1" | cksum | tr ' ' -)"
    if [ "$stamp" != "$(cat "$made/$1.stamp" 2>/dev/null)" ]; then
        rm -f "$made/$1.stamp"
        make "$1"
        echo "$stamp" >"$made/$1.stamp"
    fi
    label="$(docker image inspect --format '{{index .Config.Labels "stamp"}}' "heeler-test/base-$1" 2>/dev/null || true)"
    if [ "$label" != "$stamp" ]; then
        env='ENV GOPATH=/go GOTOOLCHAIN=local PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
        docker import --change "LABEL stamp=$stamp" --change "$env" "$made/$1.tar" "heeler-test/base-$1"
    fi
)

# Elsewhere than on Debian the keys of its packages come with a package, too.
scripts/need.sh mmdebstrap debian-archive-keyring
for name in "$@"; do
    base "$name" >"$made/$name.log" 2>&1 &
    eval "job_$(echo "$name" | tr - _)=$!"
done
code=0
for name in "$@"; do
    eval "job=\$job_$(echo "$name" | tr - _)"
    # shellcheck disable=SC2154 # set by eval
    if ! wait "$job"; then
        code=1
        echo "bases: $name cannot be made: $(tail -n 1 "$made/$name.log")" >&2
    fi
done
exit "$code"
