# shellcheck shell=sh
# Sourced by the scripts that want containers: `engine_get FOLDER` finds an engine or starts one below FOLDER, `engine_end`
# takes down what was started. With neither, $engine_lacks says why.

# shellcheck disable=SC2034 # for the scripts that source this
engine_lacks=""
engine_folder=""
engine_pid=""

engine_answers() { timeout 30 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# An engine that answers is used as it is; its containers must be on this machine, since tests call them on its loopback.
engine_get() { # engine_get FOLDER
    case "${DOCKER_HOST:-unix://}" in
    unix://*) if engine_answers; then return 0; fi ;;
    *) engine_lacks="DOCKER_HOST names an engine on another machine" && return 1 ;;
    esac
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        engine_lacks="no container engine answers, and to start one takes root and Debian's packages"
        return 1
    fi
    if ! scripts/need.sh dockerd docker flock >"$1/need.log" 2>&1; then
        engine_lacks="no container engine answers, and the package docker.io cannot be installed"
        return 1
    fi
    # Held as long as anybody runs here, however that ends.
    exec 9>"$1/engine.lock"
    if ! flock -n 9; then
        engine_lacks="no container engine answers, and the one below $1 is in use by another run"
        return 1
    fi
    # The second one stores more and needs nothing of the file system below it.
    for driver in overlay2 vfs; do
        if engine_start "$1" "$driver"; then return 0; fi
        engine_end
    done
    engine_lacks="no container engine answers, and one does not start here: $(tail -n 1 "$1/dockerd.log")"
    return 1
}

# With nothing of the machine's own: no configuration file, no bridge, no rule of the firewall, no cgroup of others.
engine_start() { # engine_start FOLDER DRIVER
    mkdir -p "$1/engine"
    engine_sockets="$(cat "$1/engine/sockets" 2>/dev/null || true)"
    case "$engine_sockets" in /tmp/heeler-engine.??????) ;; *) engine_sockets="" ;; esac
    # shellcheck disable=SC3067 # dash and busybox know it
    if [ -O "$engine_sockets" ]; then
        # One that had no end. The next one on the same two folders ends its containers.
        engine_pid="$(cat "$engine_sockets/pid" 2>/dev/null || true)"
        engine_folder="$1/engine"
        engine_stop
        # Where nobody collects what has ended, a number in these would pass for a process that runs.
        rm -f "$engine_sockets/pid" "$engine_sockets/exec/containerd/containerd.pid"
    else
        # The kernel's limit for a socket's path is 108 bytes, and the folder may be deep.
        engine_sockets="$(mktemp -d /tmp/heeler-engine.XXXXXX)"
        echo "$engine_sockets" >"$1/engine/sockets"
        engine_folder="$1/engine"
    fi
    echo '{}' >"$engine_folder/daemon.json"
    dockerd --config-file "$engine_folder/daemon.json" --data-root "$engine_folder/data" --exec-root "$engine_sockets/exec" \
        --pidfile "$engine_sockets/pid" --host "unix://$engine_sockets/sock" --storage-driver "$2" --cgroup-parent heeler-images \
        --bridge none --iptables=false --ip6tables=false --ip-forward=false >"$1/dockerd.log" 2>&1 9>&- &
    engine_pid=$!
    DOCKER_HOST="unix://$engine_sockets/sock"
    export DOCKER_HOST
    tries=0
    until engine_answers; do
        tries=$((tries + 1))
        if [ "$tries" -gt 150 ] || ! kill -0 "$engine_pid" 2>/dev/null; then return 1; fi
        sleep 0.2
    done
}

engine_runs() { # whether $engine_pid is the engine, and no other process that has its number now
    tr '\0' ' ' 2>/dev/null <"/proc/$engine_pid/cmdline" | grep -qF "dockerd --config-file $engine_folder/"
}

# It need not be a child of this shell.
engine_stop() {
    tries=0
    while engine_runs && [ "$tries" -lt 400 ]; do
        case "$tries" in
        0) kill "$engine_pid" 2>/dev/null || true ;;
        300) kill -s KILL "$engine_pid" 2>/dev/null || true ;;
        esac
        tries=$((tries + 1))
        sleep 0.1
    done
}

engine_end() {
    [ -n "$engine_folder" ] || return 0
    engine_stop
    wait "$engine_pid" 2>/dev/null || true
    # Deepest first. What an engine that ended well leaves mounted is little, but it would keep the folder from being removed.
    awk -v a="$engine_folder/" -v b="$engine_sockets/" 'index($2, a) == 1 || index($2, b) == 1 { print $2 }' /proc/mounts |
        sort -r | while read -r mounted; do umount -l "$mounted" || true; done
    find /sys/fs/cgroup -depth -type d -path '*/heeler-images*' -exec rmdir {} + 2>/dev/null || true
    rm -rf "$engine_sockets"
    engine_folder=""
    unset DOCKER_HOST
}
