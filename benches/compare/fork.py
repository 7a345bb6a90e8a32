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
from functools import partial

from load import load, need_wrk
from options import add_common, add_lengths, listed, one_of
from report import Report, against, column, errors, spread
from servers import BUILT, METRICS, Server, Unusable, compile_c, end_on_term, free_port, named_by, pinned, until_free
from turns import take_turns

LOOP = "posix_spawn loop"
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
        run = subprocess.run([options.loop, str(options.seconds), program], capture_output=True, text=True)
    if run.returncode:
        raise Unusable(f"{program} in a loop: {run.stderr.strip()[-200:]}")
    calls, took = run.stdout.split()
    return {"rate": int(calls) / float(took), "cpu_us": None, "errors": ""}


def throughput(servers, programs, options, report):
    """Rate and own CPU per call, every mode × program × number of connections."""
    report.head("mode", "program", "connections", "who", "calls/s", "heeler ÷ it, calls/s", "own CPU µs/call",
                "heeler ÷ it, CPU", "errors")
    for mode in options.modes:
        for name, program in programs.items():
            for connections in options.connections:
                cell(mode, name, program, connections, servers_of(mode, servers), options, report)


def cell(mode, name, program, connections, here, options, report):
    """Everybody's results, and the loop's, which has one call at a time."""
    kinds = {who: partial(measure, binary, its_mode, program, connections, options) for who, binary, its_mode in here}
    if connections == 1 and options.loop:
        kinds[LOOP] = partial(floor, program, options)
    runs = {who: [] for who in kinds}
    try:
        take_turns(runs, options.rounds, lambda who: kinds[who](), report)
    finally:
        rows(mode, name, connections, runs, report)


def rows(mode, program, connections, runs, report):
    mine = runs.get("heeler")
    for who, results in runs.items():
        if not results:
            continue
        report.raw.append({"mode": mode, "program": program, "connections": connections, "who": who, "rounds": results})
        compared = mine and who != "heeler"
        cpu = who != LOOP
        report.row(
            mode, program, connections, who, spread(column(results, "rate"), 0),
            against(column(mine, "rate"), column(results, "rate")) if compared else "",
            spread(column(results, "cpu_us"), 0) if cpu else "",
            against(column(mine, "cpu_us"), column(results, "cpu_us")) if compared and cpu else "",
            errors(results),
        )


def start_and_rest(servers, options, report):
    """Process start to the first 200 of the function and of the health path, and resident memory at rest."""
    report.head("what", "who", "measured", "heeler ÷ it")
    mode = "streaming" if "of-watchdog" in servers else "classic"
    here = servers_of(mode, servers)
    binaries = {who: (binary, its_mode) for who, binary, its_mode in here}
    started = lambda who: start(*binaries[who], "cat")
    kinds = [("start to first 200, function, ms", options.starts, lambda who: first_200(started(who), "/")),
             ("start to first 200, health, ms", options.starts, lambda who: first_200(started(who), "/_/health")),
             ("resident at rest, kB", 3, lambda who: at_rest(started(who)))]
    for what, rounds, measured in kinds:
        compare(what, take_turns({who: [] for who in binaries}, rounds, measured, report), report)
    compare("size of the binary, bytes", {who: [os.path.getsize(binary)] for who, (binary, _) in binaries.items()}, report)


def first_200(server, path):
    try:
        return server.until_first_200(path) * 1000
    finally:
        server.end()


def at_rest(server):
    try:
        server.until_first_200("/_/health")
        time.sleep(0.5)
        return server.resident_kb()
    finally:
        server.end()


def compare(what, values, report):
    report.raw.append({"what": what, "values": values})
    for who, measured in values.items():
        mine = values.get("heeler") if who != "heeler" else None
        report.row(what, who, spread(measured, 1), against(mine, measured))


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
