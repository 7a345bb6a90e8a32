#!/bin/sh
# Makes sure that the named tools are here; installs what is missing with the system's package client
# where that is possible without a question, else says what to do.
#
#   scripts/need.sh cargo cc wrk
set -eu

if [ "$(id -u)" = 0 ]; then root=""; elif sudo -n true 2>/dev/null; then root="sudo"; else root="none"; fi

package() { # package TOOL: what it is called where apt-get or apk installs it
    case "$1" in
    cargo) echo rustup ;;
    cc) if command -v apk >/dev/null 2>&1; then echo build-base; else echo gcc libc6-dev; fi ;;
    c++) if command -v apk >/dev/null 2>&1; then echo build-base; elif command -v dnf >/dev/null 2>&1; then echo gcc-c++; else echo g++; fi ;;
    readelf) echo binutils ;;
    qemu-aarch64-static) echo qemu-user-static ;;
    node) echo nodejs ;;
    nginx) if command -v apt-get >/dev/null 2>&1; then echo nginx-light; else echo nginx; fi ;;
    unshare | flock) echo util-linux ;;
    dockerd) if command -v apt-get >/dev/null 2>&1; then echo docker.io; else echo docker; fi ;;
    # Debian has put the client into a package of its own; before, it came with the engine.
    docker) if apt-cache show docker-cli >/dev/null 2>&1; then echo docker-cli; else package dockerd; fi ;;
    *) echo "$1" ;;
    esac
}

install() { # install PACKAGE…
    [ "$root" != none ] || return 1
    if command -v apt-get >/dev/null 2>&1; then
        # The lists are fetched only when the package is not known yet: a fresh machine has none.
        apt-cache show "$1" >/dev/null 2>&1 || $root apt-get update -qq || true
        apt-cache show "$1" >/dev/null 2>&1 || return 1
        $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    elif command -v apk >/dev/null 2>&1; then
        $root apk add --quiet "$@"
    elif command -v dnf >/dev/null 2>&1; then
        $root dnf install -y -q "$@"
    else
        return 1
    fi
}

here() { # here TOOL
    case "$1" in
    debian-archive-keyring) [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ;; # It has no program.
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

rust_missing() {
    cat >&2 <<'TEXT'
cargo is missing: heeler is built with Rust.
  Install rustup: your package manager may have it (`apt install rustup` from Debian 13 and Ubuntu 24.04,
  `apk add rustup`, `dnf install rustup`, `brew install rustup`), else follow "Install Rust" on the Rust
  project's home page. Then run this again; the compiler named in rust-toolchain.toml comes by itself.
TEXT
    exit 1
}

# rustup puts cargo here and only new shells know it.
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

for tool in "$@"; do
    here "$tool" && continue
    echo "$tool is missing: trying to install it" >&2
    # shellcheck disable=SC2046 # one tool may be several packages
    install $(package "$tool") || true
    # Some systems package rustup's installer only.
    if [ "$tool" = cargo ] && command -v rustup-init >/dev/null 2>&1; then
        rustup-init -y -q --profile minimal --default-toolchain none || true
    fi
    here "$tool" && continue
    [ "$tool" != cargo ] || rust_missing
    echo "$tool could not be installed; please install: $(package "$tool")" >&2
    exit 1
done
