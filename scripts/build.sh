#!/bin/sh
# Builds the static release binary, proves that it is static, holds it to its size, and puts it at target/heeler.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo cc readelf

# In every function image: see the size budget in ARCHITECTURE.md.
max_bytes=3000000

arch="$(uname -m)"
[ "$arch" != arm64 ] || arch=aarch64
triple="$arch-unknown-linux-musl"

# musl makes the smaller binary. Without its standard library (no rustup, no network) glibc does it too; the target must
# then be named, or the flag would reach build scripts and procedural macros, which cannot be static.
if rustup target add "$triple" >/dev/null 2>&1; then
    # rust-lld packs relative relocations and folds equal functions. rustup brings it, a distribution may not.
    host="$(rustc -vV | sed -n 's/^host: //p')"
    if [ -x "$(rustc --print sysroot)/lib/rustlib/$host/bin/rust-lld" ]; then
        flags="-C linker=rust-lld -C link-arg=--pack-dyn-relocs=relr -C link-arg=--icf=all"
    else
        flags=""
        echo "rustc comes without rust-lld here: the binary becomes 0.1 MB larger"
    fi
else
    triple="$arch-unknown-linux-gnu"
    flags="-C target-feature=+crt-static"
    # glibc's own part, which is no fault of ours.
    max_bytes=$((max_bytes + 1000000))
    echo "the musl target cannot be added here: building for $triple with +crt-static, which is larger by 1 MB"
fi

# Less inlining than LLVM likes: docs/decisions/binary-size.md.
flags="$flags -C llvm-args=-inline-threshold=120"
RUSTFLAGS="${RUSTFLAGS:-}${RUSTFLAGS:+ }$flags"
export RUSTFLAGS

# The standard library is built along, without what prints backtraces: the binary has no symbols that they could name.
# The pinned stable compiler takes the two options for that from whoever says so in RUSTC_BOOTSTRAP.
rustup component add rust-src >/dev/null 2>&1 || true # Where rust-toolchain.toml is not what chooses the compiler.
if [ -d "$(rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]; then
    RUSTC_BOOTSTRAP=1 cargo build --release --locked --target "$triple" --bin heeler \
        -Z build-std=std,panic_unwind -Z build-std-features=panic-unwind,optimize_for_size \
        --config 'profile.release.package.std.opt-level="s"'
else
    max_bytes=$((max_bytes + 250000))
    echo "rustc comes without the standard library's source here: the binary becomes 0.2 MB larger"
    cargo build --release --locked --target "$triple" --bin heeler
fi
mkdir -p target
# A running heeler keeps its file: replace, do not overwrite.
cp "$target_dir/$triple/release/heeler" target/heeler.new
mv -f target/heeler.new target/heeler

fail() {
    echo "target/heeler: $1" >&2
    exit 1
}
if readelf -lW target/heeler | grep -q INTERP; then fail "not static: it names a program interpreter"; fi
if readelf -dW target/heeler | grep -q NEEDED; then fail "not static: it needs shared libraries"; fi
bytes="$(wc -c <target/heeler)"
echo "target/heeler: $triple, static (no interpreter, no shared libraries), $bytes bytes of $max_bytes allowed"
[ "$bytes" -le "$max_bytes" ] || fail "$bytes bytes are too many, the budget is $max_bytes"
