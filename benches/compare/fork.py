#!/usr/bin/env python3
"""A process per call, measured beside of-watchdog, classic-watchdog and a bare posix_spawn loop.

Servers take turns within each round, so that a noisy machine is noisy for all of them; what is reported is the
median of the rounds' ratios with the smallest and the greatest. Loopback only. See README.md beside this file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time

from load import load, need_wrk
from options import add_common, add_lengths, listed, one_of
from report import Report, ratios, spread
from servers import BUILT, METRICS, Server, Unusable, compile_c, end_on_term, free_port, named_by, pinned, until_free

MODES = ["streaming", "serializing", "classic"]
PROGRAMS = ["cat", "true"]


def start(binary, mode, program):
    """One watchdog with this program behind it."""
    until_free(METRICS)
    port = free_port()
    # Lower-case names only: that is what all three understand.
    env = {"port": str(port), "fprocess": program} | ({"mode": mode} if mode else {})
    return Server([binary], env, port, BUILT / "server.log")


def under_load(start, connections, options):
    """What wrk says of a fresh server, and that server's own processor time per call in microseconds."""
    with pinned(options.server_cpus):
        server = start()
    try:
        server.until_first_200()
        with pinned(options.load_cpus):
            load(server.port, connections, 1)  # what is met for the first time is not what is measured
            before = sum(server.cpu())
            result = load(server.port, connections, options.seconds)
        return result, (sum(server.cpu()) - before) / max(result["calls"], 1) * 1e6
    finally:
        server.end()


def measure(binary, mode, program, connections, options):
    result, own = under_load(lambda: start(binary, mode, program), connections, options)
    return result | {"cpu_us": own}


def floor(program, options):
    """Calls per second of the bare loop."""
    with pinned(options.server_cpus):
        run = subprocess.run([options.loop, str(options.seconds), program], capture_output=True, text=True, check=True)
    calls, took = run.stdout.split()
    return {"rate": int(calls) / float(took), "cpu_us": None, "errors": ""}


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
                        if who in runs:
                            visit(runs, who, lambda: measure(binary, its_mode, program, connections, options), report)
                    if "posix_spawn loop" in runs:
                        runs["posix_spawn loop"].append(floor(program, options))
                rows(mode, name, connections, runs, report)


def visit(runs, who, measured, report):
    """One result more. A rival that does not start has none at all here; heeler has to."""
    try:
        result = measured()
        runs[who].append(result)
    except Unusable as why:
        if who == "heeler":
            raise
        del runs[who]
        report.line(f"left out: {who}, {' '.join(str(why).split())[-200:]}")


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
                server = start(binary, its_mode, "cat")
                try:
                    took[who].append(server.until_first_200(path) * 1000)
                finally:
                    server.end()
        compare(what, took, report)
    rest = {who: [] for who, _, _ in here}
    for _ in range(3):
        for who, binary, its_mode in here:
            server = start(binary, its_mode, "cat")
            try:
                server.until_first_200("/_/health")
                time.sleep(0.5)
                rest[who].append(server.resident_kb())
            finally:
                server.end()
    compare("resident at rest, kB", rest, report)
    compare("size of the binary, bytes", {who: [os.path.getsize(binary)] for who, binary, _ in here}, report)


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


def options_from(argv):
    parse = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_lengths(parse, 3, 5)
    parse.add_argument("--starts", type=int, default=20, help="starts per server (20)")
    parse.add_argument("--connections", type=listed(int), default="1,16,64", help="comma-separated (1,16,64)")
    parse.add_argument("--modes", type=one_of(MODES, "modes"), default=",".join(MODES), help="comma-separated")
    parse.add_argument("--programs", type=one_of(PROGRAMS, "programs"), default=",".join(PROGRAMS), help="comma-separated")
    add_common(parse)
    return parse.parse_args(argv)


def main():
    options = options_from(sys.argv[1:])
    end_on_term()
    report = Report()
    need_wrk()
    servers = named_by(
        {"heeler": "HEELER", "of-watchdog": "OF_WATCHDOG", "classic-watchdog": "CLASSIC_WATCHDOG"}, report)
    if not servers:
        sys.exit("nothing to measure")

    options.loop = compile_c("spawn_floor", report)
    programs = {"cat": shutil.which("cat"), "true": compile_c("true", report)}
    programs = {name: path for name, path in programs.items() if path and name in options.programs}

    cells = sum(len(servers_of(mode, servers)) for mode in options.modes) * len(programs) * len(options.connections)
    loops = len(options.modes) * len(programs) if options.loop and 1 in options.connections else 0
    minutes = options.rounds * (cells * (options.seconds + 1.2) + loops * options.seconds) / 60
    report.settings(options, minutes)
    try:
        start_and_rest(servers, options, report)
        throughput(servers, programs, options, report)
    finally:
        report.keep(options.json)


if __name__ == "__main__":
    main()
