# shellcheck shell=sh
# Sourced by the other scripts: the repository's root as working directory, cargo in PATH.
cd "$(dirname "$0")/.." || exit 1
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
export PATH
# shellcheck disable=SC2034 # for the scripts that source this
target_dir="${CARGO_TARGET_DIR:-target}"
# How package clients say that nobody answers, as opposed to: this package is not there.
# shellcheck disable=SC2034
unreachable='resolve host|name resolution|Temporary failure|[Cc]ould not (resolve|connect)|Unable to connect|Name or service not known|getaddrinfo|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|[Cc]onnection (failed|refused|reset|timed out)|Network is unreachable|i/o timeout|dial tcp|no such host|NewConnectionError|UnknownHost|Unknown host|ConnectException'
