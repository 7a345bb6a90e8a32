#!/bin/sh
# Everything that can be said about the source without running it. Warnings are errors.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc

step() { echo "lint: $*"; }

step "format"
cargo fmt --check
step "clippy"
cargo clippy --locked --all-targets --quiet -- -D warnings
step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items --quiet

if command -v shellcheck >/dev/null 2>&1; then
    step "shell scripts"
    shellcheck -x scripts/*.sh .ci/run examples/shell/*.sh
else
    step "shell scripts: skipped, shellcheck is not installed"
fi

if cargo deny --version >/dev/null 2>&1; then
    step "licences, duplicates, sources"
    cargo deny --locked --log-level error check licenses bans sources
    # An advisory of this morning is no fault of this change: it is shown and does not fail.
    step "advisories"
    cargo deny --locked --log-level error check advisories || echo "lint: advisories need a look, or could not be fetched (not an error)"
else
    step "licences, duplicates, sources: skipped, cargo-deny is not installed (make deny)"
fi
echo "lint: ok"
