#!/bin/sh
# What a release is made of, in dist/: the static binary for both machines, their checksums, what is inside them (a CycloneDX
# SBOM), and the licences of all that.
set -eu
. "$(dirname "$0")/env.sh"
scripts/need.sh cargo python3

# The same source makes the same files: their time is that of the commit.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

rm -rf dist
for machine in x86_64:amd64 aarch64:arm64; do
    scripts/build.sh "${machine%:*}-unknown-linux-musl" "dist/heeler-linux-${machine#*:}"
done

cargo cyclonedx --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-cyclonedx
# Of what is linked on either machine: neither tests' crates nor those that only build.
cargo cyclonedx --quiet --format json --spec-version 1.5 --no-build-deps --target aarch64-unknown-linux-musl \
    --override-filename heeler.cdx
# Where it was made is no part of what it is made of; nor what the folder is called, without which cargo names the package.
sed -E "s,path\\+file://$PWD#(heeler@)?,path+file:///heeler#,g" heeler.cdx.json >dist/heeler.cdx.json
rm heeler.cdx.json

python3 scripts/licences.py >dist/THIRD-PARTY-LICENCES.txt
# The standard library has crates of its own inside; what rustup brings says whose they are.
library="$(rustc --print sysroot)/share/doc/rust/COPYRIGHT-library.html"
if [ -e "$library" ]; then cp "$library" dist/RUST-LIBRARY-COPYRIGHT.html; else echo "dist: rustc comes without $library here: left out"; fi
cp LICENSE dist/
(cd dist && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .)
ls -l dist
