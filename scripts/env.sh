# shellcheck shell=sh
# Sourced by the other scripts: the repository's root as working directory, cargo in PATH.
cd "$(dirname "$0")/.." || exit 1
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
export PATH
# shellcheck disable=SC2034 # for the scripts that source this
target_dir="${CARGO_TARGET_DIR:-target}"
