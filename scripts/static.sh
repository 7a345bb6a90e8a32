# shellcheck shell=sh
# Sourced: how static programs are built, of which images get one and `make budgets` counts others.

# static_for [TRIPLE]: chooses the compiler's flags. Sets triple, sysroot, and by how many bytes a binary is larger where
# something is missing.
static_for() {
    host="$(rustc -vV | sed -n 's/^host: //p')"
    sysroot="$(rustc --print sysroot)"
    triple="${1:-${host%%-*}-unknown-linux-musl}"
    larger=0

    # musl makes the smaller binary. Without its standard library (no rustup, no network) glibc does it too; the target must
    # then be named, or the flag would reach build scripts and procedural macros, which cannot be static.
    if rustup target add "$triple" >/dev/null 2>&1; then
        # rust-lld packs relative relocations, folds equal functions, and links for other machines. rustup brings it, a
        # distribution may not.
        if [ -x "$sysroot/lib/rustlib/$host/bin/rust-lld" ]; then
            flags="-C linker=rust-lld -C link-arg=--pack-dyn-relocs=relr -C link-arg=--icf=all"
        else
            flags=""
            echo "rustc comes without rust-lld here: the binary becomes 0.1 MB larger"
        fi
    elif [ -n "${1:-}" ]; then
        echo "the target $triple cannot be added here: rustup and a network are needed to build for it" >&2
        return 1
    else
        triple="${host%%-*}-unknown-linux-gnu"
        flags="-C target-feature=+crt-static"
        # glibc's own part, which is no fault of ours.
        larger=$((larger + 1000000))
        echo "the musl target cannot be added here: building for $triple with +crt-static, which is larger by 1 MB"
    fi

    # Less inlining than LLVM likes: docs/decisions/binary-size.md.
    flags="$flags -C llvm-args=-inline-threshold=120"
    # The crates' folder is made by the first fetch; its name is a part of the flags, and other flags build everything anew.
    cargo fetch --quiet --locked --target "$triple"
    # A panic's line names its file. Where this was built is nobody's business, and the same source makes the same binary.
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
    else
        larger=$((larger + 250000))
        echo "rustc comes without the standard library's source here: the binary becomes 0.2 MB larger"
    fi
}

# build_static ARGUMENT…: cargo builds what the arguments say.
build_static() {
    if [ -n "${RUSTC_BOOTSTRAP:-}" ]; then
        set -- -Z build-std=std,panic_unwind -Z build-std-features=panic-unwind,optimize_for_size \
            --config 'profile.release.package.std.opt-level="s"' "$@"
    fi
    cargo build --release --locked --target "$triple" "$@"
}
