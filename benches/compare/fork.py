#!/usr/bin/env python3
"""A process per call, measured beside of-watchdog, classic-watchdog and a bare posix_spawn loop.

Servers take turns within each round, so that a noisy machine is noisy for all of them; what is reported is the
median of the rounds' ratios with the smallest and the greatest. Loopback only. See README.md beside this file.
"""

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port, path="/", timeout=5.0):
    """The status of one fresh call, None while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Server:
    """One watchdog process, from its start to its end."""

    def __init__(self, binary, mode, program, logs):
        self.port = free_port()
        # Lower-case names only: that is what all three understand.
        env = {"PATH": os.environ["PATH"], "TMPDIR": logs, "port": str(self.port), "fprocess": program}
        if mode:
            env["mode"] = mode
        null = os.open(os.devnull, os.O_RDWR)
        self.log = Path(logs, "server.log")
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.began = time.monotonic()
        self.pid = os.posix_spawn(
            binary,
            [binary],
            env,
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
        )
        os.close(null)
        os.close(log)

    def until_first_200(self, path="/"):
        """Seconds from the start to the end of the first 200."""
        while time.monotonic() - self.began < 10:
            if answers(self.port, path) == 200:
                return time.monotonic() - self.began
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                self.pid = 0
                break
            time.sleep(0.0002)
        sys.exit(f"no 200 from the server; its log:\n{self.log.read_text(errors='replace')[-2000:]}")

    def cpu_seconds(self):
        """User and system time of the watchdog itself, its children left out."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident_kb(self):
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())[1])

    def end(self):
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)


def load(port, connections, seconds):
    """One run of wrk: calls answered, calls per second, and what went wrong."""
    run = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(HERE / "post.lua"),
         f"http://127.0.0.1:{port}/"],
        capture_output=True, text=True, timeout=seconds + 60, check=True,
    )
    calls = int(re.search(r"(\d+) requests in", run.stdout)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", run.stdout)[1])
    errors = re.findall(r"(?:Socket errors|Non-2xx)[^\n]*", run.stdout)
    return calls, rate, "; ".join(errors)


def measure(binary, mode, program, connections, seconds, logs):
    server = Server(binary, mode, program, logs)
    try:
        server.until_first_200()
        load(server.port, connections, 1)  # what is met for the first time is not what is measured
        before = server.cpu_seconds()
        calls, rate, errors = load(server.port, connections, seconds)
        return {"rate": rate, "cpu_us": (server.cpu_seconds() - before) / max(calls, 1) * 1e6, "errors": errors}
    finally:
        server.end()


def floor(loop, program, seconds):
    """Calls per second of the bare loop."""
    run = subprocess.run([loop, str(seconds), program], capture_output=True, text=True, check=True)
    calls, took = run.stdout.split()
    return {"rate": int(calls) / float(took), "cpu_us": None, "errors": ""}


def spread(values, digits=2):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratios(mine, theirs):
    return [a / b for a, b in zip(mine, theirs) if b]


class Report:
    def __init__(self):
        self.raw = []

    def line(self, text=""):
        print(text, flush=True)

    def row(self, *cells):
        self.line("| " + " | ".join(str(cell) for cell in cells) + " |")

    def head(self, *cells):
        self.line()
        self.row(*cells)
        self.row(*("---" for _ in cells))


def throughput(servers, programs, options, report):
    """Rate and own CPU per call, every mode × program × number of connections."""
    report.head("mode", "program", "connections", "who", "calls/s", "heeler ÷ it, calls/s", "own CPU µs/call",
                "heeler ÷ it, CPU", "errors")
    for mode in options.modes:
        here = servers_of(mode, servers)
        for name, program in programs.items():
            for connections in options.connections:
                runs = {who: [] for who, _, _ in here}
                if connections == 1 and options.loop:
                    runs["posix_spawn loop"] = []
                for turn in range(options.rounds):
                    # Who goes first changes: the machine may get slower while a round lasts.
                    for who, binary, its_mode in here if turn % 2 == 0 else here[::-1]:
                        runs[who].append(measure(binary, its_mode, program, connections, options.seconds, options.logs))
                    if "posix_spawn loop" in runs:
                        runs["posix_spawn loop"].append(floor(options.loop, program, options.seconds))
                rows(mode, name, connections, runs, report)


def rows(mode, program, connections, runs, report):
    mine = runs.get("heeler")
    for who, results in runs.items():
        report.raw.append({"mode": mode, "program": program, "connections": connections, "who": who, "rounds": results})
        column = lambda key, of: [result[key] for result in of]
        compared = mine and who != "heeler"
        cpu = results[0]["cpu_us"] is not None
        report.row(
            mode, program, connections, who, spread(column("rate", results), 0),
            spread(ratios(column("rate", mine), column("rate", results))) if compared else "",
            spread(column("cpu_us", results), 0) if cpu else "",
            spread(ratios(column("cpu_us", mine), column("cpu_us", results))) if compared and cpu else "",
            " ".join(sorted({result["errors"] for result in results if result["errors"]})),
        )


def start_and_rest(servers, options, report):
    """Process start to the first 200 of the function and of the health path, and resident memory at rest."""
    report.head("what", "who", "measured", "heeler ÷ it")
    mode = "streaming" if "of-watchdog" in servers else "classic"
    here = servers_of(mode, servers)
    for what, path in (("start to first 200, function, ms", "/"), ("start to first 200, health, ms", "/_/health")):
        took = {who: [] for who, _, _ in here}
        for _ in range(options.starts):
            for who, binary, its_mode in here:
                server = Server(binary, its_mode, "cat", options.logs)
                try:
                    took[who].append(server.until_first_200(path) * 1000)
                finally:
                    server.end()
        compare(what, took, report)
    rest = {who: [] for who, _, _ in here}
    for _ in range(3):
        for who, binary, its_mode in here:
            server = Server(binary, its_mode, "cat", options.logs)
            try:
                server.until_first_200("/_/health")
                time.sleep(0.5)
                rest[who].append(server.resident_kb())
            finally:
                server.end()
    compare("resident at rest, kB", rest, report)
    for who, binary, _ in here:
        report.row("size of the binary, bytes", who, os.path.getsize(binary), "")


def compare(what, values, report):
    report.raw.append({"what": what, "values": values})
    for who, measured in values.items():
        mine = values.get("heeler") if who != "heeler" else None
        report.row(what, who, spread(measured, 1), spread(ratios(mine, measured)) if mine else "")


def servers_of(mode, servers):
    """(name, binary, value of `mode`) of everybody who has this mode; heeler first."""
    peer = "classic-watchdog" if mode == "classic" else "of-watchdog"
    here = [("heeler", servers["heeler"], mode)] if "heeler" in servers else []
    if peer in servers:
        here.append((peer, servers[peer], None if mode == "classic" else mode))
    return here


def compile_c(name, report, *flags):
    """The helper as a static program below target/bench, None without a compiler that can."""
    out = HERE.parents[1] / "target" / "bench" / name
    out.parent.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(["cc", "-O2", "-static", *flags, "-o", str(out), str(HERE / f"{name}.c")],
                         capture_output=True, text=True)
    if run.returncode:
        report.line(f"left out: {name}.c does not compile here: {run.stderr.strip().splitlines()[-1:]}")
        return None
    return str(out)


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parse.add_argument("--seconds", type=int, default=3, help="of load per server and cell (3)")
    parse.add_argument("--rounds", type=int, default=5, help="per cell (5)")
    parse.add_argument("--starts", type=int, default=20, help="starts per server (20)")
    parse.add_argument("--connections", default="1,16,64", help="comma-separated (1,16,64)")
    parse.add_argument("--modes", default="streaming,serializing,classic", help="comma-separated")
    parse.add_argument("--programs", default="cat,true", help="comma-separated, of cat and true")
    parse.add_argument("--json", type=Path, help="every round's figures go here too")
    options = parse.parse_args(argv)
    options.connections = [int(number) for number in options.connections.split(",")]
    options.modes = options.modes.split(",")
    return options


def main():
    options = options_from(sys.argv[1:])
    report = Report()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: install it with the package manager")

    servers = {}
    for name, variable in (("heeler", "HEELER"), ("of-watchdog", "OF_WATCHDOG"), ("classic-watchdog", "CLASSIC_WATCHDOG")):
        path = os.environ.get(variable, "")
        if path and os.access(path, os.X_OK):
            servers[name] = os.path.abspath(path)
        else:
            report.line(f"left out: {name}, {variable} does not name a program")
    if not servers:
        sys.exit("nothing to measure")

    options.loop = compile_c("spawn_floor", report)
    programs = {"cat": shutil.which("cat"), "true": compile_c("true", report)}
    programs = {name: path for name, path in programs.items() if path and name in options.programs.split(",")}
    options.logs = str(HERE.parents[1] / "target" / "bench")

    cells = sum(len(servers_of(mode, servers)) for mode in options.modes) * len(programs) * len(options.connections)
    loops = len(options.modes) * len(programs) if options.loop and 1 in options.connections else 0
    minutes = options.rounds * (cells * (options.seconds + 1.2) + loops * options.seconds) / 60
    report.line(f"{os.cpu_count()} CPUs, Linux {platform.release()}, load before {os.getloadavg()[0]:.1f}; 100 B bodies, "
                f"{options.rounds} rounds of {options.seconds} s; about {minutes:.0f} minutes")
    report.line("figures: median (smallest–greatest) of the rounds")
    try:
        throughput(servers, programs, options, report)
        start_and_rest(servers, options, report)
    finally:
        if options.json:
            options.json.write_text(json.dumps(report.raw, indent=1) + "\n")
            report.line(f"\nraw figures: {options.json}")


if __name__ == "__main__":
    main()
