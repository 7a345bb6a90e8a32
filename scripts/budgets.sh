#!/bin/sh
# Counts the instructions of pieces and of whole calls, and holds them to benches/budgets/budgets.txt. Instructions do not
# wobble as times do: a hundredth more is seen on a busy machine, too. UPDATE=1 writes the file anew.
set -eu
. "$(dirname "$0")/env.sh"

skip() {
    echo "budgets: skipped, $*"
    exit 0
}

# The numbers in the file are of these.
[ "$(uname -m)" = x86_64 ] || skip "the budgets are those of x86_64"
grep -qw avx2 /proc/cpuinfo || skip "the budgets are those of a processor with AVX2"
scripts/need.sh cargo cc python3
scripts/need.sh valgrind || skip "valgrind is not to be had"

. scripts/static.sh
static_for ""
case "$triple-$larger" in *-musl-0) ;; *) skip "the binary that is counted cannot be built here" ;; esac
build_static --quiet --bin pieces --features budgets
built=target/budgets
mkdir -p "$built"
cp "$target_dir/$triple/release/pieces" "$built/"
# Neither is counted; both are alone in their files.
rustc --edition 2024 -O -o "$built/worker" benches/compare/echo_worker.rs
cc -O2 -o "$built/upstream" benches/compare/upstream.c

python3 -B benches/budgets/budgets.py target/heeler "$built/pieces" "$built/worker" "$built/upstream" ${UPDATE:+--update}
