#!/bin/sh
# Installs what warm mode is measured beside: Python's into target/bench/python, Node's into target/bench/node. A set that
# is there is left alone while its stamp names what it was made from. One that cannot be had leaves a line and is no error.
set -eu
. "$(dirname "$0")/env.sh"

installed="$PWD/target/bench"
mkdir -p "$installed"

# A shim that looks for the interpreter takes longer than the interpreter's own start.
python="$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))' 2>/dev/null || true)"

from() { # from SET: what it is made from
    case "$1" in
    python) echo "$python" && "$python" --version && cat benches/compare/requirements.txt tests/servers/python/requirements.txt ;;
    node) node --version && cat tests/servers/node/package*.json ;;
    esac
}

make() { # make SET FOLDER
    case "$1" in
    python)
        "$python" -m venv "$2" &&
            "$2/bin/pip" install --quiet --disable-pip-version-check --requirement benches/compare/requirements.txt
        ;;
    node)
        mkdir -p "$2" && cp tests/servers/node/package*.json "$2" &&
            npm --prefix "$2" ci --no-audit --no-fund --loglevel=error
        ;;
    esac
}

for set in python node; do
    folder="$installed/$set"
    log="$folder.log"
    if ! stamp="$(from "$set" 2>"$log" | cksum)" || [ -s "$log" ]; then
        echo "left out: the rivals in $set, which is not here"
    elif [ "$stamp" != "$(cat "$folder.stamp" 2>/dev/null)" ]; then
        rm -rf "$folder" "$folder.stamp"
        if make "$set" "$folder" >"$log" 2>&1; then
            echo "$stamp" >"$folder.stamp"
        else
            rm -rf "$folder"
            echo "left out: the rivals in $set, they cannot be installed: $(tail -n 1 "$log")"
        fi
    fi
done
