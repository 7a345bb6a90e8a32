#!/bin/sh
# Everything that can be said about the source without running it. Warnings are errors.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc

step() { echo "lint: $*"; }

step "format"
cargo fmt --check
step "clippy"
cargo clippy --locked --all-targets --all-features --quiet -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet

if GOTOOLCHAIN=local go -C runtimes/go/worker list -m >/dev/null 2>&1; then
    step "Go: format and vet"
    unformatted="$(gofmt -l runtimes/go tests/go tests/servers examples benches)"
    [ -z "$unformatted" ] || { echo "lint: gofmt would change: $unformatted" >&2; exit 1; }
    for module in worker build kubeless openfaas/go-http openfaas/go-function-sdk; do
        (cd "runtimes/go/$module" && GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-buildvcs=false go vet ./...)
    done
    # These two need the CloudEvents SDK; scripts/servers.sh functions_go fetches it.
    for module in events functions-framework-go; do
        (cd "runtimes/go/$module" && export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
            if go mod download >/dev/null 2>&1; then go vet ./...; else echo "lint: Go: $module is skipped, its packages cannot be fetched"; fi)
    done
else
    step "Go: skipped, go from 1.21 on is not installed"
fi

if command -v shellcheck >/dev/null 2>&1; then
    step "shell scripts"
    shellcheck -x scripts/*.sh .ci/run examples/shell/*.sh
else
    step "shell scripts: skipped, shellcheck is not installed"
fi

step "licences, duplicates, sources"
scripts/deny.sh --installed
echo "lint: ok"
