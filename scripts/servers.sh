#!/bin/sh
# Installs the servers of others that tests/servers/ puts behind heeler: one set per language, below target/servers/; and
# the packages for CloudEvents that tests/events/ asks for a second opinion; and what says whether a cluster would take
# deploy/: the platforms' own code in a small program (tests/deploy/go), and Prometheus' promtool. Sets that are named are
# installed alone: `rivals` and `rivals_go` are what warm mode is measured beside in Python and Go, which no test needs.
# `functions_java` is what the Java runtime's tests run, and the real invoker that runs the same.
# A set that is there is left alone while its stamp names what it was made from. A set that cannot be had here, for want
# of the language or of its package registry, leaves a line in SET.skipped, which its tests print. Anything else is an error.
set -eu
. "$(dirname "$0")/env.sh"

sources=tests/servers
opinions=tests/events
admit=tests/deploy/go
rivals=benches/compare
functions=tests/java
installed="$PWD/target/servers"
mkdir -p "$installed"

need() { # need SET: what it cannot be made without
    case "$1" in
    python | events_python | rivals) echo "python3 from 3.11 on, with venv" ;;
    node | events_node) echo "node from 20 on, and npm" ;;
    go | functions_go | rivals_go | deploy_go) echo "go from 1.24 on" ;;
    java | functions_java) echo "a JDK from 17 on, and mvn" ;;
    deploy_prometheus) echo "promtool, or apt-get and dpkg-deb to get it with" ;;
    esac
}

has() { # has SET: whether that is here
    case "$1" in
    python | events_python | rivals) python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' ;;
    node | events_node) node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' && npm --version ;;
    go | functions_go) GOTOOLCHAIN=local go -C "$sources/$1" list -m ;;
    rivals_go) GOTOOLCHAIN=local go -C "$rivals/go" list -m ;;
    deploy_go) GOTOOLCHAIN=local go -C "$admit" list -m ;;
    java | functions_java) javac --release 17 -version && java -version && mvn --version ;;
    deploy_prometheus) command -v promtool || { command -v apt-get && command -v dpkg-deb; } ;;
    esac
}

go_modules() { # heeler's own, without their tests
    find runtimes/go \( -name '*.go' -o -name 'go.*' \) ! -name '*_test.go' | LC_ALL=C sort | xargs cat
}

from() { # from SET: what it is made from; another version of the language makes another set
    case "$1" in
    python) python3 --version && cat "$sources/python/requirements.txt" ;;
    events_python) python3 --version && cat "$opinions/python/requirements.txt" ;;
    rivals) python3 --version && cat "$rivals/requirements.txt" "$sources/python/requirements.txt" ;;
    node) node --version && cat "$sources"/node/package*.json ;;
    events_node) node --version && cat "$opinions"/node/package*.json ;;
    go) go version && cat "$sources"/go/go.* "$sources"/go/*/*.go ;;
    functions_go)
        go version && cat "$sources"/functions_go/go.* "$sources"/functions_go/*/*.go
        go_modules
        ;;
    rivals_go)
        go version && cat "$rivals"/go/go.* "$rivals"/go/*/*.go
        go_modules
        ;;
    java) javac -version && cat "$sources"/java/* ;;
    functions_java) javac -version && cat "$functions"/pom.xml "$functions"/*/*.java ;;
    deploy_go) go version && cat "$admit"/go.* "$admit"/*.go ;;
    deploy_prometheus) command -v promtool || grep -h '^PRETTY_NAME' /etc/os-release ;;
    esac
}

make_python() { # make_python FOLDER REQUIREMENTS
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
}

make_node() { # make_node FOLDER SOURCE
    cp "$2"/package*.json "$1"
    npm --prefix "$1" ci --no-audit --no-fund --loglevel=error
}

# The same functions twice: with Google's framework, and with heeler's in its place.
make_functions_go() { # make_functions_go FOLDER
    export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
    go -C "$sources/functions_go" build -mod=readonly -o "$1/theirs" ./gcf
    go -C runtimes/go/build build -o "$1/heeler-go-build" .
    for function in Handle Many; do
        "$1/heeler-go-build" -modules runtimes/go -func "$function" -o "$1/$function" "$sources/functions_go/shapes"
    done
    "$1/heeler-go-build" -modules runtimes/go -o "$1/ours" "$sources/functions_go/gcf"
}

# One function four times: under net/http, under the framework, and under heeler's worker in place of both.
make_rivals_go() { # make_rivals_go FOLDER
    export GOTOOLCHAIN=local GOFLAGS=-buildvcs=false CGO_ENABLED=0
    go -C "$rivals/go" build -mod=readonly -trimpath '-ldflags=-s -w' -o "$1/net_http" ./plain
    go -C "$rivals/go" build -mod=readonly -trimpath '-ldflags=-s -w' -o "$1/framework" ./framework
    go -C runtimes/go/build build -o "$1/heeler-go-build" .
    "$1/heeler-go-build" -modules runtimes/go -o "$1/worker" "$rivals/go/function"
    "$1/heeler-go-build" -modules runtimes/go -o "$1/worker_framework" "$rivals/go/framework"
}

make_promtool() { # make_promtool FOLDER: one program, so that no server is installed and started for it
    mkdir -p "$1/bin"
    if command -v promtool; then
        ln -s "$(command -v promtool)" "$1/bin/promtool"
        return
    fi
    # A fresh machine has no lists of packages.
    apt-cache show prometheus >/dev/null 2>&1 || apt-get update -qq
    (cd "$1" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb unpacked)
    mv "$1/unpacked/usr/bin/promtool" "$1/bin/promtool"
    rm -rf "$1/unpacked" "$1"/prometheus_*.deb
}

make() { # make SET FOLDER
    case "$1" in
    python) make_python "$2" "$sources/python/requirements.txt" ;;
    events_python) make_python "$2" "$opinions/python/requirements.txt" ;;
    rivals) make_python "$2" "$rivals/requirements.txt" ;;
    node) make_node "$2" "$sources/node" ;;
    events_node) make_node "$2" "$opinions/node" ;;
    go) GOTOOLCHAIN=local GOFLAGS=-buildvcs=false go -C "$sources/go" build -mod=readonly -o "$2/" ./... ;;
    functions_go) make_functions_go "$2" ;;
    rivals_go) make_rivals_go "$2" ;;
    deploy_go) GOTOOLCHAIN=local go -C "$admit" build -mod=readonly -trimpath -buildvcs=false -ldflags=-s -o "$2/admit" . ;;
    deploy_prometheus) make_promtool "$2" ;;
    java)
        mvn --quiet --batch-mode --file "$sources/java/pom.xml" dependency:copy-dependencies -DoutputDirectory="$2/jars"
        javac -Xlint:all -d "$2/classes" -cp "$2/jars/*" "$sources"/java/*.java
        ;;
    functions_java)
        mvn --quiet --batch-mode --file "$functions/pom.xml" dependency:copy-dependencies -DoutputDirectory="$2/jars"
        # The models that OpenFaaS and Kubeless lend are the runtime's own sources.
        javac -Xlint:all --release 17 -d "$2/classes" -cp "$2/jars/*" -sourcepath runtimes/java/src/main/java "$functions"/*/*.java
        rm -r "$2/classes/com/openfaas/model" "$2/classes/io/kubeless/Event.class" "$2/classes/io/kubeless/Context.class"
        jar --create --file "$2/function.jar" -C "$2/classes" .
        ;;
    esac
}

# A function in a condition would not stop at its first error, so this one always stands alone.
install() ( # install SET: its output goes into a log
    set="$1" folder="$installed/$1" log="$installed/$1.log" began="$(date +%s)"
    rm -f "$folder.skipped"
    if ! has "$set" >"$log" 2>&1; then
        echo "$set servers need $(need "$set")" >"$folder.skipped"
        return
    fi
    stamp="$(from "$set" 2>&1 | cksum)"
    [ "$stamp" != "$(cat "$folder.stamp" 2>/dev/null)" ] || return 0
    rm -rf "$folder" "$folder.stamp"
    mkdir -p "$folder"
    make "$set" "$folder" >"$log" 2>&1
    echo "$stamp" >"$folder.stamp"
    echo "servers: $set installed in $(($(date +%s) - began)) s"
)

failed() { # failed SET: a registry that nobody can reach is a reason to skip, anything else is an error
    log="$installed/$1.log"
    if grep -qE "$unreachable" "$log"; then
        echo "$1 servers: their package registry cannot be reached" >"$installed/$1.skipped"
        return
    fi
    tail -n 40 "$log" >&2
    echo "servers: $1 could not be installed, all of it is in $log" >&2
    code=1
}

sets="${*:-python node go functions_go java functions_java events_python events_node deploy_go deploy_prometheus}"
for set in $sets; do
    install "$set" &
    eval "job_$set=$!"
done
code=0
for set in $sets; do
    eval "job=\$job_$set"
    # shellcheck disable=SC2154 # set by eval
    wait "$job" || failed "$set"
    if [ -e "$installed/$set.skipped" ]; then echo "servers: skipped, $(cat "$installed/$set.skipped")"; fi
done
exit "$code"
