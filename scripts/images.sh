#!/bin/sh
# Builds the images of Dockerfiles/ with what `make build` has put below target/: all that can be built here, or those named.
# One that cannot be built for want of its runtime is skipped with a line; if it was named, that is an error.
#
#   scripts/images.sh
#   IMAGE_PREFIX=registry.example/team/ TAG=1.2 scripts/images.sh python node
#   BASE_python=python:3.13-slim-bookworm@sha256:… scripts/images.sh python
#
# ENGINE is docker or podman, whichever is there if it is not set; BUILD_FLAGS goes to its build command.
set -eu
. "$(dirname "$0")/env.sh"

prefix="${IMAGE_PREFIX:-}"
tag="${TAG:-latest}"
version="$(sed -n '/^version = /{s/.*"\(.*\)"/\1/p;q;}' Cargo.toml)"

engine="${ENGINE:-}"
for candidate in docker podman; do
    if [ -z "$engine" ] && command -v "$candidate" >/dev/null 2>&1; then engine="$candidate"; fi
done
if [ -z "$engine" ]; then
    echo "images: no engine: install docker or podman, or name one in ENGINE" >&2
    exit 1
fi
if [ ! -x target/heeler ] || [ ! -d target/runtimes/node ]; then
    echo "images: target/heeler and target/runtimes are not there: make build" >&2
    exit 1
fi

wants() { # wants NAME: prints what it lacks, if anything
    case "$1" in
    java) [ -e target/runtimes/java/heeler.jar ] || echo "target/runtimes/java/heeler.jar" ;;
    go | go-build) [ -e runtimes/go ] || echo "runtimes/go" ;;
    esac
}

image() { # image NAME: what it is called
    if [ "$1" = heeler ]; then echo "${prefix}heeler:$tag"; else echo "${prefix}heeler-$1:$tag"; fi
}

build() { # build NAME
    name="$1"
    eval "base=\${BASE_$(echo "$name" | tr - _):-}"
    set -- --build-arg "VERSION=$version"
    # shellcheck disable=SC2154 # set by eval
    [ -z "$base" ] || set -- "$@" --build-arg "BASE=$base"
    case "$name" in
    heeler | go-build) ;;
    *) set -- "$@" --build-arg "HEELER=$(image heeler)" ;;
    esac
    [ "$name" != go ] || set -- "$@" --build-arg "BUILD=$(image go-build)"
    # shellcheck disable=SC2086 # several words or none
    "$engine" build --file "Dockerfiles/$name" --tag "$(image "$name")" "$@" ${BUILD_FLAGS:-} .
}

[ ! -e scripts/java.sh ] || scripts/java.sh
named=$#
if [ $# = 0 ]; then set -- custom python node go-build go java; fi
for name in heeler "$@"; do
    if [ "$name" = heeler ] && [ "${built_heeler:-}" = yes ]; then continue; fi
    built_heeler=yes
    if [ ! -e "Dockerfiles/$name" ]; then
        echo "images: there is no Dockerfiles/$name" >&2
        exit 64
    fi
    missing="$(wants "$name")"
    if [ -n "$missing" ] && [ "$named" != 0 ]; then
        echo "images: $name cannot be built, $missing is not there" >&2
        exit 1
    elif [ -n "$missing" ]; then
        echo "images: $name skipped, $missing is not there"
        continue
    fi
    build "$name"
    echo "images: $(image "$name")"
done
