#!/bin/sh
# Puts this machine's Go into the base image that grows in a folder, as the official image has it: /usr/local/go and GOPATH=/go.
# With it go the modules that the Go runtime needs of others: a build without a network finds them there.
set -eu
. "$(dirname "$0")/env.sh"
root="$1"

mkdir -p "$root/usr/local/go"
goroot="$(go env GOROOT)"
# Its own tests are half of it.
for part in bin pkg src lib VERSION go.env; do
    [ ! -e "$goroot/$part" ] || cp -RL "$goroot/$part" "$root/usr/local/go/"
done
find runtimes/go -name go.mod 2>/dev/null | while read -r module; do
    # What this machine has of them need not be fetched.
    GOPROXY="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)" \
        GOFLAGS=-modcacherw GOMODCACHE="$root/go/pkg/mod" go -C "$(dirname "$module")" mod download
done
