#!/usr/bin/env python3
"""The images in containers: their size, from a container's start to its first answer, what it takes at rest, and what its end
under load costs.

scripts/with-images.sh builds them and names them in HEELER_TEST_IMAGES. Loopback only. See README.md beside this file.
"""

import argparse
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from report import Report, spread
from servers import end_on_term, free_port
from turns import in_turn

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ROOT / "tests/images/functions"

# An image, what a user adds to it, and how many processes it is given.
KINDS = {
    "custom": ("ENV fprocess=cat", 32),
    "python": ("COPY function.py .", 32),
    "node": ("COPY function.js .", 32),
    "java": ("COPY function.jar .", 64),
    "go": ("COPY --from=build /home/app/function .", 32),
}
MEMORY = "64m"
# The script's word for this run's containers, which it removes in the end.
LABEL = os.environ.get("HEELER_TEST_LABEL", "heeler-test")
BOX = ["--network", "host", "--label", LABEL, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
       "--security-opt", "no-new-privileges"]
BODY = b"some bytes"
CALL = b"POST / HTTP/1.1\r\nHost: heeler.test\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CALLERS = 16
# Between two tries to connect.
PAUSE = 0.0005
PATIENCE = 60
# How long a caller may itself have been held up before an idle connection's end is no fault of heeler's.
STALLED = 0.2


def docker(*args, given=None):
    ran = subprocess.run(["docker", *args], input=given, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"docker {' '.join(args)}: {ran.stderr}")
    return ran.stdout.strip()


def build(name):
    """A user's image."""
    tag = f"heeler-test/measured-{name}:test"
    file = f"FROM heeler-test/heeler-{name}:test\n{KINDS[name][0]}\n"
    if name == "go":
        file = "FROM heeler-test/heeler-go-build:test AS build\nCOPY . .\nRUN heeler-go-build\n" + file
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FUNCTIONS / name, folder, dirs_exist_ok=True)
        if name == "java":
            # Compiled against what the runtime's own jar offers to functions, for the oldest Java that it takes.
            subprocess.run(["javac", "--release", "17", "-d", f"{folder}/classes", "-cp", ROOT / "target/runtimes/java/heeler.jar",
                            f"{folder}/Echo.java"], check=True)
            subprocess.run(["jar", "--create", "--file", f"{folder}/function.jar", "-C", f"{folder}/classes", "."], check=True)
        docker("build", "--quiet", "--network", "none", "--tag", tag, "--file", "-", folder, given=file)
    return tag


def megabytes(image):
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


def size(name):
    """In all, and over what it stands on."""
    total = megabytes(f"heeler-test/heeler-{name}:test")
    # Go's stands on nothing.
    return total, total if name == "go" else total - megabytes(f"heeler-test/base-{name}:latest")


def answer(conn):
    """The status of one whole answer on a connection, and whether it is the connection's last; None if none came."""
    got = b""
    while b"\r\n\r\n" not in got:
        more = conn.recv(65536)
        if not more:
            return None
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        more = conn.recv(65536)
        if not more:
            return None
        body += more
    return int(lines[0].split()[1]), b"connection: close" in lines


class Container:
    def __init__(self, image, processes, *more):
        self.port = free_port()
        settings = ["--env", f"port={self.port}", "--env", "metrics_port=0"]
        self.id = docker("create", *BOX, "--memory", MEMORY, "--memory-swap", MEMORY, "--pids-limit",
                         str(processes), *settings, *more, image)

    def start(self):
        """Seconds from the engine being told to the end of the first 200."""
        began = time.monotonic()
        docker("start", self.id)
        while time.monotonic() < began + PATIENCE:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as conn:
                    conn.sendall(CALL)
                    if (answer(conn) or [0])[0] == 200:
                        return time.monotonic() - began
            except OSError:
                pass
            time.sleep(PAUSE)
        raise SystemExit(f"no 200 from {docker('logs', self.id)}")

    def pid(self):
        return docker("inspect", "--format", "{{.State.Pid}}", self.id)

    def resident(self):
        """Of heeler itself, in MB."""
        status = Path(f"/proc/{self.pid()}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024

    def memory(self):
        """What its cgroup holds and cannot give back at once, in MB: what kubelet calls the working set."""
        for line in Path(f"/proc/{self.pid()}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == "memory":
                folder, used, inactive = Path(f"/sys/fs/cgroup/memory{path}"), "memory.usage_in_bytes", "total_inactive_file"
            elif controllers == "":
                folder, used, inactive = Path(f"/sys/fs/cgroup{path}"), "memory.current", "inactive_file"
            else:
                continue
            if (folder / used).exists():
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                return (int((folder / used).read_text()) - int(stat[inactive])) / 2**20
        raise SystemExit("this machine's cgroups cannot be read")

    def stop(self):
        """Seconds, and the exit code."""
        began = time.monotonic()
        docker("stop", "--time", "60", self.id)
        return time.monotonic() - began, docker("inspect", "--format", "{{.State.ExitCode}}", self.id)

    def remove(self):
        docker("rm", "--force", self.id)


class Load:
    """Callers that go on until nobody answers any more. A call is failed if it was written on a connection that had been
    served before and was not said to end, and no whole 200 came."""

    def __init__(self, port):
        self.port, self.served, self.failed, self.over = port, 0, 0, False
        self.threads = [threading.Thread(target=self.run) for _ in range(CALLERS)]
        for thread in self.threads:
            thread.start()

    def run(self):
        while True:
            try:
                conn = socket.create_connection(("127.0.0.1", self.port), 5)
            except OSError:
                if self.over:
                    return
                continue
            with conn:
                if not self.on(conn) and self.over:
                    return

    def on(self, conn):
        """Calls on one connection; how many were served."""
        served, free_since = 0, time.monotonic()
        while True:
            stalled = time.monotonic() - free_since > STALLED
            try:
                conn.sendall(CALL)
                got = answer(conn)
            except OSError:
                got = None
            if got is None:
                self.failed += bool(served and not stalled)
                return served
            self.failed += got[0] != 200
            self.served += 1
            served, free_since = served + 1, time.monotonic()
            if got[1]:
                return served


def measure(name, image):
    """One round."""
    processes = KINDS[name][1]
    round = {}
    for key, limits in [("start_s", []), ("start_half_s", ["--cpus", "0.5"])]:
        container = Container(image, processes, *limits)
        try:
            round[key] = container.start()
            if key == "start_s":
                time.sleep(1)
                round["memory_mb"], round["resident_mb"] = container.memory(), container.resident()
        finally:
            container.remove()
    container = Container(image, processes)
    try:
        container.start()
        load = Load(container.port)
        try:
            time.sleep(1)
        finally:
            # They go on until then, whatever happens here.
            load.over = True
        round["stop_s"], round["code"] = container.stop()
        for thread in load.threads:
            thread.join()
        round["served"], round["failed"] = load.served, load.failed
    finally:
        container.remove()
    return round


def table(sizes, rounds, report):
    report.head("image", "MB", "over its base, MB", "start to first 200, s", "on half a CPU, s", "at rest, MB", "heeler's RSS, MB",
                "stop under load, s", "exit codes", "calls", "failed")
    for name, (total, over) in sizes.items():
        of = {key: [round[key] for round in rounds[name]] for key in rounds[name][0]}
        codes = ", ".join(sorted(set(of["code"])))
        report.row(f"heeler-{name}", f"{total:.1f}", f"{over:.1f}", spread(of["start_s"]), spread(of["start_half_s"]),
                   spread(of["memory_mb"], 1), spread(of["resident_mb"], 1), spread(of["stop_s"]), codes, sum(of["served"]),
                   sum(of["failed"]))


def main():
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--runs", type=int, default=5, help="containers of each (5)")
    parse.add_argument("--json", type=Path, help="every round's figures go here too")
    options = parse.parse_args()
    end_on_term()
    built = os.environ.get("HEELER_TEST_IMAGES", "").split()
    if not built:
        raise SystemExit("HEELER_TEST_IMAGES names no images: scripts/with-images.sh builds them")
    report = Report()
    report.machine(f"{options.runs} containers of each")
    report.line("figures: median (smallest–greatest)")
    here = [name for name in KINDS if name in built]
    images = {name: build(name) for name in here}
    sizes = {name: size(name) for name in here}
    rounds = {name: [] for name in here}
    try:
        for name, image in images.items():
            bring_in(name, image)
        for turn in range(options.runs):
            for name in in_turn(here, turn):
                rounds[name].append(measure(name, images[name]))
        report.line(f"heeler alone: {megabytes('heeler-test/heeler:test'):.1f} MB")
        table(sizes, rounds, report)
        floor = [empty(images[here[0]]) for _ in range(options.runs)]
        report.line(f"\na container that does nothing, from its start to its end: {spread(floor)} s")
    finally:
        report.raw += [{"image": name, "megabytes": sizes[name][0], "over_base": sizes[name][1], "rounds": rounds[name]}
                       for name in here if rounds[name]]
        report.keep(options.json)


def bring_in(name, image):
    """An image's files into memory."""
    container = Container(image, KINDS[name][1])
    try:
        container.start()
    finally:
        container.remove()


def empty(image):
    """Seconds that the engine itself takes: it starts a container whose process only says heeler's version."""
    id = docker("create", *BOX, image, "--version")
    began = time.monotonic()
    docker("start", "--attach", id)
    took = time.monotonic() - began
    docker("rm", "--force", id)
    return took


if __name__ == "__main__":
    main()
