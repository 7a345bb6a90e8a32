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

host="$(rustc -vV | sed -n 's/^host: //p')"
triple="${1:-${host%%-*}-unknown-linux-musl}"
file="${2:-target/heeler}"

# musl makes the smaller binary. Without its standard library (no rustup, no network) glibc does it too; the target must
# then be named, or the flag would reach build scripts and procedural macros, which cannot be static.
if rustup target add "$triple" >/dev/null 2>&1; then
    # rust-lld packs relative relocations, folds equal functions, and links for other machines. rustup brings it, a
    # distribution may not.
    if [ -x "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" ]; then
        flags="-C linker=rust-lld -C link-arg=--pack-dyn-relocs=relr -C link-arg=--icf=all"
    else
        flags=""
        echo "rustc comes without rust-lld here: the binary becomes 0.1 MB larger"
    fi
elif [ $# -gt 0 ]; then
    echo "the target $triple cannot be added here: rustup and a network are needed to build for it" >&2
    exit 1
else
    triple="${host%%-*}-unknown-linux-gnu"
    flags="-C target-feature=+crt-static"
    # glibc's own part, which is no fault of ours.
    max_bytes=$((max_bytes + 1000000))
    echo "the musl target cannot be added here: building for $triple with +crt-static, which is larger by 1 MB"
fi

# Less inlining than LLVM likes: docs/decisions/binary-size.md.
flags="$flags -C llvm-args=-inline-threshold=120"
# The crates' folder is made by the first fetch; its name is a part of the flags, and other flags build everything anew.
cargo fetch --quiet --locked --target "$triple"
# A panic's line names its file. Where this was built is nobody's business, and the same source makes the same binary.
sysroot="$(rustc --print sysroot)"
for from in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ "$sysroot/lib/rustlib/src/rust/" "$PWD/"; do
    flags="$flags --remap-path-prefix=$from="
done
RUSTFLAGS="${RUSTFLAGS:-}${RUSTFLAGS:+ }$flags"
export RUSTFLAGS

# The standard library is built along, without what prints backtraces: the binary has no symbols that they could name.
# The pinned stable compiler takes the two options for that from whoever says so in RUSTC_BOOTSTRAP.
rustup component add rust-src >/dev/null 2>&1 || true # Where rust-toolchain.toml is not what chooses the compiler.
if [ -d "$sysroot/lib/rustlib/src/rust/library/std" ]; then
    RUSTC_BOOTSTRAP=1
    export RUSTC_BOOTSTRAP
    set -- -Z build-std=std,panic_unwind -Z build-std-features=panic-unwind,optimize_for_size \
        --config 'profile.release.package.std.opt-level="s"'
else
    max_bytes=$((max_bytes + 250000))
    echo "rustc comes without the standard library's source here: the binary becomes 0.2 MB larger"
    set --
fi
mkdir -p target "$(dirname "$file")"
# cargo says where the build script has put what, also when nothing had to be built.
cargo build --release --locked --target "$triple" --bin heeler "$@" --message-format=json-render-diagnostics >target/build.json
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
