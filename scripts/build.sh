#!/bin/sh
# Builds the static release binary, proves that it is static, and holds it to its size; and lays out the languages' runtimes
# that are in it as files, target/runtimes/, which images take.
#
#   scripts/build.sh                                      # for this machine, at target/heeler
#   scripts/build.sh aarch64-unknown-linux-musl FILE      # for another one, at FILE
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc readelf

# In every function image: see the size budget in ARCHITECTURE.md.
max_bytes=3000000

. scripts/static.sh
static_for "${1:-}"
max_bytes=$((max_bytes + larger))
file="${2:-target/heeler}"

mkdir -p target "$(dirname "$file")"
# cargo says where the build script has put what, also when nothing had to be built.
build_static --bin heeler --message-format=json-render-diagnostics >target/build.json
# A running heeler keeps its file: replace, do not overwrite.
cp "$target_dir/$triple/release/heeler" "$file.new"
mv -f "$file.new" "$file"

fail() {
    echo "$file: $1" >&2
    exit 1
}

made="$(sed -n '/"build-script-executed".*heeler[#@]/s/.*"out_dir":"\([^"]*\)".*/\1/p' target/build.json)"
[ -d "$made/runtimes" ] || fail "its build script did not say where the languages' runtimes are"
mkdir -p target/runtimes
for language in python node; do
    rm -rf "target/runtimes/$language"
    cp -R "$made/runtimes/$language" target/runtimes/
done

# In an image another user reads them, whatever this one's umask is.
chmod -R a+rX "$file" target/runtimes

if readelf -lW "$file" | grep -q INTERP; then fail "not static: it names a program interpreter"; fi
if readelf -dW "$file" | grep -q NEEDED; then fail "not static: it needs shared libraries"; fi
bytes="$(wc -c <"$file")"
echo "$file: $triple, static (no interpreter, no shared libraries), $bytes bytes of $max_bytes allowed"
[ "$bytes" -le "$max_bytes" ] || fail "$bytes bytes are too many, the budget is $max_bytes"
