#!/bin/sh
# Writes the pages that the source knows best: the settings and the metrics.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc

for page in config metrics; do
    # Through a second file: a failed run leaves the page as it was.
    cargo run --locked --quiet --example gendocs -- "$page" >"target/$page.md"
    mv "target/$page.md" "docs/$page.md"
    echo "docs/$page.md written"
done
